//! Callers without a runtime of tokio.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use async_trait::async_trait;
use larder::{CachedConnection, WrapConfig};
use larder_tests::{
    lab::Backend,
    row::{Row, cached},
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::{
    gate::{Control, Gate, GatedConnection, When},
    yard::{READS, Yard, eventually, number, rows},
};

/// Runs each statement on a runtime elsewhere, so that its caller needs none.
struct Remote {
    inner: Arc<GatedConnection>,
    runtime: tokio::runtime::Handle,
}

impl Remote {
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, DbErr>> + Send + 'static,
    ) -> Result<T, DbErr> {
        self.runtime.spawn(work).await.unwrap()
    }
}

#[async_trait]
impl ConnectionTrait for Remote {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let inner = self.inner.clone();
        self.run(async move { inner.execute_raw(statement).await })
            .await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let (inner, sql) = (self.inner.clone(), sql.to_owned());
        self.run(async move { inner.execute_unprepared(&sql).await })
            .await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let inner = self.inner.clone();
        self.run(async move { inner.query_one_raw(statement).await })
            .await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let inner = self.inner.clone();
        self.run(async move { inner.query_all_raw(statement).await })
            .await
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn reads_and_writes_need_no_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let yard = runtime.block_on(Yard::new(backend));
        runtime.block_on(yard.warm());
        let control = Arc::new(Control::default());
        let gate = Gate {
            inner: yard.plain.clone(),
            control: control.clone(),
        };
        let remote = Remote {
            inner: Arc::new(gate),
            runtime: runtime.handle().clone(),
        };
        let db = CachedConnection::wrap_other(&yard.larder, remote, WrapConfig::new());
        let read = || {
            let statement = Statement::from_string(db.get_database_backend(), READS[0]);
            number(&block_on(cached::<Row>(statement).all(&db)).unwrap())
        };
        assert_eq!(read(), 0);
        block_on(db.execute_unprepared("UPDATE item SET n = 4 WHERE id = 1")).unwrap();
        assert_eq!(read(), 4);
        assert_eq!(read(), 4);
        runtime.block_on(yard.assert_fresh("without a runtime"));

        // Without a task, a write dropped half way is guarded where it stands (W4).
        let latch = control.pause(When::Before, "SET n = 5");
        let mut write = Box::pin(db.execute_unprepared("UPDATE item SET n = 5 WHERE id = 1"));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(write.as_mut().poll(&mut cx).is_pending());
        drop(write);
        assert_eq!(yard.larder.uncertain_writes(), 1);
        assert!(!runtime.block_on(yard.hits(&yard.one, READS[0])));
        runtime.block_on(yard.assert_fresh("before it runs"));
        latch.release();
        runtime.block_on(eventually(async || {
            let sql = yard.statement("SELECT n FROM item WHERE id = 1", []);
            number(&rows(&yard.plain, sql).await) == 5
        }));
        runtime.block_on(yard.assert_fresh("after it has run"));
        assert!(!runtime.block_on(yard.hits(&yard.one, READS[0])));
        runtime.block_on(async { drop(yard) });
    }
}
