//! Reads x writes. Each is written once, for connections that block and for those that do not.

use std::{collections::BTreeSet, fmt::Debug};

use diesel::QueryResult;

use crate::lab::Backend;

#[macro_use]
mod reads;
#[macro_use]
mod offers;
#[macro_use]
mod inserts;
#[macro_use]
mod updates;
#[macro_use]
mod deletes;
#[macro_use]
mod texts;
#[macro_use]
mod transactions;

use Kept::{AllBut, These};
use reads::READS;

/// What a read has said.
fn said<T: Debug>(result: QueryResult<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("error: {error}"),
    }
}

/// A write, with the reads that it cannot change.
#[derive(Clone, Copy)]
pub struct Write {
    kind: Kind,
    name: &'static str,
    /// The databases for which Diesel has it.
    on: &'static [Backend],
    /// Whether it has it for connections that block alone.
    blocking: bool,
    /// Reads that are still answered without a statement.
    keeps: Kept,
    /// More of them, where rows are read before a write outside a transaction: not by diesel-async
    /// on SQLite, where a BEGIN cannot be taken back, and where nothing comes back instead.
    keeps_by_looks: Kept,
    /// More of them, where the rows that a statement writes come back: not from MariaDB, whose
    /// statements tell less besides.
    keeps_with_rows: Kept,
}

/// Where a write is written down.
#[derive(Clone, Copy)]
enum Kind {
    Insert,
    Update,
    Delete,
    Text,
    Transaction,
}

#[derive(Clone, Copy)]
enum Kept {
    These(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

impl Kept {
    const ALL: Self = AllBut(&[]);

    fn has(self, read: &str) -> bool {
        match self {
            These(reads) => reads.contains(&read),
            AllBut(reads) => !reads.contains(&read),
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            These(reads) | AllBut(reads) => reads,
        }
    }
}

impl Write {
    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            name: "",
            on: &[Backend::Sqlite, Backend::Postgres, Backend::MariaDb],
            blocking: false,
            keeps: These(&[]),
            keeps_by_looks: These(&[]),
            keeps_with_rows: These(&[]),
        }
    }

    fn keeps(&self, read: &str, backend: Backend, is_async: bool) -> bool {
        let looks = !is_async || backend != Backend::Sqlite;
        let rows = backend != Backend::MariaDb;
        self.keeps.has(read)
            || looks && self.keeps_by_looks.has(read)
            || rows && self.keeps_with_rows.has(read)
    }
}

/// The writes that a connection can be given.
fn writes(backend: Backend, is_async: bool) -> Vec<&'static Write> {
    all_writes()
        .filter(|it| it.on.contains(&backend) && !(it.blocking && is_async))
        .collect()
}

fn all_writes() -> impl Iterator<Item = &'static Write> {
    let kinds = [
        inserts::WRITES,
        updates::WRITES,
        deletes::WRITES,
        texts::WRITES,
        transactions::WRITES,
    ];
    kinds.into_iter().flatten()
}

/// Databases whose RETURNING Diesel knows.
const RETURNING: &[Backend] = &[Backend::Sqlite, Backend::Postgres];

/// Reads that a new title of post 5 cannot change: of other rows, or of no title.
const WITHOUT_TITLE_OF_5: Kept = AllBut(&[
    "load",
    "exists",
    "left_join",
    "text_with_parameter",
    "children",
    "page",
    "drafts",
    "of_active_authors",
]);

#[test]
fn every_read_that_a_write_keeps_is_asked() {
    let mut names = BTreeSet::new();
    for it in all_writes() {
        assert!(names.insert(it.name), "two writes are called {}", it.name);
        for kept in [it.keeps, it.keeps_by_looks, it.keeps_with_rows] {
            for read in kept.names() {
                assert!(
                    READS.contains(read),
                    "{}: no read is called {read}",
                    it.name
                );
            }
        }
    }
}

macro_rules! battery {
    (
        $module:ident, $backend:ident, $plain:ty, $cached:ident,
        [$($as:tt)?], [$($aw:tt)*], $parameter:literal, $traits:path
    ) => {
        pub mod $module {
            use diesel::{
                BelongingToDsl, ExpressionMethods, GroupedBy, NullableExpressionMethods,
                OptionalExtension, QueryDsl, QueryResult, SelectableHelper,
                dsl::{count, exists, max, select},
                sql_query,
                sql_types::Integer,
            };
            use larder::diesel::$cached as Cached;
            use $traits::*;

            use super::{Kind, READS, Write, said, texts::text, writes};
            use crate::{
                lab::{Backend, Base, Counter, larder},
                model::{
                    Author, NewPost, Post, Titled,
                    schema::{author, comment, post, post_tag, tag},
                },
            };

            type Plain = $plain;

            const BACKEND: Backend = Backend::$backend;

            reads!(asked, Cached<Plain>, [$($as)?], [$($aw)*], $parameter);
            reads!(truth, Plain, [$($as)?], [$($aw)*], $parameter);

            inserts!($backend, [$($as)?], [$($aw)*]);
            updates!($backend, [$($as)?], [$($aw)*]);
            deletes!($backend, [$($as)?], [$($aw)*]);
            texts!($backend, [$($as)?], [$($aw)*], $parameter);
            transactions!($backend, [$($as)?], [$($aw)*]);

            $($as)? fn write(c: &mut Cached<Plain>, it: &Write) -> QueryResult<()> {
                match it.kind {
                    Kind::Insert => insert(c, it.name)$($aw)*,
                    Kind::Update => update(c, it.name)$($aw)*,
                    Kind::Delete => delete(c, it.name)$($aw)*,
                    Kind::Text => by_text(c, it.name)$($aw)*,
                    Kind::Transaction => in_transaction(c, it.name)$($aw)*,
                }
            }

            /// Every read is warm before each write, equal to the database after it, and a hit where
            /// the write cannot have touched it.
            pub $($as)? fn check() {
                let mut failures = Vec::new();
                let writes = writes(BACKEND, IS_ASYNC);
                println!("{BACKEND:?}: {} reads x {} writes", READS.len(), writes.len());
                for it in writes {
                    one(it, &mut failures)$($aw)*;
                }
                assert!(failures.is_empty(), "{BACKEND:?}:\n{}", failures.join("\n"));
            }

            const IS_ASYNC: bool = !stringify!($($as)?).is_empty();

            $($as)? fn one(it: &Write, failures: &mut Vec<String>) {
                let base = Base::start(BACKEND);
                let larder = larder();
                let mut plain = Plain::establish(&base.url)$($aw)*.unwrap();
                let inner = Plain::establish(&base.url)$($aw)*.unwrap();
                let mut db = Cached::wrap(&larder, inner, &base.config());
                // SQLite minds its foreign keys where it is asked to.
                if BACKEND == Backend::Sqlite {
                    db.batch_execute("PRAGMA foreign_keys = ON")$($aw)*.unwrap();
                }
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
                    assert_eq!(counter.count(), before, "{BACKEND:?}: {read} is no hit");
                    assert_eq!(cached, truth(&mut plain, read)$($aw)*, "{BACKEND:?}: {read}");
                }
                write(&mut db, it)$($aw)*
                    .unwrap_or_else(|error| panic!("{}: {error}", it.name));
                for read in READS {
                    let before = counter.count();
                    let cached = asked(&mut db, read)$($aw)*;
                    let statements = counter.count() - before;
                    let truth = truth(&mut plain, read)$($aw)*;
                    if cached != truth {
                        failures.push(format!("{read} is stale after {}: {cached} for {truth}", it.name));
                    }
                    if it.keeps(read, BACKEND, IS_ASYNC) && statements > 0 {
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
    Sqlite,
    diesel::SqliteConnection,
    CachedConnection,
    [],
    [],
    "?",
    super::traits::blocking
);
battery!(
    postgres,
    Postgres,
    diesel::PgConnection,
    CachedConnection,
    [],
    [],
    "$1",
    super::traits::blocking
);
battery!(
    mariadb,
    MariaDb,
    diesel::MysqlConnection,
    CachedConnection,
    [],
    [],
    "?",
    super::traits::blocking
);
battery!(
    async_sqlite, Sqlite,
    diesel_async::sync_connection_wrapper::SyncConnectionWrapper<diesel::SqliteConnection>,
    CachedAsyncConnection, [async], [.await], "?", super::traits::tasks
);
battery!(
    async_postgres, Postgres, diesel_async::AsyncPgConnection,
    CachedAsyncConnection, [async], [.await], "$1", super::traits::tasks
);
battery!(
    async_mariadb, MariaDb, diesel_async::AsyncMysqlConnection,
    CachedAsyncConnection, [async], [.await], "?", super::traits::tasks
);
