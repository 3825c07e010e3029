//! Reads x writes. Each is written once, for connections that block and for those that do not.

use std::fmt::Debug;

use diesel::QueryResult;

/// What a read has said.
fn said<T: Debug>(result: QueryResult<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("error: {error}"),
    }
}

/// A write, with the reads that it cannot change.
pub struct Write {
    pub name: &'static str,
    /// Reads that are still answered without a statement.
    pub keeps: &'static [&'static str],
    /// More of them, where rows are read before a write outside a transaction: not by diesel-async on
    /// SQLite, where a BEGIN cannot be taken back.
    pub keeps_by_looks: &'static [&'static str],
    /// More of them, where the rows that a statement writes come back.
    pub keeps_with_rows: &'static [&'static str],
}

/// Reads that a new title of post 5 cannot change: of other rows, or of no title.
const WITHOUT_TITLE_OF_5: &[&str] = &[
    "first_of_3",
    "title",
    "of_3",
    "find",
    "missing",
    "count",
    "count_of_3",
    "inner_join",
    "boxed",
    "tuples",
    "as_select",
    "text_of_3",
    "grouped",
    "largest",
    "among",
    "distinct",
    "tags",
    "comments",
    "authors",
];

const READS: &[&str] = &[
    "load",
    "first_of_3",
    "title",
    "of_3",
    "find",
    "missing",
    "count",
    "count_of_3",
    "exists",
    "inner_join",
    "left_join",
    "boxed",
    "tuples",
    "as_select",
    "text_of_3",
    "text_with_parameter",
    "children",
    "grouped",
    "largest",
    "among",
    "without_body",
    "page",
    "distinct",
    "drafts",
    "of_active_authors",
    "tags",
    "comments",
    "authors",
];

const WRITES: &[Write] = &[
    Write {
        name: "insert",
        keeps: &[
            "first_of_3",
            "of_3",
            "count_of_3",
            "inner_join",
            "as_select",
            "text_of_3",
            "tags",
            "comments",
            "authors",
        ],
        keeps_by_looks: &[],
        keeps_with_rows: &["title", "find", "missing", "boxed", "among"],
    },
    Write {
        name: "insert_many",
        keeps: &[
            "first_of_3",
            "of_3",
            "count_of_3",
            "as_select",
            "text_of_3",
            "tags",
            "comments",
            "authors",
        ],
        keeps_by_looks: &[],
        keeps_with_rows: &["title", "find", "missing", "boxed", "among"],
    },
    Write {
        name: "update_by_key",
        keeps: WITHOUT_TITLE_OF_5,
        keeps_by_looks: &[],
        keeps_with_rows: &["without_body"],
    },
    Write {
        name: "update_of_another_column",
        keeps: &[
            "title",
            "missing",
            "count",
            "count_of_3",
            "exists",
            "inner_join",
            "tuples",
            "as_select",
            "text_of_3",
            "grouped",
            "distinct",
            "drafts",
            "tags",
            "comments",
            "authors",
        ],
        keeps_by_looks: &[],
        keeps_with_rows: &["without_body"],
    },
    Write {
        name: "update_by_condition",
        keeps: &[
            "title",
            "count",
            "count_of_3",
            "inner_join",
            "boxed",
            "tuples",
            "as_select",
            "text_of_3",
            "grouped",
            "distinct",
            "tags",
            "comments",
            "authors",
        ],
        keeps_by_looks: &["find", "missing"],
        keeps_with_rows: &[],
    },
    Write {
        name: "update_to_another_author",
        keeps: &[
            "title",
            "find",
            "missing",
            "count",
            "tuples",
            "as_select",
            "text_with_parameter",
            "largest",
            "among",
            "tags",
            "comments",
            "authors",
        ],
        keeps_by_looks: &["inner_join", "boxed"],
        keeps_with_rows: &[],
    },
    Write {
        name: "update_by_expression",
        keeps: &[
            "title",
            "count",
            "count_of_3",
            "inner_join",
            "tuples",
            "as_select",
            "text_of_3",
            "grouped",
            "distinct",
            "tags",
            "comments",
            "authors",
        ],
        keeps_by_looks: &["missing"],
        keeps_with_rows: &[],
    },
    Write {
        name: "delete_by_key",
        keeps: &[
            "first_of_3",
            "title",
            "of_3",
            "find",
            "missing",
            "count_of_3",
            "inner_join",
            "boxed",
            "as_select",
            "text_of_3",
            "among",
            "tags",
            "authors",
        ],
        keeps_by_looks: &[],
        keeps_with_rows: &["without_body"],
    },
    Write {
        name: "delete_with_children",
        keeps: &[
            "missing",
            "exists",
            "inner_join",
            "as_select",
            "drafts",
            "authors",
        ],
        keeps_by_looks: &[],
        keeps_with_rows: &["without_body"],
    },
    Write {
        name: "upsert",
        keeps: &["as_select", "authors"],
        keeps_by_looks: &[],
        keeps_with_rows: &[],
    },
    Write {
        name: "insert_from_select",
        keeps: &["as_select", "tags", "comments", "authors"],
        keeps_by_looks: &[],
        keeps_with_rows: &[],
    },
    Write {
        name: "text",
        keeps: WITHOUT_TITLE_OF_5,
        keeps_by_looks: &[],
        keeps_with_rows: &["without_body"],
    },
    Write {
        name: "batch",
        keeps: &["missing", "as_select", "tags", "authors"],
        keeps_by_looks: &[],
        keeps_with_rows: &[],
    },
    Write {
        name: "commit",
        keeps: WITHOUT_TITLE_OF_5,
        keeps_by_looks: &[],
        keeps_with_rows: &["without_body"],
    },
    Write {
        name: "savepoint_rolled_back",
        keeps: WITHOUT_TITLE_OF_5,
        keeps_by_looks: &[],
        keeps_with_rows: &["without_body"],
    },
    Write {
        name: "rollback",
        keeps: READS,
        keeps_by_looks: &[],
        keeps_with_rows: &[],
    },
    Write {
        name: "error",
        keeps: READS,
        keeps_by_looks: &[],
        keeps_with_rows: &[],
    },
    Write {
        name: "save_changes",
        keeps: &[
            "title",
            "find",
            "missing",
            "count",
            "tuples",
            "as_select",
            "tags",
            "comments",
            "authors",
        ],
        keeps_by_looks: &[
            "count_of_3",
            "exists",
            "inner_join",
            "boxed",
            "grouped",
            "largest",
            "distinct",
        ],
        keeps_with_rows: &[],
    },
    Write {
        name: "of_another_table",
        keeps: &[
            "load",
            "first_of_3",
            "title",
            "of_3",
            "find",
            "missing",
            "count",
            "count_of_3",
            "exists",
            "inner_join",
            "left_join",
            "boxed",
            "tuples",
            "as_select",
            "text_of_3",
            "text_with_parameter",
            "children",
            "grouped",
            "largest",
            "among",
            "without_body",
            "page",
            "distinct",
            "drafts",
            "of_active_authors",
            "tags",
            "authors",
        ],
        keeps_by_looks: &[],
        keeps_with_rows: &[],
    },
];

macro_rules! reads {
    ($name:ident, $connection:ty, [$($as:tt)?], [$($aw:tt)*], $parameter:literal) => {
        pub $($as)? fn $name(c: &mut $connection, read: &str) -> String {
            match read {
                "load" => said(post::table.order(post::id).load::<Post>(c)$($aw)*),
                "first_of_3" => {
                    let query = post::table.filter(post::author_id.eq(3)).order(post::id.desc());
                    said(query.first::<Post>(c)$($aw)*)
                }
                "title" => {
                    let query = post::table.filter(post::id.eq(1)).select(post::title);
                    said(query.get_result::<String>(c)$($aw)*)
                }
                "of_3" => {
                    let query = post::table.filter(post::author_id.eq(3)).order(post::id);
                    said(query.get_results::<Post>(c)$($aw)*)
                }
                "find" => said(post::table.find(1).first::<Post>(c)$($aw)*),
                "missing" => said(post::table.find(77).first::<Post>(c)$($aw)*.optional()),
                "count" => said(post::table.count().get_result::<i64>(c)$($aw)*),
                "count_of_3" => {
                    let query = post::table.filter(post::author_id.eq(3)).count();
                    said(query.get_result::<i64>(c)$($aw)*)
                }
                "exists" => {
                    let query = select(exists(post::table.filter(post::author_id.eq(5))));
                    said(query.get_result::<bool>(c)$($aw)*)
                }
                "inner_join" => {
                    let query = post::table
                        .inner_join(author::table)
                        .filter(author::id.eq(4))
                        .order(post::id)
                        .select((post::id, post::title, author::id, author::name));
                    said(query.load::<(i32, String, i32, String)>(c)$($aw)*)
                }
                "left_join" => {
                    let query = author::table
                        .left_join(post::table)
                        .order((author::id, post::id))
                        .select((Author::as_select(), Option::<Post>::as_select()));
                    said(query.load::<(Author, Option<Post>)>(c)$($aw)*)
                }
                "boxed" => {
                    let query = post::table.into_boxed().filter(post::published.eq(true));
                    said(query.order(post::id).load::<Post>(c)$($aw)*)
                }
                "tuples" => {
                    let query = post::table.order(post::id).select((post::id, post::body));
                    said(query.load::<(i32, Option<String>)>(c)$($aw)*)
                }
                "as_select" => {
                    let query = post::table.order(post::id).select(Post::as_select());
                    said(query.load(c)$($aw)*)
                }
                "text_of_3" => {
                    let query = sql_query("SELECT title, id FROM post WHERE author_id = 3 ORDER BY id");
                    said(query.load::<Titled>(c)$($aw)*)
                }
                "text_with_parameter" => {
                    let text = concat!("SELECT id, title FROM post WHERE views > ", $parameter, " ORDER BY id");
                    said(sql_query(text).bind::<Integer, _>(0).load::<Titled>(c)$($aw)*)
                }
                "children" => {
                    let authors = author::table.order(author::id).load::<Author>(c)$($aw)*.unwrap();
                    let posts = Post::belonging_to(&authors)
                        .order(post::id)
                        .load::<Post>(c)$($aw)*
                        .unwrap();
                    format!("{:?}", posts.grouped_by(&authors))
                }
                "grouped" => {
                    let query = post::table
                        .group_by(post::author_id)
                        .select((post::author_id, count(post::id)))
                        .order(post::author_id);
                    said(query.load::<(i32, i64)>(c)$($aw)*)
                }
                "largest" => said(post::table.select(max(post::views)).first::<Option<i32>>(c)$($aw)*),
                "among" => {
                    let query = post::table.filter(post::id.eq_any(vec![1, 2, 9])).order(post::id);
                    said(query.load::<Post>(c)$($aw)*)
                }
                "without_body" => {
                    let query = post::table.filter(post::body.is_null()).order(post::id);
                    said(query.load::<Post>(c)$($aw)*)
                }
                "page" => said(post::table.order(post::id).limit(2).offset(1).load::<Post>(c)$($aw)*),
                "distinct" => {
                    let query = post::table.select(post::author_id).distinct().order(post::author_id);
                    said(query.load::<i32>(c)$($aw)*)
                }
                "drafts" => {
                    let query = post::table.filter(post::published.eq(false)).order(post::id);
                    said(query.load::<Post>(c)$($aw)*)
                }
                "of_active_authors" => {
                    let active = author::table.filter(author::active.eq(true)).select(author::id);
                    let query = post::table.filter(post::author_id.eq_any(active)).order(post::id);
                    said(query.load::<Post>(c)$($aw)*)
                }
                "tags" => {
                    let query = tag::table
                        .inner_join(post_tag::table)
                        .filter(post_tag::post_id.eq(1))
                        .order(tag::id)
                        .select(tag::name);
                    said(query.load::<String>(c)$($aw)*)
                }
                "comments" => {
                    let query = comment::table
                        .filter(comment::approved.eq(true))
                        .order(comment::id)
                        .select((comment::id, comment::author_id, comment::body));
                    said(query.load::<(i32, Option<i32>, String)>(c)$($aw)*)
                }
                "authors" => said(author::table.order(author::id).load::<Author>(c)$($aw)*),
                other => panic!("no read is called {other}"),
            }
        }
    };
}

/// diesel-async has no batches for SQLite.
macro_rules! insert_all {
    (batch, $rows:expr, $c:ident, [$($aw:tt)*]) => {
        diesel::insert_into(post::table).values(&$rows[..]).execute($c)$($aw)*?
    };
    (each, $rows:expr, $c:ident, [$($aw:tt)*]) => {
        for row in $rows {
            diesel::insert_into(post::table).values(row).execute($c)$($aw)*?;
        }
    };
}

macro_rules! battery {
    (
        $module:ident, $plain:ty, $cached:ident, [$($as:tt)?], [$($aw:tt)*], $parameter:literal,
        $many:ident, $traits:path, |$upserted:ident| $upsert:expr
    ) => {
        pub mod $module {
            use diesel::{
                BelongingToDsl, ExpressionMethods, GroupedBy, OptionalExtension, QueryDsl,
                QueryResult, SelectableHelper,
                dsl::{count, exists, max, select},
                sql_query,
                sql_types::Integer,
            };
            use larder::diesel::$cached as Cached;
            use $traits::*;

            use super::{READS, WRITES, Write, said};
            use crate::{
                lab::{Backend, Base, Counter, larder},
                model::{
                    Author, NewPost, Post, Titled,
                    schema::{author, comment, post, post_tag, tag},
                },
            };

            type Plain = $plain;

            reads!(asked, Cached<Plain>, [$($as)?], [$($aw)*], $parameter);
            reads!(truth, Plain, [$($as)?], [$($aw)*], $parameter);

            $($as)? fn write(c: &mut Cached<Plain>, write: &str) -> QueryResult<()> {
                match write {
                    "insert" => {
                        let new = NewPost { author_id: 5, title: "new", body: None };
                        diesel::insert_into(post::table).values(&new).execute(c)$($aw)*?;
                    }
                    "insert_many" => {
                        let new = [
                            NewPost { author_id: 5, title: "new", body: None },
                            NewPost { author_id: 4, title: "other", body: Some("b") },
                        ];
                        insert_all!($many, &new, c, [$($aw)*]);
                    }
                    "update_by_key" => {
                        let query = diesel::update(post::table.find(5)).set(post::title.eq("changed"));
                        query.execute(c)$($aw)*?;
                    }
                    "update_of_another_column" => {
                        let query = diesel::update(post::table.find(1)).set(post::views.eq(99));
                        query.execute(c)$($aw)*?;
                    }
                    "update_by_condition" => {
                        let rows = post::table.filter(post::published.eq(false));
                        diesel::update(rows).set(post::views.eq(50)).execute(c)$($aw)*?;
                    }
                    "update_to_another_author" => {
                        let query = diesel::update(post::table.find(5)).set(post::author_id.eq(3));
                        query.execute(c)$($aw)*?;
                    }
                    "update_by_expression" => {
                        let query = diesel::update(post::table).set(post::views.eq(post::views + 1));
                        query.execute(c)$($aw)*?;
                    }
                    "delete_by_key" => {
                        diesel::delete(post::table.find(5)).execute(c)$($aw)*?;
                    }
                    "delete_with_children" => {
                        sql_query(FOREIGN_KEYS).execute(c)$($aw)*?;
                        diesel::delete(post::table.filter(post::id.eq(1))).execute(c)$($aw)*?;
                    }
                    "upsert" => {
                        let row = (
                            post::id.eq(2),
                            post::author_id.eq(3),
                            post::title.eq("upserted"),
                        );
                        let $upserted = diesel::insert_into(post::table).values(row);
                        $upsert.set(post::title.eq("upserted")).execute(c)$($aw)*?;
                    }
                    "insert_from_select" => {
                        let rows = post::table
                            .filter(post::id.eq(3))
                            .select((post::author_id, post::title));
                        diesel::insert_into(post::table)
                            .values(rows)
                            .into_columns((post::author_id, post::title))
                            .execute(c)$($aw)*?;
                    }
                    "text" => {
                        let text = concat!("UPDATE post SET title = 'by text' WHERE id = ", $parameter);
                        sql_query(text).bind::<Integer, _>(5).execute(c)$($aw)*?;
                    }
                    "batch" => {
                        let text = "UPDATE post SET title = 'a' WHERE id = 1; DELETE FROM post WHERE id = 5";
                        c.batch_execute(text)$($aw)*?;
                    }
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
                        let row = (post::id.eq(1), post::author_id.eq(3), post::title.eq("twice"));
                        let again = diesel::insert_into(post::table).values(row);
                        assert!(again.execute(c)$($aw)*.is_err());
                    }
                    "save_changes" => {
                        let mut row = post::table.find(2).first::<Post>(c)$($aw)*?;
                        row.title = "saved".into();
                        let saved: Post = row.save_changes(c)$($aw)*?;
                        assert_eq!(saved, row);
                    }
                    "of_another_table" => {
                        diesel::update(comment::table.find(1))
                            .set(comment::body.eq("edited"))
                            .execute(c)$($aw)*?;
                    }
                    other => panic!("no write is called {other}"),
                }
                Ok(())
            }

            const FOREIGN_KEYS: &str = match stringify!($module).as_bytes() {
                [b's', ..] | [b'a', b's', b'y', b'n', b'c', b'_', b's', ..] => "PRAGMA foreign_keys = ON",
                _ => "SELECT 1",
            };

            /// Every read is warm before each write, equal to the database after it, and a hit where
            /// the write cannot have touched it.
            pub $($as)? fn check(backend: Backend) {
                let mut failures = Vec::new();
                println!("{backend:?}: {} reads x {} writes", READS.len(), WRITES.len());
                for it in WRITES {
                    one(backend, it, &mut failures)$($aw)*;
                }
                assert!(failures.is_empty(), "{backend:?}:\n{}", failures.join("\n"));
            }

            $($as)? fn one(backend: Backend, it: &Write, failures: &mut Vec<String>) {
                let base = Base::start(backend);
                let larder = larder();
                let mut plain = Plain::establish(&base.url)$($aw)*.unwrap();
                let inner = Plain::establish(&base.url)$($aw)*.unwrap();
                let mut db = Cached::wrap(&larder, inner, &base.config());
                let counter = Counter::default();
                // The first read looks at the catalog.
                asked(&mut db, "load")$($aw)*;
                db.set_instrumentation(counter.instrumentation());
                for read in READS {
                    asked(&mut db, read)$($aw)*;
                }
                for read in READS {
                    let before = counter.count();
                    let cached = asked(&mut db, read)$($aw)*;
                    assert_eq!(counter.count(), before, "{backend:?}: {read} is no hit");
                    assert_eq!(cached, truth(&mut plain, read)$($aw)*, "{backend:?}: {read}");
                }
                write(&mut db, it.name)$($aw)*
                    .unwrap_or_else(|error| panic!("{}: {error}", it.name));
                for read in READS {
                    let before = counter.count();
                    let cached = asked(&mut db, read)$($aw)*;
                    let statements = counter.count() - before;
                    let truth = truth(&mut plain, read)$($aw)*;
                    if cached != truth {
                        failures.push(format!("{read} is stale after {}: {cached} for {truth}", it.name));
                    }
                    let with_rows = backend != Backend::MariaDb && it.keeps_with_rows.contains(read);
                    let is_async = stringify!($($as)?) == "async";
                    let looks = !is_async || backend != Backend::Sqlite;
                    let by_looks = looks && it.keeps_by_looks.contains(read);
                    if (with_rows || by_looks || it.keeps.contains(read)) && statements > 0 {
                        failures.push(format!("{read} was dropped by {}", it.name));
                    }
                }
            }
        }
    };
}

pub mod traits {
    pub mod blocking {
        pub use diesel::{Connection, RunQueryDsl, SaveChangesDsl, connection::SimpleConnection};
    }
    pub mod tasks {
        pub use diesel_async::{
            AsyncConnection, RunQueryDsl, SaveChangesDsl, SimpleAsyncConnection,
        };
    }
}

battery!(
    sqlite,
    diesel::SqliteConnection,
    CachedConnection,
    [],
    [],
    "?",
    batch,
    super::traits::blocking,
    |insert| insert.on_conflict(post::id).do_update()
);
battery!(
    postgres,
    diesel::PgConnection,
    CachedConnection,
    [],
    [],
    "$1",
    batch,
    super::traits::blocking,
    |insert| insert.on_conflict(post::id).do_update()
);
battery!(
    mariadb,
    diesel::MysqlConnection,
    CachedConnection,
    [],
    [],
    "?",
    batch,
    super::traits::blocking,
    |insert| insert.on_conflict(diesel::dsl::DuplicatedKeys).do_update()
);
battery!(
    async_sqlite,
    diesel_async::sync_connection_wrapper::SyncConnectionWrapper<diesel::SqliteConnection>,
    CachedAsyncConnection, [async], [.await], "?",
    each, super::traits::tasks,
    |insert| insert.on_conflict(post::id).do_update()
);
battery!(
    async_postgres, diesel_async::AsyncPgConnection,
    CachedAsyncConnection, [async], [.await], "$1",
    batch, super::traits::tasks,
    |insert| insert.on_conflict(post::id).do_update()
);
battery!(
    async_mariadb, diesel_async::AsyncMysqlConnection,
    CachedAsyncConnection, [async], [.await], "?",
    batch, super::traits::tasks,
    |insert| insert.on_conflict(diesel::dsl::DuplicatedKeys).do_update()
);
