//! The statements of the embedded journal.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::unit::Unit;

pub(super) fn begin(
    transaction: &Transaction<'_>,
    unit: &Unit,
    since: i64,
) -> rusqlite::Result<Option<Unit>> {
    let key = unit.key.as_ref().map(|key| &key.hash);
    if key.is_some() {
        transaction
            .prepare_cached(
                "update units set key = null where merchant = ?1 and key = ?2 and begun < ?3",
            )?
            .execute(params![unit.merchant.as_str(), key, since])?;
    }
    let inserted = transaction
        .prepare_cached(
            "insert into units (id, merchant, key, state, owner, version, due, begun, doc)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) on conflict do nothing",
        )?
        .execute(params![
            unit.id.as_str(),
            unit.merchant.as_str(),
            key,
            unit.state.name(),
            unit.owner.as_str(),
            unit.version,
            unit.due,
            unit.begun,
            text(unit)?
        ])?;
    if inserted == 1 {
        return Ok(None);
    }
    let mut found = transaction.prepare_cached(
        "select doc from units where id = ?1 or (merchant = ?2 and key = ?3) limit 1",
    )?;
    found
        .query_row(
            params![unit.id.as_str(), unit.merchant.as_str(), key],
            read_unit,
        )
        .optional()
}

pub(super) fn update(transaction: &Transaction<'_>, unit: &Unit) -> rusqlite::Result<bool> {
    let key = unit.key.as_ref().map(|key| &key.hash);
    let updated = transaction
        .prepare_cached(
            "update units set key = case when ?2 is null then null else key end, state = ?3, owner = ?4, version = ?5, due = ?6, doc = ?7
             where id = ?1 and version = ?5 - 1",
        )?
        .execute(params![
            unit.id.as_str(),
            key,
            unit.state.name(),
            unit.owner.as_str(),
            unit.version,
            unit.due,
            text(unit)?
        ])?;
    if updated == 1 {
        for made in &unit.made {
            transaction
                .prepare_cached("insert or replace into made values (?1, ?2, ?3, ?4)")?
                .execute(params![
                    unit.merchant.as_str(),
                    made.id.as_str(),
                    made.kind.as_str(),
                    unit.begun
                ])?;
        }
    }
    Ok(updated == 1)
}

pub(super) fn forget(transaction: &Transaction<'_>, before: i64) -> rusqlite::Result<u64> {
    let over =
        "delete from units where begun < ?1 and state in ('finished', 'settled', 'resolved')";
    let forgotten = transaction.execute(over, [before])?;
    transaction.execute("delete from made where begun < ?1", [before])?;
    Ok(forgotten as u64)
}

/// The unit that made something: begun at the time that stands beside the id.
pub(super) fn maker(
    connection: &Connection,
    merchant: &str,
    id: &str,
) -> rusqlite::Result<Option<Unit>> {
    let mut found = connection.prepare_cached(
        "select doc from units join made using (merchant, begun) where made.merchant = ?1 and made.id = ?2",
    )?;
    let rows = found.query_map([merchant, id], read_unit)?;
    let units: Vec<Unit> = rows.collect::<Result<_, _>>()?;
    Ok(units.into_iter().find(|unit| unit.has_made(id)))
}

fn text(unit: &Unit) -> rusqlite::Result<String> {
    serde_json::to_string(unit)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn read_unit(row: &rusqlite::Row<'_>) -> rusqlite::Result<Unit> {
    let doc: String = row.get(0)?;
    serde_json::from_str(&doc).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })
}
