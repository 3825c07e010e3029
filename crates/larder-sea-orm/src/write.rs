//! Statements outside a transaction that may write: each in a task of its own, which invalidates
//! before the caller goes on.

use std::sync::Arc;

use larder_signals::{Changes, Planned, WriteGuard};
use sea_orm::{ConnectionTrait, DbErr};

use crate::{
    before::{EXTENSIBLE, Sent},
    failure,
    job::{Done, Job},
    shared::Shared,
    task, told,
};

/// Runs a statement that is not answered from the cache.
pub(crate) async fn run<C>(inner: &Arc<C>, shared: &Arc<Shared>, job: Job) -> Result<Done, DbErr>
where
    C: ConnectionTrait + Send + Sync + 'static,
{
    let Some(planned) = shared.plan(&**inner, job.sql()).await else {
        shared.larder().unseen();
        return job.run(&**inner).await;
    };
    if planned.only_reads() {
        let statement = job.statement(inner.get_database_backend());
        shared.track(&statement).await;
        let result = job.run(&**inner).await;
        shared.look_at(result.as_ref().err());
        shared.tracked();
        return result;
    }
    allowed(shared, &planned)?;
    // Made here: the task does not stand inside the caller's scopes.
    let guard = guard(shared, &planned);
    let (inner, shared) = (Arc::clone(inner), Arc::clone(shared));
    task::owned(async move { write(&*inner, &shared, &planned, guard, job).await }).await
}

/// Whether a statement may be sent that writes: the store of the cache may be down.
pub(crate) fn allowed(shared: &Shared, planned: &Planned) -> Result<(), DbErr> {
    let refusal = shared.larder().write_refusal();
    match refusal.filter(|_| planned.writes()) {
        Some(refusal) => Err(DbErr::Custom(refusal.to_string())),
        None => Ok(()),
    }
}

/// Guards a statement outside a transaction of the wrapper.
pub(crate) fn guard(shared: &Shared, planned: &Planned) -> WriteGuard {
    if planned.changes_session() || planned.controls_transaction() {
        // On a pool, nobody knows which connection that was, nor what later statements meet there.
        shared.bypass(planned);
    }
    // In a session that nobody knows, any statement may be the one that commits.
    let unknown = planned.changes_session() || planned.controls_transaction();
    if unknown || planned.outdated {
        return shared
            .larder()
            .begin_commit(&planned.source, Changes::Everything);
    }
    shared
        .larder()
        .begin_write(&planned.source, Arc::clone(&planned.prepared))
}

async fn write<C: ConnectionTrait + 'static>(
    inner: &C,
    shared: &Shared,
    planned: &Planned,
    mut guard: WriteGuard,
    job: Job,
) -> Result<Done, DbErr> {
    let (backend, exact) = (inner.get_database_backend(), shared.has_exact_rows());
    let statement = job.statement(backend).into_owned();
    let job = job.waiting_for_the_end(backend);
    let wanted = shared.larder().wanted(planned, EXTENSIBLE);
    let sent = Sent::new(shared, job, &statement, wanted);
    if planned.changes_schema() {
        // Before as well as after: what others write meanwhile is planned by no stale catalog.
        shared.schema_changed();
    }
    guard.sent();
    let (result, old) = sent.run(inner, planned).await;
    shared.look_at(result.as_ref().err());
    if planned.changes_schema() {
        shared.schema_changed();
    }
    match &result {
        Ok(done) => told::tell(
            planned,
            exact,
            &statement,
            Some((done, old.as_deref())),
            |params, returned| {
                guard.succeeded(params, returned);
            },
        ),
        Err(error) => match failure::of(error) {
            Some(failure) => {
                told::tell(planned, exact, &statement, None, |params, _| {
                    guard.failed(params, failure)
                });
            }
            None => {
                guard.handed_over();
                return result;
            }
        },
    }
    guard.deliver().await;
    result
}
