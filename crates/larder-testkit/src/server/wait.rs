use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Result, ServerError};

/// Waits until `condition` holds. A condition that cannot be read (a server is just starting) is
/// read again; its last error is part of the failure.
///
/// # Errors
///
/// When it does not hold within a minute.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = now() + PATIENCE;
    loop {
        let last = condition();
        if matches!(last, Ok(true)) {
            return Ok(());
        }
        if now() > deadline {
            let seconds = PATIENCE.as_secs();
            let error = last.err().map(|e| format!(": {e}")).unwrap_or_default();
            return Err(ServerError::new(format!(
                "waited {seconds} s until {what}{error}"
            )));
        }
        thread::sleep(POLL_INTERVAL);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "real servers live in real time, and only a test that fails waits long"
)]
fn now() -> Instant {
    Instant::now()
}

const POLL_INTERVAL: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(60);
