//! Functions that users have called when a read is answered, or is not.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use larder_core::{
    BypassReason, Cache, Event, HitSource, MissCause, Observer, StatementId, TableKey,
};

use crate::HookId;

/// A read that was answered from the cache, or goes to the database.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReadEvent<'a> {
    /// The key of the first table of the query; `None` = there is none.
    pub table: Option<&'a TableKey>,
    /// Which statement; `None` = one without a name.
    pub statement: Option<StatementId>,
    /// What it came to.
    pub answer: ReadAnswer<'a>,
}

/// What a read came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReadAnswer<'a> {
    /// It was answered.
    Hit {
        /// By whom.
        source: HitSource,
        /// What the query took that gave the result.
        saved: Duration,
    },
    /// It runs its query and is to store the result.
    Miss(MissCause),
    /// It runs its query and stores nothing.
    Bypass(&'a BypassReason),
}

type Hook = dyn Fn(&ReadEvent<'_>) + Send + Sync;

struct Listening(Box<Hook>);

impl Observer for Listening {
    fn on_event(&self, event: &Event<'_>) {
        if let Some(event) = of(event) {
            (self.0)(&event);
        }
    }
}

fn of<'a>(event: &Event<'a>) -> Option<ReadEvent<'a>> {
    Some(match *event {
        Event::Hit {
            table,
            statement,
            source,
            saved,
        } => ReadEvent {
            table: Some(table),
            statement,
            answer: ReadAnswer::Hit { source, saved },
        },
        Event::Miss {
            table,
            statement,
            cause,
        } => ReadEvent {
            table: Some(table),
            statement,
            answer: ReadAnswer::Miss(cause),
        },
        Event::Bypass {
            table,
            statement,
            reason,
        } => ReadEvent {
            table,
            statement,
            answer: ReadAnswer::Bypass(reason),
        },
        _ => return None,
    })
}

/// Which hooks of a larder listen to its cache.
#[derive(Default)]
pub(crate) struct ReadHooks(Mutex<Vec<(HookId, Arc<dyn Observer>)>>);

impl ReadHooks {
    pub(crate) fn add(&self, id: HookId, cache: &Cache, hook: Box<Hook>) {
        let observer: Arc<dyn Observer> = Arc::new(Listening(hook));
        cache.listen(observer.clone());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push((id, observer));
    }

    pub(crate) fn remove(&self, id: HookId, cache: &Cache) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(known, observer)| {
            if *known == id {
                cache.unlisten(observer);
            }
            *known != id
        });
    }
}

impl fmt::Debug for ReadHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHooks").finish_non_exhaustive()
    }
}
