//! `larder explain`: what becomes of a statement, and why.

mod parameter;
mod report;

use clap::Args;
use larder_core::Param;
use larder_signals::{ExplainCall, PoliciesKnown, ReadOptions};

use self::report::Report;
use crate::{
    context::Context,
    exit::{EXIT_CODES, Exit, Failure},
    output::Answer,
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
    let report = Report::new(&explanation);
    let exit = match report.is_fine() {
        true => Exit::Done,
        false => Exit::Findings,
    };
    Ok(Answer::new(exit, &report))
}
