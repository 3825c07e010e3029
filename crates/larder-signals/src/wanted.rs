//! What a write had better ask the server for, so that no more is dropped than must be.

use larder_core::{Image, Source, Value};
use larder_sql::{
    Column, Dialect, Table, ValueKind,
    catalog::ForeignKeyAction,
    plan::{ChosenRows, NewRows, OldRows, Term, Test, WriteOperation, WriteTarget},
};

use crate::{
    ChangeLimits, Larder, Planned, cascade::Closure, change_set::holds, event::EventKind,
    write::fails_keeping_rows,
};

/// What a write had better ask the server for besides doing its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// The rows as they are before it.
    pub before: Option<RowsBefore>,
    /// What is appended to its text, so that the rows which it writes come back.
    pub returning: Option<String>,
    /// That, where the rows before it cannot be read.
    returning_alone: Option<String>,
}

impl Wanted {
    /// Where the rows before it cannot be read, as those which come back may tell enough.
    #[must_use]
    pub fn without_before(mut self) -> Self {
        if self.before.take().is_some() {
            self.returning = self.returning_alone.take();
        }
        self
    }
}

/// A locking SELECT of the rows that a write is about to change. It must run in the write's own
/// transaction, directly before it: what it returns is then what the write meets, up to rows that
/// others commit in between (W3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowsBefore {
    /// Its text.
    pub sql: String,
    /// The write's parameter behind each of its parameters, from 0.
    pub parameters: Vec<usize>,
    /// The table's column behind each column of its rows.
    pub columns: Vec<Option<usize>>,
    /// Those of them of which only the beginning is read.
    cut: Vec<usize>,
    /// More rows than these tell nothing: some were left out.
    pub rows_max: usize,
}

impl Larder {
    /// What this write had better ask for. Nothing where it tells enough, and where nothing that is
    /// certain to be valid could be asked. `extensible` = its text may be sent with RETURNING at its
    /// end.
    #[must_use]
    pub fn wanted(&self, planned: &Planned, extensible: bool) -> Wanted {
        wanted(planned, extensible, self.inner.change_limits).unwrap_or_default()
    }
}

fn wanted(planned: &Planned, extensible: bool, limits: ChangeLimits) -> Option<Wanted> {
    if planned.outdated {
        return None;
    }
    let write = planned.single_write()?;
    let [target] = write.targets.as_slice() else {
        return None;
    };
    let asking = Asking {
        source: &planned.source,
        returning: &write.returning,
        takes_returning: extensible && write.takes_returning,
        target,
        asked: asked(planned, target),
    };
    match target.operation {
        WriteOperation::Insert => asking.insert(),
        WriteOperation::Update | WriteOperation::Delete => asking.existing_rows(limits),
        _ => None,
    }
}

/// Rows that VALUES may list: their answer is as long as the statement.
const ROWS_MAX: usize = 1_000;

/// So many characters or bytes of a value are read in order to see whether it changes; of one that
/// has as many nothing is known.
const READ_MAX: u32 = 256;

struct Asking<'a> {
    source: &'a Source,
    /// The columns that come back by its own RETURNING.
    returning: &'a [Option<usize>],
    takes_returning: bool,
    target: &'a WriteTarget,
    /// By what reads ask.
    asked: Vec<usize>,
}

impl Asking<'_> {
    fn table(&self) -> &Table {
        &self.target.table
    }

    fn insert(&self) -> Option<Wanted> {
        let NewRows::Assigned(rows) = &self.target.new else {
            return None;
        };
        if rows.len() > ROWS_MAX {
            return None;
        }
        let told = |column: usize| rows.iter().all(|row| assigns(row, column));
        let open = self.asked.iter().copied();
        Some(Wanted {
            returning: self.returning(open.filter(|column| !told(*column))),
            ..Wanted::default()
        })
    }

    fn existing_rows(&self, limits: ChangeLimits) -> Option<Wanted> {
        let OldRows::Matching(conjunctions) = &self.target.old else {
            return None;
        };
        let table = self.table();
        let is_update = self.target.operation == WriteOperation::Update;
        if is_update && !self.source.asked().concerns(table, &self.target.changed) {
            return None;
        }
        let pinned = |column: usize| conjunctions.iter().all(|terms| has(terms, column));
        let open = self.asked.iter().copied().filter(|it| !pinned(*it));
        let open: Vec<usize> = open.collect();
        // What it changes was something else before, which nobody returns.
        let computed = self.computed();
        let returns_all = !is_update || open.iter().all(|column| !self.changes(*column));
        // Without its key, a row may be any number of rows.
        let by_key = !table.primary_key.is_empty()
            && !conjunctions.is_empty()
            && table.primary_key.iter().all(|key| pinned(*key));
        let returned = || {
            let open = open
                .iter()
                .copied()
                .filter(|column| !is_update || !self.changes(*column));
            self.returning(open.chain(computed.iter().copied()))
        };
        let comes_back = |column: &usize| self.returning.contains(&Some(*column));
        if by_key && returns_all && open.iter().chain(&computed).all(comes_back) {
            return None;
        }
        let enough = open.is_empty() || by_key && returns_all && self.takes_returning;
        let before = match enough {
            true => None,
            false => self.before(limits),
        };
        let alone = by_key.then(returned).flatten();
        let (returning, returning_alone) = match before {
            // The key says which row has become which.
            Some(_) if !computed.is_empty() && !self.changes_key() => {
                let told = self.key().chain(computed.iter().copied());
                (self.returning(told), alone)
            }
            Some(_) => (None, alone),
            None => (alone, None),
        };
        Some(Wanted {
            before,
            returning,
            returning_alone,
        })
    }

    /// The columns that reads ask by and whose new value the statement does not tell.
    fn computed(&self) -> Vec<usize> {
        let NewRows::Assigned(rows) = &self.target.new else {
            return Vec::new();
        };
        let asked = self.asked.iter().copied();
        asked
            .filter(|column| self.changes(*column))
            .filter(|column| !rows.iter().all(|row| assigns(row, *column)))
            .collect()
    }

    fn before(&self, limits: ChangeLimits) -> Option<RowsBefore> {
        let chosen: &ChosenRows = self.target.chosen.as_ref()?;
        let catalog = self.source.catalog()?;
        let closure = Closure::new(self.source, &catalog, limits);
        let kind = EventKind::of(self.target.operation);
        let table = self.table();
        // What a trigger makes of a row, and which rows of a family are meant, is not known.
        if limits.old_rows_max == 0
            // A BEGIN would commit what was written before it.
            || catalog.session_forbids_storing().is_some()
            || may_keep_rows(self.source.dialect(), table)
            || deletes_its_own_children(self.source.dialect(), self.target)
            || closure.rewrites_rows(table, kind)
            || !closure.stands_alone(table)
        {
            return None;
        }
        let (mut columns, mut cut, mut list) = (Vec::new(), Vec::new(), Vec::new());
        for (at, column) in table.columns.iter().enumerate() {
            let name = self.name(column);
            // With several pins, only the row says which of them it has.
            let is_key = table.primary_key.contains(&at);
            if !is_key && !self.asked.contains(&at) && !self.is_compared(at, column) {
                continue;
            }
            let is_long = !is_key && may_be_long(column);
            if is_long {
                cut.push(columns.len());
            }
            columns.push(Some(at));
            list.push(match self.source.dialect() {
                _ if !is_long => name,
                Dialect::Postgres => format!("pg_catalog.substr({name}, 1, {READ_MAX})"),
                // Its substr ends at a zero byte. No text and no blob is a number.
                Dialect::Sqlite => format!(
                    "CASE WHEN length(CAST({name} AS BLOB)) < {READ_MAX} THEN {name} ELSE 0 END"
                ),
                _ => format!("substr({name}, 1, {READ_MAX})"),
            });
        }
        let list = list.join(", ");
        let (text, lock) = (&chosen.text, self.lock());
        let rows_max = limits.old_rows_max.min(limits.rows_max);
        // One more, so that it is seen whether there are more.
        let limit = rows_max.saturating_add(1);
        Some(RowsBefore {
            sql: format!("SELECT {list} FROM {text} LIMIT {limit}{lock}"),
            parameters: chosen.parameters.clone(),
            columns,
            cut,
            rows_max,
        })
    }

    /// Whether a column is read in order to see whether it changes.
    fn is_compared(&self, at: usize, column: &Column) -> bool {
        self.target.operation == WriteOperation::Update
            && self.changes(at)
            && !column.generated
            && column.kind != ValueKind::Opaque
    }

    /// No stronger a lock than the write's own, which would stop those who refer to the row; this one
    /// keeps every other writer out.
    fn lock(&self) -> &'static str {
        match self.source.dialect() {
            Dialect::Sqlite => "",
            Dialect::Postgres if self.target.operation == WriteOperation::Update => {
                " FOR NO KEY UPDATE"
            }
            _ => " FOR UPDATE",
        }
    }

    fn returning(&self, columns: impl Iterator<Item = usize>) -> Option<String> {
        let mut columns: Vec<usize> = columns.collect();
        columns.sort_unstable();
        columns.dedup();
        if columns.is_empty() || !self.takes_returning {
            return None;
        }
        let list = self.list(&columns)?;
        Some(format!(" RETURNING {list}"))
    }

    fn list(&self, columns: &[usize]) -> Option<String> {
        let quoted = columns.iter().map(|at| {
            let column = self.table().columns.get(*at)?;
            Some(self.name(column))
        });
        Some(quoted.collect::<Option<Vec<_>>>()?.join(", "))
    }

    fn name(&self, column: &Column) -> String {
        let name = quote(&column.name, self.source.dialect());
        match column.kind {
            // Clients know the text of a label, and not its type.
            ValueKind::Enum { .. } if self.source.dialect() == Dialect::Postgres => {
                format!("{name}::text")
            }
            _ => name,
        }
    }

    fn key(&self) -> impl Iterator<Item = usize> {
        self.table().primary_key.iter().copied()
    }

    fn changes_key(&self) -> bool {
        self.table().primary_key.is_empty() || self.key().any(|column| self.changes(column))
    }

    fn changes(&self, column: usize) -> bool {
        let generated = |it: &Column| it.generated;
        self.table().columns.get(column).is_none_or(generated)
            || holds(&self.target.changed, column)
    }
}

impl RowsBefore {
    /// The images of its rows; `None` = there were more than it may have.
    pub fn images(
        &self,
        planned: &Planned,
        rows: usize,
        cell: impl Fn(usize, usize, &Column) -> Option<Value>,
    ) -> Option<Vec<Image>> {
        if rows > self.rows_max {
            return None;
        }
        let [target] = planned.single_write()?.targets.as_slice() else {
            return None;
        };
        let cell = |row, at, column: &Column| {
            cell(row, at, column).filter(|value| !self.cut.contains(&at) || is_whole(value))
        };
        Some(images(&target.table, &self.columns, rows, cell))
    }
}

impl Planned {
    /// The images of the rows that the write has returned.
    #[must_use]
    pub fn returned_images(
        &self,
        rows: usize,
        cell: impl Fn(usize, usize, &Column) -> Option<Value>,
    ) -> Vec<Image> {
        let write = self.single_write();
        match write.map(|write| (write.targets.as_slice(), &write.returning)) {
            Some(([target], returning)) => images(&target.table, returning, rows, cell),
            _ => Vec::new(),
        }
    }
}

/// The image of each row, by the table's column behind each column of the rows. `cell` is asked for
/// row, column of the row and column of the table.
fn images(
    table: &Table,
    columns: &[Option<usize>],
    rows: usize,
    cell: impl Fn(usize, usize, &Column) -> Option<Value>,
) -> Vec<Image> {
    let image = |row| {
        let mut cells = vec![None; table.columns.len()];
        for (at, column) in columns.iter().enumerate() {
            let Some(position) = *column else { continue };
            if let (Some(known), Some(column)) =
                (cells.get_mut(position), table.columns.get(position))
            {
                *known = cell(row, at, column);
            }
        }
        Image { cells }
    };
    (0..rows).map(image).collect()
}

/// The columns that reads ask by, of those of which an image can know a value: types without one
/// need not have a form in which they could be sent.
fn asked(planned: &Planned, target: &WriteTarget) -> Vec<usize> {
    let columns = &target.table.columns;
    let mut asked = planned.source.asked().of(&target.table);
    asked.retain(|at| {
        columns
            .get(*at)
            .is_some_and(|it| it.kind != ValueKind::Opaque)
    });
    asked
}

/// SQLite: a statement that fails by itself may keep what it has done; in a transaction that is
/// rolled back for it, it would not.
fn may_keep_rows(dialect: Dialect, table: &Table) -> bool {
    dialect == Dialect::Sqlite && fails_keeping_rows(table)
}

/// MySQL: rows that go with others of their own table are not counted, so the count proves nothing.
fn deletes_its_own_children(dialect: Dialect, target: &WriteTarget) -> bool {
    let name = &target.table.name;
    dialect == Dialect::MySql
        && target.operation == WriteOperation::Delete
        && target
            .table
            .foreign_keys
            .iter()
            .any(|key| key.parent == *name && key.on_delete != ForeignKeyAction::Nothing)
}

fn may_be_long(column: &Column) -> bool {
    match column.kind {
        ValueKind::Text { chars_max: max } | ValueKind::Bytes { bytes_max: max, .. } => {
            max.is_none_or(|max| max >= READ_MAX)
        }
        _ => false,
    }
}

/// Whether a value of which [`READ_MAX`] was read has no more.
fn is_whole(value: &Value) -> bool {
    let most = READ_MAX as usize;
    match value {
        Value::Text(text) => text.chars().take(most).count() < most,
        Value::Bytes(bytes) => bytes.len() < most,
        _ => true,
    }
}

fn has(terms: &[Term], column: usize) -> bool {
    terms
        .iter()
        .any(|term| term.column == column && matches!(term.test, Test::In(_)))
}

fn assigns(row: &[larder_sql::plan::Assignment], column: usize) -> bool {
    row.iter()
        .any(|it| it.column == column && it.value.is_some())
}

fn quote(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::MySql => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests;
