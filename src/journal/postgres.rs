//! `postgres://…`: one journal for many gateways.
//!
//! One task writes, as in the embedded journal: what waits goes into one statement, whatever its number.
//! That a request is begun once only is the unique index' work, so it holds between gateways as well.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::postgres_setup::{MIGRATIONS, cannot, pool, version};
use super::postgres_units::{hash, holder, maker, read_unit, read_units, release, write};
use super::side::{SideMark, SideOf, SideValue};
use super::side_postgres;
use super::store::{Due, Filter, JournalError, Store};
use super::unit::Unit;

/// How many writes share a transaction.
const BATCH_MAX: usize = 256;
/// How many writes wait; more are refused.
const QUEUE_MAX: usize = 4096;

/// A journal in PostgreSQL.
pub struct Postgres {
    pool: PgPool,
    writes: mpsc::Sender<Write>,
}

enum Write {
    Begin(
        Box<Unit>,
        i64,
        oneshot::Sender<Result<Option<Unit>, JournalError>>,
    ),
    Update(Box<Unit>, oneshot::Sender<Result<bool, JournalError>>),
}

impl Postgres {
    /// Connects, and checks that the tables have the form that this version knows. `patience`: how long a write is tried.
    pub async fn connect(url: &str, patience: Duration) -> Result<Postgres, JournalError> {
        let pool = pool(url).await?;
        let version = version(&pool).await.map_err(|error| cannot(&error))?;
        if version != MIGRATIONS.len() as i64 {
            return Err(JournalError::Open {
                place: "PostgreSQL".to_owned(),
                reason: format!(
                    "its tables have form {version}, this version needs {}",
                    MIGRATIONS.len()
                ),
                remedy: "Run: scmp-gateway journal migrate --config FILE",
            });
        }
        let (writes, waiting) = mpsc::channel(QUEUE_MAX);
        // A little less, so that who waits hears why: a connection that died without a word would hold up all that come
        // after it.
        tokio::spawn(write_all(pool.clone(), waiting, patience.mul_f32(0.9)));
        Ok(Postgres { pool, writes })
    }

    fn send(&self, write: Write) -> Result<(), JournalError> {
        let full = |_| JournalError::unavailable("too many writes are waiting");
        self.writes.try_send(write).map_err(full)
    }
}

/// Writes what waits; no batch takes longer than `limit`.
async fn write_all(pool: PgPool, mut waiting: mpsc::Receiver<Write>, limit: Duration) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let mut own = None;
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (mut begins, mut updates) = (Vec::new(), Vec::new());
        for write in batch.drain(..) {
            match write {
                Write::Begin(unit, since, answer) => begins.push((unit, since, answer)),
                Write::Update(unit, answer) => updates.push((unit, answer)),
            }
        }
        // Gateways that write the same rows wait for each other in one order.
        begins.sort_by(|left, right| hash(&left.0).cmp(&hash(&right.0)));
        updates.sort_by(|left, right| left.0.id.cmp(&right.0.id));
        let first: Vec<(&Unit, i64)> = begins
            .iter()
            .map(|(unit, since, _)| (&**unit, *since))
            .collect();
        let later: Vec<&Unit> = updates.iter().map(|(unit, _)| &**unit).collect();
        let end = Instant::now() + limit;
        let committed = timeout_at(end, commit(&pool, &mut own, &first, &later)).await;
        match committed.unwrap_or_else(|_| Err(too_long())) {
            Ok((inserted, updated)) => {
                for (unit, answer) in updates {
                    let _told = answer.send(Ok(updated.iter().any(|id| unit.id == *id)));
                }
                for (unit, _, answer) in begins {
                    let known = match inserted.iter().any(|id| unit.id == *id) {
                        true => Ok(None),
                        false => known(&pool, &unit, end).await.map(Some),
                    };
                    let _told = answer.send(known.map_err(JournalError::unavailable));
                }
            }
            Err(error) => {
                let error = JournalError::unavailable(error);
                for (_, _, answer) in begins {
                    let _told = answer.send(Err(error.clone()));
                }
                for (_, answer) in updates {
                    let _told = answer.send(Err(error.clone()));
                }
            }
        }
    }
}

fn too_long() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// Writes a batch; the ids of the units that were begun, and of those that were updated.
async fn commit(
    pool: &PgPool,
    own: &mut Option<PoolConnection<sqlx::Postgres>>,
    begins: &[(&Unit, i64)],
    updates: &[&Unit],
) -> Result<(Vec<String>, Vec<String>), sqlx::Error> {
    // One that failed, or took too long, is used by nobody again.
    let mut connection = match own.take() {
        Some(connection) => connection,
        None => pool.acquire().await?,
    };
    connection.close_on_drop();
    release(&mut connection, begins).await?;
    let units: Vec<&Unit> = begins.iter().map(|(unit, _)| *unit).collect();
    let written = write(&mut connection, &units, updates).await?;
    *own = Some(connection);
    Ok(written)
}

/// The unit that has the place of one that was not begun.
async fn known(pool: &PgPool, unit: &Unit, end: Instant) -> Result<Unit, sqlx::Error> {
    let holder = timeout_at(end, holder(pool, unit)).await;
    // Whoever held its place has just let go of it: the caller tries again.
    holder
        .unwrap_or_else(|_| Err(too_long()))?
        .ok_or(sqlx::Error::RowNotFound)
}

#[async_trait]
impl Store for Postgres {
    async fn begin(&self, unit: &Unit, since: i64) -> Result<Option<Box<Unit>>, JournalError> {
        let (answer, answered) = oneshot::channel();
        self.send(Write::Begin(Box::new(unit.clone()), since, answer))?;
        let begun = answered.await.map_err(JournalError::unavailable)??;
        Ok(begun.map(Box::new))
    }

    async fn update(&self, unit: &Unit) -> Result<bool, JournalError> {
        let (answer, answered) = oneshot::channel();
        self.send(Write::Update(Box::new(unit.clone()), answer))?;
        answered.await.map_err(JournalError::unavailable)?
    }

    async fn unit(&self, id: &str) -> Result<Option<Unit>, JournalError> {
        let found = sqlx::query("select doc from units where id = $1").bind(id);
        let found = found.fetch_optional(&self.pool).await;
        let found = found.map_err(JournalError::unavailable)?;
        let unit = found.as_ref().map(read_unit).transpose();
        unit.map_err(JournalError::unavailable)
    }

    async fn kind(&self, merchant: &str, id: &str) -> Result<Option<String>, JournalError> {
        sqlx::query_scalar("select kind from made where merchant = $1 and id = $2")
            .bind(merchant)
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(JournalError::unavailable)
    }

    async fn maker(&self, merchant: &str, id: &str) -> Result<Option<Unit>, JournalError> {
        let made = maker(&self.pool, merchant, id).await;
        made.map_err(JournalError::unavailable)
    }

    async fn due(&self, due: &Due<'_>) -> Result<Vec<Unit>, JournalError> {
        let found = sqlx::query(
            "select doc from units where due <= $1
             union all
             select doc from units where due is null and (state = 'open' and begun < $3
                 or state in ('open', 'unknown') and owner <> $2 and not exists
                     (select from gateways where gateways.owner = units.owner and alive_until > $1))
             limit $4",
        );
        let found = found.bind(due.now).bind(due.owner).bind(due.stale);
        let found = found.bind(due.limit as i64);
        read_units(found.fetch_all(&self.pool).await)
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Unit>, JournalError> {
        let states: Vec<&str> = filter.states.iter().map(|state| state.name()).collect();
        let among = match states.is_empty() {
            true => "",
            false => "and state = any($2)",
        };
        let found = format!("select doc from units where id > $1 {among} order by id limit $3");
        // The text is put together from constants.
        let found = sqlx::query(AssertSqlSafe(found))
            .bind(filter.after.clone().unwrap_or_default())
            .bind(states)
            .bind(filter.limit as i64);
        read_units(found.fetch_all(&self.pool).await)
    }

    async fn alive(&self, owner: &str, until: i64) -> Result<(), JournalError> {
        let alive = sqlx::query(
            "with gone as (delete from gateways where alive_until < $2 - 86400000)
             insert into gateways values ($1, $2) on conflict (owner) do update set alive_until = $2",
        );
        let said = alive.bind(owner).bind(until).execute(&self.pool).await;
        said.map(drop).map_err(JournalError::unavailable)
    }

    async fn forget(&self, before: i64) -> Result<u64, JournalError> {
        let over =
            "delete from units where begun < $1 and state in ('finished', 'settled', 'resolved')";
        let forgotten = sqlx::query(over).bind(before).execute(&self.pool).await;
        let forgotten = forgotten.map_err(JournalError::unavailable)?;
        let kinds = sqlx::query("delete from made where begun < $1").bind(before);
        let kinds = kinds.execute(&self.pool).await;
        kinds.map_err(JournalError::unavailable)?;
        Ok(forgotten.rows_affected())
    }

    async fn side_keep(&self, values: &[SideValue]) -> Result<(), JournalError> {
        let kept = side_postgres::keep(&self.pool, values).await;
        kept.map_err(JournalError::unavailable)
    }

    async fn side_mark(&self, of: SideOf<'_>, mark: SideMark) -> Result<(), JournalError> {
        let marked = side_postgres::mark(&self.pool, of, mark).await;
        marked.map_err(JournalError::unavailable)
    }

    async fn side_values(&self, of: SideOf<'_>) -> Result<Vec<SideValue>, JournalError> {
        let values = side_postgres::values(&self.pool, of).await;
        values.map_err(JournalError::unavailable)
    }

    async fn side_due(&self, now: i64, limit: usize) -> Result<Vec<SideValue>, JournalError> {
        let due = side_postgres::due(&self.pool, now, limit).await;
        due.map_err(JournalError::unavailable)
    }
}
