//! A connection that stops, fails or panics where a test tells it to.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, IsolationLevel, QueryResult, RuntimeErr, Statement, TransactionError,
    TransactionOptions, TransactionSession, TransactionTrait,
};
use tokio::sync::Semaphore;

/// Where a trap springs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the statement is handed to the database.
    Before,
    /// After the database has answered.
    After,
}

/// What a trap does.
pub enum Then {
    /// Waits until the test lets it go on.
    Pause(Arc<Latch>),
    /// Panics.
    Panic,
    /// Returns an error in place of the answer.
    Fail(DbErr),
}

/// Two sides meet: one arrives and waits, the other learns of it and releases.
#[derive(Debug)]
pub struct Latch {
    arrived: Semaphore,
    released: Semaphore,
}

impl Latch {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            arrived: Semaphore::new(0),
            released: Semaphore::new(0),
        })
    }

    async fn stop(&self) {
        self.arrived.add_permits(1);
        self.released.acquire().await.unwrap().forget();
    }

    /// Waits until the other side has arrived.
    pub async fn arrived(&self) {
        within(self.arrived.acquire()).await.unwrap().forget();
    }

    /// Lets the other side go on.
    pub fn release(&self) {
        self.released.add_permits(1);
    }
}

/// Whatever takes longer hangs.
pub async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work)
        .await
        .expect("it hangs")
}

pub const DEADLINE: Duration = Duration::from_secs(20);

/// An error as of a connection that broke.
pub fn broken() -> DbErr {
    DbErr::Exec(RuntimeErr::Internal("connection reset by peer".to_owned()))
}

/// What the test and the connection share.
#[derive(Default)]
pub struct Control {
    traps: Mutex<Vec<(When, &'static str, Then)>>,
    running: AtomicUsize,
    reads: AtomicUsize,
}

impl Control {
    /// Sets a trap for the first statement that contains these words; COMMIT, ROLLBACK and BEGIN
    /// stand for the methods, too.
    pub fn trap(&self, when: When, words: &'static str, then: Then) {
        self.traps.lock().unwrap().push((when, words, then));
    }

    /// A trap that pauses.
    pub fn pause(&self, when: When, words: &'static str) -> Arc<Latch> {
        let latch = Latch::new();
        self.trap(when, words, Then::Pause(latch.clone()));
        latch
    }

    /// How many statements run now.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// How many SELECTs of the test's tables have reached the database.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    async fn at(&self, when: When, sql: &str) -> Result<(), DbErr> {
        let then = {
            let mut traps = self.traps.lock().unwrap();
            let found = traps
                .iter()
                .position(|(at, words, _)| *at == when && sql.contains(words));
            found.map(|position| traps.remove(position).2)
        };
        match then {
            None => Ok(()),
            Some(Then::Pause(latch)) => {
                latch.stop().await;
                Ok(())
            }
            Some(Then::Panic) => panic!("the connection panics"),
            Some(Then::Fail(error)) => Err(error),
        }
    }

    /// Runs one call between its two points.
    async fn around<T>(
        &self,
        sql: &str,
        call: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        let _running = Running::new(&self.running);
        let lower = sql.to_ascii_lowercase();
        let catalog = [
            "pg_",
            "information_schema",
            "pragma",
            "sqlite_",
            "@@",
            "current_",
        ];
        if lower.starts_with("select") && !catalog.iter().any(|word| lower.contains(word)) {
            self.reads.fetch_add(1, Ordering::SeqCst);
        }
        self.at(When::Before, sql).await?;
        let result = call.await;
        self.at(When::After, sql).await?;
        result
    }
}

struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A connection or a transaction with a control.
pub struct Gate<C> {
    pub inner: C,
    pub control: Arc<Control>,
}

#[async_trait]
impl<C: ConnectionTrait + Send + Sync> ConnectionTrait for Gate<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let sql = statement.sql.clone();
        self.control
            .around(&sql, self.inner.execute_raw(statement))
            .await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.control
            .around(sql, self.inner.execute_unprepared(sql))
            .await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let sql = statement.sql.clone();
        self.control
            .around(&sql, self.inner.query_one_raw(statement))
            .await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let sql = statement.sql.clone();
        self.control
            .around(&sql, self.inner.query_all_raw(statement))
            .await
    }

    fn support_returning(&self) -> bool {
        self.inner.support_returning()
    }
}

#[async_trait]
impl<C> TransactionTrait for Gate<C>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction> + Send + Sync,
{
    type Transaction = Gate<DatabaseTransaction>;

    async fn begin(&self) -> Result<Self::Transaction, DbErr> {
        self.begin_with_options(TransactionOptions::default()).await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<Self::Transaction, DbErr> {
        let options = TransactionOptions {
            isolation_level,
            access_mode,
            ..Default::default()
        };
        self.begin_with_options(options).await
    }

    async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<Self::Transaction, DbErr> {
        let begin = self.inner.begin_with_options(options);
        let inner = self.control.around("BEGIN", begin).await?;
        Ok(Gate {
            inner,
            control: self.control.clone(),
        })
    }

    async fn transaction<F, T, E>(&self, _callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c Self::Transaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        unreachable!("the wrapper begins by itself")
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        _callback: F,
        _isolation_level: Option<IsolationLevel>,
        _access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c Self::Transaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        unreachable!("the wrapper begins by itself")
    }
}

#[async_trait]
impl TransactionSession for Gate<DatabaseTransaction> {
    async fn commit(self) -> Result<(), DbErr> {
        self.control.around("COMMIT", self.inner.commit()).await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        self.control.around("ROLLBACK", self.inner.rollback()).await
    }
}

/// The connection that the wrapper gets.
pub type GatedConnection = Gate<DatabaseConnection>;
