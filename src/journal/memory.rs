//! `memory:`: a journal that ends with its process. For tests, and for the sandbox.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use compact_str::CompactString;
use foldhash::fast::RandomState;

use super::side::{SideMark, SideOf, SideValue};
use super::store::{Due, Filter, JournalError, Store};
use super::unit::{State, Unit};

/// How many units are kept; those that have been over for longest go first.
const UNITS_MAX: usize = 10_000;

/// Units in memory. The lock is held for a few look-ups at a time, never across a wait.
#[derive(Default)]
pub struct Memory(Mutex<Kept>);

/// A merchant, and something of that merchant's.
type Named = (CompactString, CompactString);

struct Kept {
    /// Those that are not over: a few of many.
    open: HashMap<CompactString, Unit, RandomState>,
    /// Those that are, as they came to their end. They lie one behind the other, for what is old is in no cache of the
    /// processor: what is taken out is then where it expects it, and what is put here comes where that was.
    over: VecDeque<Unit>,
    /// Whose a key is, by merchant and hash.
    keys: HashMap<Named, CompactString, RandomState>,
    /// What an id names, by merchant and id.
    kinds: HashMap<Named, CompactString, RandomState>,
    /// Values by merchant, place and reference.
    side: BTreeMap<(String, String, String), SideValue>,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept {
            open: HashMap::default(),
            // Room for all of them, and for no more: memory is not used before it is written.
            over: VecDeque::with_capacity(UNITS_MAX),
            keys: HashMap::default(),
            kinds: HashMap::default(),
            side: BTreeMap::new(),
        }
    }
}

impl Kept {
    /// A unit by its id. One that is over is looked for, the latest first: that is asked for seldom.
    fn unit(&self, id: &str) -> Option<&Unit> {
        let over = || self.over.iter().rev().find(|unit| unit.id == id);
        self.open.get(id).or_else(over)
    }

    fn units(&self) -> impl Iterator<Item = &Unit> {
        self.over.iter().chain(self.open.values())
    }

    /// Keeps a unit that is not there.
    fn put(&mut self, unit: &Unit) {
        for made in &unit.made {
            let id = (unit.merchant.clone(), made.id.clone());
            self.kinds.insert(id, made.kind.clone());
        }
        match unit.state.is_final() {
            true => self.over.push_back(unit.kept()),
            false => drop(self.open.insert(unit.id.clone(), unit.kept())),
        }
    }

    /// Puts a unit's latest version in the place of the one before.
    fn replace(&mut self, unit: &Unit) {
        let before = self.open.remove(&unit.id).or_else(|| {
            let at = self.over.iter().rposition(|known| known.id == unit.id)?;
            self.over.remove(at)
        });
        let key = before.and_then(|before| before.key);
        if let Some(key) = key.filter(|_| unit.key.is_none()) {
            self.release(&unit.merchant, key.hash, &unit.id);
        }
        self.put(unit);
    }

    /// A key is no longer this unit's; a later one may have it already.
    fn release(&mut self, merchant: &CompactString, hash: String, id: &str) {
        let key = (merchant.clone(), hash.into());
        if self.keys.get(&key).is_some_and(|holder| holder == id) {
            self.keys.remove(&key);
        }
    }

    /// Lets go of what a unit that is forgotten was found by.
    fn forgotten(&mut self, unit: Unit) {
        if let Some(key) = unit.key {
            self.release(&unit.merchant, key.hash, &unit.id);
        }
        for made in unit.made {
            self.kinds.remove(&(unit.merchant.clone(), made.id));
        }
    }

    fn make_room(&mut self) {
        while self.open.len() + self.over.len() >= UNITS_MAX
            && let Some(oldest) = self.over.pop_front()
        {
            self.forgotten(oldest);
        }
    }

    /// The units, the first that was begun first.
    fn sorted(&self) -> Vec<&Unit> {
        let mut units: Vec<&Unit> = self.units().collect();
        units.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        units
    }
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing that can panic happens under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Memory {
    async fn begin(&self, unit: &Unit, since: i64) -> Result<Option<Box<Unit>>, JournalError> {
        let mut kept = self.kept();
        if let Some(key) = &unit.key {
            let key = (unit.merchant.clone(), key.hash.as_str().into());
            let holder = kept.keys.get(&key).and_then(|id| kept.unit(id));
            if let Some(holder) = holder.filter(|holder| holder.begun >= since) {
                return Ok(Some(Box::new(holder.clone())));
            }
            kept.keys.insert(key, unit.id.clone());
        }
        kept.make_room();
        kept.put(unit);
        Ok(None)
    }

    async fn update(&self, unit: &Unit) -> Result<bool, JournalError> {
        let mut kept = self.kept();
        let known = kept.unit(&unit.id).map(|known| known.version);
        let latest = known == Some(unit.version - 1);
        if latest {
            kept.replace(unit);
        }
        Ok(latest)
    }

    async fn unit(&self, id: &str) -> Result<Option<Unit>, JournalError> {
        Ok(self.kept().unit(id).cloned())
    }

    async fn kind(&self, merchant: &str, id: &str) -> Result<Option<String>, JournalError> {
        let id = (merchant.into(), id.into());
        Ok(self.kept().kinds.get(&id).map(CompactString::to_string))
    }

    async fn maker(&self, merchant: &str, id: &str) -> Result<Option<Unit>, JournalError> {
        let kept = self.kept();
        let own = kept.units().filter(|unit| unit.merchant == merchant);
        let makers = own.filter(|unit| unit.has_made(id));
        Ok(makers.min_by_key(|unit| &unit.id).cloned())
    }

    async fn due(&self, due: &Due<'_>) -> Result<Vec<Unit>, JournalError> {
        let kept = self.kept();
        let waits = |unit: &&Unit| matches!(unit.state, State::Open | State::Unknown);
        let pending = kept.open.values().filter(waits);
        let is_due = |unit: &&Unit| match unit.state {
            State::Open => unit.owner != due.owner || unit.begun < due.stale,
            _ => match unit.due {
                Some(at) => at <= due.now,
                None => unit.owner != due.owner,
            },
        };
        let mut units: Vec<&Unit> = pending.filter(is_due).collect();
        units.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Ok(units.into_iter().take(due.limit).cloned().collect())
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Unit>, JournalError> {
        let kept = self.kept();
        let after = |unit: &&Unit| {
            filter
                .after
                .as_ref()
                .is_none_or(|after| unit.id.as_str() > after.as_str())
        };
        let fits = |unit: &&Unit| filter.states.is_empty() || filter.states.contains(&unit.state);
        let units = kept.sorted().into_iter().filter(after).filter(fits);
        Ok(units.take(filter.limit).cloned().collect())
    }

    async fn alive(&self, _owner: &str, _until: i64) -> Result<(), JournalError> {
        Ok(())
    }

    async fn forget(&self, before: i64) -> Result<u64, JournalError> {
        let mut kept = self.kept();
        let mut count = 0;
        // Once around: each is taken out, and put back if it stays.
        for _ in 0..kept.over.len() {
            let Some(unit) = kept.over.pop_front() else {
                break;
            };
            if unit.begun < before {
                kept.forgotten(unit);
                count += 1;
            } else {
                kept.over.push_back(unit);
            }
        }
        Ok(count)
    }

    async fn side_keep(&self, values: &[SideValue]) -> Result<(), JournalError> {
        let mut kept = self.kept();
        for value in values.iter().cloned() {
            let (merchant, place) = (value.merchant.clone(), value.place.clone());
            let key = (merchant, place, value.reference.clone());
            kept.side.insert(key, value);
        }
        Ok(())
    }

    async fn side_mark(&self, of: SideOf<'_>, mark: SideMark) -> Result<(), JournalError> {
        let side = &mut self.kept().side;
        match mark.due() {
            Some(due) => {
                let marked = side.values_mut().filter(|value| of.has(value));
                marked.for_each(|value| value.due = due);
            }
            None => side.retain(|_, value| !of.has(value)),
        }
        Ok(())
    }

    async fn side_values(&self, of: SideOf<'_>) -> Result<Vec<SideValue>, JournalError> {
        let kept = self.kept();
        let values = kept.side.values().filter(|value| of.has(value));
        Ok(values.cloned().collect())
    }

    async fn side_due(&self, now: i64, limit: usize) -> Result<Vec<SideValue>, JournalError> {
        let kept = self.kept();
        let due = |value: &&SideValue| value.due.is_some_and(|due| due <= now);
        Ok(kept
            .side
            .values()
            .filter(due)
            .take(limit)
            .cloned()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Key, KeyOf};

    fn unit(number: usize, state: State) -> Unit {
        Unit {
            id: format!("{number:022}").into(),
            merchant: "m".into(),
            key: Some(Key {
                of: KeyOf::Id,
                hash: format!("{number}"),
            }),
            state,
            ..Unit::default()
        }
    }

    #[tokio::test]
    async fn those_that_have_been_over_for_longest_make_room() {
        let memory = Memory::default();
        // The first one takes its time.
        let mut first = unit(0, State::Open);
        memory.begin(&first, 0).await.unwrap();
        for number in 1..UNITS_MAX {
            let known = memory.begin(&unit(number, State::Finished), 0).await;
            assert_eq!(known.unwrap(), None);
        }
        (first.state, first.version) = (State::Finished, first.version + 1);
        assert!(memory.update(&first).await.unwrap());
        let more = UNITS_MAX..UNITS_MAX + 3;
        for number in more.clone() {
            memory
                .begin(&unit(number, State::Finished), 0)
                .await
                .unwrap();
        }
        for number in 0..more.end {
            let known = memory.unit(&unit(number, State::Open).id).await.unwrap();
            assert_eq!(known.is_none(), (1..4).contains(&number), "{number}");
        }
        // Who is gone let go of its key, and who is there holds it.
        let again = |number: usize| Unit {
            id: "again".into(),
            ..unit(number, State::Finished)
        };
        assert!(memory.begin(&again(0), 0).await.unwrap().is_some());
        assert!(memory.begin(&again(2), 0).await.unwrap().is_none());
        let kept = memory.kept();
        assert_eq!((kept.open.len(), kept.over.len()), (0, UNITS_MAX));
        assert_eq!(kept.keys.len(), UNITS_MAX, "who is gone left no key");
    }
}
