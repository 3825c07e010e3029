//! What callers see when larder itself is told to do something that it cannot.

use std::{borrow::Cow, convert::Infallible, error, fmt};

use crate::Fault;

/// An error of larder. A cached query never returns one: faults of the cache go to the observer
/// and the query to the database.
pub struct Error {
    kind: ErrorKind,
    context: Cow<'static, str>,
    source: Option<Fault>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing or contradicts itself.
    Config,
    /// The store does not answer.
    Unavailable,
    /// Invalidations wait for delivery.
    Undelivered,
}

impl Error {
    /// A wrong setting, named by `context`.
    pub fn config(context: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: ErrorKind::Config,
            context: context.into(),
            source: None,
        }
    }

    /// Invalidations that wait for delivery.
    pub fn undelivered(context: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: ErrorKind::Undelivered,
            context: context.into(),
            source: None,
        }
    }

    /// The kind of this error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Undelivered)
    }

    /// Whether the store could not be reached.
    pub fn is_unavailable(&self) -> bool {
        self.kind == ErrorKind::Unavailable
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self {
            kind: ErrorKind::Unavailable,
            context: Cow::Borrowed("the store did not answer"),
            source: Some(fault),
        }
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.kind)
            .field("context", &self.context);
        out.field("source", &self.source).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source
            .as_ref()
            .map(|fault| fault as &(dyn error::Error + 'static))
    }
}
