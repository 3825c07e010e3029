use std::{pin::pin, time::Duration};

use larder_core::{BypassReason, ReadOutcome};

use super::*;
use crate::fixtures::*;

const SECOND: Duration = Duration::from_secs(1);

fn bypass(rig: &Rig) -> Option<BypassReason> {
    match lookup(rig.cache(), "post") {
        ReadOutcome::Bypass(reason) => Some(reason),
        _ => None,
    }
}

#[test]
fn a_write_dropped_before_it_is_sent_did_nothing() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    drop(rig.guard());
    assert!(is_hit(rig.cache(), "post"));
    assert_eq!(rig.larder.uncertain_writes(), 0);
}

#[test]
fn a_delivered_write_has_dropped_its_entries() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let mut guard = rig.guard();
    guard.sent();
    guard.succeeded(&[], Returned::Nothing);
    block_on(guard.deliver());
    assert!(!is_hit(rig.cache(), "post"));
    assert!(matches!(store(rig.cache(), "post"), ReadOutcome::Hit(_)));
    let mut guard = rig.guard();
    guard.succeeded(&[], Returned::Nothing);
    guard.deliver_blocking();
    assert!(!is_hit(rig.cache(), "post"));
}

#[test]
fn w4_a_write_dropped_after_it_was_sent_bypasses_its_tables_at_once() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let mut guard = rig.guard();
    guard.sent();
    drop(guard);
    assert!(bypass(&rig).is_some());
    assert!(rig.flush());
    assert_eq!(bypass(&rig), Some(BypassReason::Uncertain));
    assert_eq!(rig.larder.uncertain_writes(), 1);
}

#[test]
fn w4_a_write_dropped_after_it_was_sent_drops_its_records_for_other_processes() {
    let rig = Rig::new();
    let other = rig.other_process();
    let _ = store(&other, "post");
    let mut guard = rig.guard();
    guard.sent();
    drop(guard);
    assert!(rig.flush());
    assert!(!is_hit(&other, "post"));
}

#[test]
fn w4_a_late_commit_is_followed_by_another_drop_once_the_statement_ended() {
    let rig = Rig::new();
    let other = rig.other_process();
    let mut guard = rig.guard();
    guard.sent();
    let end = guard.statement_end();
    drop(guard);
    assert!(rig.flush());
    // Another process refills the old value; then the write commits.
    assert!(matches!(store(&other, "post"), ReadOutcome::Hit(_)));
    end.ended();
    assert!(rig.flush());
    assert!(!is_hit(&other, "post"));
    assert_eq!(rig.larder.uncertain_writes(), 0);
    assert_eq!(bypass(&rig), None);
}

#[test]
fn w4_without_proof_the_drops_repeat_at_growing_intervals_until_the_end() {
    let rig = Rig::with(|builder| builder.uncertain_for(SECOND * 10));
    let other = rig.other_process();
    let mut guard = rig.guard();
    guard.sent();
    drop(guard);
    assert!(rig.flush());
    let mut dropped_at = Vec::new();
    for second in 1..=12 {
        let _ = store(&other, "post");
        rig.clock.advance(SECOND);
        assert!(rig.flush());
        if !is_hit(&other, "post") {
            dropped_at.push(second);
        }
    }
    assert_eq!(dropped_at, [1, 3, 7, 10]);
    assert_eq!(rig.larder.uncertain_writes(), 0);
    assert_eq!(bypass(&rig), None);
}

#[test]
fn w4_an_error_that_is_not_the_servers_leaves_the_write_uncertain() {
    let rig = Rig::new();
    let mut guard = rig.guard();
    guard.sent();
    guard.failed(&[], Failure::Unknown);
    block_on(guard.deliver());
    assert_eq!(rig.larder.uncertain_writes(), 1);
    assert!(bypass(&rig).is_some());
}

#[test]
fn a_write_that_panics_after_it_was_sent_is_uncertain() {
    let rig = Rig::new();
    let mut guard = rig.guard();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        guard.sent();
        panic!("in the driver");
    }));
    assert!(result.is_err());
    assert_eq!(rig.larder.uncertain_writes(), 1);
}

#[test]
fn with_no_time_to_be_uncertain_the_records_drop_once() {
    let rig = Rig::with(|builder| builder.uncertain_for(Duration::ZERO));
    let other = rig.other_process();
    let _ = store(&other, "post");
    let mut guard = rig.guard();
    guard.sent();
    drop(guard);
    assert!(rig.flush());
    assert!(!is_hit(&other, "post"));
    assert!(rig.flush());
    assert_eq!(rig.larder.uncertain_writes(), 0);
}

#[test]
fn a_known_write_dropped_before_delivery_is_delivered_by_the_thread() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let mut guard = rig.guard();
    guard.sent();
    guard.succeeded(&[], Returned::Nothing);
    drop(guard);
    eventually("the delivery", || {
        rig.cache().pending() == 0 && bypass(&rig).is_none()
    });
    assert!(!is_hit(rig.cache(), "post"));
    assert_eq!(rig.larder.uncertain_writes(), 0);
}

/// A store whose async side never answers.
#[derive(Debug)]
struct Stalled(larder_core::MemoryStore);

#[async_trait::async_trait]
impl larder_core::Store for Stalled {
    async fn exec(
        &self,
        _: larder_core::Moment,
        _: &[larder_core::store::Request<'_>],
    ) -> Result<Vec<larder_core::store::Reply>, larder_core::Fault> {
        std::future::pending().await
    }
}

impl larder_core::BlockingStore for Stalled {
    fn exec_blocking(
        &self,
        now: larder_core::Moment,
        batch: &[larder_core::store::Request<'_>],
    ) -> Result<Vec<larder_core::store::Reply>, larder_core::Fault> {
        self.0.exec_blocking(now, batch)
    }
}

#[test]
fn a_delivery_that_is_cancelled_while_it_waits_for_the_store_goes_on_in_the_thread() {
    let rig = Rig::with(|builder| {
        builder.store(Stalled(larder_core::MemoryStore::with_capacity_bytes(
            1 << 20,
        )))
    });
    let _ = store(rig.cache(), "post");
    assert!(is_hit(rig.cache(), "post"));
    let mut guard = rig.guard();
    guard.sent();
    guard.succeeded(&[], Returned::Nothing);
    {
        let mut delivery = pin!(guard.deliver());
        assert!(poll_once(delivery.as_mut()).is_pending());
    }
    eventually("the delivery", || {
        rig.cache().pending() == 0 && bypass(&rig).is_none()
    });
    assert!(!is_hit(rig.cache(), "post"));
}

#[test]
fn a_commit_dropped_after_it_was_sent_is_uncertain_about_what_it_makes_visible() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let _ = store(rig.cache(), "author");
    let changes = Changes::record(table_key("post"), None);
    let mut guard = rig.larder.begin_commit(&rig.source, changes);
    guard.sent();
    drop(guard);
    assert!(rig.flush());
    assert_eq!(bypass(&rig), Some(BypassReason::Uncertain));
    assert!(is_hit(rig.cache(), "author"));
}

#[test]
fn a_write_in_the_scope_without_invalidation_drops_nothing() {
    let rig = Rig::new();
    let _ = store(rig.cache(), "post");
    let write = async || {
        let mut guard = rig.guard();
        guard.sent();
        std::future::ready(()).await;
        guard.succeeded(&[], Returned::Nothing);
        guard.deliver().await;
    };
    block_on(
        rig.larder
            .without_invalidation_stale_reads_possible(write()),
    );
    assert!(is_hit(rig.cache(), "post"));
    block_on(write());
    assert!(!is_hit(rig.cache(), "post"));
}

#[test]
fn the_scope_without_invalidation_ends_between_polls_and_with_a_panic() {
    let rig = Rig::new();
    let id = rig.larder.inner.id;
    let mut turns = 0;
    let stepwise = std::future::poll_fn(|_| {
        assert!(scope::is_suspended(id));
        turns += 1;
        if turns < 3 {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    });
    let mut scoped = pin!(
        rig.larder
            .without_invalidation_stale_reads_possible(stepwise)
    );
    while poll_once(scoped.as_mut()).is_pending() {
        assert!(!scope::is_suspended(id));
    }
    let blocking = || {
        rig.larder
            .without_invalidation_stale_reads_possible_blocking(|| panic!("inside"));
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(blocking)).is_err());
    assert!(!scope::is_suspended(id));
}

#[test]
fn the_scope_of_one_larder_is_none_for_another() {
    let (rig, other) = (Rig::new(), Rig::new());
    let _ = store(other.cache(), "post");
    rig.larder
        .without_invalidation_stale_reads_possible_blocking(|| {
            let mut guard = other.guard();
            guard.succeeded(&[], Returned::Nothing);
            guard.deliver_blocking();
        });
    assert!(!is_hit(other.cache(), "post"));
}

#[test]
fn an_error_of_the_server_takes_back_one_statement_on_a_transactional_engine_alone() {
    let taken_back = |dialect, transactional, keeps, twice| {
        let mut catalog = catalog(dialect);
        alter(&mut catalog, "post", |post| {
            post.transactional = transactional
        });
        let insert = Statement::insert(catalog, "post", vec![vec![to(0, 1)]]);
        let changes = insert.changes(&[], Returned::Nothing);
        let mut plan = insert.plan();
        if let Some(Part::Write(write)) = plan.parts.first_mut() {
            write.error_keeps_rows = keeps;
        }
        if twice {
            plan.parts.extend(insert.plan().parts);
        }
        is_taken_back(&plan, &changes, dialect)
    };
    assert!(taken_back(Dialect::MySql, true, false, false));
    assert!(taken_back(Dialect::Sqlite, true, false, false));
    assert!(!taken_back(Dialect::MySql, false, false, false));
    assert!(!taken_back(Dialect::Sqlite, true, true, false));
    assert!(!taken_back(Dialect::Sqlite, true, false, true));
    let mut catalog = catalog(Dialect::Sqlite);
    alter(&mut catalog, "post", |post| post.conflict_keeps_rows = true);
    let insert = Statement::insert(catalog, "post", vec![vec![to(0, 1)]]);
    let changes = insert.changes(&[], Returned::Nothing);
    assert!(!is_taken_back(&insert.plan(), &changes, Dialect::Sqlite));
    let unknown = plan(Part::Unknown(larder_sql::plan::Reason::new("x")));
    assert!(!is_taken_back(
        &unknown,
        &Changes::Everything,
        Dialect::Postgres
    ));
}
