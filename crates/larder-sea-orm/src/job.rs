//! The four ways in which SeaORM sends a statement, as one.

use std::borrow::Cow;

use larder_sql::Dialect;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

/// A statement with the method that carries it.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    /// `execute_raw`.
    Execute(Statement),
    /// `execute_unprepared`.
    Unprepared(String),
    /// `query_one_raw`.
    One(Statement),
    /// `query_one_raw` of a driver that returns with the first row, as one that waits for the last:
    /// before, the write is not committed.
    OneToTheEnd(Statement),
    /// `query_all_raw`.
    All(Statement),
}

/// What a [`Job`] gave.
#[derive(Debug)]
pub(crate) enum Done {
    /// Of `Execute` and `Unprepared`.
    Executed(ExecResult),
    /// Of `One`.
    One(Option<QueryResult>),
    /// Of `All`.
    All(Vec<QueryResult>),
}

impl Job {
    /// The text.
    pub(crate) fn sql(&self) -> &str {
        match self {
            Self::Unprepared(sql) => sql,
            Self::Execute(statement)
            | Self::One(statement)
            | Self::OneToTheEnd(statement)
            | Self::All(statement) => &statement.sql,
        }
    }

    /// The statement; one without parameters for a bare text.
    pub(crate) fn statement(&self, backend: DbBackend) -> Cow<'_, Statement> {
        match self {
            Self::Unprepared(sql) => Cow::Owned(Statement::from_string(backend, sql)),
            Self::Execute(statement)
            | Self::One(statement)
            | Self::OneToTheEnd(statement)
            | Self::All(statement) => Cow::Borrowed(statement),
        }
    }

    /// The same as a job that returns when the server is done with it.
    pub(crate) fn waiting_for_the_end(self, backend: DbBackend) -> Self {
        match self {
            Self::One(statement) if backend == DbBackend::MySql => Self::OneToTheEnd(statement),
            job => job,
        }
    }

    /// An error of a statement that belongs to it, as it would have been its own.
    pub(crate) fn own_error(&self, error: DbErr) -> DbErr {
        match self {
            Self::Execute(_) | Self::Unprepared(_) => match error {
                DbErr::Query(error) => DbErr::Exec(error),
                error => error,
            },
            _ => error,
        }
    }

    /// Sends it.
    pub(crate) async fn run<C: ConnectionTrait>(self, connection: &C) -> Result<Done, DbErr> {
        Ok(match self {
            Self::Execute(statement) => Done::Executed(connection.execute_raw(statement).await?),
            Self::Unprepared(sql) => Done::Executed(connection.execute_unprepared(&sql).await?),
            Self::One(statement) => Done::One(connection.query_one_raw(statement).await?),
            Self::OneToTheEnd(statement) => {
                let rows = connection.query_all_raw(statement).await?;
                Done::One(rows.into_iter().next())
            }
            Self::All(statement) => Done::All(connection.query_all_raw(statement).await?),
        })
    }
}

impl Done {
    /// The result of an `Execute` or `Unprepared`.
    pub(crate) fn into_executed(self) -> Result<ExecResult, DbErr> {
        match self {
            Self::Executed(result) => Ok(result),
            _ => Err(mixed_up()),
        }
    }

    /// The result of a `One`.
    pub(crate) fn into_one(self) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::One(row) => Ok(row),
            _ => Err(mixed_up()),
        }
    }

    /// The result of an `All`.
    pub(crate) fn into_all(self) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::All(rows) => Ok(rows),
            _ => Err(mixed_up()),
        }
    }
}

/// The dialect of a backend; `None` for one that larder does not know.
pub(crate) const fn dialect(backend: DbBackend) -> Option<Dialect> {
    match backend {
        DbBackend::Postgres => Some(Dialect::Postgres),
        DbBackend::MySql => Some(Dialect::MySql),
        DbBackend::Sqlite => Some(Dialect::Sqlite),
        _ => None,
    }
}

/// [`Job::run`] answers each job in kind, so nobody sees this.
fn mixed_up() -> DbErr {
    DbErr::Custom("a statement was answered with the result of another method".to_owned())
}
