//! The schema, its version, and how an older database becomes a newer one.
//!
//! `andon_schema` holds one row with the version. A database without it is empty and gets every
//! migration; one with a higher version than known is refused before anything is touched.

use sqlx::AnyConnection;
use sqlx::{AssertSqlSafe, query, query_scalar, raw_sql};

use crate::OpenError;
use crate::location::{Dialect, Location};

/// Migration `n` leads from version `n` to `n + 1`. Never change one that was released: add another.
const MIGRATIONS: [&str; 8] = [
    include_str!("schema/v1.sql"),
    include_str!("schema/v2.sql"),
    include_str!("schema/v3.sql"),
    include_str!("schema/v4.sql"),
    include_str!("schema/v5.sql"),
    include_str!("schema/v6.sql"),
    include_str!("schema/v7.sql"),
    include_str!("schema/v8.sql"),
];

/// The version that this program writes: as many as there are migrations.
const KNOWN: i64 = 8;

const _: () = assert!(MIGRATIONS.len() == 8, "KNOWN counts the migrations");

/// Brings the database to the known version.
pub(crate) async fn migrate(connection: &mut AnyConnection, location: &Location) -> Result<(), OpenError> {
    let failed = |cause: sqlx::Error| OpenError::database(location, &cause);
    lock(connection, location.dialect()).await.map_err(failed)?;
    let found = version(connection).await.map_err(failed)?;
    if found > KNOWN {
        return Err(OpenError::NewerSchema { location: location.to_string(), found, known: KNOWN });
    }
    if found < KNOWN {
        apply(connection, location.dialect(), found).await.map_err(failed)?;
    }
    raw_sql("COMMIT").execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Starts a transaction that keeps other processes from migrating at the same time.
async fn lock(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), sqlx::Error> {
    let begin = match dialect {
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        Dialect::Postgres => "BEGIN; SELECT pg_advisory_xact_lock(74612001)",
    };
    raw_sql(begin).execute(&mut *connection).await?;
    let table = "CREATE TABLE IF NOT EXISTS andon_schema (version BIGINT NOT NULL)";
    raw_sql(table).execute(connection).await?;
    Ok(())
}

/// The version found; 0 for an empty database.
async fn version(connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    query_scalar("SELECT COALESCE(MAX(version), 0) FROM andon_schema").fetch_one(connection).await
}

async fn apply(connection: &mut AnyConnection, dialect: Dialect, from: i64) -> Result<(), sqlx::Error> {
    let applied = usize::try_from(from).unwrap_or_default();
    for migration in MIGRATIONS.iter().skip(applied) {
        raw_sql(AssertSqlSafe(in_dialect(migration, dialect))).execute(&mut *connection).await?;
    }
    query("DELETE FROM andon_schema").execute(&mut *connection).await?;
    query("INSERT INTO andon_schema (version) VALUES ($1)").bind(KNOWN).execute(connection).await?;
    Ok(())
}

/// Fills in the words that differ: the type of a 64-bit key, of bytes, of text in the order of its bytes, and tables kept
/// in key order.
fn in_dialect(sql: &str, dialect: Dialect) -> String {
    let (key, bytes, ordered, clustered) = match dialect {
        Dialect::Sqlite => ("INTEGER PRIMARY KEY", "BLOB", "TEXT", "WITHOUT ROWID"),
        Dialect::Postgres => ("BIGINT PRIMARY KEY", "BYTEA", "TEXT COLLATE \"C\"", ""),
    };
    let sql = sql.replace("{key}", key).replace("{bytes}", bytes);
    sql.replace("{ordered}", ordered).replace("{clustered}", clustered)
}
