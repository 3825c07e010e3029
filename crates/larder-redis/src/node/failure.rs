//! Why a server could not be spoken to.

use larder_core::{Error, Fault, FaultKind};
use redis::{RedisError, ServerError};

use crate::exchange::{Lost, Unsent};

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
            wrong: Some(wrong),
            // What was right at the start may become wrong later, and then nobody sees an error.
            ..unavailable(Lost(wrong))
        }
    }

    /// The same, where a sentinel said so: it has settings of its own.
    pub(crate) fn of_sentinel(self) -> Self {
        let wrong = match self.wrong {
            Some(NO_PASSWORD) => SENTINEL_NO_PASSWORD,
            Some(WRONG_PASSWORD) => SENTINEL_WRONG_PASSWORD,
            Some(NO_PASSWORD_THERE) => SENTINEL_NO_PASSWORD_THERE,
            Some(NO_USERS) => SENTINEL_NO_USERS,
            Some(NOT_PERMITTED) => SENTINEL_NOT_PERMITTED,
            _ => return self,
        };
        Self::wrong(wrong)
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

/// A server that cannot be used now, and perhaps later.
pub(super) fn unavailable(why: Lost) -> Failure {
    Fault::new(FaultKind::Unavailable).because(why).into()
}

/// What a server said instead of an answer.
pub(super) fn refused(error: &ServerError) -> Failure {
    RedisError::from(error.clone()).into()
}

fn wrong(error: &RedisError) -> Option<&'static str> {
    let detail = error.detail().unwrap_or_default();
    match error.code() {
        Some("NOAUTH") => Some(NO_PASSWORD),
        Some("NOPERM") => Some(NOT_PERMITTED),
        _ if detail.contains("out of range") => Some(NO_DATABASE),
        #[cfg(feature = "tls")]
        None => super::certificate::wrong(error),
        _ => None,
    }
}

pub(crate) const NO_PASSWORD: &str = "the redis server asks for a password: set password, and \
                                      username where the server has ACL users";
pub(crate) const WRONG_PASSWORD: &str = "the redis server refuses username and password: they are \
                                         wrong, or the user is switched off";
pub(crate) const NO_PASSWORD_THERE: &str = "the redis server has no password: leave password away, \
                                            or set username where the server has ACL users";
pub(crate) const NO_USERS: &str =
    "the redis server is older than Redis 6 and has no users: leave username away";
pub(crate) const NOT_PERMITTED: &str = "the redis user lacks permissions: larder needs +info +wait +@read +@write on the keys of its \
     namespace, +select for a database, +client|setname for client_name, +cluster|slots \
     +cluster|nodes +asking in a cluster";
const NO_DATABASE: &str = "the redis server has no database of that number: lower database, or \
                           raise databases in the server's configuration";

const SENTINEL_NO_PASSWORD: &str = "the sentinels ask for a password: set that of the sentinels \
                                    (in a URL ?sentinel_password=..), and their username where \
                                    they have ACL users";
const SENTINEL_WRONG_PASSWORD: &str = "the sentinels refuse their username and password: they are \
                                       wrong, or the user is switched off";
const SENTINEL_NO_PASSWORD_THERE: &str = "the sentinels have no password: leave that of the \
                                          sentinels away, or set their username where they have \
                                          ACL users";
const SENTINEL_NO_USERS: &str = "the sentinels are older than Redis 6 and have no users: leave \
                                 their username away";
const SENTINEL_NOT_PERMITTED: &str = "the user of the sentinels lacks permissions: larder needs \
                                      +sentinel|get-master-addr-by-name";
