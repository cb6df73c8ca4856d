//! Connections to PostgreSQL, and the form of its tables.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Executor as _, PgConnection};

use super::side_postgres;
use super::store::JournalError;

/// The forms of the tables, in order. One that was released is never changed.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("schema.sql"), side_postgres::SCHEMA];
/// Only one process migrates at a time: the lock's number is as good as any.
const MIGRATION_LOCK: i64 = 0x5c3d_9a7e;
/// Connections of one gateway: one writes, the others read.
const CONNECTIONS: u32 = 4;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Brings the tables to the form of this version; from which to which.
pub async fn migrate(url: &str) -> Result<(i64, i64), JournalError> {
    let pool = pool(url).await?;
    let migrated = async {
        let mut transaction = pool.begin().await?;
        sqlx::query("select pg_advisory_xact_lock($1)")
            .bind(MIGRATION_LOCK)
            .execute(&mut *transaction)
            .await?;
        let from = version_of(&mut transaction).await?;
        transaction
            .execute("create table if not exists journal_version (version bigint not null)")
            .await?;
        let first = usize::try_from(from).unwrap_or(0);
        for migration in MIGRATIONS.iter().skip(first) {
            transaction.execute(*migration).await?;
        }
        transaction.execute("delete from journal_version").await?;
        sqlx::query("insert into journal_version values ($1)")
            .bind(from.max(MIGRATIONS.len() as i64))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok::<_, sqlx::Error>((from, from.max(MIGRATIONS.len() as i64)))
    };
    migrated.await.map_err(|error| cannot(&error))
}

pub(super) async fn pool(url: &str) -> Result<PgPool, JournalError> {
    let options = PgConnectOptions::from_str(url).map_err(|error| cannot(&error))?;
    // Durable when it returns, whatever the server's default; and nothing waits for ever.
    let options = options
        .application_name("scmp-gateway")
        .options([("synchronous_commit", "on"), ("lock_timeout", "5s")]);
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_with(options)
        .await
        .map_err(|error| cannot(&error))
}

/// The library's errors name host and database, never the password.
pub(super) fn cannot(error: &sqlx::Error) -> JournalError {
    JournalError::Open {
        place: "PostgreSQL".to_owned(),
        reason: error.to_string(),
        remedy: "Check journal.url and that the server runs.",
    }
}

pub(super) async fn version(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    version_of(&mut connection).await
}

async fn version_of(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let there: bool = sqlx::query_scalar("select to_regclass('journal_version') is not null")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(0);
    }
    let version = sqlx::query_scalar("select version from journal_version");
    Ok(version.fetch_optional(connection).await?.unwrap_or(0))
}
