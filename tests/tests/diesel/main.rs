//! The Diesel adapter on three databases, blocking and not.

mod battery;
mod before;
mod both_orms;
mod connections;
mod hazards;
mod lab;
mod model;
mod policies;
mod tasks;
mod tenants;
mod typed;
mod types;
mod walk;

#[test]
fn every_read_is_fresh_and_precise_after_every_write_on_sqlite() {
    battery::sqlite::check();
}

#[test]
fn every_read_is_fresh_and_precise_after_every_write_on_postgres() {
    battery::postgres::check();
}

#[test]
fn every_read_is_fresh_and_precise_after_every_write_on_mariadb() {
    battery::mariadb::check();
}

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_sqlite_by_tasks() {
    battery::async_sqlite::check().await;
}

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_postgres_by_tasks() {
    battery::async_postgres::check().await;
}

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_mariadb_by_tasks() {
    battery::async_mariadb::check().await;
}
