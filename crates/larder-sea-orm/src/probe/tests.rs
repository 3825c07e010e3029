use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use larder_signals::ReadOptions;
use sea_orm::{DbBackend, Statement, StatementBuilder};

use super::{Asked, Found, Probe, ResultSlot, Slot, Text, build};

fn text(sql: &str) -> Text {
    Text(Statement::from_string(DbBackend::Sqlite, sql))
}

struct Panics;

impl StatementBuilder for Panics {
    fn build(&self, _: &DbBackend) -> Statement {
        panic!("no statement")
    }

    #[cfg(feature = "rbac")]
    fn audit(&self) -> Result<sea_orm::QueryAccessAudit, sea_orm::AuditError> {
        Err(sea_orm::AuditError::UnsupportedQuery)
    }
}

fn counting() -> ResultSlot<u64> {
    ResultSlot::new::<()>("count", ReadOptions::default())
}

fn slot() -> Arc<dyn Slot> {
    Arc::new(counting())
}

/// What a connection is left by this statement under this slot.
fn left(slot: &Arc<dyn Slot>) -> Option<Asked> {
    let probe = Probe {
        statement: &text("SELECT 1"),
        slot,
    };
    build(&probe, DbBackend::Sqlite).1.map(|(_, asked)| asked)
}

#[test]
fn probe_leaves_its_slot_with_a_connection_that_asks() {
    let slot = slot();
    let probe = Probe {
        statement: &text("SELECT 1"),
        slot: &slot,
    };
    let (statement, left) = build(&probe, DbBackend::Sqlite);
    assert_eq!(statement.sql, "SELECT 1");
    assert!(left.is_some_and(|(left, asked)| Arc::ptr_eq(&left, &slot) && asked == Asked::First));
}

#[test]
fn probe_is_a_plain_builder_for_any_other_connection() {
    let slot = slot();
    let probe = Probe {
        statement: &text("SELECT 1"),
        slot: &slot,
    };
    assert_eq!(DbBackend::Sqlite.build(&probe).sql, "SELECT 1");
    assert!(build(&text("SELECT 2"), DbBackend::Sqlite).1.is_none());
}

#[test]
fn second_statement_of_a_terminal_leaves_nothing_and_spoils_what_is_to_come() {
    let slot = slot();
    assert_eq!(left(&slot), Some(Asked::First));
    assert_eq!(left(&slot), None);
    assert_eq!(left(&slot), None);
}

/// The terminal was told of no rows in its place, so nothing else can answer.
#[test]
fn hit_is_never_withdrawn() {
    let slot = Arc::new(counting());
    let seen: Arc<dyn Slot> = slot.clone();
    assert_eq!(left(&seen), Some(Asked::First));
    assert!(seen.put_hit(Arc::new(7_u64)));
    assert!(seen.is_answered());
    assert_eq!(left(&seen), None);
    seen.withdraw();
    assert!(matches!(slot.take(), super::slot::Answer::Hit(value) if *value == 7));
}

#[test]
fn later_statements_of_an_operation_are_its_parts() {
    let slot: Arc<dyn Slot> = Arc::new(counting().of_several());
    assert_eq!(left(&slot), Some(Asked::First));
    assert_eq!(left(&slot), Some(Asked::Part));
    assert!(!slot.is_answered());
    assert!(slot.put_hit(Arc::new(7_u64)));
    assert!(slot.is_answered());
    slot.withdraw();
    assert_eq!(left(&slot), None);
}

#[test]
fn probe_inside_a_probe_does_not_answer_for_it() {
    let (outer, inner) = (slot(), slot());
    let probe = Probe {
        statement: &Probe {
            statement: &text("SELECT 1"),
            slot: &inner,
        },
        slot: &outer,
    };
    let (_, left) = build(&probe, DbBackend::Sqlite);
    assert!(left.is_some_and(|(left, _)| Arc::ptr_eq(&left, &outer)));
    let quiet: Arc<dyn Slot> = Arc::new(counting().of_none());
    let probe = Probe {
        statement: &probe,
        slot: &quiet,
    };
    assert!(build(&probe, DbBackend::Sqlite).1.is_none());
}

#[test]
fn found_is_cloned_only_when_it_is_shared() {
    let shared = Arc::new(vec![1_u64]);
    assert_eq!(Found::Shared(shared.clone()).into_owned(), [1]);
    assert!(Arc::ptr_eq(
        &Found::Shared(shared.clone()).into_shared(),
        &shared
    ));
    assert_eq!(Found::Own(vec![2_u64]).into_owned(), [2]);
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
        statement: &text("SELECT 1"),
        slot: &slot,
    };
    let _ = DbBackend::Sqlite.build(&probe);
    assert!(build(&text("SELECT 2"), DbBackend::Sqlite).1.is_none());
}
