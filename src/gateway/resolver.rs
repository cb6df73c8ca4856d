//! Settling what is not known: calls whose answer was lost, undos that failed, requests that were cut off.
//!
//! One task looks at the journal again and again. What is due it claims, by writing it with a later time, so that of several
//! gateways one settles it; then it makes the calls that settle it, until each has a definite answer or the time is over.
//! Which calls these are, and what their answers mean, the tables say.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use compact_str::CompactString;
use tokio::sync::Semaphore;
use tracing::{error, info, warn};

use crate::config;
use crate::journal::{Due, State, Unit, now};
use crate::plan::find::Settling;
use crate::plan::settle::{Task, conclude};
use crate::random;
use crate::rest::Outcome;

use super::{Gateway, sending};

/// How many units are settled at a time.
const AT_ONCE: usize = 16;
/// How many are looked for at a time.
const BATCH: usize = 64;
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(60 * 60);
/// How often it is looked for what is due, at most and at least.
const LOOK_MIN: Duration = Duration::from_millis(10);
const LOOK_MAX: Duration = Duration::from_secs(1);
/// How often what is over is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

/// Settles what is due until it is dropped.
pub async fn run(gateway: Arc<Gateway>, journal: config::Journal) {
    let look = (gateway.resolve.first_delay / 4).clamp(LOOK_MIN, LOOK_MAX);
    let at_work = Arc::new(AtWork {
        free: Arc::new(Semaphore::new(AT_ONCE)),
        units: Mutex::default(),
    });
    let alive = every(journal.lease / 3, || say_alive(&gateway, journal.lease));
    let forget = every(FORGET_EVERY, || forget_old(&gateway, journal.retention));
    let settle = every(look, || settle_due(&gateway, &at_work));
    tokio::join!(alive, forget, settle);
}

/// Does something again and again, with a pause between.
pub(super) async fn every<F: Future<Output = ()>>(pause: Duration, doing: impl Fn() -> F) {
    loop {
        doing().await;
        tokio::time::sleep(pause).await;
    }
}

/// Says that this gateway lives. Before the first request: nobody may take it for dead.
pub async fn say_alive(gateway: &Gateway, lease: Duration) {
    let (store, owner) = (gateway.journal.store(), gateway.journal.owner());
    if let Err(error) = store.alive(owner, now() + millis(lease)).await {
        warn!("{error}");
    }
}

async fn forget_old(gateway: &Gateway, retention: Duration) {
    match gateway
        .journal
        .store()
        .forget(now() - millis(retention))
        .await
    {
        Ok(0) => {}
        Ok(count) => info!(
            count,
            "forgot requests that are older than journal.retention"
        ),
        Err(error) => warn!("{error}"),
    }
}

/// What this gateway is settling.
struct AtWork {
    free: Arc<Semaphore>,
    /// By their ids: a unit that is being settled may still look due to the one who looks.
    units: Mutex<HashSet<CompactString>>,
}

impl AtWork {
    fn units(&self) -> MutexGuard<'_, HashSet<CompactString>> {
        // Nothing that can panic happens under the lock.
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn settle_due(gateway: &Arc<Gateway>, at_work: &Arc<AtWork>) {
    // Ten times what a request may take.
    let stale = now() - 10 * millis(gateway.request_timeout);
    let due = Due {
        owner: gateway.journal.owner(),
        now: now(),
        stale,
        limit: BATCH,
    };
    let units = match gateway.journal.store().due(&due).await {
        Ok(units) => units,
        // Whoever tries to write says so.
        Err(_) => return,
    };
    for unit in units {
        if !at_work.units().insert(unit.id.clone()) {
            continue;
        }
        let Ok(permit) = Arc::clone(&at_work.free).acquire_owned().await else {
            return;
        };
        let (gateway, at_work) = (Arc::clone(gateway), Arc::clone(at_work));
        tokio::spawn(async move {
            let id = unit.id.clone();
            gateway.settle(unit).await;
            at_work.units().remove(&id);
            drop(permit);
        });
    }
}

impl Gateway {
    /// Sets when something is to be done about a unit that has just come to its end, and tells whom it concerns.
    pub(super) fn schedule(&self, unit: &mut Unit) {
        if unit.state == State::Unknown {
            let now = now();
            let hold = now + millis(self.resolve.first_delay);
            unit.hold = Some(hold);
            let prompt = unit
                .tasks
                .iter()
                .any(|task| task.end.is_none() && task.is_prompt());
            unit.due = Some(if prompt { now } else { hold });
            unit.deadline = Some(now + millis(self.resolve.deadline));
        } else {
            (unit.due, unit.hold) = (None, None);
        }
        tell(unit);
    }

    /// A request does not come to its end: what it did is settled as if this gateway had died.
    pub(super) fn abandon(&self, mut unit: Unit) {
        unit.cut_off();
        self.schedule(&mut unit);
        self.journal.write_late(unit);
    }

    /// Everything that is still open at the end of this process is cut off, and on record as such.
    pub async fn abandon_open(&self) {
        let filter = crate::journal::Filter {
            states: vec![State::Open],
            limit: usize::from(u16::MAX),
            ..Default::default()
        };
        let open = self.journal.store().list(&filter).await.unwrap_or_default();
        for mut unit in open {
            if unit.owner == self.journal.owner() {
                self.cut_off(&mut unit).await;
            }
        }
    }

    /// Whether this gateway has the unit now.
    async fn cut_off(&self, unit: &mut Unit) -> bool {
        warn!(request_id = %unit.id, "a request was cut off: what it did is taken back");
        unit.cut_off();
        unit.owner = self.journal.owner().into();
        self.schedule(unit);
        self.journal.write(unit).await.is_ok()
    }

    async fn settle(&self, mut unit: Unit) {
        if unit.state == State::Open && !self.cut_off(&mut unit).await {
            return;
        }
        if unit.state == State::Unknown && unit.due.is_none_or(|due| due <= now()) {
            self.attempt(unit).await;
        }
    }

    /// One attempt at everything that is due of a unit.
    async fn attempt(&self, mut unit: Unit) {
        let Some(merchant) = self.merchants.find(&unit.merchant) else {
            warn!(request_id = %unit.id, merchant = %unit.merchant, "cannot be settled: the merchant is not configured here");
            unit.due = Some(now() + millis(PAUSE_MAX));
            let _written = self.journal.write(&mut unit).await;
            return;
        };
        unit.attempts += 1;
        unit.owner = self.journal.owner().into();
        // Nobody else is at it while this gateway lives.
        unit.due = None;
        let held = unit.hold.is_some_and(|hold| hold > now());
        let begun = unit.hold.unwrap_or(0);
        let looked = begun + millis(self.resolve.look_up) <= now();
        // Where no search is answered at all, what is lost must be taken back while that can be done.
        let last = unit.deadline.unwrap_or(i64::MAX);
        let anyway = begun + (last - begun) / 2 <= now();
        let services = unit.services.clone();
        let of = Settling {
            tables: &self.tables,
            settings: merchant.settings(),
            services: &services,
        };
        for at in 0..unit.tasks.len() {
            while eligible(&unit.tasks[at], held) {
                unit.tasks[at].attempted();
                if self.journal.write(&mut unit).await.is_err() {
                    // Another gateway has it, or the journal is gone: nothing may be sent.
                    return;
                }
                let Some(call) = unit.tasks[at].call() else {
                    break;
                };
                self.doubt_side(merchant, &call).await;
                let outcome =
                    sending::send(merchant, &call, Instant::now() + self.request_timeout).await;
                let task = &mut unit.tasks[at];
                let looking = task.is_looking();
                let next = task.answered(&of, &outcome) || (looked && task.stop_looking(anyway));
                if looking && !task.is_looking() && task.found.is_none() {
                    let status = match &outcome {
                        Outcome::Answered(answer) => Some(answer.status),
                        Outcome::NotSent(_) | Outcome::Unknown(_) => None,
                    };
                    let (id, step) = (&unit.id, &task.step);
                    match task.is_prompt() {
                        true => {
                            info!(request_id = %id, %step, ?status, "not found by a search: made again")
                        }
                        false => {
                            warn!(request_id = %id, %step, ?status, "could not be found by a search: taken back instead, or left to an operator")
                        }
                    }
                }
                if !next {
                    break;
                }
            }
        }
        self.next(&mut unit, held);
        let _written = self.journal.write(&mut unit).await;
    }

    /// What is to be done after an attempt.
    fn next(&self, unit: &mut Unit, held: bool) {
        conclude(&mut unit.tasks);
        unit.take_found();
        unit.take_unchanged();
        unit.state = unit.outcome(State::Settled);
        if unit.state != State::Unknown {
            (unit.due, unit.hold) = (None, None);
            return tell(unit);
        }
        if unit.deadline.is_some_and(|deadline| deadline <= now()) {
            unit.tasks.iter_mut().for_each(Task::give_up);
            conclude(&mut unit.tasks);
            unit.state = unit.outcome(State::Stuck);
            (unit.due, unit.hold) = (None, None);
            return tell(unit);
        }
        let later = now() + millis(pause(self.resolve.first_delay, unit.attempts));
        unit.due = Some(match unit.hold.filter(|_| held) {
            Some(hold) => hold.min(later).max(now() + 1),
            None => later,
        });
    }
}

fn eligible(task: &Task, held: bool) -> bool {
    task.end.is_none() && (task.is_prompt() || !held)
}

/// The pause after an attempt: half the first delay, then twice as long each time, so 60, 90, 150, 270 seconds after the
/// call; up to a tenth more, so that many do not come at once.
fn pause(first: Duration, attempts: u32) -> Duration {
    let doubled = first.saturating_mul(1 << attempts.min(12)) / 4;
    let pause = doubled.min(PAUSE_MAX);
    // Without entropy there is no jitter.
    let [random] = random::bytes().unwrap_or_default();
    pause + pause / 10 * u32::from(random) / 255
}

fn tell(unit: &Unit) {
    let (id, merchant, services) = (&unit.id, &unit.merchant, &unit.services);
    match unit.state {
        State::Unknown => {
            warn!(request_id = %id, %merchant, %services, "not known yet: it is being settled");
        }
        State::Settled => match unit.found() {
            Some((step, found)) => {
                let (rest_id, became) = (&found.id, &found.became);
                info!(request_id = %id, %merchant, %services, step, %rest_id, ?became, "settled, and known by its id");
            }
            None => info!(request_id = %id, %merchant, %services, "settled"),
        },
        State::Stuck => {
            error!(request_id = %id, %merchant, %services, "cannot be settled: see scmp-gateway journal show {id}");
        }
        State::Partial => {
            warn!(request_id = %id, %merchant, changed = unit.partial.join(", "), "changed in part only");
        }
        State::Open | State::Finished | State::Resolved => {}
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let first = Duration::from_secs(60);
        let bounds = [(1, 30), (2, 60), (3, 120), (4, 240), (50, 3600)];
        for (attempts, seconds) in bounds {
            let found = pause(first, attempts).as_secs();
            assert!(
                (seconds..=seconds + seconds / 10).contains(&found),
                "{attempts}: {found}"
            );
        }
    }
}
