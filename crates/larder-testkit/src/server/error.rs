use std::{fmt, io, path::Path, sync::Arc};

/// Why a private server could not be used. Cheap to clone, because a shared server that failed
/// once reports the same failure to every test.
#[derive(Clone, Debug)]
pub struct ServerError {
    message: Arc<str>,
}

/// The result of working with a private server.
pub type Result<T> = std::result::Result<T, ServerError>;

impl ServerError {
    pub(super) fn new(message: impl Into<Arc<str>>) -> Self {
        Self {
            message: message.into(),
        }
    }

    /// An I/O error, with what was being done to which path.
    pub(super) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("cannot {doing} {}: {error}", path.display()))
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ServerError {}
