//! Work that must reach its end although its caller is dropped.

use std::panic;

use sea_orm::{DbErr, RuntimeErr};
use tracing::Instrument;

/// Runs the future in a task of its own and waits for it: dropping the caller lets it finish. The
/// task keeps the caller's tracing span, and a panic in it resumes in the caller. Outside a tokio
/// runtime it runs in place.
pub(crate) async fn owned<T: Send + 'static>(
    work: impl Future<Output = Result<T, DbErr>> + Send + 'static,
) -> Result<T, DbErr> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return work.await;
    };
    match runtime.spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panicked) => panic::resume_unwind(panicked),
            // Nobody else holds the handle that could cancel it.
            Err(_) => Err(DbErr::Conn(RuntimeErr::Internal(
                "the runtime is shutting down".into(),
            ))),
        },
    }
}
