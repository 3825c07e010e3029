//! A write and the look at the rows that it is about to change.

use larder_core::Image;
use larder_signals::{Planned, RowsBefore, Wanted};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait, Values,
};

use crate::{
    job::{Done, Job},
    shared::Shared,
    told,
};

/// A write as it is sent.
pub(crate) struct Sent {
    job: Job,
    look: Option<Look>,
}

/// The SELECT of the rows that a write is about to change.
struct Look {
    before: RowsBefore,
    statement: Statement,
}

/// SeaORM gives nobody a way to make its result of an `execute`, so nothing is added to a statement.
pub(crate) const EXTENSIBLE: bool = false;

impl Sent {
    /// `wanted` tells what the write had better ask for.
    pub(crate) fn new(shared: &Shared, job: Job, statement: &Statement, wanted: Wanted) -> Self {
        let before = wanted.before.filter(|_| shared.has_exact_rows());
        let look = before.and_then(|before| Look::new(before, statement));
        Self { job, look }
    }

    /// Sends it outside a transaction. Only connections of SeaORM's own open one for the look.
    pub(crate) async fn run<C: ConnectionTrait + 'static>(
        &self,
        inner: &C,
        planned: &Planned,
    ) -> (Result<Done, DbErr>, Option<Vec<Image>>) {
        let database = (inner as &dyn std::any::Any).downcast_ref::<DatabaseConnection>();
        if let (Some(look), Some(database)) = (&self.look, database)
            && let Some(done) = self.in_own_transaction(database, look, planned).await
        {
            return done;
        }
        (self.job.clone().run(inner).await, None)
    }

    /// Sends it inside the caller's transaction.
    pub(crate) async fn run_inside<C: ConnectionTrait>(
        &self,
        inner: &C,
        planned: &Planned,
    ) -> (Result<Done, DbErr>, Option<Vec<Image>>) {
        let mut old = None;
        if let Some(look) = &self.look {
            match look.found(inner, planned).await {
                Ok(found) => old = found,
                // The statement would have met it, and may have no transaction any more.
                Err(error) => return (Err(self.job.own_error(error)), None),
            }
        }
        (self.job.clone().run(inner).await, old)
    }

    /// `None` = nothing was sent, or nothing of it is left: the statement is to run by itself.
    async fn in_own_transaction(
        &self,
        database: &DatabaseConnection,
        look: &Look,
        planned: &Planned,
    ) -> Option<(Result<Done, DbErr>, Option<Vec<Image>>)> {
        let options = TransactionOptions {
            // Who reads first may be refused to write.
            sqlite_transaction_mode: (database.get_database_backend() == DbBackend::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = database.begin_with_options(options).await.ok()?;
        let Ok(old) = look.found(&transaction, planned).await else {
            // What cannot be rolled back has ended with its connection.
            let _ = transaction.rollback().await;
            return None;
        };
        let done = match self.job.clone().run(&transaction).await {
            Ok(done) => done,
            Err(error) => {
                let _ = transaction.rollback().await;
                return Some((Err(error), None));
            }
        };
        Some(match transaction.commit().await {
            Ok(()) => (Ok(done), old),
            Err(error) => (Err(self.job.own_error(error)), None),
        })
    }
}

impl Look {
    fn new(before: RowsBefore, statement: &Statement) -> Option<Self> {
        let all = statement.values.as_ref().map(|values| values.0.as_slice());
        let all = all.unwrap_or_default();
        let value = |at: &usize| all.get(*at).cloned();
        let values: Vec<_> = before.parameters.iter().map(value).collect::<Option<_>>()?;
        let (backend, sql) = (statement.db_backend, before.sql.clone());
        let statement = match values.is_empty() {
            true => Statement::from_string(backend, sql),
            false => Statement {
                sql,
                values: Some(Values(values)),
                db_backend: backend,
            },
        };
        Some(Self { before, statement })
    }

    /// The rows; `None` = they are not all.
    async fn found<C: ConnectionTrait>(
        &self,
        inner: &C,
        planned: &Planned,
    ) -> Result<Option<Vec<Image>>, DbErr> {
        let rows = inner.query_all_raw(self.statement.clone()).await?;
        let cells = told::cell_of(planned, &rows);
        Ok(self.before.images(planned, rows.len(), cells))
    }
}
