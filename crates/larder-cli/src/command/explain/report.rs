//! An explanation, for people and for programs.

use std::fmt;

use larder_core::{Moment, StatementId, WidenedWhy};
use larder_redis::inspect::EntryReport;
use larder_signals::{
    Drops, Explanation, OtherStatement, ReadExplanation, StatementExplanation, TableEffect,
    Verdict, WriteExplanation,
};
use serde::Serialize;

use crate::{life::Life, words::bytes};

#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Its name in events, metrics and `larder top`.
    id: String,
    normalized: String,
    statements: Vec<Statement>,
    /// What the store keeps of it, where one was looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<Kept>,
    #[serde(skip)]
    words: String,
}

/// Entries of the statement with these parameters.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    pub(super) entries: Vec<Entry>,
    /// Whether all entries of the table were looked at.
    pub(super) complete: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Entry {
    bytes: u64,
    #[serde(flatten)]
    life: Life,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Statement {
    Read(Read),
    Write(Write),
    Transaction,
    Session,
    Schema,
    Neutral,
}

#[derive(Debug, Serialize)]
struct Read {
    tables: Vec<String>,
    /// `cached`, `cacheable`, `not_cached`.
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
    rests_on: Vec<String>,
    dropped_by: Vec<String>,
    does_not_narrow: Vec<Widened>,
}

#[derive(Debug, Serialize)]
struct Widened {
    table: String,
    column: String,
    why: &'static str,
}

#[derive(Debug, Serialize)]
struct Write {
    tables: Vec<String>,
    /// Set when everything of the database drops.
    #[serde(skip_serializing_if = "Option::is_none")]
    everything: Option<String>,
    drops: Vec<TableDrops>,
}

#[derive(Debug, Serialize)]
struct TableDrops {
    table: String,
    /// Whether all results that rest on the table drop; absent = the store did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    whole: Option<bool>,
    shapes: Vec<Shape>,
}

#[derive(Debug, Serialize)]
struct Shape {
    shape: String,
    drops: String,
}

impl Report {
    pub(super) fn new(explanation: &Explanation, id: StatementId) -> Self {
        let statements = explanation
            .statements
            .iter()
            .map(|statement| match statement {
                StatementExplanation::Read(read) => Statement::Read(Read::new(read)),
                StatementExplanation::Write(write) => Statement::Write(Write::new(write)),
                StatementExplanation::Other(OtherStatement::Transaction) => Statement::Transaction,
                StatementExplanation::Other(OtherStatement::Session) => Statement::Session,
                StatementExplanation::Other(OtherStatement::Schema) => Statement::Schema,
                _ => Statement::Neutral,
            });
        Self {
            id: id.to_string(),
            kept: None,
            normalized: explanation.normalized.to_string(),
            statements: statements.collect(),
            words: explanation.to_string(),
        }
    }

    /// Whether reads are cached, and writes tell what they drop.
    pub(super) fn is_fine(&self) -> bool {
        self.statements.iter().all(|statement| match statement {
            Statement::Read(read) => read.reason.is_none(),
            Statement::Write(write) => write.everything.is_none(),
            _ => true,
        })
    }
}

impl Read {
    fn new(read: &ReadExplanation) -> Self {
        let (mut ttl_seconds, mut reason, mut remedy) = (None, None, None);
        let verdict = match &read.verdict {
            Verdict::Cached { ttl, .. } => {
                ttl_seconds = Some(ttl.as_secs_f64());
                "cached"
            }
            Verdict::NotCached {
                reason: why,
                remedy: what,
                ..
            } => {
                (reason, remedy) = (Some(why.to_string()), *what);
                "not_cached"
            }
            _ => "cacheable",
        };
        let widened = read.rests_on.iter().flat_map(|it| {
            it.widened.iter().map(|widened| Widened {
                table: it.table.name.to_string(),
                column: it
                    .table
                    .columns
                    .get(widened.column)
                    .map(|column| column.name.to_string())
                    .unwrap_or_default(),
                why: match widened.why {
                    WidenedWhy::Column => "column",
                    WidenedWhy::Value => "value",
                    WidenedWhy::Long => "long",
                    _ => "room",
                },
            })
        });
        Self {
            tables: read.tables.iter().map(ToString::to_string).collect(),
            verdict,
            ttl_seconds,
            reason,
            remedy,
            rests_on: read.rests_on_words(),
            dropped_by: read.dropped_by_words(),
            does_not_narrow: widened.collect(),
        }
    }
}

impl Write {
    fn new(write: &WriteExplanation) -> Self {
        let (everything, drops) = match &write.drops {
            Drops::Everything(reason) => (Some(reason.to_string()), Vec::new()),
            Drops::Tables(tables) => (None, tables.iter().map(TableDrops::new).collect()),
            _ => (None, Vec::new()),
        };
        Self {
            tables: write.tables.iter().map(ToString::to_string).collect(),
            everything,
            drops,
        }
    }
}

impl TableDrops {
    fn new(drops: &larder_signals::TableDrops) -> Self {
        let (whole, shapes) = match &drops.effect {
            TableEffect::Whole => (Some(true), Vec::new()),
            TableEffect::Shapes(shapes) => {
                let shapes = shapes.iter().map(|(words, effect)| Shape {
                    shape: words.to_string(),
                    drops: effect.to_string(),
                });
                (Some(false), shapes.collect())
            }
            _ => (None, Vec::new()),
        };
        Self {
            table: drops.table.clone(),
            whole,
            shapes,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)?;
        writeln!(f, "\nid {}", self.id)?;
        let Some(kept) = &self.kept else {
            return Ok(());
        };
        let looked = if kept.complete {
            ""
        } else {
            ", as far as --scan-max"
        };
        if kept.entries.is_empty() {
            return writeln!(f, "kept: nothing with these parameters{looked}");
        }
        for entry in &kept.entries {
            writeln!(f, "kept: {entry}")?;
        }
        Ok(())
    }
}

impl Entry {
    pub(super) fn new(entry: &EntryReport, now: Moment) -> Self {
        Self {
            bytes: entry.bytes,
            life: Life::new(entry, now),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", bytes(self.bytes), self.life)
    }
}
