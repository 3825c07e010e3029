//! Events as `tracing` events.

use larder_core::{BypassReason, Event, FillOutcome, Observer, StatementId};
use tracing::{debug, trace, warn};

/// Turns events into `tracing` events of the target `larder`, with the name of the statement
/// ([`StatementId`]) and the key of the table: never parameters, never values of rows.
///
/// - *warn*: faults of the store, the breaker opening, invalidations that could not be delivered, a
///   relay that could not deliver.
/// - *info*: the breaker closing, everything delivered.
/// - *debug*: misses, fills, invalidations, bypasses that a reader may want to do something about.
/// - *trace*: hits; bypasses that are as they should be (switched off, no policy, in a transaction).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingObserver;

impl TracingObserver {
    /// An observer that tells whichever subscriber is in force where an event happens.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Observer for TracingObserver {
    fn on_event(&self, event: &Event<'_>) {
        match *event {
            Event::Hit {
                table,
                statement,
                source,
                saved,
            } => trace!(
                target: "larder",
                statement = shown(statement),
                table = &*table.0,
                source = source.label(),
                saved_us = micros(saved),
                "hit"
            ),
            Event::Miss {
                table,
                statement,
                cause,
            } => debug!(
                target: "larder",
                statement = shown(statement),
                table = &*table.0,
                cause = cause.label(),
                "miss"
            ),
            Event::Fill {
                table,
                statement,
                outcome,
                bytes,
                took,
            } => debug!(
                target: "larder",
                statement = shown(statement),
                table = &*table.0,
                outcome = outcome.label(),
                stored = outcome == FillOutcome::Stored,
                bytes,
                took_us = micros(took),
                "fill"
            ),
            Event::Bypass {
                table,
                statement,
                reason,
            } => {
                let table = table.map(|table| &*table.0);
                let statement = shown(statement);
                if is_expected(reason) {
                    trace!(target: "larder", statement, table, reason = reason.label(), "bypass");
                } else {
                    debug!(target: "larder", statement, table, reason = %reason, "bypass");
                }
            }
            Event::Invalidate {
                cause,
                table,
                dropped,
            } => debug!(
                target: "larder",
                table = table.map_or("*", |table| &*table.0),
                cause = cause.label(),
                record = dropped.record,
                shapes = dropped.shapes,
                stamps = dropped.stamps,
                existed = dropped.existed,
                "invalidate"
            ),
            ref other => rare(other),
        }
    }
}

fn rare(event: &Event<'_>) {
    match *event {
        Event::Pending { changes } => {
            warn!(target: "larder", changes, "invalidations wait for delivery");
        }
        Event::Delivered => tracing::info!(target: "larder", "all invalidations are delivered"),
        Event::Relay {
            rows,
            lag,
            delivered,
        } => {
            let lag_us = micros(lag);
            if delivered {
                debug!(target: "larder", rows, lag_us, "relay");
            } else {
                warn!(target: "larder", rows, lag_us, "a relay could not deliver");
            }
        }
        Event::Fault { fault } => {
            let kind = fault.kind().label();
            warn!(target: "larder", kind, "the store failed");
        }
        Event::BreakerOpened => {
            warn!(target: "larder", "the breaker opened: the store is left alone")
        }
        Event::BreakerClosed => tracing::info!(target: "larder", "the breaker closed"),
        _ => {}
    }
}

fn is_expected(reason: &BypassReason) -> bool {
    matches!(
        reason,
        BypassReason::Disabled | BypassReason::NoPolicy | BypassReason::Transaction
    )
}

/// Formatted only where somebody listens.
fn shown(statement: Option<StatementId>) -> Option<tracing::field::DisplayValue<StatementId>> {
    statement.map(tracing::field::display)
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
