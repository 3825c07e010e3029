//! BEGIN, which is never dropped half way.

use std::{future::Future, sync::Arc};

use larder_signals::{Changes, Returned};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use crate::{shared::Shared, task, transaction::CachedTransaction};

/// Begins a transaction. A driver whose BEGIN is dropped half way forgets that its connection is in
/// a transaction, so it is not dropped where a task can go on with it.
pub(crate) async fn begun<C, T>(
    inner: &C,
    shared: &Arc<Shared>,
    begin: impl Future<Output = Result<T, DbErr>> + Send + 'static,
) -> Result<CachedTransaction<T>, DbErr>
where
    C: ConnectionTrait,
    T: ConnectionTrait + Send + 'static,
{
    shared.keep(inner).await;
    let beginning = Beginning {
        shared: Arc::clone(shared),
        backend: inner.get_database_backend(),
        over: false,
    };
    let inner = task::owned(async move { beginning.end(begin).await }).await?;
    Ok(CachedTransaction::outermost(inner, shared))
}

/// A BEGIN on its way.
struct Beginning {
    shared: Arc<Shared>,
    backend: DbBackend,
    over: bool,
}

impl Beginning {
    async fn end<T>(mut self, begin: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let guard = self.shared.is_bypassed().then(|| {
            // It may commit what statements of text have left open.
            let source = self.shared.source_or_stranger(self.backend);
            let mut guard = self
                .shared
                .larder()
                .begin_commit(source, Changes::Everything);
            guard.sent();
            guard
        });
        let result = begin.await;
        self.over = true;
        if let Some(mut guard) = guard {
            guard.succeeded(&[], Returned::Nothing);
            guard.deliver().await;
        }
        result
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        if !self.over {
            self.shared.bypass_silently();
        }
    }
}
