//! Random schemas, queries and writes through a wrapped and a plain connection to one database:
//! every cached answer equals the database's at that moment, to the last byte.
//!
//! `LARDER_SEEDS=<n>` runs more seeds than CI does. A failure prints its seed; `LARDER_SEED=<seed>
//! cargo test -p larder-tests --test diesel walk` replays it.

use diesel::{
    deserialize::{self, FromSqlRow},
    mysql::Mysql,
    pg::Pg,
    row::{Field, Row},
    sql_types::Untyped,
    sqlite::Sqlite,
};

/// What happened in one run or several.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    reads: usize,
    hits: usize,
    errors: usize,
    writes: usize,
    changed: usize,
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.reads += other.reads;
        self.hits += other.hits;
        self.errors += other.errors;
        self.writes += other.writes;
        self.changed += other.changed;
    }

    /// The check cannot pass by caching nothing, nor by queries that all fail.
    fn check(self) {
        println!("{self:?}");
        assert!(self.hits * 10 > self.reads, "hardly hits: {self:?}");
        assert!(self.errors * 4 < self.reads, "mostly fails: {self:?}");
        assert!(self.writes > 0 && self.changed > 0, "{self:?}");
    }
}

/// A row of any query, as its driver delivers it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct AnyRow(Vec<String>);

macro_rules! any_row {
    ($backend:ty, |$value:ident| $shown:expr) => {
        impl FromSqlRow<Untyped, $backend> for AnyRow {
            fn build_from_row<'a>(row: &impl Row<'a, $backend>) -> deserialize::Result<Self> {
                let cell = |column| {
                    let field = Row::get(row, column).unwrap();
                    let name = field.field_name().unwrap_or_default().to_owned();
                    let value = field.value().map(
                        #[allow(unused_mut, reason = "not every backend reads by moving")]
                        |mut $value| $shown,
                    );
                    format!("{name}={value:?}")
                };
                Ok(Self((0..row.field_count()).map(cell).collect()))
            }
        }
    };
}
any_row!(Pg, |value| format!(
    "{} {:?}",
    value.get_oid(),
    value.as_bytes()
));
any_row!(Mysql, |value| format!(
    "{:?} {:?}",
    value.value_type(),
    value.as_bytes()
));
any_row!(Sqlite, |value| format!(
    "{:?} {:?}",
    value.value_type(),
    value.read_text()
));

/// How many queries a run keeps asking.
const QUERIES: usize = 24;

macro_rules! walk {
    (
        $module:ident, $plain:ty, $backend:ty, $cached:ident, $dialect:ident, $base:ident,
        [$($as:tt)?], [$($aw:tt)*], $traits:path
    ) => {
        pub mod $module {
            use diesel::{
                QueryResult, sql_query,
                sql_types::{Bool, Integer, Nullable, Text},
            };
            use larder::diesel::$cached as Cached;
            use larder_tests::random_sql::{Bind, Generator, RandomStatement, Schema, SqlDialect};
            use $traits::*;

            use super::{AnyRow, QUERIES, Totals};
            use crate::lab::{Backend, Base, Counter, larder};

            type Plain = $plain;

            /// `seeds` runs of so many steps.
            pub $($as)? fn check(seeds: u64, steps: usize) {
                let number = |name| {
                    let text = std::env::var(name).ok()?;
                    text.parse::<u64>().ok()
                };
                let chosen = number("LARDER_SEED");
                let seeds = number("LARDER_SEEDS").unwrap_or(seeds);
                let mut totals = Totals::default();
                for seed in chosen.map_or(1..=seeds, |seed| seed..=seed) {
                    totals.add(run(seed, steps)$($aw)*);
                }
                if chosen.is_none() {
                    totals.check();
                }
            }

            struct Run {
                db: Cached<Plain>,
                plain: Plain,
                counter: Counter,
                seed: u64,
                totals: Totals,
                log: Vec<String>,
            }

            $($as)? fn run(seed: u64, steps: usize) -> Totals {
                let mut random = fastrand::Rng::with_seed(seed);
                let schema = Schema::random(SqlDialect::$dialect, &mut random);
                let base = Base::start_empty(Backend::$base);
                let create = schema.create_statements();
                base.run(create.iter().map(String::as_str));
                let inner = Plain::establish(&base.url)$($aw)*.unwrap();
                let mut run = Run {
                    db: Cached::wrap(&larder(), inner, &base.config()),
                    plain: Plain::establish(&base.url)$($aw)*.unwrap(),
                    counter: Counter::default(),
                    seed,
                    totals: Totals::default(),
                    log: Vec::new(),
                };
                run.db.set_instrumentation(run.counter.instrumentation());
                for _ in 0..20 {
                    let it = Generator::new(&schema, &mut random).write();
                    run.totals.writes += write(&mut run.db, it, &mut run.log)$($aw)*;
                }
                let queries: Vec<RandomStatement> = (0..QUERIES)
                    .map(|_| Generator::new(&schema, &mut random).query())
                    .collect();
                let mut last = vec![None; QUERIES];
                for _ in 0..steps {
                    match random.u32(0..100) {
                        0..=24 => {
                            let it = Generator::new(&schema, &mut random).write();
                            run.totals.writes += write(&mut run.db, it, &mut run.log)$($aw)*;
                        }
                        25..=29 => transaction(&mut run, &schema, &mut random)$($aw)*,
                        _ => {
                            let number = random.usize(0..QUERIES);
                            let answer = compare(&mut run, &queries[number])$($aw)*;
                            let before = last[number].replace(answer.clone());
                            let changed = before.is_some_and(|before| before != answer);
                            run.totals.changed += usize::from(changed);
                        }
                    }
                }
                run.totals
            }

            type Prepared = diesel::query_builder::BoxedSqlQuery<
                'static,
                $backend,
                diesel::query_builder::SqlQuery,
            >;

            fn prepared(statement: &RandomStatement) -> Prepared {
                let mut query = sql_query(statement.sql.clone()).into_boxed::<$backend>();
                for bind in &statement.binds {
                    query = match bind {
                        Bind::Int(value) => {
                            let value = value.map(|value| i32::try_from(value).unwrap());
                            query.bind::<Nullable<Integer>, _>(value)
                        }
                        Bind::Text(value) => query.bind::<Nullable<Text>, _>(value.clone()),
                        Bind::Bool(value) => query.bind::<Nullable<Bool>, _>(*value),
                    };
                }
                query
            }

            /// Runs a write; the database may refuse it.
            $($as)? fn write(db: &mut Cached<Plain>, it: RandomStatement, log: &mut Vec<String>) -> usize {
                let query = prepared(&it);
                let result: QueryResult<()> = if it.sql.contains("RETURNING") {
                    query.load::<AnyRow>(db)$($aw)*.map(drop)
                } else {
                    query.execute(db)$($aw)*.map(drop)
                };
                let done = usize::from(result.is_ok());
                log.push(format!("{it:?} -> {:?}", result.err().map(|error| error.to_string())));
                done
            }

            /// A few writes in one transaction, some in savepoints, which is committed or rolled
            /// back.
            $($as)? fn transaction(run: &mut Run, schema: &Schema, random: &mut fastrand::Rng) {
                let mut writes = Vec::new();
                for _ in 0..random.usize(1..4) {
                    let it = Generator::new(schema, random).write();
                    writes.push((it, random.bool(), random.bool()));
                }
                let keep = random.u32(0..4) > 0;
                let mut log = vec![format!("BEGIN, to be kept: {keep}")];
                let ended = run.db.transaction($($as)? |db| {
                    for (it, nested, keep_nested) in writes {
                        if !nested {
                            write(db, it, &mut log)$($aw)*;
                            continue;
                        }
                        let inner = db.transaction($($as)? |db| {
                            write(db, it, &mut log)$($aw)*;
                            end(keep_nested)
                        })$($aw)*;
                        log.push(format!("savepoint, to be kept: {keep_nested}, {inner:?}"));
                    }
                    end(keep)
                })$($aw)*;
                log.push(format!("END {ended:?}"));
                run.log.append(&mut log);
            }

            fn end(keep: bool) -> QueryResult<()> {
                keep.then_some(()).ok_or(diesel::result::Error::RollbackTransaction)
            }

            /// Asks through the cache and past it.
            $($as)? fn compare(run: &mut Run, it: &RandomStatement) -> Result<Vec<AnyRow>, ()> {
                let before = run.counter.count();
                let cached = prepared(it).load::<AnyRow>(&mut run.db)$($aw)*;
                run.totals.reads += 1;
                run.totals.hits += usize::from(run.counter.count() == before);
                let truth = prepared(it).load::<AnyRow>(&mut run.plain)$($aw)*;
                run.totals.errors += usize::from(truth.is_err());
                // No query of the generator fixes an order.
                let sorted = |mut rows: Vec<AnyRow>| {
                    rows.sort();
                    rows
                };
                let (cached, truth) = (cached.map(sorted), truth.map(sorted));
                let same = match (&cached, &truth) {
                    (Ok(cached), Ok(truth)) => cached == truth,
                    (Err(_), Err(_)) => true,
                    _ => false,
                };
                let tail: Vec<_> = run.log.iter().rev().take(12).cloned().collect();
                assert!(
                    same,
                    "seed {} on {}\n{it:?}\ncached {cached:?}\ntruth  {truth:?}\nlast writes:\n{}",
                    run.seed,
                    stringify!($module),
                    tail.join("\n"),
                );
                truth.map_err(drop)
            }
        }
    };
}

walk!(
    sqlite,
    diesel::SqliteConnection,
    diesel::sqlite::Sqlite,
    CachedConnection,
    Sqlite,
    Sqlite,
    [],
    [],
    crate::battery::traits::blocking
);
walk!(
    postgres,
    diesel::PgConnection,
    diesel::pg::Pg,
    CachedConnection,
    Postgres,
    Postgres,
    [],
    [],
    crate::battery::traits::blocking
);
walk!(
    mariadb,
    diesel::MysqlConnection,
    diesel::mysql::Mysql,
    CachedConnection,
    MySql,
    MariaDb,
    [],
    [],
    crate::battery::traits::blocking
);
walk!(
    async_postgres, diesel_async::AsyncPgConnection, diesel::pg::Pg, CachedAsyncConnection,
    Postgres, Postgres, [async], [.await], crate::battery::traits::tasks
);

#[test]
fn cached_answers_equal_the_database_on_sqlite() {
    sqlite::check(30, 400);
}

#[test]
fn cached_answers_equal_the_database_on_postgres() {
    postgres::check(6, 200);
}

#[test]
fn cached_answers_equal_the_database_on_mariadb() {
    mariadb::check(6, 200);
}

#[tokio::test]
async fn cached_answers_equal_the_database_on_postgres_by_tasks() {
    async_postgres::check(6, 200).await;
}
