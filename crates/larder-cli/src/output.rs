//! What is printed, for people or as JSON: the only place that prints.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use serde::Serialize;

use crate::exit::{Exit, Failure};

/// Where answers go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

/// What a command has to say.
#[derive(Debug)]
pub(crate) struct Answer {
    exit: Exit,
    human: String,
    json: String,
}

impl Answer {
    pub(crate) fn new(exit: Exit, report: &(impl Serialize + Display)) -> Self {
        Self {
            exit,
            human: report.to_string(),
            json: serde_json::to_string_pretty(report).unwrap_or_default(),
        }
    }

    /// A text that is the same for programs.
    pub(crate) fn text(text: String) -> Self {
        Self {
            exit: Exit::Done,
            json: text.clone(),
            human: text,
        }
    }
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read it.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// The answer of the command.
    pub(crate) fn answer(self, answer: &Answer) -> Exit {
        let text = if self.json {
            &answer.json
        } else {
            &answer.human
        };
        // Whoever closed the pipe wants no more.
        let _ = writeln!(io::stdout().lock(), "{}", text.trim_end());
        answer.exit
    }

    /// One line of a command that goes on.
    pub(crate) fn line(self, report: &(impl Serialize + Display)) {
        let text = match self.json {
            true => serde_json::to_string(report).unwrap_or_default(),
            false => report.to_string(),
        };
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    /// Something that a command which goes on survives.
    pub(crate) fn trouble(self, failure: &Failure) {
        let text = match self.json {
            true => serde_json::json!({ "error": failure.to_string() }).to_string(),
            false => format!("larder: {failure}"),
        };
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    pub(crate) fn failure(self, failure: &Failure) -> Exit {
        self.trouble(failure);
        failure.exit
    }
}
