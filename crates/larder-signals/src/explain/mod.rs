//! What becomes of a statement, and why: for people who ask.
//!
//! Nothing is run and nothing is stored. A read is judged by the very steps that would answer it;
//! a write by what its text and parameters tell, and by the shapes that the store holds now.

mod remedy;
mod words;

use std::{sync::Arc, time::Duration};

use larder_core::{
    Affected, BypassReason, Change, ChangeScope, Fault, Param, Prepared, RestsOn, ShapeName,
    Source, shape::ShapeWords,
};
use larder_sql::{
    TableName,
    plan::{Operation, Part, ReadPlan, Reason, WritePlan},
};

use crate::{Changes, Larder, ReadOptions, Returned, changes_of};

/// One statement that is asked about.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "built by adapters, field by field"
)]
pub struct ExplainCall<'a> {
    /// The source, from [`Larder::attach`].
    pub source: &'a Arc<Source>,
    /// The text, as that source planned it.
    pub prepared: &'a Prepared,
    /// The parameters, in the order in which the driver sends them.
    pub params: &'a [Param<'a>],
    /// What the caller asks for besides the policies.
    pub options: ReadOptions,
    /// Whose rows the session sees, as the user says.
    pub scope: Option<&'a str>,
    /// Why the connection would not ask the cache at all.
    pub refusal: Option<BypassReason>,
    /// Who knows the policies of the tables.
    pub policies: PoliciesKnown,
}

/// Who knows the policies that the application gives its tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoliciesKnown {
    /// This larder has all of them: a table without one is not cached.
    #[default]
    Here,
    /// Another process: a table without one here may have one there.
    Elsewhere,
}

/// What becomes of a text. Printed, it reads as an answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The text as larder reads it: what entries are told apart by, with the parameters.
    pub normalized: Arc<str>,
    /// One per statement of the text.
    pub statements: Vec<StatementExplanation>,
}

/// What becomes of one statement.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StatementExplanation {
    /// It only reads.
    Read(ReadExplanation),
    /// It writes, or may.
    Write(WriteExplanation),
    /// It neither reads nor writes rows.
    Other(OtherStatement),
}

/// What becomes of a read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReadExplanation {
    /// What it asks for.
    pub operation: Operation,
    /// The tables that it names, views and their base tables included; the first one's policy
    /// governs.
    pub tables: Vec<TableName>,
    /// Whether it is cached.
    pub verdict: Verdict,
    /// What a result rests on, and so what drops it. Known also of many reads that no policy caches.
    pub rests_on: Vec<RestsOn>,
}

/// Whether a read is cached.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// It is.
    #[non_exhaustive]
    Cached {
        /// For how long at most.
        ttl: Duration,
        /// Whether only in process memory.
        local: bool,
        /// For how long after a write a result may be served while another reader replaces it.
        allow_stale: Duration,
    },
    /// It can be. Whether it is, and for how long, says a policy that is not known here
    /// ([`PoliciesKnown::Elsewhere`]).
    Cacheable,
    /// It is not.
    #[non_exhaustive]
    NotCached {
        /// Why.
        reason: BypassReason,
        /// What to do about it, where there is something.
        remedy: Option<&'static str>,
    },
}

/// What a write drops.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WriteExplanation {
    /// The tables that it names as written.
    pub tables: Vec<TableName>,
    /// What drops, as far as the text and its parameters tell; when it runs, the rows themselves may
    /// tell more, and less drops.
    pub drops: Drops,
}

/// What a write drops.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Drops {
    /// Everything of the database: why.
    Everything(Reason),
    /// Results of these tables; those that cascades, triggers and partitions reach among them.
    Tables(Vec<TableDrops>),
}

/// What drops in one table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TableDrops {
    /// The table, as `schema.table`.
    pub table: String,
    /// What drops of it.
    pub effect: TableEffect,
}

/// What drops in one table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TableEffect {
    /// All results that rest on it: which rows are written is not known.
    Whole,
    /// By the shapes that the store holds now; empty = nothing of the table is cached.
    Shapes(Vec<(ShapeWords, ShapeEffect)>),
    /// The store did not say which shapes it holds.
    Unknown,
}

/// What a write does to the results of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeEffect {
    /// They stay.
    Kept,
    /// Those of so many values drop.
    Values(usize),
    /// All drop: a column that they are told apart by is not known of the rows.
    Whole,
}

/// A statement that neither reads nor writes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherStatement {
    /// BEGIN, COMMIT and their kin.
    Transaction,
    /// It changes the session: reads of the connection go to the database from then on.
    Session,
    /// DDL: everything of the database drops and the catalog is read again.
    Schema,
    /// Nothing that concerns a cache.
    Neutral,
}

impl Larder {
    /// What would become of a statement, and why. Reads the records of written tables from the
    /// store; nothing is run, stored or dropped.
    pub async fn explain(&self, call: &ExplainCall<'_>) -> Explanation {
        let mut explaining = Explaining::new(self, call);
        if let Some(tables) = explaining.tables() {
            let shapes = self.inner.cache.shapes(tables).await;
            explaining.told(shapes);
        }
        explaining.done()
    }

    /// [`Larder::explain`] for threads.
    pub fn explain_blocking(&self, call: &ExplainCall<'_>) -> Explanation {
        let mut explaining = Explaining::new(self, call);
        if let Some(tables) = explaining.tables() {
            let shapes = self.inner.cache.shapes_blocking(tables);
            explaining.told(shapes);
        }
        explaining.done()
    }
}

/// An explanation under way; the store is asked by whoever can.
struct Explaining<'a> {
    larder: &'a Larder,
    call: &'a ExplainCall<'a>,
    /// What each written table's results lose: `None` = everything of the database.
    changes: Option<Vec<Change>>,
    shapes: Vec<Vec<ShapeName>>,
    knows_shapes: bool,
}

impl<'a> Explaining<'a> {
    fn new(larder: &'a Larder, call: &'a ExplainCall<'a>) -> Self {
        let limits = larder.inner.change_limits;
        let changes = changes_of(
            call.source,
            call.prepared,
            call.params,
            Returned::Nothing,
            limits,
        );
        let changes = match changes {
            Changes::Tables(changes) => Some(changes),
            Changes::Everything => None,
        };
        Self {
            larder,
            call,
            changes,
            shapes: Vec::new(),
            knows_shapes: false,
        }
    }

    /// The tables whose records tell what drops.
    fn tables(&self) -> Option<Vec<larder_core::TableKey>> {
        let changes = self.changes.as_ref().filter(|all| !all.is_empty())?;
        Some(changes.iter().map(|it| it.table_key.clone()).collect())
    }

    fn told(&mut self, shapes: Result<Vec<Vec<ShapeName>>, Fault>) {
        if let Ok(shapes) = shapes {
            self.shapes = shapes;
            self.knows_shapes = true;
        }
    }

    fn done(&self) -> Explanation {
        let plan = self.call.prepared.plan();
        let statements = plan.parts.iter().map(|part| match part {
            Part::Read(read) => StatementExplanation::Read(self.read(read)),
            Part::Write(write) => StatementExplanation::Write(self.write(write)),
            Part::Transaction(_) => StatementExplanation::Other(OtherStatement::Transaction),
            Part::Session | Part::Setting => StatementExplanation::Other(OtherStatement::Session),
            Part::Schema { .. } => StatementExplanation::Other(OtherStatement::Schema),
            Part::Neutral => StatementExplanation::Other(OtherStatement::Neutral),
            Part::Unknown(reason) => unknown(reason.clone()),
            _ => unknown(Reason::new("a statement of unknown kind")),
        });
        Explanation {
            normalized: plan.normalized.clone(),
            statements: statements.collect(),
        }
    }

    fn read(&self, read: &ReadPlan) -> ReadExplanation {
        let ExplainCall {
            prepared, params, ..
        } = self.call;
        let verdict = match self.larder.judge(self.call) {
            Ok(verdict) => verdict,
            Err(reason) => Verdict::NotCached {
                remedy: remedy::of(&reason),
                reason,
            },
        };
        ReadExplanation {
            operation: prepared.operation(params).unwrap_or(read.operation),
            tables: read.tables.iter().map(|it| it.name.clone()).collect(),
            verdict,
            rests_on: prepared.rests_on(params).unwrap_or_default(),
        }
    }

    fn write(&self, write: &WritePlan) -> WriteExplanation {
        let tables = write.targets.iter().map(|it| it.table.name.clone());
        let drops =
            match &self.changes {
                None => Drops::Everything(write.unknown_scope.clone().unwrap_or_else(|| {
                    Reason::new("what cascades or triggers write is not known")
                })),
                Some(changes) => Drops::Tables(self.drops(changes)),
            };
        WriteExplanation {
            tables: tables.collect(),
            drops,
        }
    }

    fn drops(&self, changes: &[Change]) -> Vec<TableDrops> {
        let mut drops: Vec<TableDrops> = Vec::new();
        for (at, change) in changes.iter().enumerate() {
            let table = match &change.table {
                Some(table) => table.name.to_string(),
                None => change.table_key.to_string(),
            };
            let shapes = self.shapes.get(at).map_or(&[][..], Vec::as_slice);
            let effect = effect(change, shapes, self.knows_shapes);
            match drops.iter_mut().find(|known| known.table == table) {
                Some(known) => known.effect.add(effect),
                None => drops.push(TableDrops { table, effect }),
            }
        }
        drops
    }
}

impl Larder {
    /// The steps of a read up to the store.
    fn judge(&self, call: &ExplainCall<'_>) -> Result<Verdict, BypassReason> {
        if let Some(reason) = &call.refusal {
            return Err(reason.clone());
        }
        if !self.is_enabled() {
            return Err(BypassReason::Disabled);
        }
        if let Some(reason) = call.prepared.uncacheable() {
            return Err(BypassReason::Uncacheable(reason.clone()));
        }
        let policy = self.policy_of(call.source, call.prepared, call.params)?;
        let ttl = match (policy.ttl(call.options.ttl), call.policies) {
            (Err(BypassReason::NoPolicy), PoliciesKnown::Elsewhere) => None,
            (ttl, _) => Some(ttl?),
        };
        let needs_scope = call.prepared.read().and_then(|it| it.needs_scope.as_ref());
        if let (Some(reason), None) = (needs_scope, call.scope) {
            return Err(BypassReason::Uncacheable(reason.clone()));
        }
        call.prepared
            .rests_on(call.params)
            .map_err(BypassReason::Uncacheable)?;
        let Some(ttl) = ttl else {
            return Ok(Verdict::Cacheable);
        };
        Ok(Verdict::Cached {
            ttl,
            local: policy.local,
            allow_stale: call
                .options
                .allow_stale
                .unwrap_or(policy.leeway.allow_stale),
        })
    }
}

fn unknown(reason: Reason) -> StatementExplanation {
    StatementExplanation::Write(WriteExplanation {
        tables: Vec::new(),
        drops: Drops::Everything(reason),
    })
}

fn effect(change: &Change, shapes: &[ShapeName], knows_shapes: bool) -> TableEffect {
    if matches!(change.scope, ChangeScope::Record) {
        return TableEffect::Whole;
    }
    if !knows_shapes {
        return TableEffect::Unknown;
    }
    let mut effects = Vec::with_capacity(shapes.len());
    for shape in shapes {
        let effect = match shape.affected_by(change) {
            Affected::Untouched => ShapeEffect::Kept,
            Affected::Values(digests) => ShapeEffect::Values(digests.len()),
            Affected::Whole => ShapeEffect::Whole,
            // The record drops, and with it the rest.
            _ => return TableEffect::Whole,
        };
        match shape.words() {
            Some(words) => effects.push((words, effect)),
            None => return TableEffect::Whole,
        }
    }
    effects.sort_by_key(|(words, _)| words.to_string());
    TableEffect::Shapes(effects)
}

impl TableEffect {
    /// Two changes of one table drop what either drops.
    fn add(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Shapes(ours), Self::Shapes(theirs)) => {
                for (words, their) in theirs {
                    match ours.iter_mut().find(|(known, _)| *known == words) {
                        Some((_, our)) => *our = our.and(their),
                        // A reader has come between.
                        None => ours.push((words, their)),
                    }
                }
            }
            (Self::Whole, _) => {}
            (_, other) => *self = other,
        }
    }
}

impl ShapeEffect {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Whole, _) | (_, Self::Whole) => Self::Whole,
            (Self::Values(ours), Self::Values(theirs)) => Self::Values(ours + theirs),
            (Self::Kept, other) => other,
            (effect, _) => effect,
        }
    }
}
