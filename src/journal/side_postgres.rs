//! Kept values in PostgreSQL.

use sqlx::postgres::{PgPool, PgRow};
use sqlx::{AssertSqlSafe, Row as _};

use super::side::{SideMark, SideOf, SideValue};

pub(super) const SCHEMA: &str = include_str!("side.sql");

const COLUMNS: &str = "merchant, place, reference, key_id, sealed, due";

pub(super) async fn keep(pool: &PgPool, values: &[SideValue]) -> sqlx::Result<()> {
    let texts = |of: fn(&SideValue) -> &str| values.iter().map(of).collect::<Vec<&str>>();
    let sealed: Vec<&[u8]> = values.iter().map(|value| &value.sealed[..]).collect();
    let due: Vec<Option<i64>> = values.iter().map(|value| value.due).collect();
    let insert = sqlx::query(
        "insert into side (merchant, place, reference, key_id, sealed, due)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bigint[])
         on conflict (merchant, place, reference) do update
         set key_id = excluded.key_id, sealed = excluded.sealed, due = excluded.due",
    );
    let insert = insert
        .bind(texts(|value| &value.merchant))
        .bind(texts(|value| &value.place))
        .bind(texts(|value| &value.reference))
        .bind(texts(|value| &value.key_id))
        .bind(sealed)
        .bind(due);
    insert.execute(pool).await.map(drop)
}

pub(super) async fn mark(pool: &PgPool, of: SideOf<'_>, mark: SideMark) -> sqlx::Result<()> {
    let of_place = "where merchant = $1 and lower(place) = lower($2) and ($3::text[] is null or reference = any($3))
        and ($4::bigint is null or due <= $4)";
    // The texts are put together from constants.
    match mark.due() {
        Some(due) => {
            let update = sqlx::query(AssertSqlSafe(format!(
                "update side set due = $5 {of_place}"
            )));
            let update = update.bind(of.merchant).bind(of.place);
            let update = update.bind(of.references).bind(of.due_by);
            update.bind(due).execute(pool).await?;
        }
        None => {
            let delete = sqlx::query(AssertSqlSafe(format!("delete from side {of_place}")));
            let delete = delete.bind(of.merchant).bind(of.place);
            let delete = delete.bind(of.references).bind(of.due_by);
            delete.execute(pool).await?;
        }
    }
    Ok(())
}

pub(super) async fn values(pool: &PgPool, of: SideOf<'_>) -> sqlx::Result<Vec<SideValue>> {
    let found = format!(
        "select {COLUMNS} from side where merchant = $1 and lower(place) = lower($2)
         and ($3::text[] is null or reference = any($3))"
    );
    let found = sqlx::query(AssertSqlSafe(found));
    let found = found.bind(of.merchant).bind(of.place).bind(of.references);
    found.fetch_all(pool).await?.iter().map(read).collect()
}

pub(super) async fn due(pool: &PgPool, now: i64, limit: usize) -> sqlx::Result<Vec<SideValue>> {
    let found = format!("select {COLUMNS} from side where due <= $1 order by due limit $2");
    let found = sqlx::query(AssertSqlSafe(found));
    let found = found.bind(now).bind(limit as i64).fetch_all(pool).await?;
    found.iter().map(read).collect()
}

fn read(row: &PgRow) -> sqlx::Result<SideValue> {
    Ok(SideValue {
        merchant: row.try_get(0)?,
        place: row.try_get(1)?,
        reference: row.try_get(2)?,
        key_id: row.try_get(3)?,
        sealed: row.try_get(4)?,
        due: row.try_get(5)?,
    })
}
