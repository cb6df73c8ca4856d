//! The statements of the journal in PostgreSQL.

use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::query::QueryAs;
use sqlx::{PgConnection, Row as _};

use super::store::JournalError;
use super::unit::Unit;

/// The hash of what a repetition is known by.
pub(super) fn hash(unit: &Unit) -> Option<&str> {
    unit.key.as_ref().map(|key| key.hash.as_str())
}

/// Frees the keys of units that began too long ago to count.
pub(super) async fn release(
    connection: &mut PgConnection,
    begins: &[(&Unit, i64)],
) -> Result<(), sqlx::Error> {
    let old = begins.iter().filter(|(_, since)| *since > 0);
    for (unit, since) in old {
        sqlx::query("update units set key = null where merchant = $1 and key = $2 and begun < $3")
            .bind(unit.merchant.as_str())
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
pub(super) async fn write(
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

pub(super) async fn holder(pool: &PgPool, unit: &Unit) -> Result<Option<Unit>, sqlx::Error> {
    let found =
        sqlx::query("select doc from units where id = $1 or (merchant = $2 and key = $3) limit 1")
            .bind(unit.id.as_str())
            .bind(unit.merchant.as_str())
            .bind(hash(unit))
            .fetch_optional(pool)
            .await?;
    found.as_ref().map(read_unit).transpose()
}

/// The unit that made something: begun at the time that stands beside the id.
pub(super) async fn maker(
    pool: &PgPool,
    merchant: &str,
    id: &str,
) -> Result<Option<Unit>, sqlx::Error> {
    let found = sqlx::query(
        "select doc from units join made using (merchant, begun) where made.merchant = $1 and made.id = $2",
    );
    let found = found.bind(merchant).bind(id).fetch_all(pool).await?;
    let units: Vec<Unit> = found.iter().map(read_unit).collect::<Result<_, _>>()?;
    Ok(units.into_iter().find(|unit| unit.has_made(id)))
}

pub(super) fn read_unit(row: &PgRow) -> Result<Unit, sqlx::Error> {
    let doc: String = row.try_get(0)?;
    serde_json::from_str(&doc).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) fn read_units(rows: Result<Vec<PgRow>, sqlx::Error>) -> Result<Vec<Unit>, JournalError> {
    let rows = rows.map_err(JournalError::unavailable)?;
    let units: Result<Vec<Unit>, _> = rows.iter().map(read_unit).collect();
    units.map_err(JournalError::unavailable)
}
