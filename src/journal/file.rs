//! `file:DIRECTORY`: the embedded journal, an SQLite database. For one gateway.
//!
//! One thread writes. It takes what waits, applies it in one transaction and answers all of it after one sync of the disk:
//! under load many requests share its cost. The commands of operators read and write beside a running gateway.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use tokio::sync::{mpsc, oneshot};

use super::file_units::{begin, forget, maker, read_unit, update};
use super::side::{SideMark, SideOf, SideValue};
use super::side_file;
use super::store::{Due, Filter, JournalError, Store};
use super::unit::Unit;

const SCHEMA: &str = include_str!("schema.sql");
/// The form of the tables; a later one gets a higher number and a way from this one.
const SCHEMA_VERSION: i64 = 2;
/// How many writes share a transaction.
const BATCH_MAX: usize = 256;
/// How many writes wait; more are refused.
const QUEUE_MAX: usize = 4096;
/// How long another process may hold the database.
const BUSY: Duration = Duration::from_secs(2);

/// A journal in a directory.
pub struct FileStore {
    writes: mpsc::Sender<Write>,
    reader: Arc<Mutex<Connection>>,
    /// Locked while a gateway uses the journal.
    _lock: Option<File>,
}

enum Write {
    Begin(Box<Unit>, i64, Answer<Option<Unit>>),
    Update(Box<Unit>, Answer<bool>),
    Forget(i64, Answer<u64>),
    SideKeep(Vec<SideValue>, Answer<()>),
    SideMark(side_file::Owned, SideMark, Answer<()>),
}

type Answer<T> = oneshot::Sender<Result<T, JournalError>>;

/// What is answered once a batch is on disk.
type Ready = Box<dyn FnOnce(Result<(), JournalError>) + Send>;

impl FileStore {
    /// Opens the journal of a gateway, which no other gateway may use at the same time.
    pub fn open(directory: &Path) -> Result<FileStore, JournalError> {
        std::fs::create_dir_all(directory).map_err(|error| cannot(directory, error))?;
        let path = directory.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let lock = lock.map_err(|error| cannot(directory, error))?;
        lock.try_lock().map_err(|_| JournalError::Open {
            place: directory.display().to_string(),
            reason: "another gateway uses it".to_owned(),
            remedy: "Give each gateway a directory of its own, or all of them one PostgreSQL.",
        })?;
        FileStore::start(directory, Some(lock))
    }

    /// Opens the journal for an operator's command, beside a gateway.
    pub fn visit(directory: &Path) -> Result<FileStore, JournalError> {
        if !database(directory).exists() {
            return Err(cannot(directory, "there is none"));
        }
        FileStore::start(directory, None)
    }

    fn start(directory: &Path, lock: Option<File>) -> Result<FileStore, JournalError> {
        let writer = connect(directory).map_err(|error| cannot(directory, error))?;
        migrate(&writer).map_err(|error| cannot(directory, error))?;
        let reader = connect(directory).map_err(|error| cannot(directory, error))?;
        let (writes, waiting) = mpsc::channel(QUEUE_MAX);
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_all(writer, waiting))
            .map_err(|error| cannot(directory, error))?;
        Ok(FileStore {
            writes,
            reader: Arc::new(Mutex::new(reader)),
            _lock: lock,
        })
    }

    async fn write<T>(&self, write: impl FnOnce(Answer<T>) -> Write) -> Result<T, JournalError> {
        let (answer, answered) = oneshot::channel();
        let full = |_| JournalError::unavailable("too many writes are waiting");
        self.writes.try_send(write(answer)).map_err(full)?;
        let ended = |_| JournalError::unavailable("its writer has ended");
        answered.await.map_err(ended)?
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let reader = Arc::clone(&self.reader);
        let reading = tokio::task::spawn_blocking(move || {
            // A reader that panicked has changed nothing.
            read(&reader.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let done = reading.await.map_err(JournalError::unavailable)?;
        done.map_err(JournalError::unavailable)
    }
}

fn database(directory: &Path) -> PathBuf {
    directory.join("journal.sqlite3")
}

fn cannot(directory: &Path, reason: impl std::fmt::Display) -> JournalError {
    JournalError::Open {
        place: directory.display().to_string(),
        reason: reason.to_string(),
        remedy: "journal.url = \"file:DIRECTORY\" names a directory that the gateway can write.",
    }
}

fn connect(directory: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(database(directory))?;
    connection.busy_timeout(BUSY)?;
    // With `full` a commit has been synced to disk when it returns.
    connection.execute_batch("pragma journal_mode = wal; pragma synchronous = full;")?;
    Ok(connection)
}

fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let version: i64 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    let missing = match version {
        0 => [SCHEMA, side_file::SCHEMA].concat(),
        1 => side_file::SCHEMA.to_owned(),
        _ => return Ok(()),
    };
    connection.execute_batch(&format!(
        "begin immediate; {missing} pragma user_version = {SCHEMA_VERSION}; commit;"
    ))
}

/// Writes what comes until nobody is left to send anything.
fn write_all(mut connection: Connection, mut waiting: mpsc::Receiver<Write>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        let mut ready: Vec<Ready> = Vec::with_capacity(batch.len());
        let written = commit(&mut connection, batch, &mut ready);
        for answer in ready {
            answer(written.clone());
        }
    }
}

fn commit(
    connection: &mut Connection,
    batch: Vec<Write>,
    ready: &mut Vec<Ready>,
) -> Result<(), JournalError> {
    let mut transaction = connection.transaction();
    let mut failed = None;
    for write in batch {
        // After a failure the rest is only gathered, to be told.
        let transaction = transaction.as_mut().ok().filter(|_| failed.is_none());
        let mut apply = Apply {
            transaction,
            failed: &mut failed,
        };
        ready.push(match write {
            Write::Begin(unit, since, answer) => {
                let done = apply.run(|transaction| begin(transaction, &unit, since));
                tell(done, answer)
            }
            Write::Update(unit, answer) => {
                let done = apply.run(|transaction| update(transaction, &unit));
                tell(done, answer)
            }
            Write::Forget(before, answer) => {
                let done = apply.run(|transaction| forget(transaction, before));
                tell(done, answer)
            }
            Write::SideKeep(values, answer) => {
                let done = apply.run(|transaction| side_file::keep(transaction, &values));
                tell(done, answer)
            }
            Write::SideMark(of, mark, answer) => {
                let done = apply.run(|transaction| side_file::mark(transaction, &of, mark));
                tell(done, answer)
            }
        });
    }
    match failed {
        Some(error) => Err(error),
        None => transaction
            .and_then(Transaction::commit)
            .map_err(JournalError::unavailable),
    }
}

struct Apply<'a, 'c> {
    transaction: Option<&'a mut Transaction<'c>>,
    failed: &'a mut Option<JournalError>,
}

impl Apply<'_, '_> {
    fn run<T>(&mut self, write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Option<T> {
        let done = write(self.transaction.as_ref()?);
        done.map_err(|error| *self.failed = Some(JournalError::unavailable(error)))
            .ok()
    }
}

fn tell<T: Send + 'static>(done: Option<T>, answer: Answer<T>) -> Ready {
    Box::new(move |written| {
        let none = || Err(JournalError::unavailable("the transaction was not begun"));
        // Whoever asked may have gone.
        let _told = answer.send(written.and_then(|()| done.map_or_else(none, Ok)));
    })
}

#[async_trait]
impl Store for FileStore {
    async fn begin(&self, unit: &Unit, since: i64) -> Result<Option<Box<Unit>>, JournalError> {
        let unit = Box::new(unit.clone());
        let begun = self.write(|answer| Write::Begin(unit, since, answer));
        Ok(begun.await?.map(Box::new))
    }

    async fn update(&self, unit: &Unit) -> Result<bool, JournalError> {
        let unit = Box::new(unit.clone());
        self.write(|answer| Write::Update(unit, answer)).await
    }

    async fn unit(&self, id: &str) -> Result<Option<Unit>, JournalError> {
        let id = id.to_owned();
        self.read(move |connection| {
            let mut found = connection.prepare_cached("select doc from units where id = ?1")?;
            found.query_row([id], read_unit).optional()
        })
        .await
    }

    async fn kind(&self, merchant: &str, id: &str) -> Result<Option<String>, JournalError> {
        let (merchant, id) = (merchant.to_owned(), id.to_owned());
        self.read(move |connection| {
            let found = "select kind from made where merchant = ?1 and id = ?2";
            let mut found = connection.prepare_cached(found)?;
            found.query_row([merchant, id], |row| row.get(0)).optional()
        })
        .await
    }

    async fn maker(&self, merchant: &str, id: &str) -> Result<Option<Unit>, JournalError> {
        let (merchant, id) = (merchant.to_owned(), id.to_owned());
        self.read(move |connection| maker(connection, &merchant, &id))
            .await
    }

    async fn due(&self, due: &Due<'_>) -> Result<Vec<Unit>, JournalError> {
        let (owner, now, stale) = (due.owner.to_owned(), due.now, due.stale);
        let limit = due.limit;
        self.read(move |connection| {
            let mut found = connection.prepare_cached(
                "select doc from units where due <= ?1
                 union all select doc from units where due is null and
                 (state in ('open', 'unknown') and owner <> ?2 or state = 'open' and begun < ?3) limit ?4",
            )?;
            let rows = found.query_map(params![now, owner, stale, limit as i64], read_unit)?;
            rows.collect()
        })
        .await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Unit>, JournalError> {
        let states: Vec<String> = filter
            .states
            .iter()
            .map(|s| format!("'{}'", s.name()))
            .collect();
        let among = match states.is_empty() {
            true => String::new(),
            false => format!("and state in ({})", states.join(", ")),
        };
        let (after, limit) = (filter.after.clone().unwrap_or_default(), filter.limit);
        self.read(move |connection| {
            let found = format!("select doc from units where id > ?1 {among} order by id limit ?2");
            let mut found = connection.prepare(&found)?;
            let rows = found.query_map(params![after, limit as i64], read_unit)?;
            rows.collect()
        })
        .await
    }

    /// The lock says it: whoever holds it lives.
    async fn alive(&self, _owner: &str, _until: i64) -> Result<(), JournalError> {
        Ok(())
    }

    async fn forget(&self, before: i64) -> Result<u64, JournalError> {
        self.write(|answer| Write::Forget(before, answer)).await
    }

    async fn side_keep(&self, values: &[SideValue]) -> Result<(), JournalError> {
        let values = values.to_vec();
        self.write(|answer| Write::SideKeep(values, answer)).await
    }

    async fn side_mark(&self, of: SideOf<'_>, mark: SideMark) -> Result<(), JournalError> {
        let of = of.into();
        self.write(|answer| Write::SideMark(of, mark, answer)).await
    }

    async fn side_values(&self, of: SideOf<'_>) -> Result<Vec<SideValue>, JournalError> {
        let of = of.into();
        self.read(move |connection| side_file::values(connection, &of))
            .await
    }

    async fn side_due(&self, now: i64, limit: usize) -> Result<Vec<SideValue>, JournalError> {
        self.read(move |connection| side_file::due(connection, now, limit))
            .await
    }
}
