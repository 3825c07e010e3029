//! One run of the differential test.

use larder_tests::{
    lab::{Backend, Lab},
    random_sql::{Bind, Generator, RandomStatement, Schema, SqlDialect},
    row::{Row, cached},
};
use sea_orm::{ConnectionTrait, DbErr, Statement, TransactionTrait, Value};

/// How many queries a run keeps asking.
const QUERIES: usize = 24;

/// What happened in one run or several.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Reads compared.
    pub reads: usize,
    /// Reads that cost no query.
    pub hits: usize,
    /// Reads that failed, on both sides.
    pub errors: usize,
    /// Writes that the database accepted.
    pub writes: usize,
    /// Answers that differed from the last one of the same query.
    pub changed: usize,
}

impl Totals {
    pub fn add(&mut self, other: Self) {
        self.reads += other.reads;
        self.hits += other.hits;
        self.errors += other.errors;
        self.writes += other.writes;
        self.changed += other.changed;
    }
}

/// One run: a schema, queries that are asked again and again, writes in between.
pub async fn drive(backend: Backend, seed: u64, steps: usize) -> Totals {
    let mut random = fastrand::Rng::with_seed(seed);
    let dialect = match backend {
        Backend::Sqlite => SqlDialect::Sqlite,
        Backend::Postgres => SqlDialect::Postgres,
        Backend::MariaDb => SqlDialect::MySql,
    };
    let schema = Schema::random(dialect, &mut random);
    let lab = Lab::start_empty(backend).await;
    for statement in schema.create_statements() {
        lab.plain.execute_unprepared(&statement).await.unwrap();
    }
    let mut run = Run {
        lab,
        seed,
        totals: Totals::default(),
        log: Vec::new(),
    };
    for _ in 0..20 {
        let write = Generator::new(&schema, &mut random).write();
        run.write(&run.lab.db.clone(), write).await;
    }
    let queries: Vec<RandomStatement> = (0..QUERIES)
        .map(|_| Generator::new(&schema, &mut random).query())
        .collect();
    let mut last = vec![None; QUERIES];
    for _ in 0..steps {
        match random.u32(0..100) {
            0..=24 => {
                let write = Generator::new(&schema, &mut random).write();
                run.write(&run.lab.db.clone(), write).await;
            }
            25..=29 => run.transaction(&schema, &mut random).await,
            _ => {
                let number = random.usize(0..QUERIES);
                let answer = run.compare(&queries[number]).await;
                if last[number]
                    .as_ref()
                    .is_some_and(|before| *before != answer)
                {
                    run.totals.changed += 1;
                }
                last[number] = Some(answer);
            }
        }
    }
    run.lab.plain.close().await.unwrap();
    run.totals
}

struct Run {
    lab: Lab,
    seed: u64,
    totals: Totals,
    log: Vec<String>,
}

impl Run {
    fn statement(&self, statement: &RandomStatement) -> Statement {
        let values: Vec<Value> = statement.binds.iter().map(value).collect();
        let backend = self.lab.plain.get_database_backend();
        Statement::from_sql_and_values(backend, &statement.sql, values)
    }

    /// Runs a write; the database may refuse it.
    async fn write<C: ConnectionTrait>(&mut self, db: &C, write: RandomStatement) {
        let statement = self.statement(&write);
        let returning = write.sql.contains("RETURNING");
        let result = if returning {
            db.query_all_raw(statement).await.map(drop)
        } else {
            db.execute_raw(statement).await.map(drop)
        };
        self.totals.writes += usize::from(result.is_ok());
        self.log.push(format!(
            "{write:?} -> {:?}",
            result.err().map(|error| error.to_string())
        ));
    }

    /// A few writes in one transaction, which is committed, rolled back or dropped.
    async fn transaction(&mut self, schema: &Schema, random: &mut fastrand::Rng) {
        let outer = self.lab.db.begin().await.unwrap();
        self.log.push("BEGIN".into());
        for _ in 0..random.usize(1..4) {
            let write = Generator::new(schema, random).write();
            if random.bool() {
                self.write(&outer, write).await;
                continue;
            }
            // A failed statement aborts a PostgreSQL transaction: no savepoint can follow.
            let Ok(inner) = outer.begin().await else {
                break;
            };
            self.log.push("SAVEPOINT".into());
            self.write(&inner, write).await;
            let keep = random.bool();
            let ended = if keep {
                inner.commit().await
            } else {
                inner.rollback().await
            };
            self.log.push(format!("savepoint kept: {keep}, {ended:?}"));
        }
        match random.u32(0..4) {
            0 => self
                .log
                .push(format!("ROLLBACK {:?}", outer.rollback().await)),
            1 => {
                self.log.push("DROP".into());
                drop(outer);
            }
            _ => self.log.push(format!("COMMIT {:?}", outer.commit().await)),
        }
    }

    /// Asks through the cache and past it.
    async fn compare(&mut self, query: &RandomStatement) -> Result<Vec<String>, ()> {
        let statement = self.statement(query);
        let before = self.lab.selects();
        let cached = cached::<Row>(statement.clone())
            .all(&self.lab.db)
            .await
            .map(sorted);
        self.totals.reads += 1;
        self.totals.hits += usize::from(self.lab.selects() == before);
        let truth = rows(&self.lab.plain, statement).await.map(sorted);
        if truth.is_err() {
            self.totals.errors += 1;
        }
        let same = match (&cached, &truth) {
            (Ok(cached), Ok(truth)) => cached == truth,
            (Err(_), Err(_)) => true,
            _ => false,
        };
        assert!(
            same,
            "seed {}: {:?}\n{query:?}\ncached {cached:?}\ntruth  {truth:?}\nlast writes:\n{}\n\
             replay: LARDER_SEED={} cargo test -p larder-tests --test differential",
            self.seed,
            self.lab.backend,
            self.log
                .iter()
                .rev()
                .take(12)
                .cloned()
                .collect::<Vec<_>>()
                .join("\n"),
            self.seed,
        );
        truth.map_err(drop)
    }
}

async fn rows<C: ConnectionTrait>(db: &C, statement: Statement) -> Result<Vec<Row>, DbErr> {
    use sea_orm::FromQueryResult;
    Row::find_by_statement(statement).all(db).await
}

/// No query of the generator fixes an order, so rows are compared as a multiset.
fn sorted(rows: Vec<Row>) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    rows
}

fn value(bind: &Bind) -> Value {
    match bind {
        Bind::Int(value) => value.map(|value| i32::try_from(value).unwrap()).into(),
        Bind::Text(value) => value.clone().into(),
        Bind::Bool(value) => (*value).into(),
    }
}
