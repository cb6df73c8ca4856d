//! Kept values in the embedded journal.

use rusqlite::{Connection, Row, Transaction, params};

use super::side::{SideMark, SideOf, SideValue};

pub(super) const SCHEMA: &str = include_str!("side.sql");

const COLUMNS: &str = "merchant, place, reference, key_id, sealed, due";

pub(super) fn keep(transaction: &Transaction<'_>, values: &[SideValue]) -> rusqlite::Result<()> {
    let insert = format!("insert or replace into side ({COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6)");
    let mut insert = transaction.prepare_cached(&insert)?;
    for value in values {
        insert.execute(params![
            value.merchant,
            value.place,
            value.reference,
            value.key_id,
            value.sealed,
            value.due
        ])?;
    }
    Ok(())
}

/// What [`SideOf`] names, to be sent to the writer.
pub(super) struct Owned {
    merchant: String,
    place: String,
    references: Option<Vec<String>>,
    due_by: Option<i64>,
}

impl From<SideOf<'_>> for Owned {
    fn from(of: SideOf<'_>) -> Owned {
        Owned {
            merchant: of.merchant.to_owned(),
            place: of.place.to_owned(),
            references: of.references.map(<[String]>::to_vec),
            due_by: of.due_by,
        }
    }
}

pub(super) fn mark(
    transaction: &Transaction<'_>,
    of: &Owned,
    mark: SideMark,
) -> rusqlite::Result<()> {
    let of_place = "where merchant = ?1 and lower(place) = lower(?2) and (?3 is null or reference = ?3) and (?4 is null or due <= ?4)";
    let run = |reference: Option<&String>| match mark.due() {
        Some(due) => transaction
            .prepare_cached(&format!("update side set due = ?5 {of_place}"))?
            .execute(params![of.merchant, of.place, reference, of.due_by, due]),
        None => transaction
            .prepare_cached(&format!("delete from side {of_place}"))?
            .execute(params![of.merchant, of.place, reference, of.due_by]),
    };
    match &of.references {
        None => run(None).map(drop),
        Some(references) => references
            .iter()
            .try_for_each(|one| run(Some(one)).map(drop)),
    }
}

pub(super) fn values(connection: &Connection, of: &Owned) -> rusqlite::Result<Vec<SideValue>> {
    let all =
        format!("select {COLUMNS} from side where merchant = ?1 and lower(place) = lower(?2)");
    let mut all = connection.prepare_cached(&all)?;
    let rows = all.query_map([&of.merchant, &of.place], read)?;
    let wanted = |value: &SideValue| {
        let references = of.references.as_ref();
        references.is_none_or(|references| references.contains(&value.reference))
    };
    rows.filter(|row| row.as_ref().map_or(true, wanted))
        .collect()
}

pub(super) fn due(
    connection: &Connection,
    now: i64,
    limit: usize,
) -> rusqlite::Result<Vec<SideValue>> {
    let due = format!("select {COLUMNS} from side where due <= ?1 order by due limit ?2");
    let mut due = connection.prepare_cached(&due)?;
    due.query_map(params![now, limit as i64], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<SideValue> {
    Ok(SideValue {
        merchant: row.get(0)?,
        place: row.get(1)?,
        reference: row.get(2)?,
        key_id: row.get(3)?,
        sealed: row.get(4)?,
        due: row.get(5)?,
    })
}
