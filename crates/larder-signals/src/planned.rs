//! A text together with its plan, and what adapters ask of it.

use std::sync::Arc;

use larder_core::{Prepared, Source};
use larder_sql::{
    Dialect, Plan,
    plan::{Part, WritePlan},
};

/// The plan of one text, made with the catalog of one source.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "built by adapters, field by field"
)]
pub struct Planned {
    /// The source whose catalog was used.
    pub source: Arc<Source>,
    /// The plan, made ready.
    pub prepared: Arc<Prepared>,
    /// The catalog behind the plan is known to be wrong: every change counts as unknown.
    pub outdated: bool,
}

impl Planned {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        self.prepared.plan()
    }

    /// Whether the text changes nothing anywhere, and commits nothing.
    pub fn only_reads(&self) -> bool {
        let dialect = self.source.dialect();
        self.plan().parts.iter().all(|part| match part {
            Part::Read(_) => true,
            Part::Neutral => !part.may_commit_implicitly(dialect),
            _ => false,
        })
    }

    /// Whether the text writes something, or may: it does more than open and end transactions, and
    /// than change its session.
    pub fn writes(&self) -> bool {
        let parts = &self.plan().parts;
        parts.iter().any(|part| {
            matches!(
                part,
                Part::Write(_) | Part::Schema { .. } | Part::Unknown(_)
            )
        })
    }

    /// Whether the text changes the schema, or may.
    pub fn changes_schema(&self) -> bool {
        self.plan()
            .parts
            .iter()
            .any(|part| matches!(part, Part::Schema { .. } | Part::Unknown(_)))
    }

    /// Whether the text leaves the session of its connection in another state.
    pub fn changes_session(&self) -> bool {
        self.plan().parts.iter().any(Part::may_change_session)
            && !self.begins_with(SET_LOCAL)
            && !self.begins_with(SET_CONSTRAINTS)
    }

    /// Whether all that it changes of the session is read with the catalog.
    pub fn changes_settings_alone(&self) -> bool {
        let mut changes = self
            .plan()
            .parts
            .iter()
            .filter(|part| part.may_change_session());
        changes.all(|part| matches!(part, Part::Setting))
    }

    /// Whether the text opens, ends or splits a transaction.
    pub fn controls_transaction(&self) -> bool {
        self.plan()
            .parts
            .iter()
            .any(|part| matches!(part, Part::Transaction(_)))
    }

    /// Whether its rows are those of a RETURNING.
    pub fn returns(&self) -> bool {
        self.single_write()
            .is_some_and(|write| !write.returning.is_empty())
    }

    /// The write, when the text is one write and nothing else.
    pub fn single_write(&self) -> Option<&WritePlan> {
        match self.plan().parts.as_slice() {
            [Part::Write(write)] => Some(write),
            _ => None,
        }
    }

    /// Whether the server lets no row come to those that a transaction has locked: MySQL and MariaDB
    /// lock the gaps as well (W3).
    pub fn locks_gaps(&self) -> bool {
        let catalog = self.source.catalog();
        // MariaDB before 11.1 has the old name of the variable only.
        let isolation = ["transaction_isolation", "tx_isolation"];
        let setting = |name| catalog.as_ref()?.session_setting(name);
        self.source.dialect() == Dialect::MySql
            && isolation
                .into_iter()
                .filter_map(setting)
                .any(|level| matches!(level, "REPEATABLE-READ" | "SERIALIZABLE"))
    }

    /// PostgreSQL's `SET LOCAL` ends with its transaction; elsewhere the word means the session.
    pub fn is_local_setting(&self) -> bool {
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
