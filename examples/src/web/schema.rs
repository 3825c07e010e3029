//! The tables: those of `migrations/`, in a PostgreSQL schema of their own.

/// A few authors, posts and comments in the tables of `migrations/`. An earlier run's are dropped.
pub const SETUP: &str = concat!(
    "DROP SCHEMA IF EXISTS larder_web CASCADE; CREATE SCHEMA larder_web;\n",
    include_str!("../../../migrations/postgres/schema.sql"),
    "INSERT INTO author (name) SELECT 'author ' || n FROM generate_series(1, 5) n;
     INSERT INTO post (author_id, title) SELECT (n - 1) % 5 + 1, 'post ' || n
         FROM generate_series(1, 10) n;
     INSERT INTO comment (post_id, body) SELECT (n - 1) % 10 + 1, 'comment ' || n
         FROM generate_series(1, 20) n;"
);

/// Leaves the database as it was found.
pub const TEARDOWN: &str = "DROP SCHEMA IF EXISTS larder_web CASCADE";

/// The database with the schema as the place where sessions look tables up, so that neither ORM
/// has to name it.
pub(super) fn within(database: &str) -> String {
    let separator = if database.contains('?') { '&' } else { '?' };
    format!("{database}{separator}options=-csearch_path%3Dlarder_web")
}
