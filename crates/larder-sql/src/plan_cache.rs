//! A bounded map from SQL text to whatever was made of it once.
//!
//! Texts whose length varies with their parameters (`IN ($1, $2, ..)`, many-row INSERTs) live in a
//! small segment of their own: a thousand lengths of one list push out each other, never the
//! statements that an application sends all day.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use quick_cache::sync::Cache;

/// Values by SQL text, shared by all threads.
pub struct PlanCache<V> {
    fixed: Cache<Arc<str>, Arc<V>>,
    variable: Cache<Arc<str>, Arc<V>>,
    /// The last text that was too long for the segments.
    long: Mutex<Option<(Box<str>, Arc<V>)>>,
}

impl<V> PlanCache<V> {
    /// A cache of at most `capacity` texts of fixed arity, and a tenth as many of variable arity.
    /// Zero keeps nothing of note: every text is analysed anew.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            fixed: Cache::new(capacity),
            variable: Cache::new(capacity.div_ceil(10)),
            long: Mutex::default(),
        }
    }

    /// The value of this very text.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<Arc<V>> {
        if text.len() > TEXT_BYTES_MAX {
            let long = self.long();
            let known = long.as_ref().filter(|(known, _)| **known == *text);
            return known.map(|(_, value)| Arc::clone(value));
        }
        self.fixed.get(text).or_else(|| self.variable.get(text))
    }

    /// Keeps a value. The capacity counts texts, not bytes, so of those above 64 KiB the last one
    /// alone is kept: a query is planned once for its read and its run, and a bulk load pushes out
    /// nothing. Above 4 MiB none is.
    pub fn insert(&self, text: &str, value: Arc<V>, variable_arity: bool) {
        if text.len() > TEXT_BYTES_MAX {
            if text.len() <= LONG_BYTES_MAX {
                *self.long() = Some((text.into(), value));
            }
            return;
        }
        let segment = if variable_arity {
            &self.variable
        } else {
            &self.fixed
        };
        segment.insert(Arc::from(text), value);
    }

    /// Forgets everything; for when the catalog has changed.
    pub fn clear(&self) {
        self.fixed.clear();
        self.variable.clear();
        *self.long() = None;
    }

    fn long(&self) -> MutexGuard<'_, Option<(Box<str>, Arc<V>)>> {
        self.long.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many texts are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fixed.len() + self.variable.len() + usize::from(self.long().is_some())
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<V> fmt::Debug for PlanCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanCache")
            .field("fixed", &self.fixed.len())
            .field("variable", &self.variable.len())
            .finish()
    }
}

const TEXT_BYTES_MAX: usize = 64 << 10;
const LONG_BYTES_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_itself_alone() {
        let cache = PlanCache::new(100);
        cache.insert("SELECT 1", Arc::new(1), false);
        assert_eq!(cache.get("SELECT 1").as_deref(), Some(&1));
        assert_eq!(cache.get("select 1"), None);
    }

    #[test]
    fn lists_of_many_lengths_do_not_flood_the_fixed_texts() {
        let cache = PlanCache::new(1_000);
        for n in 0..500 {
            cache.insert(&format!("SELECT {n}"), Arc::new(n), false);
        }
        for n in 0..20_000 {
            cache.insert(&format!("SELECT a IN ({n})"), Arc::new(n), true);
        }
        for n in 0..500 {
            assert_eq!(cache.get(&format!("SELECT {n}")).as_deref(), Some(&n));
        }
    }

    #[test]
    fn the_number_of_texts_is_bounded() {
        let cache = PlanCache::new(100);
        for n in 0..10_000 {
            cache.insert(&format!("SELECT {n}"), Arc::new(n), n % 2 == 0);
        }
        assert!(cache.len() <= 110, "{cache:?}");
    }

    #[test]
    fn of_long_texts_the_last_is_kept_and_of_huge_ones_none() {
        let cache = PlanCache::new(100);
        let (one, other) = ("x".repeat(TEXT_BYTES_MAX + 1), "y".repeat(LONG_BYTES_MAX));
        cache.insert(&one, Arc::new(1), false);
        assert_eq!(cache.get(&one).as_deref(), Some(&1));
        cache.insert(&other, Arc::new(2), true);
        let huge = "z".repeat(LONG_BYTES_MAX + 1);
        cache.insert(&huge, Arc::new(3), true);
        assert_eq!(cache.get(&one), None);
        assert_eq!(cache.get(&other).as_deref(), Some(&2));
        assert_eq!(cache.get(&huge), None);
        assert_eq!(cache.len(), 1);
        cache.clear();
        assert!(cache.is_empty());
    }

    #[test]
    fn clear_forgets_both_segments() {
        let cache = PlanCache::new(100);
        cache.insert("a", Arc::new(()), false);
        cache.insert("b", Arc::new(()), true);
        cache.clear();
        assert!(cache.is_empty());
    }
}
