//! What becomes of writes while their invalidations cannot be delivered.

use larder_core::Error;

use crate::Larder;

/// What becomes of writes while the store cannot be reached, so that what they invalidate may be
/// served by other processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Undelivered {
    /// They go on. Their invalidations wait, and this process goes past the cache for their tables
    /// until they are delivered (G2).
    #[default]
    Accept,
    /// They fail before they are sent, with the error type of their ORM. One that was sent already
    /// never fails for the cache's sake, and neither does a COMMIT: its invalidations wait.
    Refuse,
}

impl Larder {
    /// Why a write must not be sent now, for adapters to ask before they send it.
    #[must_use]
    pub fn write_refusal(&self) -> Option<Error> {
        if self.inner.undelivered == Undelivered::Accept {
            return None;
        }
        let cache = &self.inner.cache;
        if cache.is_store_down() {
            // Without reads, nobody else would find out that it is back.
            self.inner.delivery.wake_to_probe();
            return Some(Error::undelivered(STORE_DOWN));
        }
        (cache.pending() > 0).then(|| Error::undelivered(WAITING))
    }
}

const STORE_DOWN: &str = "larder refused the write before it was sent: the store of the cache \
                          cannot be reached, so other processes could not be told of it";
const WAITING: &str = "larder refused the write before it was sent: invalidations of earlier \
                       writes wait for delivery";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use larder_core::{ErrorKind, Limits};

    use super::*;
    use crate::fixtures::*;

    fn rig(undelivered: Undelivered, breaker_faults: u32) -> Rig {
        let mut limits = Limits::default();
        limits.breaker_faults = breaker_faults;
        limits.breaker_open = Duration::from_secs(1);
        Rig::with(|builder| builder.undelivered(undelivered).limits(limits))
    }

    fn write(rig: &Rig) {
        let mut guard = rig.guard();
        guard.sent();
        guard.succeeded(&[], crate::Returned::Nothing);
        guard.deliver_blocking();
    }

    #[test]
    fn writes_are_refused_while_an_earlier_invalidation_waits() {
        let rig = rig(Undelivered::Refuse, 0);
        assert!(rig.larder.write_refusal().is_none());
        rig.break_store(true);
        write(&rig);
        let refusal = rig.larder.write_refusal().expect("something waits");
        assert_eq!(refusal.kind(), ErrorKind::Undelivered);
        assert_eq!(refusal.to_string(), WAITING);
        rig.break_store(false);
        assert!(rig.flush());
        assert!(rig.larder.write_refusal().is_none());
    }

    #[test]
    fn writes_are_refused_while_the_store_is_down_until_the_thread_finds_it_again() {
        let rig = rig(Undelivered::Refuse, 1);
        rig.break_store(true);
        // A read finds out; nothing waits for delivery.
        let _ = lookup(rig.cache(), "post");
        assert_eq!(rig.cache().pending(), 0);
        let refusal = rig.larder.write_refusal().expect("the store is down");
        assert_eq!(refusal.to_string(), STORE_DOWN);
        rig.break_store(false);
        assert!(rig.larder.write_refusal().is_some());
        rig.clock.advance(Duration::from_secs(2));
        eventually("the store is found again", || {
            rig.larder.write_refusal().is_none()
        });
    }

    #[test]
    fn writes_go_on_by_default() {
        let rig = rig(Undelivered::Accept, 1);
        rig.break_store(true);
        write(&rig);
        assert!(rig.larder.write_refusal().is_none());
        assert!(rig.cache().pending() > 0);
    }
}
