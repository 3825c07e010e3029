//! `larder keys`: what is kept of a table.

use std::fmt;

use clap::Args;
use larder_core::{Clock as _, Moment, ShapeName, SystemClock};
use larder_redis::inspect::{EntryReport, InspectLimits, RecordKey, TableReport};
use serde::Serialize;

use crate::{
    context::Context,
    exit::{EXIT_CODES, Exit, Failure},
    life::Life,
    output::Answer,
    words::{bytes, count, plural, seconds},
};

/// Show what is cached of a table: by which columns, how much, how old
///
/// It only reads. The keys are found by SCAN, as far as --scan-max. Entries are those of queries
/// whose first table it is; some may be dead already, since an invalidation leaves them to their TTL.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = AFTER)]
pub(crate) struct KeysArguments {
    /// TABLE or SCHEMA.TABLE
    table: String,

    /// How many entries are listed, the largest first
    #[arg(long, value_name = "ENTRIES", default_value_t = 20)]
    limit: usize,

    /// How many entries are read for sizes and ages; the others are only counted
    #[arg(long, value_name = "ENTRIES", default_value_t = 10_000)]
    read_max: usize,

    /// How many keys of each server are looked at
    #[arg(long, value_name = "KEYS", default_value_t = 1_000_000)]
    scan_max: u64,
}

const AFTER: &str = "\
Examples:
  larder keys post
  larder keys public.post --limit 5
  larder keys post --json

Exit codes:
  0  done
  1  nothing matched: nothing is cached of the table
  2  wrong usage, or a setting that is wrong
  3  the store cannot be reached";

#[derive(Debug, Serialize)]
struct Report {
    tables: Vec<Table>,
    /// Whether every key was looked at.
    complete: bool,
}

#[derive(Debug, Serialize)]
struct Table {
    table: String,
    source: String,
    shards: u16,
    shapes: Vec<Shape>,
    age_seconds: Option<u64>,
    ttl_seconds: Option<u64>,
    values: u64,
    entries: u64,
    fills_claimed: u64,
    entries_read: usize,
    bytes_read: u64,
    largest: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Shape {
    name: String,
    words: String,
}

#[derive(Debug, Serialize)]
struct Entry {
    digest: String,
    bytes: u64,
    result_bytes: Option<u64>,
    #[serde(flatten)]
    life: Life,
    dependencies: Option<usize>,
}

pub(crate) fn run(arguments: &KeysArguments, context: &Context) -> Result<Answer, Failure> {
    let namespace = context.namespace()?;
    let limits = InspectLimits::new()
        .with_scanned_max(arguments.scan_max)
        .with_keys_max(arguments.read_max);
    let inspector = context.store()?.inspector(limits);
    let records = inspector.records(namespace)?;
    let is_meant = |record: &&RecordKey| {
        record.table.parts().is_some_and(|parts| {
            parts.table.name.eq_ignore_ascii_case(&arguments.table)
                || parts
                    .table
                    .to_string()
                    .eq_ignore_ascii_case(&arguments.table)
        })
    };
    let mut report = Report {
        tables: Vec::new(),
        complete: records.complete,
    };
    let now = SystemClock::default().now();
    for record in records.found.iter().filter(is_meant) {
        let found = inspector.table(&record.table, record.shards)?;
        report.complete &= found.complete;
        report
            .tables
            .push(Table::new(record, &found, now, arguments.limit));
    }
    if report.tables.is_empty() {
        let looked = match records.complete {
            true => "",
            false => ", as far as --scan-max",
        };
        let message = format!(
            "nothing is cached of a table `{}` in the namespace `{namespace}`{looked}",
            arguments.table
        );
        return Err(Failure::new(Exit::Findings, message));
    }
    Ok(Answer::new(Exit::Done, &report))
}

impl Table {
    fn new(record: &RecordKey, found: &TableReport, now: Moment, limit: usize) -> Self {
        let (table, source) = match record.table.parts() {
            Some(parts) => (parts.table.to_string(), parts.source),
            None => (record.table.to_string(), String::new()),
        };
        Self {
            table,
            source,
            shards: record.shards,
            shapes: found.shapes.iter().map(Shape::new).collect(),
            age_seconds: found.created.map(|it| now.since(it).as_secs()),
            ttl_seconds: found.ttl.map(|it| it.as_secs()),
            values: found.stamps,
            entries: found.entries,
            fills_claimed: found.claims,
            entries_read: found.largest.len(),
            bytes_read: found.largest.iter().map(|it| it.bytes).sum(),
            largest: found
                .largest
                .iter()
                .take(limit)
                .map(|it| Entry::new(it, now))
                .collect(),
        }
    }
}

impl Shape {
    fn new(name: &ShapeName) -> Self {
        let words = name.words().map(|words| words.to_string());
        Self {
            name: name.0.to_string(),
            words: words.unwrap_or_else(|| "written by another version of larder".to_owned()),
        }
    }
}

impl Entry {
    fn new(found: &EntryReport, now: Moment) -> Self {
        let header = found.header.as_ref();
        Self {
            digest: found.digest.clone(),
            bytes: found.bytes,
            result_bytes: header.map(|it| it.result_bytes),
            life: Life::new(found, now),
            dependencies: header.map(|it| it.dependencies),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, table) in self.tables.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            table.fmt(f)?;
        }
        if !self.complete {
            writeln!(f, "note: not all keys were looked at: raise --scan-max")?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (source {}", self.table, self.source)?;
        if self.shards > 1 {
            write!(f, ", {} shards", self.shards)?;
        }
        writeln!(f, ")")?;
        let age = seconds(self.age_seconds);
        let ttl = seconds(self.ttl_seconds);
        writeln!(f, "  record: {age} old, lives {ttl} more")?;
        writeln!(f, "  {}:", count(self.shapes.len() as u64, "shape"))?;
        for shape in &self.shapes {
            writeln!(f, "    {}", shape.words)?;
        }
        writeln!(f, "  {}", count(self.values, "stamped value"))?;
        let entries = plural(self.entries, "entry", "entries");
        write!(f, "  {entries}, {}", bytes(self.bytes_read))?;
        match u64::try_from(self.entries_read).is_ok_and(|read| read < self.entries) {
            true => writeln!(f, " in the {} that were read", self.entries_read)?,
            false => writeln!(f)?,
        }
        if self.fills_claimed > 0 {
            writeln!(f, "  {} going on", count(self.fills_claimed, "fill"))?;
        }
        for entry in &self.largest {
            writeln!(f, "    {entry}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.digest, bytes(self.bytes))?;
        if let Some(result) = self.result_bytes {
            write!(f, " (result {})", bytes(result))?;
        }
        write!(f, ", {}", self.life)?;
        match self.dependencies {
            Some(number) => {
                let rests_on = plural(number as u64, "dependency", "dependencies");
                write!(f, ", rests on {rests_on}")
            }
            None => f.write_str(", written by another version of larder"),
        }
    }
}
