//! Signals that end a command which goes on.

use crate::exit::Failure;

/// Ready when the process is told to end.
pub(crate) fn ended() -> Result<impl Future<Output = ()>, Failure> {
    let failed =
        |error: std::io::Error| Failure::usage(format!("signals cannot be heard: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupted = signal(SignalKind::interrupt()).map_err(failed)?;
        Ok(async move {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
        })
    }
    #[cfg(windows)]
    {
        let mut interrupted = tokio::signal::windows::ctrl_c().map_err(failed)?;
        Ok(async move {
            interrupted.recv().await;
        })
    }
}
