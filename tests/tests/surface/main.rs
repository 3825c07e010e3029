//! The wrapped connection where applications use it beside its statements.

mod before;
mod behavior;
mod connection;
mod errors;
mod passes;
mod replica;
mod restricted;
mod store_down;
mod tenants;
mod types;

use larder_tests::lab::Backend;

/// Runs a scenario on all three databases, each as a test of its own.
macro_rules! on_all {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::Backend::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::Backend::Postgres).await;
            })+
        }
        mod mariadb {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::Backend::MariaDb).await;
            })+
        }
    };
}

pub(crate) use on_all;
