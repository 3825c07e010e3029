use larder_core::TableKey;
use larder_sql::plan::Reason;

use super::*;
use crate::{Returned, fixtures::*};

use StatementOutcome::{Done, Failed};

fn buffer(dialect: Dialect) -> TransactionBuffer {
    TransactionBuffer::new(dialect, ChangeLimits::default())
}

/// A statement on one table: its plan and its changes.
fn write(dialect: Dialect, table: &str) -> (Plan, Changes) {
    let insert = Statement::insert(catalog(dialect), table, vec![vec![to(0, 1)]]);
    (insert.plan(), insert.changes(&[], Returned::Nothing))
}

fn run(buffer: &mut TransactionBuffer, table: &str) -> Changes {
    let (plan, changes) = write(buffer.dialect, table);
    buffer.record(&plan, changes, Done)
}

fn say(buffer: &mut TransactionBuffer, part: Part) -> Changes {
    buffer.record(&plan(part), Changes::none(), Done)
}

fn command(buffer: &mut TransactionBuffer, command: TransactionCommand) -> Changes {
    say(buffer, Part::Transaction(command))
}

fn keys(names: &[&str]) -> Vec<TableKey> {
    names.iter().map(|name| table_key(name)).collect()
}

const PG: Dialect = Dialect::Postgres;
const MYSQL: Dialect = Dialect::MySql;
const SQLITE: Dialect = Dialect::Sqlite;

#[test]
fn nothing_is_applied_before_commit_and_everything_after() {
    for dialect in [PG, MYSQL, SQLITE] {
        let mut tx = buffer(dialect);
        assert!(run(&mut tx, "post").is_empty());
        assert!(run(&mut tx, "author").is_empty());
        assert_eq!(tables(&tx.commit()), keys(&["author", "post"]));
    }
}

#[test]
fn a_certain_rollback_drops_everything() {
    for dialect in [PG, MYSQL, SQLITE] {
        let mut tx = buffer(dialect);
        let _ = run(&mut tx, "post");
        assert!(tx.rollback().is_empty());
    }
}

#[test]
fn a_rollback_after_a_failed_statement_applies() {
    for dialect in [PG, MYSQL, SQLITE] {
        let mut tx = buffer(dialect);
        let _ = run(&mut tx, "post");
        let (plan, changes) = write(dialect, "author");
        let _ = tx.record(&plan, changes, Failed);
        assert_eq!(tables(&tx.rollback()), keys(&["author", "post"]));
    }
}

#[test]
fn a_rollback_after_text_that_was_not_understood_applies() {
    for dialect in [PG, MYSQL, SQLITE] {
        let mut tx = buffer(dialect);
        let _ = run(&mut tx, "post");
        let _ = say(&mut tx, Part::Unknown(Reason::new("x")));
        assert_eq!(tables(&tx.rollback()), keys(&["post"]));
    }
}

#[test]
fn after_a_deadlock_later_writes_are_applied_at_once_where_they_may_autocommit() {
    for (dialect, at_once) in [(PG, false), (MYSQL, true), (SQLITE, true)] {
        let mut tx = buffer(dialect);
        let (plan, changes) = write(dialect, "post");
        let _ = tx.record(&plan, changes, Failed);
        assert_eq!(!run(&mut tx, "author").is_empty(), at_once, "{dialect:?}");
        assert_eq!(tables(&tx.rollback()), keys(&["author", "post"]));
    }
}

#[test]
fn tables_whose_engine_ignores_rollback_are_applied_at_once() {
    let mut catalog = catalog(MYSQL);
    alter(&mut catalog, "post", |post| post.transactional = false);
    let insert = Statement::insert(catalog, "post", vec![vec![to(0, 1)]]);
    let mut tx = buffer(MYSQL);
    let at_once = tx.record(&insert.plan(), insert.changes(&[], Returned::Nothing), Done);
    assert_eq!(tables(&at_once), keys(&["post"]));
}

#[test]
fn a_write_of_unknown_scope_is_applied_at_once_where_engines_may_be_mixed() {
    let mut tx = buffer(MYSQL);
    let plan = plan(Part::Schema { temporary: false });
    assert!(matches!(
        tx.record(&plan, Changes::Everything, Done),
        Changes::Everything
    ));
    let mut tx = buffer(PG);
    assert!(tx.record(&plan, Changes::Everything, Done).is_empty());
    assert!(matches!(tx.commit(), Changes::Everything));
}

#[test]
fn ddl_in_mysql_commits_what_came_before_and_rollback_takes_nothing_back() {
    let mut tx = buffer(MYSQL);
    let _ = run(&mut tx, "post");
    assert_eq!(tables(&say(&mut tx, Part::Session)), keys(&["post"]));
    assert_eq!(tables(&run(&mut tx, "author")), keys(&["author"]));
    assert_eq!(tables(&tx.rollback()), keys(&["author", "post"]));
}

#[test]
fn ddl_and_settings_in_postgres_are_part_of_the_transaction() {
    let mut tx = buffer(PG);
    let _ = run(&mut tx, "post");
    assert!(say(&mut tx, Part::Session).is_empty());
    assert!(tx.rollback().is_empty());
}

#[test]
fn rolling_back_to_a_savepoint_drops_what_came_after_it() {
    let mut tx = buffer(PG);
    let _ = run(&mut tx, "post");
    let inner = tx.begin_nested();
    let _ = run(&mut tx, "author");
    let _ = tx.rollback_nested(inner);
    assert_eq!(tables(&tx.commit()), keys(&["post"]));
}

#[test]
fn releasing_a_savepoint_keeps_what_came_after_it() {
    let mut tx = buffer(PG);
    let outer = tx.begin_nested();
    let _ = run(&mut tx, "post");
    let inner = tx.begin_nested();
    let _ = run(&mut tx, "author");
    let _ = tx.commit_nested(inner);
    let _ = tx.commit_nested(outer);
    assert_eq!(tables(&tx.commit()), keys(&["author", "post"]));
}

#[test]
fn rolling_back_an_outer_savepoint_drops_a_released_inner_one() {
    let mut tx = buffer(PG);
    let outer = tx.begin_nested();
    let inner = tx.begin_nested();
    let _ = run(&mut tx, "author");
    let _ = tx.commit_nested(inner);
    let _ = tx.rollback_nested(outer);
    assert!(tx.commit().is_empty());
}

#[test]
fn an_uncertain_rollback_to_a_savepoint_drops_nothing() {
    let mut tx = buffer(MYSQL);
    let inner = tx.begin_nested();
    let (plan, changes) = write(MYSQL, "post");
    let _ = tx.record(&plan, changes, Failed);
    let _ = tx.rollback_nested(inner);
    assert_eq!(tables(&tx.commit()), keys(&["post"]));
}

#[test]
fn savepoints_of_text_go_by_name_and_stay_open_after_a_rollback_to_them() {
    let mut tx = buffer(SQLITE);
    let _ = command(&mut tx, TransactionCommand::Savepoint("a".into()));
    let _ = run(&mut tx, "post");
    let _ = command(&mut tx, TransactionCommand::Savepoint("b".into()));
    let _ = run(&mut tx, "author");
    let _ = command(&mut tx, TransactionCommand::RollbackTo("A".into()));
    let _ = run(&mut tx, "comment");
    let _ = command(&mut tx, TransactionCommand::Release("a".into()));
    assert_eq!(tables(&tx.commit()), keys(&["comment"]));
}

#[test]
fn a_savepoint_that_is_not_known_makes_the_rollback_uncertain() {
    let mut tx = buffer(PG);
    let _ = run(&mut tx, "post");
    let _ = command(&mut tx, TransactionCommand::RollbackTo("nowhere".into()));
    assert_eq!(tables(&tx.rollback()), keys(&["post"]));
}

#[test]
fn a_savepoint_of_the_orm_that_text_has_ended_takes_nothing_back() {
    let mut tx = buffer(PG);
    let _ = command(&mut tx, TransactionCommand::Savepoint("a".into()));
    let inner = tx.begin_nested();
    let _ = run(&mut tx, "post");
    let _ = command(&mut tx, TransactionCommand::Release("a".into()));
    let _ = tx.rollback_nested(inner);
    assert_eq!(tables(&tx.commit()), keys(&["post"]));
}

#[test]
fn commit_as_text_applies_at_once_and_so_does_all_that_follows() {
    for end in [
        TransactionCommand::Commit { chain: false },
        TransactionCommand::Rollback { chain: true },
        TransactionCommand::Begin,
    ] {
        let mut tx = buffer(SQLITE);
        let _ = run(&mut tx, "post");
        assert_eq!(tables(&command(&mut tx, end.clone())), keys(&["post"]));
        assert_eq!(tables(&run(&mut tx, "author")), keys(&["author"]));
        // A second COMMIT may end a transaction that text began in between.
        assert_eq!(tables(&command(&mut tx, end)), keys(&["author", "post"]));
        assert_eq!(tables(&tx.rollback()), keys(&["author", "post"]));
    }
}

#[test]
fn two_phase_commit_changes_everything_at_once() {
    let mut tx = buffer(PG);
    assert!(matches!(
        command(&mut tx, TransactionCommand::TwoPhase),
        Changes::Everything
    ));
    assert!(matches!(tx.rollback(), Changes::Everything));
}

#[test]
fn commands_and_writes_in_one_text_take_nothing_back() {
    let mut tx = buffer(PG);
    let _ = command(&mut tx, TransactionCommand::Savepoint("a".into()));
    let (mut text, changes) = write(PG, "post");
    text.parts.insert(
        0,
        Part::Transaction(TransactionCommand::RollbackTo("a".into())),
    );
    let _ = tx.record(&text, changes, Done);
    assert_eq!(tables(&tx.commit()), keys(&["post"]));
}

#[test]
fn more_savepoints_than_the_bound_take_nothing_back() {
    let mut tx = buffer(PG);
    let _ = run(&mut tx, "post");
    let first = tx.begin_nested();
    let _ = run(&mut tx, "author");
    for _ in 0..1_000 {
        let _ = tx.begin_nested();
    }
    assert!(tx.levels.len() <= LEVELS_MAX + 2);
    let _ = tx.rollback_nested(first);
    assert_eq!(tables(&tx.rollback()), keys(&["author", "post"]));
}

#[test]
fn more_rows_than_the_limit_fold_into_the_record() {
    let mut tx = buffer(PG);
    for id in 0..1_001 {
        let insert = Statement::insert(catalog(PG), "author", vec![vec![to(0, id)]]);
        let _ = tx.record(&insert.plan(), insert.changes(&[], Returned::Nothing), Done);
    }
    assert_eq!(of_table(&tx.commit(), "author"), None);
}

#[test]
fn more_tables_than_the_limit_fold_into_everything() {
    let mut changes = Changes::none();
    for n in 0..=ChangeLimits::default().tables_max {
        let record = Changes::record(TableKey(format!("s:t{n}").into()), None);
        changes.merge(record, ChangeLimits::default());
    }
    assert!(matches!(changes, Changes::Everything));
}

#[test]
fn a_repeated_change_is_kept_once_and_other_columns_stay_apart() {
    let update = |set| {
        let update = Statement::update(catalog(PG), "post", vec![set]);
        update.changes(&[], Returned::Nothing)
    };
    let mut changes = update(to(1, 4));
    changes.merge(update(to(1, 4)), ChangeLimits::default());
    changes.merge(update(to(3, 4)), ChangeLimits::default());
    let found = of_table(&changes, "post").expect("rows");
    assert_eq!(
        found.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(),
        [1, 1]
    );
}

#[test]
fn level_that_ends_below_an_open_one_keeps_its_changes() {
    // Drivers count levels: what was rolled back is the innermost.
    for dialect in [PG, MYSQL, SQLITE] {
        let mut tx = buffer(dialect);
        let lower = tx.begin_nested();
        let _ = run(&mut tx, "post");
        let upper = tx.begin_nested();
        let at_once = tx.rollback_nested(lower);
        assert_eq!(tables(&at_once), keys(&["post"]));
        let at_once = tx.commit_nested(upper);
        assert_eq!(tables(&at_once), keys(&["post"]));
        assert_eq!(tables(&tx.commit()), keys(&["post"]));
    }
}

#[test]
fn transaction_that_ends_before_its_savepoint_goes_on() {
    for commits in [true, false] {
        let mut tx = buffer(PG);
        let _ = run(&mut tx, "post");
        let inner = tx.begin_nested();
        let ended = if commits { tx.commit() } else { tx.rollback() };
        assert_eq!(tables(&ended), keys(&["post"]));
        assert!(tx.is_detached());
        assert_eq!(tables(&run(&mut tx, "post")), keys(&["post"]));
        assert_eq!(tables(&tx.commit_nested(inner)), keys(&["post"]));
    }
}

#[test]
fn text_that_ends_a_savepoint_of_the_orm_leaves_an_orphan() {
    for end in [TransactionCommand::Release, TransactionCommand::RollbackTo] {
        let mut tx = buffer(PG);
        let _ = command(&mut tx, TransactionCommand::Savepoint("a".into()));
        let _ = run(&mut tx, "post");
        let _ = tx.begin_nested();
        assert!(!tx.has_orphans());
        let _ = command(&mut tx, end("a".into()));
        assert!(tx.has_orphans() && tx.is_detached());
        assert_eq!(tables(&tx.rollback()), keys(&["post"]));
    }
}
