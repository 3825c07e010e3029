//! `larder top`: the statements that matter most.

use std::{cmp::Reverse, fmt, io::IsTerminal as _, time::Duration};

use clap::{Args, ValueEnum};
use larder_core::{StatementStats, Stats};
use serde::Serialize;

use crate::{
    context::Context,
    counted::{Reads, sum, table_name},
    exit::{EXIT_CODES, Exit, Failure},
    output::Answer,
    signals::ended,
    words::parse_duration,
};

/// Show the statements that matter most: the hottest, the costliest, those that miss
///
/// On a terminal a screen that is drawn again until Ctrl-C, elsewhere once. Statements are shown
/// without their literals, and by the name under which events and metrics know them. Each process
/// reports its 50 statements that saved most time, and 25 each that miss and that go past the cache
/// most often.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = AFTER)]
pub(crate) struct TopArguments {
    /// Which ones come first
    #[arg(long, value_enum, default_value_t = By::Saved)]
    by: By,

    /// How many are shown
    #[arg(long, short = 'n', value_name = "STATEMENTS", default_value_t = 20)]
    limit: usize,

    /// How often the screen is drawn
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    interval: Duration,

    /// Print once, also on a terminal
    #[arg(long)]
    once: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Those whose hits saved most time
    Saved,
    /// Those with most hits
    Hits,
    /// Those with most misses
    Misses,
    /// Those whose queries took most time
    Cost,
    /// Those with the worst hit ratio, of at least 10 reads
    Ratio,
    /// Those that go past the cache most often
    Bypasses,
}

const AFTER: &str = "\
Examples:
  larder top
  larder top --by ratio --once
  larder top --by cost -n 5 --json

Exit codes:
  0  done
  1  no process has reported
  2  wrong usage, or a setting that is wrong
  3  the store cannot be reached";

/// Fewer reads say nothing about a ratio.
const READS_MIN: u64 = 10;

/// Clears the screen and goes to its upper left corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

#[derive(Debug, Serialize)]
struct Report {
    #[serde(skip)]
    before: &'static str,
    processes: u64,
    statements: Vec<Statement>,
}

#[derive(Debug, Serialize)]
struct Statement {
    id: String,
    table: String,
    sql: String,
    #[serde(flatten)]
    reads: Reads,
}

pub(crate) async fn run(arguments: &TopArguments, context: &Context) -> Result<Answer, Failure> {
    let live = !arguments.once && !context.output.is_json() && std::io::stdout().is_terminal();
    if !live {
        let report = Report::new(sum(context).await?, arguments);
        return Ok(Answer::new(Exit::Done, &report));
    }
    let ended = ended()?;
    tokio::pin!(ended);
    loop {
        let mut report = Report::new(sum(context).await?, arguments);
        report.before = CLEAR;
        context.output.line(&report);
        tokio::select! {
            () = &mut ended => return Ok(Answer::text(String::new())),
            () = tokio::time::sleep(arguments.interval) => {}
        }
    }
}

impl Report {
    fn new(stats: Stats, arguments: &TopArguments) -> Self {
        let processes = stats.processes;
        let mut all = stats.statements;
        if arguments.by == By::Ratio {
            all.retain(|it| it.reads.hits + it.reads.misses >= READS_MIN);
        }
        all.sort_by(|a, b| arguments.by.order(a, b));
        let first = all.iter().take(arguments.limit);
        Self {
            before: "",
            processes,
            statements: first.map(Statement::new).collect(),
        }
    }
}

impl By {
    fn order(self, a: &StatementStats, b: &StatementStats) -> std::cmp::Ordering {
        let most = |of: fn(&StatementStats) -> u128| Reverse(of(a)).cmp(&Reverse(of(b)));
        match self {
            Self::Saved => most(|it| it.reads.saved.as_micros()),
            Self::Hits => most(|it| it.reads.hits.into()),
            Self::Misses => most(|it| it.reads.misses.into()),
            Self::Cost => most(|it| it.reads.fill_time.as_micros()),
            Self::Bypasses => most(|it| it.reads.bypassed().into()),
            Self::Ratio => {
                let ratio = |it: &StatementStats| it.reads.hit_ratio().unwrap_or(1.0);
                ratio(a).total_cmp(&ratio(b))
            }
        }
    }
}

impl Statement {
    fn new(stats: &StatementStats) -> Self {
        Self {
            id: stats.id.to_string(),
            table: table_name(&stats.table),
            sql: stats.sql.clone(),
            reads: Reads::new(&stats.reads),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.before)?;
        if self.statements.is_empty() {
            return writeln!(f, "no statement has been counted yet");
        }
        writeln!(
            f,
            "{:>9}  {:>8}  {:>9}  {:>9}  {:>9}  {:>9}  id, table, statement",
            "saved", "ratio", "hits", "misses", "past", "mean fill"
        )?;
        for statement in &self.statements {
            let Statement {
                id,
                table,
                sql,
                reads,
            } = statement;
            writeln!(
                f,
                "{:>9}  {:>8}  {:>9}  {:>9}  {:>9}  {:>9}  {id}, {table}\n    {}",
                reads.saved(),
                reads.ratio(),
                reads.hits,
                reads.misses,
                reads.bypassed,
                reads.mean_fill(),
                shortened(sql),
            )?;
        }
        Ok(())
    }
}

/// As much as tells it from others; JSON has it whole.
fn shortened(sql: &str) -> String {
    const CHARS_MAX: usize = 500;
    let mut short: String = sql.chars().take(CHARS_MAX).collect();
    if short.len() < sql.len() {
        short.push_str("..");
    }
    short
}
