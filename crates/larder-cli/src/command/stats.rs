//! `larder stats`: what the processes of an application have counted.

use std::{collections::BTreeMap, fmt, time::Duration};

use clap::Args;
use larder_core::{Clock as _, Stats, SystemClock, TableStats};
use larder_redis::inspect::InspectLimits;
use serde::Serialize;

use crate::{
    context::Context,
    counted::{Reads, sum, table_name},
    exit::{EXIT_CODES, Exit, Failure},
    output::Answer,
    signals::ended,
    words::{count, parse_duration, plural, seconds},
};

/// Show hits, misses, what goes past the cache and why, and what was invalidated, by table
///
/// Each process that uses the store counts for itself and reports every 10 s; the sum of the
/// processes that run is shown, from their start on. Counters are not kept beyond a process's end.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = AFTER)]
pub(crate) struct StatsArguments {
    /// Print them again and again, until Ctrl-C
    #[arg(long)]
    watch: bool,

    /// How often, with --watch
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    interval: Duration,

    /// Count the entries and stamps that are kept now: a walk over the keys of the store
    #[arg(long)]
    entries: bool,

    /// How many keys of each server are looked at, with --entries
    #[arg(long, value_name = "KEYS", default_value_t = 1_000_000)]
    scan_max: u64,
}

const AFTER: &str = "\
Examples:
  larder stats
  larder stats --watch --interval 30s
  larder stats --entries
  larder stats --json | jq .totals.hit_ratio

Exit codes:
  0  done
  1  no process has reported
  2  wrong usage, or a setting that is wrong
  3  the store cannot be reached";

#[derive(Debug, Serialize)]
struct Report {
    processes: u64,
    /// Since when the first of them counts.
    since_seconds: u64,
    totals: Reads,
    tables: Vec<Table>,
    invalidations: BTreeMap<String, u64>,
    faults: u64,
    pending: u64,
    breakers_open: u64,
}

#[derive(Debug, Serialize)]
struct Table {
    table: String,
    #[serde(flatten)]
    reads: Reads,
    /// By cause.
    invalidations: BTreeMap<String, u64>,
    stamps_dropped: u64,
    /// What is kept now, where that was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<Kept>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Kept {
    entries: u64,
    values: u64,
    /// Whether every key was looked at.
    complete: bool,
}

pub(crate) async fn run(arguments: &StatsArguments, context: &Context) -> Result<Answer, Failure> {
    if !arguments.watch {
        return Ok(Answer::new(Exit::Done, &look(arguments, context).await?));
    }
    let ended = ended()?;
    tokio::pin!(ended);
    loop {
        let report = look(arguments, context).await?;
        context.output.line(&report);
        tokio::select! {
            () = &mut ended => return Ok(Answer::new(Exit::Done, &report)),
            () = tokio::time::sleep(arguments.interval) => {}
        }
    }
}

async fn look(arguments: &StatsArguments, context: &Context) -> Result<Report, Failure> {
    let mut report = Report::new(&sum(context).await?);
    if arguments.entries {
        let limits = InspectLimits::new()
            .with_scanned_max(arguments.scan_max)
            .with_keys_max(0);
        let inspector = context.store()?.inspector(limits);
        let records = inspector.records(context.namespace()?)?;
        for record in &records.found {
            let found = inspector.table(&record.table, record.shards)?;
            let name = table_name(&record.table.0);
            let Some(table) = report.tables.iter_mut().find(|it| it.table == name) else {
                continue;
            };
            let known = table.kept.get_or_insert(Kept {
                entries: 0,
                values: 0,
                complete: records.complete,
            });
            known.entries += found.entries;
            known.values += found.stamps;
            known.complete &= found.complete;
        }
    }
    Ok(report)
}

impl Report {
    fn new(stats: &Stats) -> Self {
        let mut invalidations = BTreeMap::new();
        for (cause, count) in stats.tables.iter().flat_map(|it| &it.invalidations) {
            *invalidations.entry(cause.clone()).or_default() += count;
        }
        Self {
            processes: stats.processes,
            since_seconds: SystemClock::default().now().since(stats.started).as_secs(),
            totals: Reads::new(&stats.totals),
            tables: stats.tables.iter().map(Table::new).collect(),
            invalidations,
            faults: stats.faults,
            pending: stats.pending,
            breakers_open: stats.breakers_open,
        }
    }
}

impl Table {
    fn new(stats: &TableStats) -> Self {
        Self {
            table: table_name(&stats.table),
            reads: Reads::new(&stats.reads),
            invalidations: stats.invalidations.clone(),
            stamps_dropped: stats.stamps_dropped,
            kept: None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processes = plural(self.processes, "process", "processes");
        let since = seconds(Some(self.since_seconds));
        writeln!(f, "{processes}, counting for {since}")?;
        let totals = &self.totals;
        writeln!(
            f,
            "{} of what may be cached was answered: {}, {}; {} saved",
            totals.ratio(),
            count(totals.hits, "hit"),
            plural(totals.misses, "miss", "misses"),
            totals.saved(),
        )?;
        if self.faults > 0 || self.pending > 0 || self.breakers_open > 0 {
            writeln!(
                f,
                "{}, {} waiting for delivery, {} with an open breaker",
                count(self.faults, "fault"),
                count(self.pending, "invalidation"),
                self.breakers_open,
            )?;
        }
        if totals.bypassed > 0 {
            writeln!(
                f,
                "\nwent past the cache: {}",
                count(totals.bypassed, "read")
            )?;
            for (reason, count) in &totals.bypasses {
                writeln!(f, "  {count:>8}  {reason}")?;
            }
        }
        if !self.tables.is_empty() {
            let width = self
                .tables
                .iter()
                .map(|it| it.table.len())
                .max()
                .unwrap_or(0);
            writeln!(
                f,
                "\n{:width$}  {:>8}  {:>9}  {:>9}  {:>9}  {:>10}  {:>9}  invalidated",
                "table", "ratio", "hits", "misses", "fills", "stored", "saved"
            )?;
            for table in &self.tables {
                table.line(f, width)?;
            }
        }
        Ok(())
    }
}

impl Table {
    fn line(&self, f: &mut fmt::Formatter<'_>, width: usize) -> fmt::Result {
        let reads = &self.reads;
        write!(
            f,
            "{:width$}  {:>8}  {:>9}  {:>9}  {:>9}  {:>10}  {:>9}  ",
            self.table,
            reads.ratio(),
            reads.hits,
            reads.misses,
            reads.fills,
            reads.stored(),
            reads.saved(),
        )?;
        let causes: Vec<String> = self
            .invalidations
            .iter()
            .map(|(cause, count)| format!("{count} by {cause}"))
            .collect();
        match causes.is_empty() {
            true => write!(f, "-")?,
            false => write!(f, "{}", causes.join(", "))?,
        }
        if let Some(kept) = self.kept {
            let least = if kept.complete { "" } else { "at least " };
            let entries = plural(kept.entries, "entry", "entries");
            write!(f, "; {least}{entries} kept")?;
        }
        writeln!(f)
    }
}
