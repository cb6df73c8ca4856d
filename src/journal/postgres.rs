//! `postgres://…`: one journal for many gateways.
//!
//! One task writes, as in the embedded journal: what waits goes into one transaction of a few statements, whatever its
//! number. That a request is begun once only is the unique index' work, so it holds between gateways as well.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tokio::sync::{mpsc, oneshot};

use super::postgres_setup::{MIGRATIONS, cannot, pool, version};
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
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (mut begins, mut updates) = (Vec::new(), Vec::new());
        for write in batch.drain(..) {
            match write {
                Write::Begin(unit, since, answer) => begins.push((unit, since, answer)),
                Write::Update(unit, answer) => updates.push((unit, answer)),
            }
        }
        // Gateways that begin the same requests wait for each other in one order.
        begins.sort_by(|left, right| hash(&left.0).cmp(&hash(&right.0)));
        let first: Vec<(&Unit, i64)> = begins
            .iter()
            .map(|(unit, since, _)| (&**unit, *since))
            .collect();
        let later: Vec<&Unit> = updates.iter().map(|(unit, _)| &**unit).collect();
        match commit(&pool, &first, &later).await {
            Ok((known, updated)) => {
                for ((_, _, answer), known) in begins.into_iter().zip(known) {
                    let _told = answer.send(Ok(known));
                }
                for (unit, answer) in updates {
                    let _told = answer.send(Ok(updated.contains(&unit.id)));
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

/// Writes a batch; for each unit to begin the one that has its place, and the ids of those that were updated.
async fn commit(
    pool: &PgPool,
    begins: &[(&Unit, i64)],
    updates: &[&Unit],
) -> Result<(Vec<Option<Unit>>, Vec<String>), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    for (unit, since) in begins.iter().filter(|(_, since)| *since > 0) {
        sqlx::query("update units set key = null where merchant = $1 and key = $2 and begun < $3")
            .bind(&unit.merchant)
            .bind(hash(unit))
            .bind(since)
            .execute(&mut *transaction)
            .await?;
    }
    let units: Vec<&Unit> = begins.iter().map(|(unit, _)| *unit).collect();
    let inserted: Vec<String> = match units.is_empty() {
        true => Vec::new(),
        false => ids(&mut transaction, INSERT, &units).await?,
    };
    let updated: Vec<String> = match updates.is_empty() {
        true => Vec::new(),
        false => ids(&mut transaction, UPDATE, updates).await?,
    };
    made(&mut transaction, updates, &updated).await?;
    transaction.commit().await?;
    let mut known = Vec::with_capacity(units.len());
    for unit in units {
        known.push(match inserted.contains(&unit.id) {
            true => None,
            // Whoever held its place has just let go of it: the caller tries again.
            false => Some(holder(pool, unit).await?.ok_or(sqlx::Error::RowNotFound)?),
        });
    }
    Ok((known, updated))
}

const INSERT: &str = "insert into units (id, merchant, key, state, owner, version, due, begun, doc)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::text[])
    on conflict do nothing returning id";

const UPDATE: &str = "update units set
        key = case when new.key is null then null else units.key end,
        state = new.state, owner = new.owner, version = new.version, due = new.due, doc = new.doc
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
        $9::text[]) as new (id, merchant, key, state, owner, version, due, begun, doc)
    where units.id = new.id and units.version = new.version - 1
    returning units.id";

/// Runs a statement over many units at once; the ids of those that it wrote.
async fn ids(
    connection: &mut PgConnection,
    statement: &'static str,
    units: &[&Unit],
) -> Result<Vec<String>, sqlx::Error> {
    let docs = units.iter().map(serde_json::to_string);
    let docs: Vec<String> = docs
        .collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    let texts = |of: fn(&Unit) -> &str| units.iter().map(|unit| of(unit)).collect::<Vec<&str>>();
    let keys: Vec<Option<&str>> = units.iter().map(|unit| hash(unit)).collect();
    let versions: Vec<i64> = units.iter().map(|unit| unit.version).collect();
    let dues: Vec<Option<i64>> = units.iter().map(|unit| unit.due).collect();
    let begun: Vec<i64> = units.iter().map(|unit| unit.begun).collect();
    sqlx::query_scalar(statement)
        .bind(texts(|unit| &unit.id))
        .bind(texts(|unit| &unit.merchant))
        .bind(keys)
        .bind(texts(|unit| unit.state.name()))
        .bind(texts(|unit| &unit.owner))
        .bind(versions)
        .bind(dues)
        .bind(begun)
        .bind(docs)
        .fetch_all(connection)
        .await
}

/// Writes what the updated units made, all at once: each wait for the server is one of the whole batch.
async fn made(
    connection: &mut PgConnection,
    updates: &[&Unit],
    updated: &[String],
) -> Result<(), sqlx::Error> {
    // One statement writes no row twice, and gateways wait for each other in one order.
    let mut rows = BTreeMap::new();
    for unit in updates.iter().filter(|unit| updated.contains(&unit.id)) {
        for made in &unit.made {
            rows.insert((&*unit.merchant, &*made.id), (&*made.kind, unit.begun));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let (merchants, ids): (Vec<&str>, Vec<&str>) = rows.keys().copied().unzip();
    let (kinds, begun): (Vec<&str>, Vec<i64>) = rows.values().copied().unzip();
    sqlx::query(
        "insert into made select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
         on conflict (merchant, id) do update set kind = excluded.kind",
    )
    .bind(merchants)
    .bind(ids)
    .bind(kinds)
    .bind(begun)
    .execute(connection)
    .await?;
    Ok(())
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
