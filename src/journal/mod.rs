//! What was done, on record: so that no payment is lost and none is made twice.
//!
//! A [`Unit`] is one request that changes something. It is begun, with the intent of its first such call, **before** that
//! call is sent; each outcome is written before the next call or the reply goes out. [`Store`] is what it is kept in: in
//! memory, in an embedded database, or in PostgreSQL for several gateways. [`Journal`] is what the gateway talks to.
//!
//! Invariants: no card data comes here, for calls are kept as method and path, and what settles a call is built of fields
//! that hold none; of several writers of one unit only the one who saw its latest version succeeds.

mod call_record;
mod file;
mod file_units;
mod memory;
mod postgres;
mod postgres_setup;
mod postgres_units;
mod seal;
mod side;
mod side_file;
mod side_postgres;
mod store;
mod unit;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::{error, info, warn};

pub use call_record::{CallFate, CallRecord};
pub use file::FileStore;
pub use memory::Memory;
pub use postgres::Postgres;
pub use postgres_setup::migrate;
pub use seal::{Bound, KEY_BYTES, KeyError, Keys, Unsealable};
pub use side::{SideMark, SideOf, SideValue};
pub use store::{Due, Filter, JournalError, Store};
pub use unit::{Key, KeyOf, State, Unit};

use crate::config::JournalUrl;
use crate::patience;

/// How many units wait to be written once the journal can be used again.
const LATE_MAX: usize = 10_000;
/// How long the beginning of a unit may be on its way whose writer gave up.
const LATE_BEGINNING: Duration = Duration::from_secs(30);
/// The longest pause between two attempts to write late.
const LATE_PAUSE_MAX: Duration = Duration::from_secs(1);

/// A journal, and who uses it.
#[derive(Clone)]
pub struct Journal {
    store: Arc<dyn Store>,
    /// This gateway, different at each start.
    owner: Arc<str>,
    /// How long a write is tried.
    patience: Duration,
    /// Places for units that wait to be written.
    late: Arc<Semaphore>,
}

/// What came of beginning a unit.
pub enum Begun {
    /// It is begun.
    Fresh,
    /// The same request is on record.
    Known(Box<Unit>),
}

/// Why a unit could not be written.
#[derive(Debug)]
pub enum NotWritten {
    /// The journal cannot be used.
    Unavailable,
    /// Another gateway took this one for dead, and settles the unit.
    Taken,
}

/// Opens the store that a URL names, for a gateway that tries a write for so long.
pub async fn open(url: &JournalUrl, patience: Duration) -> Result<Arc<dyn Store>, JournalError> {
    Ok(match url {
        JournalUrl::Memory => Arc::new(Memory::default()),
        JournalUrl::File(directory) => Arc::new(FileStore::open(directory)?),
        JournalUrl::Postgres(url) => {
            let url = String::from_utf8_lossy(url.expose());
            Arc::new(Postgres::connect(&url, patience).await?)
        }
    })
}

/// The time in milliseconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

impl Journal {
    /// A journal in this store, for the gateway of this name.
    pub fn new(store: Arc<dyn Store>, owner: &str, patience: Duration) -> Journal {
        Journal {
            store,
            owner: owner.into(),
            patience,
            late: Arc::new(Semaphore::new(LATE_MAX)),
        }
    }

    /// The name of this gateway.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// What it is kept in.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Begins a unit.
    pub async fn begin(&self, unit: &Unit, since: i64) -> Result<Begun, NotWritten> {
        let (begun, _) = self.patiently(|| self.store.begin(unit, since)).await?;
        Ok(match begun {
            // It was written by an attempt whose answer got lost.
            Some(known) if known.id == unit.id => Begun::Fresh,
            Some(known) => Begun::Known(known),
            None => Begun::Fresh,
        })
    }

    /// Writes a unit's next version.
    pub async fn write(&self, unit: &mut Unit) -> Result<(), NotWritten> {
        unit.version += 1;
        let written = match self.patiently(|| self.store.update(unit)).await {
            Ok((true, _)) => return Ok(()),
            Ok((false, first)) => Ok(!first && self.is_stored(unit).await?),
            Err(error) => Err(error),
        };
        if let Ok(true) = written {
            return Ok(());
        }
        unit.version -= 1;
        Err(written.err().unwrap_or(NotWritten::Taken))
    }

    /// Whether this very version is on record: written by an attempt whose answer got lost.
    async fn is_stored(&self, unit: &Unit) -> Result<bool, NotWritten> {
        let (stored, _) = self.patiently(|| self.store.unit(&unit.id)).await?;
        Ok(stored.as_ref() == Some(unit))
    }

    /// Writes a unit's next version as soon as the journal can be used. If this process ends before, the unit is found as
    /// one that was cut off, which comes to the same.
    pub fn write_late(&self, unit: Unit) {
        let Ok(place) = Arc::clone(&self.late).try_acquire_owned() else {
            error!(request_id = %unit.id, "too much waits for the journal: the request is settled after the next start");
            return;
        };
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            write_late(store, unit).await;
            drop(place);
        });
    }

    /// Tries something until it is done or the patience is over; and whether the first attempt did it.
    async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> Result<(T, bool), NotWritten>
    where
        F: Future<Output = Result<T, JournalError>>,
    {
        let mut known = None;
        let mut end = || *known.get_or_insert_with(|| Instant::now() + self.patience);
        let mut pause = Duration::from_millis(10);
        let mut first = true;
        loop {
            let reason = match patience::until(&mut end, attempt()).await {
                Ok(Ok(done)) => return Ok((done, first)),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it takes too long".to_owned(),
            };
            let end = end();
            if Instant::now() + pause >= end {
                warn!("the journal cannot be used: {reason}");
                return Err(NotWritten::Unavailable);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            first = false;
        }
    }
}

/// Writes what could not be written in time, as soon as it can be.
async fn write_late(store: Arc<dyn Store>, mut unit: Unit) {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        match store.unit(&unit.id).await {
            Ok(Some(stored)) if stored.owner != unit.owner => return,
            Ok(Some(stored)) => {
                unit.version = stored.version + 1;
                if let Ok(true) = store.update(&unit).await {
                    info!(request_id = %unit.id, state = unit.state.name(), "recorded late");
                    return;
                }
            }
            // What was never begun has nothing to be settled; but its beginning may still be on its way.
            Ok(None) if begun.elapsed() > LATE_BEGINNING => return,
            Ok(None) | Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LATE_PAUSE_MAX);
    }
}
