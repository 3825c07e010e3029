use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use larder_signals::ReadOptions;
use sea_orm::{DbBackend, Statement, StatementBuilder};

use super::{Probe, ResultSlot, Slot, build};

struct Text(&'static str);

impl StatementBuilder for Text {
    fn build(&self, backend: &DbBackend) -> Statement {
        Statement::from_string(*backend, self.0)
    }

    #[cfg(feature = "rbac")]
    fn audit(&self) -> Result<sea_orm::QueryAccessAudit, sea_orm::AuditError> {
        Ok(sea_orm::QueryAccessAudit {
            requests: Vec::new(),
        })
    }
}

struct Panics;

impl StatementBuilder for Panics {
    fn build(&self, _: &DbBackend) -> Statement {
        panic!("no statement")
    }

    #[cfg(feature = "rbac")]
    fn audit(&self) -> Result<sea_orm::QueryAccessAudit, sea_orm::AuditError> {
        Ok(sea_orm::QueryAccessAudit {
            requests: Vec::new(),
        })
    }
}

fn slot() -> Arc<dyn Slot> {
    ResultSlot::<u64>::new("count", 0, ReadOptions::default())
}

#[test]
fn probe_leaves_its_slot_with_a_connection_that_asks() {
    let slot = slot();
    let probe = Probe {
        statement: &Text("SELECT 1"),
        slot: &slot,
    };
    let (statement, left) = build(&probe, DbBackend::Sqlite);
    assert_eq!(statement.sql, "SELECT 1");
    assert!(left.is_some_and(|left| Arc::ptr_eq(&left, &slot)));
}

#[test]
fn probe_is_a_plain_builder_for_any_other_connection() {
    let slot = slot();
    let probe = Probe {
        statement: &Text("SELECT 1"),
        slot: &slot,
    };
    assert_eq!(DbBackend::Sqlite.build(&probe).sql, "SELECT 1");
    assert!(build(&Text("SELECT 2"), DbBackend::Sqlite).1.is_none());
}

#[test]
fn second_statement_of_a_terminal_leaves_nothing_and_spoils_the_first() {
    let typed = ResultSlot::<u64>::new("count", 0, ReadOptions::default());
    let slot: Arc<dyn Slot> = typed.clone();
    let probe = Probe {
        statement: &Text("SELECT 1"),
        slot: &slot,
    };
    assert!(build(&probe, DbBackend::Sqlite).1.is_some());
    assert!(slot.put_hit(Arc::new(7_u64)));
    assert!(build(&probe, DbBackend::Sqlite).1.is_none());
    assert!(matches!(typed.take(), super::Answer::Uncached));
}

#[test]
fn result_of_another_type_is_no_hit() {
    assert!(!slot().put_hit(Arc::new("seven")));
}

#[test]
fn panic_in_build_leaves_nobody_asking() {
    let panicked = catch_unwind(AssertUnwindSafe(|| build(&Panics, DbBackend::Sqlite)));
    assert!(panicked.is_err());
    let slot = slot();
    let probe = Probe {
        statement: &Text("SELECT 1"),
        slot: &slot,
    };
    let _ = DbBackend::Sqlite.build(&probe);
    assert!(build(&Text("SELECT 2"), DbBackend::Sqlite).1.is_none());
}
