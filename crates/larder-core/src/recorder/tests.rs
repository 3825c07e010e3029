use super::*;
use crate::{Digest, ShapeName, Stamp, TableKey, entry::Incarnation};

const LATER: Moment = Moment(u64::MAX);

fn dependency(name: &str) -> DependencyKey {
    DependencyKey::any_row(TableKey(name.into()))
}

/// One value of the one shape of this table.
fn value(table: &str, value: u8) -> DependencyKey {
    DependencyKey {
        shape: ShapeName("1|id:int|*".into()),
        value: Some(Digest([value; 32])),
        ..dependency(table)
    }
}

fn stamp(number: u8) -> Issued {
    Issued {
        incarnation: Incarnation(1),
        shape: Stamp([number; 16]),
        value: None,
        widened: false,
    }
}

fn noted(dependencies: &[DependencyKey]) {
    let began = began();
    note(
        dependencies,
        &vec![stamp(1); dependencies.len()],
        LATER,
        began,
    );
}

fn names(recorder: &Recorder) -> Vec<DependencyKey> {
    let recorded = recorder.recorded();
    recorded
        .rests_on
        .into_iter()
        .map(|rest| rest.dependency)
        .collect()
}

#[test]
fn an_outer_recorder_hears_of_inner_statements_and_none_after_the_scope() {
    let (outer, inner) = (Recorder::new(9), Recorder::new(9));
    outer.scope_blocking(|| {
        noted(&[dependency("a")]);
        inner.scope_blocking(|| noted(&[dependency("b"), dependency("a")]));
    });
    noted(&[dependency("c")]);
    assert_eq!(names(&outer), [dependency("a"), dependency("b")]);
    assert_eq!(names(&inner), [dependency("b"), dependency("a")]);
    assert_eq!(outer.recorded().untracked, None);
}

#[test]
fn an_outer_recorder_hears_that_something_inside_was_not_tracked() {
    let (outer, inner) = (Recorder::new(9), Recorder::new(9));
    outer.scope_blocking(|| {
        inner.scope_blocking(|| note_untracked(Untracked::Write, None));
    });
    let untracked = Some((Untracked::Write, None));
    assert_eq!(outer.recorded().untracked, untracked);
}

#[test]
fn too_many_dependencies_make_the_operation_untracked() {
    let recorder = Recorder::new(1);
    recorder.scope_blocking(|| noted(&[dependency("a"), dependency("b")]));
    let untracked = Some((Untracked::Dependencies, None));
    assert_eq!(recorder.recorded().untracked, untracked);
}

#[test]
fn p2_the_stamps_that_were_read_first_count() {
    let recorder = Recorder::new(9);
    recorder.scope_blocking(|| {
        note(&[dependency("a")], &[stamp(1)], LATER, began());
        note(&[dependency("a")], &[stamp(2)], LATER, began());
    });
    assert_eq!(stamps(&recorder), [stamp(1)]);
}

fn stamps(recorder: &Recorder) -> Vec<Issued> {
    let recorded = recorder.recorded();
    recorded.rests_on.iter().map(|rest| rest.issued).collect()
}

#[test]
fn p2_of_reads_side_by_side_all_stamps_count() {
    let recorder = Recorder::new(9);
    recorder.scope_blocking(|| {
        let (slow, quick) = (began(), began());
        // The slow one has read its stamp before a write, and is heard of last.
        note(&[value("a", 1)], &[stamp(2)], LATER, quick);
        note(&[value("a", 1)], &[stamp(1)], LATER, slow);
        // So has one that the stamp of the whole table would stand for.
        note(&[dependency("a")], &[stamp(3)], LATER, quick);
        note(&[value("a", 2)], &[stamp(4)], LATER, slow);
        // What begins now comes after all of them.
        note(&[value("a", 1)], &[stamp(5)], LATER, began());
    });
    let expected = [2, 1, 3, 4].map(stamp);
    assert_eq!(stamps(&recorder), expected);
}

#[test]
fn p2_of_scopes_side_by_side_all_stamps_count() {
    let outer = Recorder::new(9);
    outer.scope_blocking(|| {
        let slow = began();
        let inner = Recorder::new(9);
        inner.scope_blocking(|| note(&[dependency("a")], &[stamp(2)], LATER, began()));
        let inner = Recorder::new(9);
        inner.scope_blocking(|| note(&[value("a", 1)], &[stamp(1)], LATER, slow));
    });
    assert_eq!(stamps(&outer), [stamp(2), stamp(1)]);
}

#[test]
fn p7_the_first_to_expire_counts_even_of_a_dependency_that_is_known() {
    let recorder = Recorder::new(9);
    recorder.scope_blocking(|| {
        note(&[dependency("a")], &[stamp(1)], LATER, began());
        note(&[dependency("a")], &[stamp(1)], Moment(5), began());
    });
    assert_eq!(recorder.recorded().expires, Moment(5));
}

#[test]
fn a_table_of_which_much_was_read_is_due_as_a_whole_until_its_stamp_is_known() {
    let recorder = Recorder::new(99);
    recorder.scope_blocking(|| {
        for number in 0..7 {
            noted(&[value("a", number)]);
        }
        assert_eq!(due(&[value("a", 8)]), []);
        noted(&[value("a", 7)]);
        assert_eq!(due(&[value("a", 8)]), [dependency("a")]);
        assert_eq!(due(&[value("b", 8)]), []);
        // The read of that stamp itself asks for nothing more.
        assert_eq!(due(&[dependency("a")]), []);
        noted(&[dependency("a")]);
        assert_eq!(due(&[value("a", 8)]), []);
        noted(&[value("a", 8), value("b", 8)]);
    });
    let mut expected: Vec<_> = (0..8).map(|number| value("a", number)).collect();
    expected.extend([dependency("a"), value("b", 8)]);
    assert_eq!(names(&recorder), expected);
}

#[test]
fn rows_of_another_scope_are_not_tracked() {
    let untracked = |scope: Option<&str>| {
        let recorder = Recorder::new(9).of_scope(Some("ours".into()));
        recorder.scope_blocking(|| note_scope(scope));
        recorder.recorded().untracked.map(|(why, _)| why)
    };
    assert_eq!(untracked(Some("ours")), None);
    assert_eq!(untracked(Some("theirs")), Some(Untracked::Scope));
    assert_eq!(untracked(None), Some(Untracked::Scope));
}

#[test]
fn interleaved_tasks_record_their_own_statements() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let (one, two) = (Recorder::new(9), Recorder::new(9));
    let task = |recorder: Recorder, name: &'static str| async move {
        let statements = async {
            noted(&[dependency(name)]);
            tokio::task::yield_now().await;
            noted(&[dependency("both")]);
        };
        recorder.scope(statements).await;
    };
    let tasks = (task(one.clone(), "a"), task(two.clone(), "b"));
    assert!(runtime.is_ok_and(|runtime| {
        runtime.block_on(async {
            let first = tokio::spawn(tasks.0);
            let second = tokio::spawn(tasks.1);
            first.await.is_ok() && second.await.is_ok()
        })
    }));
    assert_eq!(names(&one), [dependency("a"), dependency("both")]);
    assert_eq!(names(&two), [dependency("b"), dependency("both")]);
}

#[test]
fn nobody_hears_of_what_runs_unrecorded() {
    let recorder = Recorder::new(9);
    recorder.scope_blocking(|| unrecorded_blocking(|| noted(&[dependency("a")])));
    assert_eq!(names(&recorder), []);
}
