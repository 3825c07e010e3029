//! A few values kept for good, found without a lock.

use std::{fmt, ops::Deref, sync::OnceLock};

/// Up to `N` values by key. What does not fit any more is made anew for each caller.
pub(crate) struct Slots<K, V, const N: usize> {
    slots: [OnceLock<Box<(K, V)>>; N],
}

/// A value in a slot, or one that found none free.
pub(crate) enum Slot<'a, V> {
    Kept(&'a V),
    Loose(V),
}

impl<K: PartialEq + Copy, V, const N: usize> Slots<K, V, N> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: [const { OnceLock::new() }; N],
        }
    }

    /// The value under `key`, made when it is not there yet. Two threads may both make it; they
    /// make the same.
    pub(crate) fn find_or_make(&self, key: K, make: impl Fn() -> V) -> Slot<'_, V> {
        for slot in &self.slots {
            let (kept, value) = &**slot.get_or_init(|| Box::new((key, make())));
            if *kept == key {
                return Slot::Kept(value);
            }
        }
        Slot::Loose(make())
    }
}

impl<V> Deref for Slot<'_, V> {
    type Target = V;

    fn deref(&self) -> &V {
        match self {
            Self::Kept(value) => value,
            Self::Loose(value) => value,
        }
    }
}

impl<K, V, const N: usize> fmt::Debug for Slots<K, V, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self
            .slots
            .iter()
            .filter(|slot| slot.get().is_some())
            .count();
        f.debug_struct("Slots").field("used", &used).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_value_is_made_once_and_a_loose_one_each_time() {
        let slots = Slots::<u8, u8, 2>::new();
        for key in [1, 2, 3, 1, 2, 3] {
            assert_eq!(*slots.find_or_make(key, || key * 10), key * 10);
        }
        assert!(matches!(slots.find_or_make(1, || 0), Slot::Kept(10)));
        assert!(matches!(slots.find_or_make(3, || 0), Slot::Loose(0)));
    }
}
