//! What analysis of one SQL text yields.
//!
//! A plan holds no parameter values: it is made once per text and bound to the parameters of each
//! call. It names tables and columns by the catalog it was made with.

use std::sync::Arc;

use crate::{Dialect, catalog::Table};

/// The analysis of one SQL text.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The text as the parser renders it: comments, white space, keyword case and placeholder
    /// style gone. The raw text itself when it could not be parsed.
    pub normalized: Arc<str>,
    /// One part per statement of the text, in order. Never empty for a non-empty text.
    pub parts: Vec<Part>,
    /// Whether the text holds an IN list (or row list) whose length varies with its parameters:
    /// such texts are kept apart in the plan cache so that they cannot flood it.
    pub variable_arity: bool,
}

/// One statement of a text.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Part {
    /// A statement that only reads.
    Read(ReadPlan),
    /// A statement that writes rows, or may.
    Write(WritePlan),
    /// BEGIN, COMMIT, SAVEPOINT and their kin, as text.
    Transaction(TransactionCommand),
    /// SET, USE, PRAGMA, DISCARD ..: changes the session.
    Session,
    /// SET of something that is read with the catalog: whoever knows that this connection has run it
    /// may read the catalog again, and knows the session.
    Setting,
    /// DDL: all records drop and the catalog is read again.
    Schema {
        /// It makes, or may make, something that this connection alone sees (a temporary table
        /// shadows a name, ATTACH adds some), so the connection bypasses reads from here on.
        temporary: bool,
    },
    /// Reads nothing cacheable and writes no row (SHOW, EXPLAIN without ANALYZE, ANALYZE ..).
    Neutral,
    /// Not understood: runs, is never cached, and counts as an unknown write to every table.
    Unknown(Reason),
}

impl Part {
    /// Whether the statement may commit the transaction that is open, by itself: MySQL does so for
    /// DDL, LOCK TABLES, BEGIN within a transaction, SET autocommit and more. It errs towards
    /// `true`: apply the buffered events at once *and* keep them for the real end.
    #[must_use]
    pub fn may_commit_implicitly(&self, dialect: Dialect) -> bool {
        match self {
            Self::Read(_) => false,
            Self::Unknown(_) => true,
            Self::Write(write) => {
                let truncates = write
                    .targets
                    .iter()
                    .any(|t| t.operation == WriteOperation::Truncate);
                write.unknown_scope.is_some() || (truncates && dialect == Dialect::MySql)
            }
            Self::Transaction(command) => {
                dialect == Dialect::MySql
                    && matches!(
                        command,
                        TransactionCommand::Begin | TransactionCommand::TwoPhase
                    )
            }
            Self::Session | Self::Setting | Self::Schema { .. } | Self::Neutral => {
                dialect == Dialect::MySql
            }
        }
    }

    /// Whether the connection may answer the same text differently afterwards (search path, time
    /// zone, temporary tables ..). It bypasses reads until it is reset.
    #[must_use]
    pub fn may_change_session(&self) -> bool {
        matches!(
            self,
            Self::Session | Self::Setting | Self::Unknown(_) | Self::Schema { temporary: true }
        )
    }
}

/// The kind of result a read asks for; policies are per operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// At most one row (`LIMIT 1`).
    Get,
    /// Rows.
    Fetch,
    /// A lone COUNT.
    Count,
    /// Other aggregates.
    Aggregate,
    /// `EXISTS` or `SELECT 1 .. LIMIT 1`.
    Exists,
}

/// A statement that only reads.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    /// What it asks for.
    pub operation: Operation,
    /// Every relation named anywhere (views and their base tables included), first table of the
    /// outermost FROM first, without repetition.
    pub tables: Vec<Arc<Table>>,
    /// What a cached result rests on. Empty only when `uncacheable` is set or no table is read.
    pub dependencies: Vec<DependencyTemplate>,
    /// Why the result may not be cached; `None` = it may.
    pub uncacheable: Option<Reason>,
    /// Why the result belongs to the session's tenant alone (row-level security): it may be cached
    /// only under a scope that says who that is.
    pub needs_scope: Option<Reason>,
    /// The LIMIT of the outermost SELECT, where it is a literal or a parameter (SeaORM binds it):
    /// what `operation_with` wants to know the value of.
    pub limit: Option<Operand>,
    /// Positions of parameters that the server reads as a date or time from text. A text bound
    /// there that [`names_a_moment`] makes this call's result uncacheable.
    pub dated_parameters: Vec<usize>,
}

impl ReadPlan {
    /// The operation, now that the value of `limit` is known.
    #[must_use]
    pub fn operation_with(&self, limit: Option<u64>) -> Operation {
        match (self.operation, limit) {
            (Operation::Fetch, Some(1)) => Operation::Get,
            (operation, _) => operation,
        }
    }
}

/// Whether a text holds a word that PostgreSQL reads as the current moment or day when the text
/// becomes a date or a time.
#[must_use]
pub fn names_a_moment(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphabetic()).any(|word| {
        ["now", "today", "tomorrow", "yesterday"]
            .iter()
            .any(|moment| moment.eq_ignore_ascii_case(word))
    })
}

/// A dependency before its parameters are bound: one conjunction on one table.
#[derive(Clone, Debug)]
pub struct DependencyTemplate {
    /// The base table.
    pub table: Arc<Table>,
    /// Terms that all must hold, sorted by column, at most one per column. Empty = any row.
    pub terms: Vec<Term>,
    /// The columns whose change can change the result.
    pub watched: Columns,
}

/// `column IN (operands)` or `column IS NULL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Position in the table's `columns`.
    pub column: usize,
    /// What is asked of it.
    pub test: Test,
}

/// The test of a term.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Test {
    /// Equal to one of these. NULL operands never match and are skipped when binding.
    In(Vec<Operand>),
    /// `IS NULL`.
    IsNull,
}

/// A value in a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operand {
    /// The bound parameter at this position, from 0, in the order in which the driver sends them.
    Parameter(usize),
    /// Any element of the array bound at this position (`= ANY($1)`).
    ParameterElements(usize),
    /// A literal of the text.
    Literal(Literal),
}

/// A literal as written, by its class. Conversion to a column's canonical value is larder-core's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Literal {
    /// NULL.
    Null,
    /// TRUE or FALSE.
    Bool(bool),
    /// A number as written, sign included.
    Number(Arc<str>),
    /// A string with quotes and escapes resolved.
    Text(Arc<str>),
    /// A byte string (`X'..'`, `'\x..'::bytea`).
    Bytes(Arc<[u8]>),
}

/// A set of columns of one table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Columns {
    /// All of them.
    All,
    /// These positions, sorted, without repetition.
    Some(Vec<usize>),
}

/// A statement that writes rows, or may.
#[derive(Clone, Debug)]
pub struct WritePlan {
    /// What it writes directly (cascades and triggers are the signal crate's to add).
    pub targets: Vec<WriteTarget>,
    /// Set when it may write tables that are not listed: every record of the source drops.
    pub unknown_scope: Option<Reason>,
    /// Output columns of RETURNING for the (single) target: position in the *result* -> column of
    /// the table. `None` for an expression. Empty when there is no RETURNING, or none that can be
    /// mapped. A result with another number of columns is of another schema: it says nothing.
    pub returning: Vec<Option<usize>>,
    /// Whether `RETURNING` and columns of the (single) target may be appended to the text: it stays
    /// valid, does the same, and each row that is written comes back.
    pub takes_returning: bool,
    /// Rows written before an error may stay written (SQLite OR FAIL, OR ROLLBACK; anything of
    /// unknown scope, which may commit by itself): an error is then no proof that nothing happened.
    pub error_keeps_rows: bool,
}

/// The effect of a write on one table.
#[derive(Clone, Debug)]
pub struct WriteTarget {
    /// The written base table.
    pub table: Arc<Table>,
    /// What is done.
    pub operation: WriteOperation,
    /// Columns assigned by an UPDATE, closed over generated and ON UPDATE columns and widened to
    /// all where a BEFORE trigger or rule stands (W7). `All` for everything but UPDATE.
    pub changed: Columns,
    /// What is known of the rows before the write.
    pub old: OldRows,
    /// What is known of the rows after the write, one per row of VALUES, or one for all rows of an
    /// UPDATE. Empty for DELETE.
    pub new: NewRows,
    /// The columns that the SET list of an UPDATE names; what follows from them is in `changed` alone.
    pub set: Vec<usize>,
    /// The rows of an UPDATE or DELETE as a text of their own. Only where they are chosen by their
    /// own columns, parameters and literals alone, and where each row that is chosen is written: no
    /// other table, subquery, function, LIMIT or IGNORE takes part. Comparing counts needs it (W3).
    pub chosen: Option<ChosenRows>,
}

/// The rows that a statement chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenRows {
    /// What follows FROM in a SELECT of them: the table and the WHERE, parameters numbered anew in
    /// the way of the dialect.
    pub text: Arc<str>,
    /// The statement's parameter behind each parameter of `text`, from 0.
    pub parameters: Vec<usize>,
}

/// The operation of a write on one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteOperation {
    /// Rows are added, none is changed.
    Insert,
    /// Rows are changed.
    Update,
    /// Rows are removed.
    Delete,
    /// Rows are added, changed or removed in a way that images do not tell: the record drops.
    Opaque,
    /// The whole table is emptied.
    Truncate,
}

/// What a statement tells of the rows before the write.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OldRows {
    /// There are none (INSERT).
    None,
    /// Rows that satisfy one of these conjunctions (the WHERE, projected onto the target by the
    /// rules of reads). A conjunction without terms = any row.
    Matching(Vec<Vec<Term>>),
}

/// What a statement tells of the rows after the write.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NewRows {
    /// There are none (DELETE).
    None,
    /// One assignment list per row. A column that is not listed is unknown for INSERT and
    /// unchanged for UPDATE, whose one list names every column of `changed`.
    Assigned(Vec<Vec<Assignment>>),
    /// Unknown rows (INSERT .. SELECT).
    Unknown,
}

/// One column of a new row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Position in the table's `columns`.
    pub column: usize,
    /// The assigned operand; `None` = an expression, DEFAULT, or a column that stores something
    /// else than what is sent (W6).
    pub value: Option<Operand>,
}

/// Transaction control as text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionCommand {
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END. `chain` = AND CHAIN.
    Commit {
        /// A new transaction starts at once.
        chain: bool,
    },
    /// ROLLBACK, ABORT.
    Rollback {
        /// A new transaction starts at once.
        chain: bool,
    },
    /// SAVEPOINT name.
    Savepoint(Arc<str>),
    /// RELEASE SAVEPOINT name.
    Release(Arc<str>),
    /// ROLLBACK TO SAVEPOINT name.
    RollbackTo(Arc<str>),
    /// PREPARE TRANSACTION, COMMIT PREPARED, XA ..: all records drop.
    TwoPhase,
}

/// Why a statement is not cached, or counts as an unknown write. The text is for people and names
/// the thing; it holds no row values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(pub Arc<str>);

impl Reason {
    /// A reason with this text: lower case, no period.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
