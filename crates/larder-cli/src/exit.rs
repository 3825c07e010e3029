//! How the command ends.

use std::{error::Error as StdError, fmt, process::ExitCode};

use larder_core::ErrorKind;
use sea_orm::DbErr;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// `doctor` has found something, or there was nothing that matched.
    Findings = 1,
    /// Wrong usage, or a wrong setting.
    Usage = 2,
    /// The store cannot be reached.
    Store = 3,
    /// The database cannot be reached, or refuses.
    Database = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What `--help` says of the exit codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  doctor has found something, or nothing matched
  2  wrong usage, or a setting that is wrong
  3  the store cannot be reached
  4  the database cannot be reached, or refuses";

/// Why the command did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    why: anyhow::Error,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            why: anyhow::Error::msg(message.into()),
        }
    }

    /// The same, and what for.
    pub(crate) fn context(self, what: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self {
            exit: self.exit,
            why: self.why.context(what),
        }
    }
}

/// The message and its causes, in one line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(self.why.chain()))
    }
}

impl From<larder_core::Error> for Failure {
    fn from(error: larder_core::Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Undelivered => Exit::Store,
            _ => Exit::Usage,
        };
        Self {
            exit,
            why: error.into(),
        }
    }
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Self {
            exit: Exit::Database,
            why: error.into(),
        }
    }
}

/// An error and its causes, in one line.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> String {
    joined(anyhow::Chain::new(error))
}

fn joined<'a>(chain: impl Iterator<Item = &'a (dyn StdError + 'static)>) -> String {
    let mut said = String::new();
    for cause in chain {
        let cause = cause.to_string();
        // Some errors repeat their cause in their own words.
        if !said.contains(&cause) {
            if !said.is_empty() {
                said.push_str(": ");
            }
            said.push_str(&cause);
        }
    }
    said
}
