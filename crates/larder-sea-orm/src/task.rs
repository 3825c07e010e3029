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

#[cfg(test)]
mod tests {
    use std::{
        panic::AssertUnwindSafe,
        sync::{Arc, Mutex},
        task::{Context, Waker},
    };

    use super::owned;

    #[test]
    fn work_outside_a_runtime_runs_in_place() {
        let here = std::thread::current().id();
        let mut work = Box::pin(owned(async { Ok(std::thread::current().id()) }));
        let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, std::task::Poll::Ready(Ok(id)) if id == here));
    }

    #[tokio::test]
    async fn work_goes_on_without_its_caller() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let done = Arc::new(Mutex::new(Some(sender)));
        let mut work = Box::pin(owned(async move {
            tokio::task::yield_now().await;
            let sender = done.lock().unwrap().take();
            sender
                .unwrap()
                .send(7)
                .map_err(|_| sea_orm::DbErr::Custom(String::new()))
        }));
        assert!(
            work.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        drop(work);
        assert_eq!(receiver.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn panic_resumes_in_the_caller() {
        let caller = tokio::spawn(AssertUnwindSafe(owned::<()>(async {
            panic!("of the work")
        })));
        let panic = caller.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"of the work"));
    }
}
