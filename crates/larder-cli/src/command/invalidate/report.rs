//! What `invalidate` has dropped.

use std::{collections::BTreeMap, fmt};

use larder_core::{Dropped, TableKey};
use serde::Serialize;

use crate::{exit::Exit, store::Hand, words::count};

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Tables,
    /// Rows, told from others by these columns.
    Rows(Vec<String>),
}

/// What was dropped.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// `all`, `tables` or `rows`.
    scope: &'static str,
    /// The columns by which rows were told apart.
    told_by: Vec<String>,
    tables: Vec<TableReport>,
    /// How many of the things that were dropped were there.
    pub(super) existed: usize,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct TableReport {
    table: String,
    source: String,
    /// The whole table was dropped.
    whole: bool,
    /// How many conditions were dropped with all their values.
    shapes: usize,
    /// How many values of conditions were dropped.
    values: usize,
    existed: usize,
}

impl Report {
    pub(super) fn new(scope: Scope, hand: &Hand) -> Self {
        let mut tables: BTreeMap<TableKey, Dropped> = BTreeMap::new();
        let mut existed = 0;
        for (table, dropped) in hand.dropped() {
            existed += dropped.existed;
            let Some(table) = table else { continue };
            let sum = tables.entry(table).or_default();
            sum.record |= dropped.record;
            sum.shapes += dropped.shapes;
            sum.stamps += dropped.stamps;
            sum.existed += dropped.existed;
        }
        let (scope, mut told_by) = match scope {
            Scope::All => ("all", Vec::new()),
            Scope::Tables => ("tables", Vec::new()),
            Scope::Rows(told_by) => ("rows", told_by),
        };
        told_by.sort();
        told_by.dedup();
        Self {
            scope,
            told_by,
            tables: tables.iter().map(TableReport::new).collect(),
            existed,
            notes: Vec::new(),
        }
    }

    pub(super) fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes.extend(notes);
        self
    }

    pub(super) fn exit(&self) -> Exit {
        match self.existed {
            0 => Exit::Findings,
            _ => Exit::Done,
        }
    }
}

impl TableReport {
    fn new((key, dropped): (&TableKey, &Dropped)) -> Self {
        let (table, source) = match key.parts() {
            Some(parts) => (parts.table.to_string(), parts.source),
            None => (key.to_string(), String::new()),
        };
        Self {
            table,
            source,
            whole: dropped.record,
            shapes: if dropped.record { 0 } else { dropped.shapes },
            values: if dropped.record { 0 } else { dropped.stamps },
            existed: dropped.existed,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            "all" if self.existed == 0 => writeln!(f, "nothing was cached")?,
            "all" => {
                let records = count(self.existed as u64, "table record");
                writeln!(f, "dropped everything: {records}")?;
            }
            "rows" => writeln!(f, "rows told apart by {}", self.told_by.join(", "))?,
            _ => {}
        }
        // A write of unknown scope lists every table of the database.
        let is_told = |it: &&TableReport| !it.whole || it.existed > 0 || self.existed == 0;
        for table in self.tables.iter().filter(is_told) {
            writeln!(f, "{table}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for TableReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.table)?;
        if self.whole {
            return f.write_str(match self.existed {
                0 => "nothing was cached",
                _ => "dropped whole",
            });
        }
        if self.shapes + self.values == 0 {
            return f.write_str("nothing that is cached can rest on these rows");
        }
        let mut parts = Vec::new();
        if self.values > 0 {
            parts.push(format!("results by {}", count(self.values as u64, "value")));
        }
        if self.shapes > 0 {
            let conditions = count(self.shapes as u64, "condition");
            parts.push(format!(
                "all results by {conditions} that the rows do not tell"
            ));
        }
        let dropped = parts.join(", and ");
        write!(
            f,
            "dropped {dropped}; {} of these were cached",
            self.existed
        )
    }
}
