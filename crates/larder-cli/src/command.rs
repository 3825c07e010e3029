//! The commands, one file each.

pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod invalidate;
pub(crate) mod keys;
pub(crate) mod outbox;
pub(crate) mod relay;
pub(crate) mod stats;
pub(crate) mod top;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{
    arguments::{Arguments, Command},
    context::Context,
    exit::Failure,
    output::Answer,
};

/// Runs a command. Completions need no context, and must not fail for the lack of one.
pub(crate) async fn run(
    command: Command,
    context: impl FnOnce() -> Result<Context, Failure>,
) -> Result<Answer, Failure> {
    match command {
        Command::Invalidate(arguments) => invalidate::run(&arguments, &context()?).await,
        Command::Keys(arguments) => keys::run(&arguments, &context()?),
        Command::Config(arguments) => config::run(&arguments, &context()?),
        Command::Explain(arguments) => explain::run(&arguments, &context()?).await,
        Command::Stats(arguments) => stats::run(&arguments, &context()?).await,
        Command::Top(arguments) => top::run(&arguments, &context()?).await,
        Command::Doctor(arguments) => doctor::run(&arguments, &context()?).await,
        Command::Outbox(arguments) => outbox::run(&arguments, &context()?).await,
        Command::Relay(arguments) => relay::run(&arguments, &context()?).await,
        Command::Completions { shell } => Ok(completions(shell)),
    }
}

fn completions(shell: Shell) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "larder", &mut script);
    Answer::text(String::from_utf8_lossy(&script).into_owned())
}
