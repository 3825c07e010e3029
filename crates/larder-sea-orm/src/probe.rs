//! How a cached terminal and a wrapped connection find each other.
//!
//! SeaORM's terminals hand a `StatementBuilder` to the connection and know nothing of a cache, and
//! the connection sees any builder through one method, `build`. So a cached terminal sends a
//! [`Probe`]: a builder that carries a *slot* for the answer beside the statement. A wrapped
//! connection says, for the (synchronous) time of `build`, that it is asking; the probe then
//! leaves its slot. Any other connection just gets its statement built.

use std::{
    any::{Any, TypeId, type_name},
    cell::Cell,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use larder_core::{DiscardReason, Fill, ResultIdentity};
use larder_signals::ReadOptions;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement, StatementBuilder,
};

#[cfg(test)]
mod tests;

/// The place where connection and terminal leave things for each other.
pub(crate) trait Slot: Send + Sync {
    /// The identity of the result that is asked for.
    fn identity(&self) -> &ResultIdentity;
    /// What the caller asked of the cache.
    fn options(&self) -> &ReadOptions;
    /// Leaves a stored result; `false` when it is of another type.
    fn put_hit(&self, value: Arc<dyn Any + Send + Sync>) -> bool;
    /// Leaves the ticket with which the terminal completes the fill.
    fn put_fill(&self, fill: Fill);
    /// Takes the ticket back: the result must not be stored.
    fn withdraw(&self);
    /// Whether this is the first statement that asks.
    fn first(&self) -> bool;
}

/// What the connection left.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// Nothing: what the terminal returned is the result, and it is not stored.
    Uncached,
    /// The result; what the terminal returned means nothing.
    Hit(Arc<T>),
    /// What the terminal returned is the result, and this stores it.
    Fill(Fill),
}

/// A slot for results of one type.
#[derive(Debug)]
pub(crate) struct ResultSlot<T> {
    identity: ResultIdentity,
    options: ReadOptions,
    answer: Mutex<Answer<T>>,
    asked: AtomicBool,
    asked_again: AtomicBool,
}

impl<T: Send + Sync + 'static> ResultSlot<T> {
    /// A slot for what this terminal makes of its rows.
    pub(crate) fn new(
        terminal: &'static str,
        schema_fingerprint: u64,
        options: ReadOptions,
    ) -> Arc<Self> {
        Arc::new(Self {
            identity: ResultIdentity {
                adapter: "sea-orm",
                terminal,
                type_id: TypeId::of::<T>(),
                type_name: type_name::<T>(),
                schema_fingerprint,
            },
            options,
            answer: Mutex::new(Answer::Uncached),
            asked: AtomicBool::new(false),
            asked_again: AtomicBool::new(false),
        })
    }

    /// Takes what the connection left. Nothing, when the terminal sent several statements: the
    /// key and the dependencies would be those of one of them.
    pub(crate) fn take(&self) -> Answer<T> {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = std::mem::replace(&mut *answer, Answer::Uncached);
        if self.asked_again.load(Ordering::Relaxed) {
            Answer::Uncached
        } else {
            answer
        }
    }

    /// Passes on what the terminal returned. Its error ends the fill: waiters run themselves (P8).
    pub(crate) fn check<R>(&self, result: Result<R, DbErr>) -> Result<R, DbErr> {
        if result.is_err()
            && let Answer::Fill(fill) = self.take()
        {
            fill.discard(DiscardReason::QueryFailed);
        }
        result
    }

    fn put(&self, answer: Answer<T>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

impl<T: Send + Sync + 'static> Slot for ResultSlot<T> {
    fn identity(&self) -> &ResultIdentity {
        &self.identity
    }

    fn options(&self) -> &ReadOptions {
        &self.options
    }

    fn put_hit(&self, value: Arc<dyn Any + Send + Sync>) -> bool {
        value
            .downcast::<T>()
            .map(|value| self.put(Answer::Hit(value)))
            .is_ok()
    }

    fn put_fill(&self, fill: Fill) {
        self.put(Answer::Fill(fill));
    }

    fn withdraw(&self) {
        if let Answer::Fill(fill) = self.take() {
            fill.discard(DiscardReason::NotCacheable);
        }
    }

    fn first(&self) -> bool {
        let first = !self.asked.swap(true, Ordering::Relaxed);
        if !first {
            self.asked_again.store(true, Ordering::Relaxed);
        }
        first
    }
}

/// A statement with a slot for its answer.
pub(crate) struct Probe<'a, S> {
    statement: &'a S,
    slot: &'a Arc<dyn Slot>,
}

impl<S: StatementBuilder> StatementBuilder for Probe<'_, S> {
    fn build(&self, backend: &DbBackend) -> Statement {
        let statement = self.statement.build(backend);
        leave(self.slot);
        statement
    }

    #[cfg(feature = "rbac")]
    fn audit(&self) -> Result<sea_orm::QueryAccessAudit, sea_orm::AuditError> {
        self.statement.audit()
    }
}

/// A connection that makes a probe of every statement, so that SeaORM's own terminals run on it
/// unchanged.
pub(crate) struct ProbeConnection<'a, C> {
    inner: &'a C,
    slot: Arc<dyn Slot>,
}

impl<'a, C> ProbeConnection<'a, C> {
    pub(crate) fn new(inner: &'a C, slot: Arc<dyn Slot>) -> Self {
        Self { inner, slot }
    }
}

impl<C> fmt::Debug for ProbeConnection<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeConnection").finish_non_exhaustive()
    }
}

#[async_trait]
impl<C: ConnectionTrait> ConnectionTrait for ProbeConnection<'_, C> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(statement).await
    }

    async fn execute<S: StatementBuilder>(&self, statement: &S) -> Result<ExecResult, DbErr> {
        self.inner.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.inner.query_one_raw(statement).await
    }

    async fn query_one<S: StatementBuilder>(
        &self,
        statement: &S,
    ) -> Result<Option<QueryResult>, DbErr> {
        self.inner
            .query_one(&Probe {
                statement,
                slot: &self.slot,
            })
            .await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.inner.query_all_raw(statement).await
    }

    async fn query_all<S: StatementBuilder>(
        &self,
        statement: &S,
    ) -> Result<Vec<QueryResult>, DbErr> {
        self.inner
            .query_all(&Probe {
                statement,
                slot: &self.slot,
            })
            .await
    }

    fn support_returning(&self) -> bool {
        self.inner.support_returning()
    }

    fn is_mock_connection(&self) -> bool {
        self.inner.is_mock_connection()
    }
}

/// Builds a statement as one who asks; with the slot, if it was a probe.
pub(crate) fn build<S: StatementBuilder>(
    statement: &S,
    backend: DbBackend,
) -> (Statement, Option<Arc<dyn Slot>>) {
    let asking = AskingGuard::new();
    let built = statement.build(&backend);
    (built, asking.answer())
}

/// Who is asking on this thread.
enum Asking {
    Nobody,
    Connection,
    Left(Arc<dyn Slot>),
}

thread_local! {
    static ASKING: Cell<Asking> = const { Cell::new(Asking::Nobody) };
}

/// While the thread's storage is being torn down nobody asks, and the query is not cached.
fn replace_asking(asking: Asking) -> Asking {
    ASKING
        .try_with(|cell| cell.replace(asking))
        .unwrap_or(Asking::Nobody)
}

fn leave(slot: &Arc<dyn Slot>) {
    let before = replace_asking(Asking::Nobody);
    replace_asking(match before {
        Asking::Connection if slot.first() => Asking::Left(Arc::clone(slot)),
        before => before,
    });
}

/// Restores who was asking before, also when `build` panics.
struct AskingGuard {
    before: Asking,
}

impl AskingGuard {
    fn new() -> Self {
        Self {
            before: replace_asking(Asking::Connection),
        }
    }

    fn answer(self) -> Option<Arc<dyn Slot>> {
        match replace_asking(Asking::Nobody) {
            Asking::Left(slot) => Some(slot),
            _ => None,
        }
    }
}

impl Drop for AskingGuard {
    fn drop(&mut self) {
        replace_asking(std::mem::replace(&mut self.before, Asking::Nobody));
    }
}
