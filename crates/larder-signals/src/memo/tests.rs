use std::time::Duration;

use larder_core::{DiscardReason, Policy, Untracked};

use super::*;
use crate::{PassingRead, fixtures::*};

/// Runs a memo inside of which this goes past the cache.
fn passing(rig: &Rig, sql: &str) -> MemoOutcome {
    let mut outcome = MemoOutcome::default();
    let memo = rig.larder.memo("page", &sql).told(&mut outcome);
    memo.run_blocking(|| {
        let prepared = rig.source.plan(sql);
        rig.larder.track_blocking(&PassingRead {
            source: &rig.source,
            prepared: &prepared,
            params: &[],
            scope: None,
        });
    });
    outcome
}

fn untracked(why: Untracked) -> DiscardReason {
    DiscardReason::Untracked(why)
}

#[test]
fn a_read_that_no_policy_caches_is_tracked() {
    let rig = Rig::with(|builder| builder);
    let sql = "SELECT * FROM post WHERE id = 1";
    assert_eq!(passing(&rig, sql), MemoOutcome::Stored);
    assert_eq!(passing(&rig, sql), MemoOutcome::Hit);
    let mut guard = rig
        .larder
        .begin_write(&rig.source, rig.source.plan("DELETE FROM post"));
    guard.sent();
    guard.succeeded(&[], crate::Returned::Nothing);
    guard.deliver_blocking();
    assert_eq!(passing(&rig, sql), MemoOutcome::Stored);
}

#[test]
fn a_read_that_a_policy_forbids_is_not_tracked_and_the_memo_says_why() {
    let rig = Rig::with(|builder| builder.policy("post", Policy::never()));
    let outcome = passing(&rig, "SELECT * FROM post");
    assert_eq!(
        outcome.to_string(),
        "not stored: a read that cannot be cached: policy says never"
    );
}

#[test]
fn a_guarded_write_inside_keeps_a_memo_from_being_stored() {
    let rig = Rig::with(|builder| builder);
    let mut outcome = MemoOutcome::default();
    let memo = rig.larder.memo("page", &()).told(&mut outcome);
    memo.run_blocking(|| {
        let write = rig.source.plan("DELETE FROM post");
        drop(rig.larder.begin_write(&rig.source, write));
    });
    let reason = untracked(Untracked::Write);
    assert_eq!(outcome, MemoOutcome::Discarded(reason, None));
}

#[test]
fn a_memo_without_a_time_or_with_none_is_not_stored() {
    let rig = Rig::with(|builder| builder);
    let ask = |memo: Memo<'_, ()>| memo.run_blocking(|| 1);
    let mut outcomes = [MemoOutcome::default(), MemoOutcome::default()];
    let [zero, endless] = &mut outcomes;
    ask(rig.larder.memo("page", &()).ttl(Duration::ZERO).told(zero));
    ask(rig.larder.memo("page", &()).untracked().told(endless));
    assert_eq!(
        outcomes.map(|outcome| outcome.to_string()),
        [
            "not cached: ttl is zero",
            "not cached: an untracked memo without a ttl"
        ]
    );
}
