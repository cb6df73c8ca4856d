//! `postgres://…`: one journal for many gateways.
//!
//! One task writes, as in the embedded journal: what waits goes into one statement, whatever its number.
//! That a request is begun once only is the unique index' work, so it holds between gateways as well.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::query::QueryAs;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::postgres_setup::{MIGRATIONS, cannot, pool, version};
use super::side::{SideMark, SideOf, SideValue};
use super::side_postgres;
use super::store::{Due, Filter, JournalError, Store};
use super::unit::Unit;

/// How many writes share a transaction.
const BATCH_MAX: usize = 256;
/// How long a batch may take, a little less than requests wait for the journal by default: a connection that died without a
/// word would hold up all that come after it.
const BATCH_TIMEOUT: Duration = Duration::from_millis(1800);
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
    /// Connects, and checks that the tables have the form that this version knows.
    pub async fn connect(url: &str) -> Result<Postgres, JournalError> {
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
        tokio::spawn(write_all(pool.clone(), waiting));
        Ok(Postgres { pool, writes })
    }

    fn send(&self, write: Write) -> Result<(), JournalError> {
        let full = |_| JournalError::unavailable("too many writes are waiting");
        self.writes.try_send(write).map_err(full)
    }
}

async fn write_all(pool: PgPool, mut waiting: mpsc::Receiver<Write>) {
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
        let end = Instant::now() + BATCH_TIMEOUT;
        let committed = timeout_at(end, commit(&pool, &mut own, &first, &later)).await;
        match committed.unwrap_or_else(|_| Err(too_long())) {
            Ok((inserted, updated)) => {
                for (unit, answer) in updates {
                    let _told = answer.send(Ok(updated.contains(&unit.id)));
                }
                for (unit, _, answer) in begins {
                    let known = match inserted.contains(&unit.id) {
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

fn hash(unit: &Unit) -> Option<&str> {
    unit.key.as_ref().map(|key| key.hash.as_str())
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

/// Frees the keys of units that began too long ago to count.
async fn release(
    connection: &mut PgConnection,
    begins: &[(&Unit, i64)],
) -> Result<(), sqlx::Error> {
    let old = begins.iter().filter(|(_, since)| *since > 0);
    for (unit, since) in old {
        sqlx::query("update units set key = null where merchant = $1 and key = $2 and begun < $3")
            .bind(&unit.merchant)
            .bind(hash(unit))
            .bind(since)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A whole batch: one statement is one wait for the server, and a transaction of its own. It writes no row twice; the rows
/// are sorted, so that gateways wait for each other in one order.
const WRITE: &str = "with fresh as (
        insert into units (id, merchant, key, state, owner, version, due, begun, doc)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::text[])
        on conflict do nothing returning id
    ), changed as (
        update units set
            key = case when new.key is null then null else units.key end,
            state = new.state, owner = new.owner, version = new.version, due = new.due, doc = new.doc
        from unnest($10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::bigint[],
            $17::bigint[], $18::text[]) as new (id, merchant, key, state, owner, version, due, begun, doc)
        where units.id = new.id and units.version = new.version - 1
        returning units.id
    ), known as (
        insert into made
        select distinct on (merchant, id) merchant, id, kind, begun
        from unnest($19::text[], $20::text[], $21::text[], $22::bigint[], $23::text[])
            as new (merchant, id, kind, begun, unit)
        where unit in (select id from changed) order by merchant, id
        on conflict (merchant, id) do update set kind = excluded.kind
    )
    select id, true from fresh union all select id, false from changed";

/// The ids of the units that were begun, and of those that were updated.
async fn write(
    connection: &mut PgConnection,
    begins: &[&Unit],
    updates: &[&Unit],
) -> Result<(Vec<String>, Vec<String>), sqlx::Error> {
    let query = bind(sqlx::query_as(WRITE), begins)?;
    let query = bind(query, updates)?;
    let mut made = Vec::new();
    for unit in updates {
        made.extend(unit.made.iter().map(|made| (*unit, made)));
    }
    let written: Vec<(String, bool)> = query
        .bind(
            made.iter()
                .map(|(unit, _)| unit.merchant.as_str())
                .collect::<Vec<&str>>(),
        )
        .bind(
            made.iter()
                .map(|(_, made)| made.id.as_str())
                .collect::<Vec<&str>>(),
        )
        .bind(
            made.iter()
                .map(|(_, made)| made.kind.as_str())
                .collect::<Vec<&str>>(),
        )
        .bind(
            made.iter()
                .map(|(unit, _)| unit.begun)
                .collect::<Vec<i64>>(),
        )
        .bind(
            made.iter()
                .map(|(unit, _)| unit.id.as_str())
                .collect::<Vec<&str>>(),
        )
        .fetch_all(connection)
        .await?;
    let (fresh, changed): (Vec<_>, Vec<_>) = written.into_iter().partition(|(_, fresh)| *fresh);
    let ids = |written: Vec<(String, bool)>| written.into_iter().map(|(id, _)| id).collect();
    Ok((ids(fresh), ids(changed)))
}

type Query<'q> = QueryAs<'q, sqlx::Postgres, (String, bool), PgArguments>;

/// Binds the columns of units.
fn bind<'q>(query: Query<'q>, units: &[&'q Unit]) -> Result<Query<'q>, sqlx::Error> {
    let docs = units.iter().map(serde_json::to_string);
    let docs: Vec<String> = docs
        .collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    let texts = |of: fn(&Unit) -> &str| units.iter().map(|unit| of(unit)).collect::<Vec<&str>>();
    let keys: Vec<Option<&str>> = units.iter().map(|unit| hash(unit)).collect();
    let versions: Vec<i64> = units.iter().map(|unit| unit.version).collect();
    let dues: Vec<Option<i64>> = units.iter().map(|unit| unit.due).collect();
    let begun: Vec<i64> = units.iter().map(|unit| unit.begun).collect();
    Ok(query
        .bind(texts(|unit| &unit.id))
        .bind(texts(|unit| &unit.merchant))
        .bind(keys)
        .bind(texts(|unit| unit.state.name()))
        .bind(texts(|unit| &unit.owner))
        .bind(versions)
        .bind(dues)
        .bind(begun)
        .bind(docs))
}

async fn holder(pool: &PgPool, unit: &Unit) -> Result<Option<Unit>, sqlx::Error> {
    let found =
        sqlx::query("select doc from units where id = $1 or (merchant = $2 and key = $3) limit 1")
            .bind(&unit.id)
            .bind(&unit.merchant)
            .bind(hash(unit))
            .fetch_optional(pool)
            .await?;
    found.as_ref().map(read_unit).transpose()
}

fn read_unit(row: &PgRow) -> Result<Unit, sqlx::Error> {
    let doc: String = row.try_get(0)?;
    serde_json::from_str(&doc).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn read_units(rows: Result<Vec<PgRow>, sqlx::Error>) -> Result<Vec<Unit>, JournalError> {
    let rows = rows.map_err(JournalError::unavailable)?;
    let units: Result<Vec<Unit>, _> = rows.iter().map(read_unit).collect();
    units.map_err(JournalError::unavailable)
}

#[async_trait]
impl Store for Postgres {
    async fn begin(&self, unit: &Unit, since: i64) -> Result<Option<Unit>, JournalError> {
        let (answer, answered) = oneshot::channel();
        self.send(Write::Begin(Box::new(unit.clone()), since, answer))?;
        answered.await.map_err(JournalError::unavailable)?
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
