#![doc = include_str!("../README.md")]

// A command is one file of `command/`: a function that takes its arguments and the context (store,
// namespace, database) and gives an answer, which `output` alone prints.

mod arguments;
mod command;
mod context;
mod counted;
mod database;
mod exit;
mod life;
mod output;
mod place;
mod signals;
mod store;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{arguments::Arguments, context::Context, exit::Failure, output::Output};

/// Runs the command with the arguments of this process, and says how it ended.
pub fn run() -> ExitCode {
    // Wrong usage ends here, with the code 2 and what to do.
    let arguments = Arguments::parse();
    let output = Output::new(arguments.global.json);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let answer = match runtime {
        Ok(runtime) => {
            let answer = runtime.block_on(command::run(arguments.command, || {
                Context::new(&arguments.global, output)
            }));
            // What a lost server still owes is not waited for.
            runtime.shutdown_background();
            answer
        }
        Err(error) => Err(Failure::usage(format!(
            "no threads can be started: {error}"
        ))),
    };
    match answer {
        Ok(answer) => output.answer(&answer).into(),
        Err(failure) => output.failure(&failure).into(),
    }
}
