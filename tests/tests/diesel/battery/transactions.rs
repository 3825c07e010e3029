//! Transactions of every kind, and what fails in them.

use super::{
    Kept::{self, AllBut},
    Kind, RETURNING, WITHOUT_TITLE_OF_5, Write,
};

/// Reads that neither a new title of post 5 nor a tag can change.
const WITHOUT_TITLE_OF_5_AND_TAGS: Kept = AllBut(&[
    "load",
    "exists",
    "left_join",
    "text_with_parameter",
    "children",
    "page",
    "drafts",
    "of_active_authors",
    "tags",
]);

const TRANSACTION: Write = Write::of(Kind::Transaction);

pub const WRITES: &[Write] = &[
    Write {
        name: "commit",
        keeps: WITHOUT_TITLE_OF_5,
        ..TRANSACTION
    },
    Write {
        name: "commit_of_several_tables",
        keeps: AllBut(&[
            "left_join",
            "children",
            "tags",
            "comments_of_nobody",
            "authors",
        ]),
        ..TRANSACTION
    },
    Write {
        name: "commit_as_built",
        on: RETURNING,
        blocking: true,
        keeps: WITHOUT_TITLE_OF_5,
        ..TRANSACTION
    },
    // It is not known what a transaction by text has written when it ends.
    Write {
        name: "commit_by_text",
        ..TRANSACTION
    },
    // The title of post 5, and inside of it comment 1.
    Write {
        name: "savepoint_released",
        keeps: AllBut(&[
            "load",
            "exists",
            "left_join",
            "text_with_parameter",
            "children",
            "page",
            "drafts",
            "of_active_authors",
            "comments",
        ]),
        ..TRANSACTION
    },
    Write {
        name: "savepoint_rolled_back",
        keeps: WITHOUT_TITLE_OF_5,
        ..TRANSACTION
    },
    Write {
        name: "rollback",
        keeps: Kept::ALL,
        ..TRANSACTION
    },
    Write {
        name: "error",
        keeps: Kept::ALL,
        ..TRANSACTION
    },
    Write {
        name: "error_in_a_savepoint",
        keeps: WITHOUT_TITLE_OF_5_AND_TAGS,
        ..TRANSACTION
    },
    // PostgreSQL rolls back at COMMIT, the others keep what was written before.
    Write {
        name: "error_before_commit",
        keeps: WITHOUT_TITLE_OF_5_AND_TAGS,
        ..TRANSACTION
    },
];

macro_rules! transactions {
    ($backend:ident, [$($as:tt)?], [$($aw:tt)*]) => {
        $($as)? fn in_transaction(c: &mut Cached<Plain>, write: &str) -> QueryResult<()> {
            let taken = (tag::id.eq(1), tag::name.eq("taken"));
            let twice = (post::id.eq(1), post::author_id.eq(3), post::title.eq("twice"));
            match write {
                "commit" => {
                    c.transaction($($as)? |c| {
                        diesel::update(post::table.find(5))
                            .set(post::title.eq("committed"))
                            .execute(c)$($aw)*?;
                        // What it has written itself it sees.
                        let title = post::table.find(5).select(post::title);
                        let title = title.first::<String>(c)$($aw)*?;
                        assert_eq!(title, "committed");
                        Ok::<_, diesel::result::Error>(())
                    })$($aw)*?;
                }
                "commit_of_several_tables" => {
                    c.transaction($($as)? |c| {
                        let said = (comment::post_id.eq(5), comment::body.eq("said"));
                        diesel::insert_into(comment::table)
                            .values((said, comment::approved.eq(false)))
                            .execute(c)$($aw)*?;
                        diesel::update(author::table.find(5))
                            .set(author::name.eq("Dijkstra"))
                            .execute(c)$($aw)*?;
                        diesel::delete(post_tag::table.find((1, 2))).execute(c)$($aw)*
                    })$($aw)*?;
                }
                "commit_as_built" => only_blocking!($backend, [$($as)?], [Sqlite Postgres], {
                    built!($backend, c, |c| {
                        diesel::update(post::table.find(5)).set(post::title.eq("built")).execute(c)
                    })?;
                }),
                "commit_by_text" => {
                    c.batch_execute("BEGIN")$($aw)*?;
                    diesel::update(post::table.find(5))
                        .set(post::title.eq("by text"))
                        .execute(c)$($aw)*?;
                    c.batch_execute("COMMIT")$($aw)*?;
                }
                "savepoint_released" => {
                    c.transaction($($as)? |c| {
                        diesel::update(post::table.find(5))
                            .set(post::title.eq("outer"))
                            .execute(c)$($aw)*?;
                        c.transaction($($as)? |c| {
                            diesel::update(comment::table.find(1))
                                .set(comment::body.eq("inner"))
                                .execute(c)$($aw)*
                        })$($aw)*
                    })$($aw)*?;
                }
                "savepoint_rolled_back" => {
                    c.transaction($($as)? |c| {
                        diesel::update(post::table.find(5))
                            .set(post::title.eq("outer"))
                            .execute(c)$($aw)*?;
                        let inner = c.transaction($($as)? |c| {
                            diesel::update(post::table.find(1))
                                .set(post::title.eq("inner"))
                                .execute(c)$($aw)*?;
                            Err::<(), _>(diesel::result::Error::RollbackTransaction)
                        })$($aw)*;
                        assert!(inner.is_err());
                        Ok::<_, diesel::result::Error>(())
                    })$($aw)*?;
                }
                "rollback" => {
                    let result = c.transaction($($as)? |c| {
                        diesel::update(post::table).set(post::title.eq("x")).execute(c)$($aw)*?;
                        Err::<(), _>(diesel::result::Error::RollbackTransaction)
                    })$($aw)*;
                    assert!(result.is_err());
                }
                "error" => {
                    let again = diesel::insert_into(post::table).values(twice);
                    assert!(again.execute(c)$($aw)*.is_err());
                }
                "error_in_a_savepoint" => {
                    c.transaction($($as)? |c| {
                        diesel::update(post::table.find(5))
                            .set(post::title.eq("outer"))
                            .execute(c)$($aw)*?;
                        let inner = c.transaction($($as)? |c| {
                            diesel::insert_into(tag::table).values(taken).execute(c)$($aw)*
                        })$($aw)*;
                        assert!(inner.is_err());
                        Ok::<_, diesel::result::Error>(())
                    })$($aw)*?;
                }
                "error_before_commit" => {
                    let result = c.transaction($($as)? |c| {
                        diesel::update(post::table.find(5))
                            .set(post::title.eq("before"))
                            .execute(c)$($aw)*?;
                        let again = diesel::insert_into(tag::table).values(taken);
                        assert!(again.execute(c)$($aw)*.is_err());
                        Ok::<_, diesel::result::Error>(())
                    })$($aw)*;
                    assert_eq!(result, Ok(()));
                }
                other => panic!("no transaction is called {other}"),
            }
            Ok(())
        }
    };
}
