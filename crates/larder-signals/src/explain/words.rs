//! An explanation as people read it.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use larder_core::{RestsOn, WidenedWhy};
use larder_sql::{
    Table, TableName,
    plan::{Columns, Operation},
};

use super::{
    Drops, Explanation, OtherStatement, ReadExplanation, ShapeEffect, StatementExplanation,
    TableDrops, TableEffect, Verdict, WriteExplanation,
};

/// Values of one condition that are shown.
const VALUES_SHOWN: usize = 8;

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.normalized)?;
        if self.statements.is_empty() {
            writeln!(f, "\nno statement: nothing is cached and nothing drops")?;
        }
        let mut before = String::new();
        for statement in &self.statements {
            let told = statement.to_string();
            if told != before {
                write!(f, "\n{told}")?;
            }
            before = told;
        }
        Ok(())
    }
}

impl Display for StatementExplanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(read) => read.fmt(f),
            Self::Write(write) => write.fmt(f),
            Self::Other(other) => writeln!(f, "{other}"),
        }
    }
}

impl Display for ReadExplanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let operation = Named(self.operation);
        match &self.verdict {
            Verdict::Cached {
                ttl,
                local,
                allow_stale,
            } => {
                let of = List(&self.tables);
                write!(f, "cached for up to {}: {operation} of {of}", Time(*ttl))?;
                if *local {
                    f.write_str(", in process memory alone")?;
                }
                if !allow_stale.is_zero() {
                    let stale = Time(*allow_stale);
                    write!(f, ", served up to {stale} stale while it is replaced")?;
                }
                writeln!(f)?;
            }
            Verdict::Cacheable => writeln!(
                f,
                "cacheable: {operation} of {}; for how long is the policy's to say, which the \
                 application has",
                List(&self.tables)
            )?,
            Verdict::NotCached { reason, remedy } => {
                writeln!(f, "not cached: {reason}")?;
                if let Some(remedy) = remedy {
                    writeln!(f, "remedy: {remedy}")?;
                }
            }
        }
        if self.rests_on.is_empty() {
            return Ok(());
        }
        let cached = !matches!(self.verdict, Verdict::NotCached { .. });
        writeln!(f, "{}", if cached { "rests on" } else { "would rest on" })?;
        for it in &self.rests_on {
            writeln!(f, "  {}", Rests(it))?;
        }
        if cached {
            writeln!(f, "dropped by")?;
            for it in &self.rests_on {
                writeln!(f, "  {}", DroppedBy(it))?;
            }
        }
        if self.rests_on.iter().any(|it| !it.widened.is_empty()) {
            writeln!(f, "does not narrow")?;
        }
        for it in &self.rests_on {
            for widened in &it.widened {
                let column = Column(&it.table, widened.column);
                write!(f, "  {}.{column}: ", it.table.name)?;
                why(f, &it.table, widened.column, widened.why)?;
            }
        }
        Ok(())
    }
}

fn why(f: &mut Formatter<'_>, table: &Table, column: usize, why: WidenedWhy) -> fmt::Result {
    let declared = table.columns.get(column).map_or("", |it| &*it.declared);
    match why {
        WidenedWhy::Column => writeln!(
            f,
            "equal values of {declared} may be spelt differently, so that any row counts"
        ),
        WidenedWhy::Value => writeln!(
            f,
            "the value is not sent as one of {declared}, so that any row counts; bind the column's \
             own type"
        ),
        WidenedWhy::Long => writeln!(
            f,
            "the list is longer than `in_values_max`, so that any row counts"
        ),
        WidenedWhy::Room => writeln!(
            f,
            "with it there would be more dependencies than an entry may have, so that any row counts"
        ),
        _ => writeln!(f, "any row counts"),
    }
}

impl ReadExplanation {
    /// What [`rests_on`](Self::rests_on) says, in words: a line per conjunction.
    #[must_use]
    pub fn rests_on_words(&self) -> Vec<String> {
        self.rests_on
            .iter()
            .map(|it| Rests(it).to_string())
            .collect()
    }

    /// The writes that drop a result, in words: a line per conjunction.
    #[must_use]
    pub fn dropped_by_words(&self) -> Vec<String> {
        self.rests_on
            .iter()
            .map(|it| DroppedBy(it).to_string())
            .collect()
    }
}

/// `public.post, rows with author_id = 3; columns id, title`.
struct Rests<'a>(&'a RestsOn);

impl Display for Rests<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let RestsOn {
            table,
            conditions,
            watched,
            ..
        } = self.0;
        write!(f, "{}", table.name)?;
        match conditions.is_empty() {
            true => f.write_str(", any row")?,
            false => write!(f, ", rows with {}", Conditions(self.0))?,
        }
        match watched {
            Columns::Some(columns) if columns.is_empty() => f.write_str("; no other column"),
            Columns::Some(columns) if !watches_all(self.0, columns) => {
                let names = columns.iter().map(|column| Column(table, *column));
                write!(f, "; columns {}", joined(names, ", "))
            }
            _ => f.write_str("; every column"),
        }
    }
}

struct DroppedBy<'a>(&'a RestsOn);

impl Display for DroppedBy<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let RestsOn {
            table,
            conditions,
            watched,
            ..
        } = self.0;
        write!(f, "{}: an INSERT or DELETE of a row", table.name)?;
        if !conditions.is_empty() {
            write!(f, " with {}", Conditions(self.0))?;
        }
        let such = match conditions.is_empty() {
            true => "of a row",
            false => "of such a row, before or afterwards,",
        };
        match watched {
            Columns::Some(columns) if !watches_all(self.0, columns) => {
                let by_condition = conditions.iter().map(|it| it.column);
                let mut all: Vec<usize> = by_condition.chain(columns.iter().copied()).collect();
                all.sort_unstable();
                all.dedup();
                if all.is_empty() {
                    return Ok(());
                }
                let names = all.iter().map(|column| Column(table, *column));
                write!(
                    f,
                    "; an UPDATE {such} that changes {}",
                    joined(names, " or ")
                )
            }
            _ => write!(f, "; an UPDATE {such} that changes any column"),
        }
    }
}

/// Whether these and the columns of the conditions are all that there are.
fn watches_all(rests_on: &RestsOn, watched: &[usize]) -> bool {
    watched.len() + rests_on.conditions.len() >= rests_on.table.columns.len()
}

/// `author_id = 3 and status in ('a', 'b')`.
struct Conditions<'a>(&'a RestsOn);

impl Display for Conditions<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, condition) in self.0.conditions.iter().enumerate() {
            if at > 0 {
                f.write_str(" and ")?;
            }
            let column = Column(&self.0.table, condition.column);
            match condition.values.as_slice() {
                [] => write!(f, "{column} = null, which no row has")?,
                [larder_core::Value::Null] => write!(f, "{column} is null")?,
                [value] => write!(f, "{column} = {value}")?,
                values => {
                    let shown = values.iter().take(VALUES_SHOWN);
                    write!(f, "{column} in ({}", joined(shown, ", "))?;
                    match values.len().saturating_sub(VALUES_SHOWN) {
                        0 => f.write_str(")")?,
                        more => write!(f, " and {more} more)")?,
                    }
                }
            }
        }
        Ok(())
    }
}

impl Display for WriteExplanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.drops {
            Drops::Everything(reason) => {
                writeln!(
                    f,
                    "counts as a write of anything: everything of the database drops, for this: {reason}"
                )
            }
            Drops::Tables(tables) if tables.is_empty() => {
                writeln!(f, "a write that drops nothing")
            }
            Drops::Tables(tables) => {
                writeln!(
                    f,
                    "a write of {}; as far as its text tells, it drops",
                    List(&self.tables)
                )?;
                tables.iter().try_for_each(|table| write!(f, "{table}"))
            }
        }
    }
}

impl Display for TableDrops {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let table = &self.table;
        match &self.effect {
            TableEffect::Whole => writeln!(f, "  {table}: everything, its rows are not known"),
            TableEffect::Unknown => {
                writeln!(
                    f,
                    "  {table}: what its rows touch; the store does not say what it holds"
                )
            }
            TableEffect::Shapes(shapes) if shapes.is_empty() => {
                writeln!(f, "  {table}: nothing, since nothing of it is cached")
            }
            TableEffect::Shapes(shapes) => {
                writeln!(f, "  {table}, by what its cached results rest on:")?;
                for (words, effect) in shapes {
                    writeln!(f, "    {effect}: {words}")?;
                }
                Ok(())
            }
        }
    }
}

impl Display for ShapeEffect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("nothing"),
            Self::Values(1) => f.write_str("one value"),
            Self::Values(count) => write!(f, "{count} values"),
            Self::Whole => f.write_str("all"),
        }
    }
}

impl Display for OtherStatement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transaction => {
                "transaction control: reads inside go to the database, writes drop at COMMIT"
            }
            Self::Session => {
                "changes the session: what the catalog shows makes another session of it, after \
                 anything else reads go to the database"
            }
            Self::Schema => "changes the schema: everything of the database drops",
            Self::Neutral => "nothing is cached and nothing drops",
        })
    }
}

struct Named(Operation);

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Operation::Get => "one row (get)",
            Operation::Fetch => "rows (fetch)",
            Operation::Count => "a count",
            Operation::Aggregate => "an aggregate",
            Operation::Exists => "whether there is a row (exists)",
            _ => "a result",
        })
    }
}

/// The name of a column.
struct Column<'a>(&'a Table, usize);

impl Display for Column<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.columns.get(self.1) {
            Some(column) => f.write_str(&column.name),
            None => write!(f, "column {}", self.1 + 1),
        }
    }
}

struct List<'a>(&'a [TableName]);

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("no table"),
            tables => f.write_str(&joined(tables, ", ")),
        }
    }
}

/// `90s` as `1m 30s`; parts of a second as milliseconds.
struct Time(Duration);

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
        let (mut left, mut parts) = (seconds, Vec::new());
        for (unit, name) in units {
            if left >= unit {
                parts.push(format!("{}{name}", left / unit));
                left %= unit;
            }
        }
        let millis = self.0.subsec_millis();
        if millis > 0 || parts.is_empty() {
            parts.push(format!("{millis}ms"));
        }
        f.write_str(&parts.join(" "))
    }
}

fn joined<T: Display>(items: impl IntoIterator<Item = T>, between: &str) -> String {
    let items: Vec<String> = items.into_iter().map(|it| it.to_string()).collect();
    items.join(between)
}
