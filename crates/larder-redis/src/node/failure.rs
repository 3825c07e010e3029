//! Why a server could not be spoken to.

use larder_core::{Error, Fault, FaultKind};
use redis::RedisError;

use crate::exchange::Unsent;

/// Why a server could not be spoken to.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    /// The connection was gone, or none could be made: another attempt may fare better.
    was_dropped: bool,
    /// A setting is wrong: no attempt will fare better.
    wrong: Option<&'static str>,
}

impl Failure {
    /// The wrong setting behind it.
    pub(crate) fn into_config_error(self) -> Result<Fault, Error> {
        match self.wrong {
            Some(wrong) => Err(Error::config(wrong)),
            None => Ok(self.fault),
        }
    }

    /// Whether a setting is wrong.
    pub(crate) fn is_wrong(&self) -> bool {
        self.wrong.is_some()
    }

    pub(crate) fn wrong(wrong: &'static str) -> Self {
        Self {
            fault: Fault::new(FaultKind::Unavailable),
            was_dropped: false,
            wrong: Some(wrong),
        }
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        let kind = match error.code() {
            Some("OOM") => FaultKind::Full,
            _ if error.is_timeout() => FaultKind::Timeout,
            _ if error.kind() == redis::ErrorKind::Parse => FaultKind::Protocol,
            _ => FaultKind::Unavailable,
        };
        Self {
            was_dropped: !error.is_timeout()
                && (error.is_connection_dropped() || error.is_unrecoverable_error()),
            wrong: wrong(&error),
            fault: Fault::new(kind).because(error),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            was_dropped: false,
            wrong: None,
        }
    }
}

impl From<Fault> for Unsent {
    fn from(fault: Fault) -> Self {
        Failure::from(fault).into()
    }
}

impl From<Failure> for Unsent {
    fn from(failure: Failure) -> Self {
        let Failure {
            fault, was_dropped, ..
        } = failure;
        Self { fault, was_dropped }
    }
}

fn wrong(error: &RedisError) -> Option<&'static str> {
    let detail = error.detail().unwrap_or_default();
    match error.code() {
        Some("NOAUTH") => Some(NO_PASSWORD),
        Some("WRONGPASS") => Some(WRONG_PASSWORD),
        Some("NOPERM") => Some(NOT_PERMITTED),
        _ if error.kind() == redis::ErrorKind::AuthenticationFailed => Some(WRONG_PASSWORD),
        _ if detail.contains("DB index is out of range") => Some(NO_DATABASE),
        _ => None,
    }
}

const NO_PASSWORD: &str = "the redis server asks for a password: set password, and username \
                           where the server has ACL users";
const WRONG_PASSWORD: &str =
    "the redis server refuses username and password: they are wrong, or the user is switched off";
const NOT_PERMITTED: &str = "the redis user lacks permissions: larder needs +info +client \
                             +@read +@write +wait on the keys of its namespace";
const NO_DATABASE: &str = "the redis server has no database of that number: lower database, or \
                           raise databases in the server's configuration";
