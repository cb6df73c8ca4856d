//! `memory:`: a journal that ends with its process. For tests, and for the sandbox.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
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

#[derive(Default)]
struct Kept {
    units: HashMap<CompactString, Box<Unit>, RandomState>,
    /// The ids of those that are over, as they came to their end.
    over: VecDeque<CompactString>,
    /// Whose a key is, by merchant and hash.
    keys: HashMap<Named, CompactString, RandomState>,
    /// What an id names, by merchant and id.
    kinds: HashMap<Named, CompactString, RandomState>,
    /// Those that are not over, and those that are due: a few of many.
    pending: BTreeSet<CompactString>,
    /// Values by merchant, place and reference.
    side: BTreeMap<(String, String, String), SideValue>,
}

impl Kept {
    fn put(&mut self, unit: &Unit) {
        let old = match self.units.get_mut(&unit.id) {
            Some(known) => Some(std::mem::replace(&mut **known, unit.kept())),
            None => {
                self.units.insert(unit.id.clone(), Box::new(unit.kept()));
                None
            }
        };
        if unit.state.is_final() && old.as_ref().is_none_or(|old| !old.state.is_final()) {
            self.over.push_back(unit.id.clone());
        }
        if let Some(key) = old.and_then(|old| old.key).filter(|_| unit.key.is_none()) {
            self.release(&unit.merchant, key.hash, &unit.id);
        }
        match matches!(unit.state, State::Open | State::Unknown) {
            true => self.pending.insert(unit.id.clone()),
            false => self.pending.remove(&unit.id),
        };
        for made in &unit.made {
            let id = (unit.merchant.clone(), made.id.clone());
            self.kinds.insert(id, made.kind.clone());
        }
    }

    /// A key is no longer this unit's; a later one may have it already.
    fn release(&mut self, merchant: &CompactString, hash: String, id: &str) {
        let key = (merchant.clone(), hash.into());
        if self.keys.get(&key).is_some_and(|holder| holder == id) {
            self.keys.remove(&key);
        }
    }

    fn forget(&mut self, id: &str) {
        let Some(unit) = self.units.remove(id) else {
            return;
        };
        if let Some(key) = unit.key {
            self.release(&unit.merchant, key.hash, id);
        }
        for made in unit.made {
            self.kinds.remove(&(unit.merchant.clone(), made.id));
        }
    }

    fn make_room(&mut self) {
        while self.units.len() >= UNITS_MAX
            && let Some(oldest) = self.over.pop_front()
        {
            self.forget(&oldest);
        }
    }

    /// The units, the first that was begun first.
    fn sorted(&self) -> Vec<&Unit> {
        let mut units: Vec<&Unit> = self.units.values().map(|unit| &**unit).collect();
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
            let holder = kept.keys.get(&key).and_then(|id| kept.units.get(id));
            if let Some(holder) = holder.filter(|holder| holder.begun >= since) {
                return Ok(Some(holder.clone()));
            }
            kept.keys.insert(key, unit.id.clone());
        }
        kept.make_room();
        kept.put(unit);
        Ok(None)
    }

    async fn update(&self, unit: &Unit) -> Result<bool, JournalError> {
        let mut kept = self.kept();
        let known = kept.units.get(&unit.id).map(|known| known.version);
        let latest = known == Some(unit.version - 1);
        if latest {
            kept.put(unit);
        }
        Ok(latest)
    }

    async fn unit(&self, id: &str) -> Result<Option<Unit>, JournalError> {
        Ok(self.kept().units.get(id).map(|unit| Unit::clone(unit)))
    }

    async fn kind(&self, merchant: &str, id: &str) -> Result<Option<String>, JournalError> {
        let id = (merchant.into(), id.into());
        Ok(self.kept().kinds.get(&id).map(CompactString::to_string))
    }

    async fn maker(&self, merchant: &str, id: &str) -> Result<Option<Unit>, JournalError> {
        let kept = self.kept();
        let own = kept.units.values().filter(|unit| unit.merchant == merchant);
        let makers = own.filter(|unit| unit.has_made(id));
        Ok(makers
            .min_by_key(|unit| &unit.id)
            .map(|unit| Unit::clone(unit)))
    }

    async fn due(&self, due: &Due<'_>) -> Result<Vec<Unit>, JournalError> {
        let kept = self.kept();
        let pending = kept.pending.iter();
        let pending = pending.filter_map(|id| kept.units.get(id).map(|unit| &**unit));
        let is_due = |unit: &&Unit| match unit.state {
            State::Open => unit.owner != due.owner || unit.begun < due.stale,
            _ => match unit.due {
                Some(at) => at <= due.now,
                None => unit.owner != due.owner,
            },
        };
        Ok(pending.filter(is_due).take(due.limit).cloned().collect())
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
        let old = |unit: &&Unit| unit.state.is_final() && unit.begun < before;
        let ids: Vec<CompactString> = kept
            .units
            .values()
            .map(|unit| &**unit)
            .filter(old)
            .map(|u| u.id.clone())
            .collect();
        for id in &ids {
            kept.forget(id);
        }
        let Kept { units, over, .. } = &mut *kept;
        over.retain(|id| units.contains_key(id));
        Ok(ids.len() as u64)
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
        assert_eq!((kept.units.len(), kept.over.len()), (UNITS_MAX, UNITS_MAX));
    }
}
