//! How a cached terminal and a wrapped connection find each other.
//!
//! SeaORM's terminals hand a `StatementBuilder` to the connection and know nothing of a cache, and
//! the connection sees any builder through one method, `build`. So a cached terminal sends a
//! [`Probe`]: a builder that carries a *slot* for the answer beside the statement. A wrapped
//! connection says, for the (synchronous) time of `build`, that it is asking; the probe then
//! leaves its slot. Any other connection just gets its statement built.

use std::{cell::Cell, fmt, sync::Arc};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement, StatementBuilder,
};

mod slot;
#[cfg(test)]
mod tests;

pub(crate) use slot::{Asked, Found, ResultSlot, Slot};

/// A statement with a slot for its answer.
pub(crate) struct Probe<'a, S> {
    statement: &'a S,
    slot: &'a Arc<dyn Slot>,
}

impl<S: StatementBuilder> StatementBuilder for Probe<'_, S> {
    fn build(&self, backend: &DbBackend) -> Statement {
        // A probe inside this one is a part of its operation and must not answer for the whole.
        let mut asking = AskingGuard::new(Asking::Nobody);
        let statement = self.statement.build(backend);
        asking.leave(self.slot);
        statement
    }

    #[cfg(feature = "rbac")]
    fn audit(&self) -> Result<sea_orm::QueryAccessAudit, sea_orm::AuditError> {
        self.statement.audit()
    }
}

/// A text as a builder: only builders can carry a probe.
pub(crate) struct Text(pub(crate) Statement);

impl StatementBuilder for Text {
    fn build(&self, _backend: &DbBackend) -> Statement {
        #[cfg(feature = "rbac")]
        TEXTS.with(|texts| texts.set(texts.get() + 1));
        self.0.clone()
    }

    /// Nothing can be said of a text: a restricted connection refuses it.
    #[cfg(feature = "rbac")]
    fn audit(&self) -> Result<sea_orm::QueryAccessAudit, sea_orm::AuditError> {
        Err(sea_orm::AuditError::UnsupportedQuery)
    }
}

/// A connection that makes a probe of every query, so that SeaORM's own terminals run on it
/// unchanged.
pub(crate) struct ProbeConnection<'a, C> {
    inner: &'a C,
    slot: Arc<dyn Slot>,
}

impl<'a, C> ProbeConnection<'a, C> {
    pub(crate) fn new(inner: &'a C, slot: Arc<dyn Slot>) -> Self {
        Self { inner, slot }
    }

    fn probe<'s, S>(&'s self, statement: &'s S) -> Probe<'s, S> {
        Probe {
            statement,
            slot: &self.slot,
        }
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
        self.slot.withdraw();
        self.inner.execute_raw(statement).await
    }

    async fn execute<S: StatementBuilder>(&self, statement: &S) -> Result<ExecResult, DbErr> {
        self.slot.withdraw();
        self.inner.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.slot.withdraw();
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.query_one(&Text(statement)).await
    }

    async fn query_one<S: StatementBuilder>(
        &self,
        statement: &S,
    ) -> Result<Option<QueryResult>, DbErr> {
        if self.slot.is_answered() {
            return Ok(None);
        }
        self.inner.query_one(&self.probe(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.query_all(&Text(statement)).await
    }

    async fn query_all<S: StatementBuilder>(
        &self,
        statement: &S,
    ) -> Result<Vec<QueryResult>, DbErr> {
        if self.slot.is_answered() {
            return Ok(Vec::new());
        }
        self.inner.query_all(&self.probe(statement)).await
    }

    fn support_returning(&self) -> bool {
        self.inner.support_returning()
    }

    fn is_mock_connection(&self) -> bool {
        self.inner.is_mock_connection()
    }
}

/// A slot, and what the statement that left it is to the result.
pub(crate) type LeftSlot = (Arc<dyn Slot>, Asked);

/// Builds a statement as one who asks; with the slot, if it was a probe.
pub(crate) fn build<S: StatementBuilder>(
    statement: &S,
    backend: DbBackend,
) -> (Statement, Option<LeftSlot>) {
    let asking = AskingGuard::new(Asking::Connection);
    let built = statement.build(&backend);
    (built, asking.answer())
}

/// A slot of one statement alone. An operation of several is told that nothing of it is stored.
#[cfg(feature = "rbac")]
pub(crate) fn alone(slot: Option<LeftSlot>) -> Option<LeftSlot> {
    let (slot, asked) = slot?;
    if slot.is_of_several() {
        slot.withdraw();
        return None;
    }
    Some((slot, asked))
}

#[cfg(feature = "rbac")]
thread_local! {
    /// How many texts were built on this thread.
    static TEXTS: Cell<u64> = const { Cell::new(0) };
}

/// The text behind a statement, if it was a text from the start: SeaORM's connections tell those
/// apart by the method that they come through, which a probe hides.
#[cfg(feature = "rbac")]
pub(crate) fn text<S: StatementBuilder>(statement: &S, backend: DbBackend) -> Option<Statement> {
    let _nobody = AskingGuard::new(Asking::Nobody);
    let before = TEXTS.with(Cell::get);
    let built = statement.build(&backend);
    (TEXTS.with(Cell::get) != before).then_some(built)
}

/// Who is asking on this thread.
enum Asking {
    Nobody,
    Connection,
    Left(Arc<dyn Slot>, Asked),
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

/// Restores who was asking before, also when `build` panics.
struct AskingGuard {
    before: Asking,
}

impl AskingGuard {
    fn new(asking: Asking) -> Self {
        Self {
            before: replace_asking(asking),
        }
    }

    /// Leaves a slot for the connection that asked before.
    fn leave(&mut self, slot: &Arc<dyn Slot>) {
        if matches!(self.before, Asking::Connection) {
            let asked = slot.ask();
            if asked != Asked::Nothing {
                self.before = Asking::Left(Arc::clone(slot), asked);
            }
        }
    }

    fn answer(self) -> Option<LeftSlot> {
        match replace_asking(Asking::Nobody) {
            Asking::Left(slot, asked) => Some((slot, asked)),
            _ => None,
        }
    }
}

impl Drop for AskingGuard {
    fn drop(&mut self) {
        replace_asking(std::mem::replace(&mut self.before, Asking::Nobody));
    }
}
