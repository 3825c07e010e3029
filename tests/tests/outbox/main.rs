//! What other programs write, by the outbox and its relay, on real servers.

mod crashes;
mod diesel;
#[expect(dead_code, reason = "made for the hostile tests")]
#[path = "../hostile/gate.rs"]
mod gate;
#[expect(dead_code, reason = "made for the tests of every read and write")]
#[path = "../matrix/mod.rs"]
mod matrix;
mod outside;
mod postgres;
mod schema;
mod site;
mod writes;

/// Mounts tests on every database.
macro_rules! on_each {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(larder_tests::lab::Backend::Sqlite).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(larder_tests::lab::Backend::Postgres).await; })*
        }
        mod mariadb {
            $(#[tokio::test] async fn $name() { super::$name(larder_tests::lab::Backend::MariaDb).await; })*
        }
    };
}
pub(crate) use on_each;
