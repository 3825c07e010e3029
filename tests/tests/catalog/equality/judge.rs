//! What larder makes of literals and cells, and whether the server agrees.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::{NaiveDate, NaiveDateTime};
use larder_core::{Param, Value};
use larder_sql::{
    Catalog, Column, Dialect, FunctionLists, Operand, Plan, ValueKind, analyze,
    plan::{NewRows, Part, Test},
};

use super::Cell;

/// A row as larder knows it.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) cell: Option<Cell>,
    pub(super) value: Value,
}

/// Whether a condition `column IS NULL` narrows.
pub(super) fn null_narrows(sql: &str, catalog: &Catalog) -> bool {
    let plan = analyze(sql, catalog, &FunctionLists::default());
    let Some(Part::Read(read)) = only(plan) else {
        panic!("{sql}");
    };
    read.dependencies
        .iter()
        .all(|it| it.terms.iter().any(|term| term.test == Test::IsNull))
}

/// The value that a condition `column = literal` narrows by; `None` = it widens.
pub(super) fn literal_asked(sql: &str, catalog: &Catalog, column: &Column) -> Option<Value> {
    let plan = analyze(sql, catalog, &FunctionLists::default());
    let Part::Read(read) = only(plan)? else {
        return None;
    };
    if read.uncacheable.is_some() {
        return None;
    }
    let [dependency] = read.dependencies.as_slice() else {
        return None;
    };
    let [term] = dependency.terms.as_slice() else {
        return None;
    };
    assert_eq!(
        dependency.table.columns[term.column].name, column.name,
        "{sql}"
    );
    match &term.test {
        Test::In(operands) => match operands.as_slice() {
            [Operand::Literal(literal)] => Value::from_literal(column, catalog.dialect, literal),
            other => panic!("{sql}: {other:?}"),
        },
        other => panic!("{sql}: {other:?}"),
    }
}

/// What the written row holds by the statement alone (W6).
pub(super) fn literal_stored(sql: &str, catalog: &Catalog, column: &Column) -> Option<Value> {
    let plan = analyze(sql, catalog, &FunctionLists::default());
    let Part::Write(write) = only(plan)? else {
        return None;
    };
    let [target] = write.targets.as_slice() else {
        return None;
    };
    let NewRows::Assigned(rows) = &target.new else {
        return None;
    };
    let [row] = rows.as_slice() else {
        return None;
    };
    let is_own = |at: usize| target.table.columns[at].name == column.name;
    match &row.iter().find(|it| is_own(it.column))?.value {
        Some(Operand::Literal(literal)) => {
            Value::stored_from_literal(column, catalog.dialect, literal)
        }
        _ => None,
    }
}

fn only(plan: Plan) -> Option<Part> {
    let mut parts = plan.parts.into_iter();
    let first = parts.next()?;
    parts.next().is_none().then_some(first)
}

/// A cell in the class in which drivers deliver the column. What they cannot decode (a zero date,
/// infinity) has none.
pub(super) fn received<'a>(cell: &'a Cell, column: &Column, dialect: Dialect) -> Param<'a> {
    let text = std::str::from_utf8(&cell.bytes);
    if dialect == Dialect::Sqlite {
        return match (cell.class.as_str(), text) {
            ("integer", Ok(text)) => Param::Int(text.parse().unwrap()),
            ("real", Ok(text)) => Param::Float(text.parse().unwrap()),
            ("text", Ok(text)) => Param::Text(text.into()),
            _ => Param::Bytes(cell.bytes.as_slice().into()),
        };
    }
    let undecoded = Param::Other("undecoded", cell.bytes.as_slice().into());
    let Ok(text) = text else {
        return Param::Bytes(cell.bytes.as_slice().into());
    };
    let found = match &column.kind {
        ValueKind::Integer { .. } => text.parse().ok().map(Param::Int),
        ValueKind::Bool => Some(Param::Bool(text == "t")),
        ValueKind::Uuid => text
            .parse()
            .ok()
            .map(|it: sqlx::types::Uuid| Param::Uuid(it.into_bytes())),
        ValueKind::Date => text
            .parse()
            .ok()
            .map(|day: NaiveDate| Param::Date(days(day))),
        ValueKind::Timestamp { .. } => NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
            .ok()
            .map(|at| Param::Timestamp(at.and_utc().timestamp_micros())),
        ValueKind::TimestampTz { .. } => instant(text).map(Param::TimestampTz),
        ValueKind::Decimal { .. } => Some(Param::Decimal(text.into())),
        ValueKind::Bytes { .. } if dialect == Dialect::Postgres => Some(Param::Bytes(
            unhex(text.strip_prefix("\\x").unwrap()).into(),
        )),
        ValueKind::Bytes { .. } => Some(Param::Bytes(cell.bytes.as_slice().into())),
        ValueKind::Enum { .. } => Some(Param::Label(text.into())),
        _ => Some(Param::Text(text.into())),
    };
    found.unwrap_or(undecoded)
}

/// Offsets have seconds before the zones were made even, and years more than four digits.
fn instant(text: &str) -> Option<i64> {
    let (local, offset) = text.split_at(text.rfind(['+', '-'])?);
    let local = NaiveDateTime::parse_from_str(&format!("+{local}"), "%Y-%m-%d %H:%M:%S%.f").ok()?;
    let mut seconds = 0;
    for part in offset[1..].split(':').chain(["0", "0"]).take(3) {
        seconds = seconds * 60 + part.parse::<i64>().ok()?;
    }
    if offset.starts_with('-') {
        seconds = -seconds;
    }
    Some(local.and_utc().timestamp_micros() - seconds * 1_000_000)
}

fn days(day: NaiveDate) -> i64 {
    day.signed_duration_since(NaiveDate::default()).num_days()
}

fn unhex(digits: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}

/// What was asked about one column, and what went wrong.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By what they violate.
    pub(super) violations: BTreeMap<&'static str, Vec<String>>,
    pub(super) seeds: BTreeSet<u64>,
    /// Literals and parameters that the server did not take.
    pub(super) refused: usize,
    between_rows: Pairs,
    with_asked: Pairs,
    /// With rows of other columns of the same type.
    across: Pairs,
    /// Cells whose value the statement alone told (W6).
    foretold: usize,
}

/// Pairs by what is known of them.
#[derive(Debug, Default)]
struct Pairs {
    /// Equal to the server, one canonical value.
    equal: usize,
    /// Two canonical values.
    different: usize,
    /// Equal to the server, not both with a canonical value.
    widened_equal: usize,
    widened_different: usize,
}

impl Pairs {
    fn all(&self) -> usize {
        self.equal + self.different + self.widened_equal + self.widened_different
    }
}

impl Tally {
    pub(super) fn is_meaningful(&self) -> bool {
        [&self.between_rows, &self.with_asked]
            .iter()
            .all(|pairs| pairs.equal > 0 && pairs.different > 0)
            && self.foretold > 0
    }

    pub(super) fn rows_asked(&self) -> usize {
        self.between_rows.all()
    }

    pub(super) fn pairs(&self) -> usize {
        self.between_rows.all() + self.with_asked.all() + self.across.all()
    }

    pub(super) fn has_no_equality(&mut self, column: &Column) {
        if column.kind != ValueKind::Opaque {
            self.violate("no `=`", format!("{:?}", column.kind));
        }
        // Asked, and answered: there is nothing to compare.
        self.between_rows.widened_different += 1;
    }

    /// NULL is what the server says it is.
    pub(super) fn nulls(&mut self, rows: &[Row], nulls: &BTreeSet<i64>) {
        for row in rows {
            if (row.value == Value::Null) != nulls.contains(&row.id) {
                self.violate("IS NULL", format!("{row:?}"));
            }
        }
    }

    /// What a statement tells of a row is what the row then holds.
    pub(super) fn stored(&mut self, rows: &[Row], stored: &[(i64, Value)]) {
        let held: BTreeMap<i64, &Row> = rows.iter().map(|row| (row.id, row)).collect();
        for (id, value) in stored {
            self.foretold += 1;
            if held.get(id).is_none_or(|row| row.value != *value) {
                let row = held.get(id);
                self.violate("W6", format!("{value:?} left {row:?}"));
            }
        }
    }

    pub(super) fn rows(
        &mut self,
        column: &Column,
        dialect: Dialect,
        rows: &[Row],
        equal: &BTreeSet<(i64, i64)>,
    ) {
        for (at, left) in rows.iter().enumerate() {
            for right in &rows[at + 1..] {
                let is_equal = equal.contains(&(left.id, right.id));
                let one = known(&left.value).zip(known(&right.value));
                self.judge(
                    one,
                    is_equal,
                    |it| &mut it.between_rows,
                    || format!("{left:?} = {right:?}"),
                );
                let told = one.is_some_and(|(left, right)| left == right)
                    && column.kind.is_told_by_its_value(dialect);
                if told && left.cell != right.cell {
                    self.violate("R11", format!("{left:?} and {right:?}"));
                }
            }
        }
    }

    /// Rows of two columns of one type.
    pub(super) fn joined(&mut self, rows: &[Row], theirs: &[Row], equal: &BTreeSet<(i64, i64)>) {
        for left in rows {
            for right in theirs {
                let is_equal = equal.contains(&(left.id, right.id));
                let one = known(&left.value).zip(known(&right.value));
                self.judge(
                    one,
                    is_equal,
                    |it| &mut it.across,
                    || format!("{left:?} = {right:?}"),
                );
            }
        }
    }

    /// A literal or parameter against every row.
    pub(super) fn asked(
        &mut self,
        spelling: &str,
        asked: Option<&Value>,
        rows: &[Row],
        equal: &BTreeSet<i64>,
    ) {
        for row in rows {
            let one = asked.zip(known(&row.value));
            let told = || format!("{row:?} = {spelling} ({asked:?})");
            self.judge(one, equal.contains(&row.id), |it| &mut it.with_asked, told);
        }
    }

    fn judge(
        &mut self,
        known: Option<(&Value, &Value)>,
        is_equal: bool,
        pairs: fn(&mut Self) -> &mut Pairs,
        told: impl Fn() -> String,
    ) {
        let pairs = pairs(self);
        // NULL equals nothing, itself neither.
        let same = known.map(|(a, b)| a == b && *a != Value::Null);
        match (same, is_equal) {
            (Some(true), true) => pairs.equal += 1,
            (Some(false), false) => pairs.different += 1,
            (None, true) => pairs.widened_equal += 1,
            (None, false) => pairs.widened_different += 1,
            (Some(true), false) => self.violate("one value, not equal", told()),
            (Some(false), true) => self.violate("equal, two values", told()),
        }
    }

    fn violate(&mut self, what: &'static str, told: String) {
        let violations = self.violations.entry(what).or_default();
        if violations.len() < VIOLATIONS_MAX {
            violations.push(told);
        }
    }
}

/// Of one sort in one column; more tell nothing new.
const VIOLATIONS_MAX: usize = 3;

fn known(value: &Value) -> Option<&Value> {
    (*value != Value::Present).then_some(value)
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |f: &mut fmt::Formatter<'_>, name, pairs: &Pairs| {
            let Pairs {
                equal,
                different,
                widened_equal,
                widened_different,
            } = pairs;
            write!(
                f,
                "{name} {equal}={different}≠ ({widened_equal}={widened_different}≠ widened), "
            )
        };
        write!(f, "{} pairs: ", self.pairs())?;
        part(f, "rows", &self.between_rows)?;
        part(f, "asked", &self.with_asked)?;
        part(f, "across", &self.across)?;
        write!(f, "{} refused, {} foretold", self.refused, self.foretold)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cell {
            Some(cell) => write!(
                f,
                "[{:?} {:?}]",
                String::from_utf8_lossy(&cell.bytes),
                self.value
            ),
            None => f.write_str("[NULL]"),
        }
    }
}
