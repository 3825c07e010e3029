//! `larder explain`: what becomes of a statement, and why.

mod parameter;
mod report;

use clap::Args;
use larder_core::{Clock as _, Param, Prepared, SystemClock};
use larder_redis::inspect::InspectLimits;
use larder_signals::{ExplainCall, PoliciesKnown, ReadOptions};

use self::report::{Entry, Kept, Report};
use crate::{
    context::Context,
    exit::{EXIT_CODES, Exit, Failure},
    output::Answer,
    store::Store,
};

/// Say what becomes of a statement: whether it is cached and why not, what it rests on, what drops it
///
/// The statement is not run. The catalog of the database says what its names mean. Policies are
/// those of larder.toml; what models declare is known to the application alone. With a store, its
/// entries of the statement are listed, and of a write what it would drop.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = AFTER)]
pub(crate) struct ExplainArguments {
    /// The statement, as the application sends it
    #[arg(value_name = "SQL")]
    sql: String,

    /// A parameter of the statement, in order; repeat it for each
    ///
    /// null, true, false, a whole number, or a text. With a kind before it, it is one of that kind:
    /// int:3, text:3, decimal:3.50, uuid:.., bytes:<hex>, label:draft (of an enum).
    #[arg(long = "param", value_name = "VALUE", allow_hyphen_values = true)]
    parameters: Vec<String>,

    /// Whose rows the session sees, as `.scope(..)` names it
    #[arg(long, value_name = "NAME")]
    scope: Option<String>,

    /// How many keys of each server are looked at to find its entries
    #[arg(long, value_name = "KEYS", default_value_t = 1_000_000)]
    scan_max: u64,
}

const AFTER: &str = "\
Examples:
  larder explain \"SELECT * FROM post WHERE author_id = 3\"
  larder explain \"SELECT * FROM post WHERE author_id = $1\" --param 3
  larder explain \"UPDATE post SET title = $1 WHERE id = $2\" --param x --param 7
  larder explain \"SELECT * FROM post\" --json

Exit codes:
  0  done
  1  it is not cached, or drops everything
  2  wrong usage, or a setting that is wrong
  3  the store cannot be reached
  4  the database cannot be reached, or refuses";

pub(crate) async fn run(
    arguments: &ExplainArguments,
    context: &Context,
) -> Result<Answer, Failure> {
    let database = context.database().await?;
    let params: Vec<Param<'_>> = arguments
        .parameters
        .iter()
        .map(|text| parameter::read(text))
        .collect::<Result<_, _>>()?;
    let hand = context.explaining()?;
    let source = database.source(&hand, &context.wrap_config()).await?;
    let prepared = source.plan(&arguments.sql);
    let call = ExplainCall {
        source: &source,
        prepared: &prepared,
        params: &params,
        options: ReadOptions::default(),
        scope: arguments.scope.as_deref(),
        refusal: None,
        policies: PoliciesKnown::Elsewhere,
    };
    let explanation = hand.explain(&call).await;
    let mut report = Report::new(&explanation, prepared.id());
    if context.what_store() == Store::Redis {
        report.kept = kept(arguments, context, &prepared, &params)?;
    }
    let exit = match report.is_fine() {
        true => Exit::Done,
        false => Exit::Findings,
    };
    Ok(Answer::new(exit, &report))
}

/// The entries of this call, whatever they are decoded into: found under the first table's tag by
/// the digest of text and parameters that they carry.
fn kept(
    arguments: &ExplainArguments,
    context: &Context,
    prepared: &Prepared,
    params: &[Param<'_>],
) -> Result<Option<Kept>, Failure> {
    let table = prepared.statement().table().cloned();
    let (Some(table), Some(call)) = (table, prepared.call_digest(params)) else {
        return Ok(None);
    };
    let store = context.store()?;
    let limits = InspectLimits::new()
        .with_scanned_max(arguments.scan_max)
        .with_keys_max(READ_MAX);
    let found = store
        .inspector(limits)
        .table(&table, store.config.table_shards)?;
    let read = found.largest.len();
    let of_call = found.largest.iter().filter(|entry| {
        let header = entry.header.as_ref();
        header.is_some_and(|header| header.call == call)
    });
    let now = SystemClock::default().now();
    Ok(Some(Kept {
        entries: of_call.map(|entry| Entry::new(entry, now)).collect(),
        complete: found.complete && u64::try_from(read).is_ok_and(|read| read >= found.entries),
    }))
}

/// Entries of the table that are read to find those of the statement.
const READ_MAX: usize = 100_000;
