//! Reads and writes as an adapter sends them, from SQL to what is still a hit: each write drops
//! what it can have changed and keeps the rest.

use std::{any::TypeId, sync::Arc};

use larder_core::{Image, Param, Policy, ReadOutcome, ResultIdentity};
use larder_sql::{Dialect, catalog::ForeignKeyAction};

use crate::{
    Changes, ReadCall, ReadOptions, Returned, StatementOutcome, TransactionBuffer, fixtures::*,
};

const READS: [(&str, &str); 9] = [
    ("post 1", "SELECT * FROM post WHERE id = 1"),
    ("post 2", "SELECT * FROM post WHERE id = 2"),
    ("posts of 3", "SELECT * FROM post WHERE author_id = 3"),
    ("posts of 4", "SELECT * FROM post WHERE author_id = 4"),
    ("titles of 3", "SELECT title FROM post WHERE author_id = 3"),
    ("comments on 1", "SELECT * FROM comment WHERE post_id = 1"),
    ("comments on 2", "SELECT * FROM comment WHERE post_id = 2"),
    (
        "approved",
        "SELECT count(*) FROM comment WHERE approved = 1",
    ),
    ("author 3", "SELECT name FROM author WHERE id = 3"),
];

fn rig() -> Rig {
    Rig::with(|builder| {
        builder.default_policy(Policy::new().with_ttl(std::time::Duration::from_secs(60)))
    })
}

impl Rig {
    /// Whether the read was a hit; what was not is stored.
    fn read(&self, sql: &str) -> bool {
        let prepared = self.source.plan(sql);
        let result = ResultIdentity {
            adapter: "test",
            terminal: "all",
            type_id: TypeId::of::<()>(),
            type_name: "()",
            schema_fingerprint: 0,
        };
        let call = ReadCall {
            source: &self.source,
            prepared: &prepared,
            params: &[],
            result: &result,
            codec: None,
            options: ReadOptions::default(),
            scope: None,
        };
        let read = self
            .larder
            .begin_read(&call)
            .unwrap_or_else(|reason| panic!("{sql}: {reason}"));
        match self.larder.read_blocking(&read) {
            ReadOutcome::Hit(_) => true,
            ReadOutcome::Fill(fill) => {
                fill.store_blocking(Arc::new(()), 1);
                false
            }
            other => panic!("{sql}: {other:?}"),
        }
    }

    fn write(&self, sql: &str, params: &[Param<'_>], returned: Returned<'_>) {
        let mut guard = self.larder.begin_write(&self.source, self.source.plan(sql));
        guard.sent();
        guard.succeeded(params, returned);
        guard.deliver_blocking();
    }

    /// A statement inside a transaction.
    fn within(&self, transaction: &mut TransactionBuffer, sql: &str) {
        let prepared = self.source.plan(sql);
        let guard = self.larder.begin_write(&self.source, prepared.clone());
        let changes = guard.changes(&[], Returned::Nothing);
        guard.handed_over();
        let at_once = transaction.record(prepared.plan(), changes, StatementOutcome::Done);
        assert!(at_once.is_empty(), "{sql}");
    }

    fn fill(&self) {
        for (name, sql) in READS {
            self.read(sql);
            assert!(self.read(sql), "{name} is stored");
        }
    }

    /// The names of the reads that are no hit any more.
    fn dropped(&self) -> Vec<&'static str> {
        READS
            .iter()
            .filter(|(_, sql)| !self.read(sql))
            .map(|(name, _)| *name)
            .collect()
    }
}

fn check(sql: &str, returned: Option<&[Image]>, dropped: &[&str]) {
    let rig = rig();
    rig.fill();
    rig.write(sql, &[], returned.map_or(Returned::Nothing, Returned::All));
    assert_eq!(rig.dropped(), dropped, "{sql}");
}

const POSTS_OF: [&str; 3] = ["posts of 3", "posts of 4", "titles of 3"];

#[test]
fn an_update_by_key_drops_that_row_and_conditions_that_it_does_not_tell() {
    let sql = "UPDATE post SET title = 'x' WHERE id = 1";
    check(sql, None, &[&["post 1"], POSTS_OF.as_slice()].concat());
}

#[test]
fn an_update_that_returns_its_rows_drops_what_rests_on_them() {
    let row = [image([Some(1), Some(3), None, Some(0)])];
    let sql = "UPDATE post SET title = 'x' WHERE id = 1 RETURNING *";
    check(sql, Some(&row), &["post 1", "posts of 3", "titles of 3"]);
}

#[test]
fn an_update_keeps_what_does_not_name_its_columns() {
    let row = [image([Some(1), Some(3), None, Some(5)])];
    let sql = "UPDATE post SET views = 5 WHERE id = 1 RETURNING *";
    check(sql, Some(&row), &["post 1", "posts of 3"]);
}

#[test]
fn a_row_that_moves_drops_where_it_was_and_where_it_is() {
    let row = [image([Some(1), Some(4), None, Some(0)])];
    let sql = "UPDATE post SET author_id = 4 WHERE author_id = 3 RETURNING *";
    check(
        sql,
        Some(&row),
        &["post 1", "posts of 3", "posts of 4", "titles of 3"],
    );
    let sql = "UPDATE post SET author_id = 5 WHERE author_id = 3 AND id = 1";
    check(sql, None, &["post 1", "posts of 3", "titles of 3"]);
}

#[test]
fn an_insert_drops_where_it_shows() {
    let row = [image([Some(9), None, None, None])];
    let sql = "INSERT INTO post (author_id, title) VALUES (3, 'x') RETURNING id";
    check(sql, Some(&row), &["posts of 3", "titles of 3"]);
    let sql = "INSERT INTO post (id, author_id, title) VALUES (1, 4, 'x')";
    check(sql, None, &["post 1", "posts of 4"]);
}

#[test]
fn w1_a_delete_cascades_to_shapes_on_the_key_by_value_and_to_others_whole() {
    let row = [image([Some(1), Some(3), None, Some(0)])];
    let sql = "DELETE FROM post WHERE id = 1 RETURNING *";
    let expected = [
        "post 1",
        "posts of 3",
        "titles of 3",
        "comments on 1",
        "approved",
    ];
    check(sql, Some(&row), &expected);
}

#[test]
fn a_write_to_another_table_keeps_everything_else() {
    check("UPDATE author SET name = 'x' WHERE id = 4", None, &[]);
    check(
        "UPDATE author SET name = 'x' WHERE id = 3",
        None,
        &["author 3"],
    );
    check("UPDATE author SET name = 'x'", None, &["author 3"]);
}

#[test]
fn what_nobody_understands_drops_everything() {
    let all: Vec<&str> = READS.iter().map(|(name, _)| *name).collect();
    check("SELECT transfer(1, 2)", None, &all);
    check("this is no SQL", None, &all);
    check("ALTER TABLE post ADD COLUMN x int", None, &all);
    check(
        "DELETE FROM author WHERE id = 1; something else",
        None,
        &all,
    );
}

#[test]
fn truncate_drops_what_references_the_table() {
    check(
        "TRUNCATE comment",
        None,
        &["comments on 1", "comments on 2", "approved"],
    );
    let all: Vec<&str> = READS.iter().map(|(name, _)| *name).collect();
    check("TRUNCATE author CASCADE", None, &all);
}

#[test]
fn an_upsert_drops_the_table_and_its_cascades() {
    let sql = "INSERT INTO comment (id, post_id) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET approved = 1";
    check(sql, None, &["comments on 1", "comments on 2", "approved"]);
}

#[test]
fn bound_parameters_tell_as_much_as_literals() {
    let rig = rig();
    rig.fill();
    let params = [Param::Int(4), Param::Int(1), Param::Int(3)];
    let sql = "UPDATE post SET author_id = $1 WHERE id = $2 AND author_id = $3";
    rig.write(sql, &params, Returned::Nothing);
    assert_eq!(
        rig.dropped(),
        ["post 1", "posts of 3", "posts of 4", "titles of 3"]
    );
}

#[test]
fn a_transaction_drops_after_commit_and_not_after_rollback() {
    let rig = rig();
    rig.fill();
    let mut transaction = rig.larder.begin_transaction(&rig.source);
    rig.within(
        &mut transaction,
        "UPDATE author SET name = 'x' WHERE id = 3",
    );
    assert!(rig.dropped().is_empty());
    let changes = transaction.rollback();
    assert!(changes.is_empty());
    rig.within(
        &mut transaction,
        "UPDATE author SET name = 'x' WHERE id = 3",
    );
    let mut commit = rig.larder.begin_commit(&rig.source, transaction.commit());
    commit.sent();
    commit.succeeded(&[], Returned::Nothing);
    commit.deliver_blocking();
    assert_eq!(rig.dropped(), ["author 3"]);
}

#[test]
fn an_error_of_the_server_keeps_everything_and_any_other_does_not() {
    let rig = rig();
    rig.fill();
    let sql = "UPDATE author SET name = 'x' WHERE id = 3";
    let mut guard = rig.larder.begin_write(&rig.source, rig.source.plan(sql));
    guard.sent();
    guard.failed(&[], crate::Failure::ByServer);
    guard.deliver_blocking();
    assert!(rig.dropped().is_empty());
}

#[test]
fn a_plan_follows_the_catalog() {
    let rig = rig();
    rig.fill();
    let mut altered = catalog(Dialect::Postgres);
    alter(&mut altered, "comment", |comment| {
        comment.foreign_keys[0].on_delete = ForeignKeyAction::Nothing;
    });
    rig.larder.set_catalog(&rig.source, altered, 0);
    rig.fill();
    let row = [image([Some(1), Some(3), None, Some(0)])];
    rig.write(
        "DELETE FROM post WHERE id = 1 RETURNING *",
        &[],
        Returned::All(&row),
    );
    assert_eq!(rig.dropped(), ["post 1", "posts of 3", "titles of 3"]);
}

#[test]
fn changes_of_a_read_are_none() {
    let rig = rig();
    let guard = rig
        .larder
        .begin_write(&rig.source, rig.source.plan("SELECT * FROM post"));
    assert!(matches!(guard.changes(&[], Returned::Nothing), Changes::Tables(c) if c.is_empty()));
}
