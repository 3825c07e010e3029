//! A statement together with its plan.

use std::sync::Arc;

use larder_core::{Image, Param, Prepared, Source};
use larder_signals::Returned;
use larder_sql::{
    Dialect, Plan,
    plan::{Part, WritePlan},
};
use sea_orm::{QueryResult, Statement};

use crate::{job::Done, param::Params, row};

/// The plan of one text, made with the catalog of one source.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) source: Arc<Source>,
    pub(crate) prepared: Arc<Prepared>,
    /// The catalog behind the plan is known to be wrong: every change counts as unknown.
    pub(crate) outdated: bool,
    /// Rows of this connection decode exactly or not at all.
    pub(crate) exact_rows: bool,
}

impl Planned {
    pub(crate) fn plan(&self) -> &Plan {
        self.prepared.plan()
    }

    /// Whether the text changes nothing anywhere, and commits nothing.
    pub(crate) fn only_reads(&self) -> bool {
        let dialect = self.source.dialect();
        self.plan().parts.iter().all(|part| match part {
            Part::Read(_) => true,
            Part::Neutral => !part.may_commit_implicitly(dialect),
            _ => false,
        })
    }

    /// Whether the text writes something, or may: it does more than open and end transactions, and
    /// than change its session.
    pub(crate) fn writes(&self) -> bool {
        let parts = &self.plan().parts;
        parts.iter().any(|part| {
            matches!(
                part,
                Part::Write(_) | Part::Schema { .. } | Part::Unknown(_)
            )
        })
    }

    /// Whether the text changes the schema, or may.
    pub(crate) fn changes_schema(&self) -> bool {
        self.plan()
            .parts
            .iter()
            .any(|part| matches!(part, Part::Schema { .. } | Part::Unknown(_)))
    }

    /// Whether the text leaves the session of its connection in another state.
    pub(crate) fn changes_session(&self) -> bool {
        self.plan().parts.iter().any(Part::may_change_session)
            && !self.begins_with(SET_LOCAL)
            && !self.begins_with(SET_CONSTRAINTS)
    }

    /// Whether the text opens, ends or splits a transaction.
    pub(crate) fn controls_transaction(&self) -> bool {
        self.plan()
            .parts
            .iter()
            .any(|part| matches!(part, Part::Transaction(_)))
    }

    /// Hands on the parameters of the statement and what the server told of its rows.
    pub(crate) fn tell<T>(
        &self,
        statement: &Statement,
        done: Option<&Done>,
        then: impl FnOnce(&[Param<'_>], Returned<'_>) -> T,
    ) -> T {
        let dialect = self.source.dialect();
        let params = Params::of_write(statement, dialect).values;
        match done {
            Some(Done::One(row)) if self.returns() => {
                then(&params, Returned::Some(&self.images(row.as_slice())))
            }
            Some(Done::All(rows)) if self.returns() => {
                then(&params, Returned::All(&self.images(rows)))
            }
            Some(Done::Executed(result)) if dialect == Dialect::MySql && self.exact_rows => {
                then(&params, Returned::InsertId(result.last_insert_id()))
            }
            // Without RETURNING, no rows say nothing of how many were written.
            _ => then(&params, Returned::Nothing),
        }
    }

    fn images(&self, rows: &[QueryResult]) -> Vec<Image> {
        let Some(WritePlan {
            targets, returning, ..
        }) = self.single_write()
        else {
            return Vec::new();
        };
        let [target] = targets.as_slice() else {
            return Vec::new();
        };
        if !self.exact_rows {
            return vec![Image::default(); rows.len()];
        }
        let dialect = self.source.dialect();
        rows.iter()
            .map(|row| row::image(row, &target.table, returning, dialect))
            .collect()
    }

    fn returns(&self) -> bool {
        self.single_write()
            .is_some_and(|write| !write.returning.is_empty())
    }

    fn single_write(&self) -> Option<&WritePlan> {
        match self.plan().parts.as_slice() {
            [Part::Write(write)] => Some(write),
            _ => None,
        }
    }

    /// PostgreSQL's `SET LOCAL` ends with its transaction; elsewhere the word means the session.
    pub(crate) fn is_local_setting(&self) -> bool {
        self.begins_with(SET_LOCAL)
    }

    /// Whether the text is one statement of PostgreSQL that begins so.
    fn begins_with(&self, words: &[u8]) -> bool {
        let text = self.plan().normalized.as_bytes();
        self.source.dialect() == Dialect::Postgres
            && self.plan().parts.len() == 1
            && text
                .get(..words.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(words))
    }
}

const SET_LOCAL: &[u8] = b"SET LOCAL ";
const SET_CONSTRAINTS: &[u8] = b"SET CONSTRAINTS ";
