//! `larder relay`: invalidates by what the outbox has recorded, until it is told to end.

use std::{fmt, time::Duration};

use clap::Args;
use larder_redis::inspect::InspectLimits;
use larder_sea_orm::{CachedConnection, RelayConfig, RelayOutcome, RelayRound};
use serde::Serialize;

use crate::{
    context::Context,
    exit::{EXIT_CODES, Exit, Failure},
    output::Answer,
    signals::ended,
    words::{count, duration, parse_duration},
};

/// Run the relay: invalidate by what other programs write, until SIGTERM or Ctrl-C
///
/// Needs the outbox (`larder outbox install`). Any number of relays may run, with this command or in
/// applications. Whatever fails on the way is told on stderr and tried again, at growing intervals up
/// to 5 s; nothing is lost.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = AFTER)]
pub(crate) struct RelayArguments {
    /// Print a line for each round that had rows
    #[arg(long, short)]
    verbose: bool,

    /// How long it waits when there was nothing: what another program writes is served in its old
    /// state for so long
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = parse_duration)]
    poll_interval: Duration,

    /// How many rows a round takes at most, up to 10000
    #[arg(long, value_name = "ROWS", default_value_t = 1_000)]
    rows_max: usize,

    /// The PostgreSQL schema of the outbox. Default: the first of the search path that has one
    #[arg(long, value_name = "SCHEMA")]
    schema: Option<String>,
}

const AFTER: &str = "\
Examples:
  larder relay
  larder relay --verbose --poll-interval 1s
  larder relay --verbose --json >> relay.log

Exit codes:
  0  told to end, and ended
  2  wrong usage, or a setting that is wrong
  3  the store cannot be reached at the start
  4  the database cannot be reached at the start";

/// One round.
#[derive(Debug, Serialize)]
struct Round {
    rows: usize,
    lag_ms: u64,
    /// Whether the store has acknowledged them; if not, they are tried again.
    delivered: bool,
}

/// All of them.
#[derive(Debug, Default, Serialize)]
struct Report {
    rounds_with_rows: u64,
    rows: u64,
    longest_lag_ms: u64,
}

pub(crate) async fn run(arguments: &RelayArguments, context: &Context) -> Result<Answer, Failure> {
    // Before anything is asked for: a signal that comes early must end it as well.
    let ended = ended()?;
    tokio::pin!(ended);
    let (store, namespace) = (context.store()?, context.namespace()?);
    let records = store.inspector(InspectLimits::new()).records(namespace)?;
    let hand = store.in_every_layout(&records)?.hand(namespace)?;
    let database = context.database().await?;
    let catalog = database.catalog().await?;
    if !catalog.tables.keys().any(larder_sql::outbox::is_outbox) {
        return Err(Failure::usage(
            "the database has no outbox: run `larder outbox install TABLE..` first",
        ));
    }
    database
        .source(&hand.larder, &context.wrap_config())
        .await?;
    let connection = database.connection;
    let wrapped = CachedConnection::wrap(&hand.larder, connection, context.wrap_config());
    let mut config = RelayConfig::new()
        .rows_max(arguments.rows_max)
        .poll_interval(arguments.poll_interval);
    if let Some(schema) = &arguments.schema {
        config = config.schema(schema.as_str());
    }
    let (relay, mut pace) = (wrapped.relay(config.clone()), config.pace());
    let mut report = Report::default();
    loop {
        // A round that is given up leaves its rows to the next one.
        let round = tokio::select! {
            () = &mut ended => break,
            round = relay.round() => round,
        };
        let pause = match round {
            Ok(round) => {
                report.take(&round);
                let line = Round::new(&round);
                if arguments.verbose && round.rows > 0 {
                    context.output.line(&line);
                } else if !line.delivered {
                    let said = line.to_string();
                    context.output.trouble(&Failure::new(Exit::Store, said));
                }
                pace.after(&round)
            }
            Err(error) => {
                let pause = pace.after_failure(&error);
                let failure = Failure::from(error).context("a round failed and is tried again");
                context.output.trouble(&failure);
                pause
            }
        };
        tokio::select! {
            () = &mut ended => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    Ok(Answer::new(Exit::Done, &report))
}

impl Round {
    fn new(round: &RelayRound) -> Self {
        Self {
            rows: round.rows,
            lag_ms: milliseconds(round.lag),
            delivered: round.outcome != RelayOutcome::Kept,
        }
    }
}

impl Report {
    fn take(&mut self, round: &RelayRound) {
        if round.rows == 0 {
            return;
        }
        self.rounds_with_rows += 1;
        if round.outcome == RelayOutcome::Trimmed {
            self.rows += round.rows as u64;
        }
        self.longest_lag_ms = self.longest_lag_ms.max(milliseconds(round.lag));
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = count(self.rows as u64, "row");
        let lag = duration(Duration::from_millis(self.lag_ms));
        match self.delivered {
            true => write!(f, "{rows}, lag {lag}"),
            false => write!(
                f,
                "{rows} kept: the store has not acknowledged them; lag {lag}"
            ),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, rounds) = (
            count(self.rows, "row"),
            count(self.rounds_with_rows, "round"),
        );
        write!(f, "ended: {rows} in {rounds}")?;
        match self.rounds_with_rows {
            0 => Ok(()),
            _ => {
                let lag = duration(Duration::from_millis(self.longest_lag_ms));
                write!(f, ", longest lag {lag}")
            }
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
