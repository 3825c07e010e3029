//! Whether what was found answers a read.

use std::time::Duration;

use crate::{
    DependencyKey, ShapeName,
    clock::Moment,
    entry::{Content, Entry, Issued},
    observer::MissCause,
    store::{Lookup, Seen},
};

/// Whether a lookup answers a read that takes results up to this age.
///
/// # Errors
/// The cause of the miss.
pub fn verdict(
    lookup: &Lookup,
    dependencies: &[DependencyKey],
    ttl: Duration,
    now: Moment,
) -> Result<Content, MissCause> {
    let entry = lookup.entry.as_ref().ok_or(MissCause::NoEntry)?;
    judge(entry, &lookup.seen, dependencies, ttl, now)?;
    Ok(entry.content.clone())
}

pub(super) fn judge(
    entry: &Entry,
    seen: &[Seen],
    dependencies: &[DependencyKey],
    ttl: Duration,
    now: Moment,
) -> Result<(), MissCause> {
    if entry.expires <= now || entry.created + ttl <= now {
        return Err(MissCause::Expired);
    }
    if entry.stamps.len() != dependencies.len() || seen.len() != dependencies.len() {
        return Err(MissCause::Stamps);
    }
    for ((issued, seen), dependency) in entry.stamps.iter().zip(seen).zip(dependencies) {
        if issued.incarnation != seen.incarnation {
            return Err(MissCause::Incarnation);
        }
        // A missing stamp equals nothing (P1).
        if issued_now(seen, dependency, issued.widened) != Some(*issued) {
            return Err(MissCause::Stamps);
        }
    }
    Ok(())
}

/// The complete stamps of one dependency, if the lookup saw them.
pub(super) fn issued_now(seen: &Seen, dependency: &DependencyKey, widened: bool) -> Option<Issued> {
    let incarnation = seen.incarnation;
    if widened {
        // An entry names the empty shape itself, a read the one for which it stands in.
        let itself = || {
            seen.shape
                .filter(|_| dependency.shape == ShapeName::any_row())
        };
        return Some(Issued {
            incarnation,
            shape: seen.empty.or_else(itself)?,
            value: None,
            widened,
        });
    }
    let value = match dependency.value {
        Some(_) => Some(seen.value?),
        None => None,
    };
    Some(Issued {
        incarnation,
        shape: seen.shape?,
        value,
        widened,
    })
}
