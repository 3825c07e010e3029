//! Read kinds x write kinds on three databases: every answer equals the database's after every
//! write, and what a write cannot have touched is still answered without a query.

mod matrix;

use larder_tests::lab::Backend;
use matrix::check;

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_sqlite() {
    check(Backend::Sqlite).await;
}

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_postgres() {
    check(Backend::Postgres).await;
}

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_mariadb() {
    check(Backend::MariaDb).await;
}
