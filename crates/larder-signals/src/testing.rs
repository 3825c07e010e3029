//! Assertions for applications' own tests: that a read is cached, and that a write drops it or keeps
//! it.
//!
//! Each assertion runs the read itself, twice or three times, on the connection that it names. The
//! verdict is of the reads inside the expression alone; what the message says of why comes from all
//! reads of that larder meanwhile, so give each test a larder of its own.

use std::sync::{Arc, Mutex, PoisonError};

use larder_core::ReadSummary;

use crate::{HookId, Larder, ReadAnswer};

/// Listens to a larder while a read is asserted on.
#[doc(hidden)]
#[derive(Debug)]
pub struct Asking<'a> {
    larder: &'a Larder,
    hook: HookId,
    heard: Arc<Mutex<Vec<String>>>,
}

/// What an asserted read came to.
#[doc(hidden)]
#[derive(Debug)]
pub struct Asked {
    summary: ReadSummary,
    heard: Vec<String>,
}

/// Lines of a message.
const HEARD_MAX: usize = 20;

impl<'a> Asking<'a> {
    #[doc(hidden)]
    pub fn new(larder: &'a Larder) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hook = {
            let heard = Arc::clone(&heard);
            larder.on_read(move |event| {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                if heard.len() < HEARD_MAX {
                    let of = event.table.map(|table| format!(" of {table}"));
                    let of = of.unwrap_or_default();
                    heard.push(match &event.answer {
                        ReadAnswer::Hit { .. } => format!("a hit{of}"),
                        ReadAnswer::Miss(cause) => format!("a miss{of}: {}", cause.label()),
                        ReadAnswer::Bypass(reason) => {
                            format!("past the cache{of}: {reason}")
                        }
                    });
                }
            })
        };
        Self {
            larder,
            hook,
            heard,
        }
    }

    #[doc(hidden)]
    pub fn end(self, summary: ReadSummary) -> Asked {
        self.larder.unsubscribe(self.hook);
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        Asked {
            summary,
            heard: heard.clone(),
        }
    }
}

impl Asked {
    fn is_hit(&self) -> bool {
        let ReadSummary {
            hits,
            misses,
            bypasses,
            ..
        } = self.summary;
        hits > 0 && misses == 0 && bypasses == 0
    }

    fn what(&self) -> String {
        match self.heard.is_empty() {
            true => "no read of this larder was seen: is its connection a wrapped one?".to_owned(),
            false => self.heard.join("; "),
        }
    }

    #[doc(hidden)]
    #[track_caller]
    pub fn must_hit(&self, read: &str, when: &str) {
        assert!(
            self.is_hit(),
            "`{read}` is not answered from the cache {when}: {}",
            self.what()
        );
    }

    #[doc(hidden)]
    #[track_caller]
    pub fn must_miss(&self, read: &str, write: &str) {
        assert!(
            self.summary.misses > 0,
            "`{read}` is still answered from the cache after `{write}`: {}",
            self.what()
        );
    }
}

/// Asserts that a read is cached: it runs twice, and the second time nothing in it goes to the
/// database.
///
/// For tasks; [`assert_cached_blocking!`](crate::assert_cached_blocking) is for threads.
///
/// # Panics
/// When it is not, with the reason.
///
/// # Examples
///
/// ```ignore
/// assert_cached!(larder, post::Entity::find_by_id(1).one(&db).await.unwrap());
/// ```
#[macro_export]
macro_rules! assert_cached {
    ($larder:expr, $read:expr $(,)?) => {{
        let larder: &$crate::Larder = &$larder;
        let _ = $read;
        let asking = $crate::testing::Asking::new(larder);
        let (_, summary) = larder.recorded(async { $read }).await;
        asking
            .end(summary)
            .must_hit(stringify!($read), "at the second time");
    }};
}

/// Asserts that a write drops what a read has stored: the read runs until it is cached, the write
/// runs, and the read must miss.
///
/// For tasks; [`assert_invalidates_blocking!`](crate::assert_invalidates_blocking) is for threads.
///
/// # Panics
/// When the read is not cached, or is still answered from the cache after the write.
///
/// # Examples
///
/// ```ignore
/// assert_invalidates!(
///     larder,
///     post::Entity::find_by_id(1).one(&db).await.unwrap(),
///     post::Entity::delete_by_id(1).exec(&db).await.unwrap(),
/// );
/// ```
#[macro_export]
macro_rules! assert_invalidates {
    ($larder:expr, $read:expr, $write:expr $(,)?) => {{
        let larder: &$crate::Larder = &$larder;
        $crate::assert_cached!(larder, $read);
        let _ = $write;
        let asking = $crate::testing::Asking::new(larder);
        let (_, summary) = larder.recorded(async { $read }).await;
        asking
            .end(summary)
            .must_miss(stringify!($read), stringify!($write));
    }};
}

/// Asserts that a write leaves what a read has stored: as
/// [`assert_invalidates!`](crate::assert_invalidates), and the read must still be a hit.
///
/// # Panics
/// When the read is not cached, or is not answered from the cache any more after the write.
#[macro_export]
macro_rules! assert_keeps {
    ($larder:expr, $read:expr, $write:expr $(,)?) => {{
        let larder: &$crate::Larder = &$larder;
        $crate::assert_cached!(larder, $read);
        let _ = $write;
        let asking = $crate::testing::Asking::new(larder);
        let (_, summary) = larder.recorded(async { $read }).await;
        let after = concat!("after `", stringify!($write), "`");
        asking.end(summary).must_hit(stringify!($read), after);
    }};
}

/// [`assert_cached!`](crate::assert_cached) for threads.
///
/// # Panics
/// As there.
#[macro_export]
macro_rules! assert_cached_blocking {
    ($larder:expr, $read:expr $(,)?) => {{
        let larder: &$crate::Larder = &$larder;
        let _ = $read;
        let asking = $crate::testing::Asking::new(larder);
        let (_, summary) = larder.recorded_blocking(|| $read);
        asking
            .end(summary)
            .must_hit(stringify!($read), "at the second time");
    }};
}

/// [`assert_invalidates!`](crate::assert_invalidates) for threads.
///
/// # Panics
/// As there.
#[macro_export]
macro_rules! assert_invalidates_blocking {
    ($larder:expr, $read:expr, $write:expr $(,)?) => {{
        let larder: &$crate::Larder = &$larder;
        $crate::assert_cached_blocking!(larder, $read);
        let _ = $write;
        let asking = $crate::testing::Asking::new(larder);
        let (_, summary) = larder.recorded_blocking(|| $read);
        asking
            .end(summary)
            .must_miss(stringify!($read), stringify!($write));
    }};
}

/// [`assert_keeps!`](crate::assert_keeps) for threads.
///
/// # Panics
/// As there.
#[macro_export]
macro_rules! assert_keeps_blocking {
    ($larder:expr, $read:expr, $write:expr $(,)?) => {{
        let larder: &$crate::Larder = &$larder;
        $crate::assert_cached_blocking!(larder, $read);
        let _ = $write;
        let asking = $crate::testing::Asking::new(larder);
        let (_, summary) = larder.recorded_blocking(|| $read);
        let after = concat!("after `", stringify!($write), "`");
        asking.end(summary).must_hit(stringify!($read), after);
    }};
}
