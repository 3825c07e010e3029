//! The small texts of a configuration: numbers, durations, percent-encoding.

use std::{str::FromStr, time::Duration};

use percent_encoding::percent_decode_str;

/// A number of digits alone; Rust's own would take a `+` as well.
pub(super) fn number<T: FromStr>(text: &str) -> Option<T> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Reads `500ms`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (count, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let count: u64 = number(count)?;
    count.checked_mul(*scale).map(Duration::from_millis)
}

/// What [`duration`] reads; `None` when it is no whole number of milliseconds, or out of range.
pub(super) fn duration_text(duration: Duration) -> Option<String> {
    let milliseconds = u64::try_from(duration.as_millis()).ok()?;
    if Duration::from_millis(milliseconds) != duration {
        return None;
    }
    // The last unit divides everything.
    let (unit, scale) = UNITS
        .iter()
        .find(|(_, scale)| milliseconds > 0 && milliseconds.is_multiple_of(*scale))
        .unwrap_or(&("ms", 1));
    Some(format!("{}{unit}", milliseconds / scale))
}

/// Undoes percent-encoding; `None` when a `%` begins no encoded byte, or the bytes are no UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    let is_encoded = |after: &str| {
        let digits = after.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(is_encoded) {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// Why a text is no duration.
pub(super) const NO_DURATION: &str =
    "a duration is no whole number with ms, s, m or h: write it as 500ms";

/// Units with their milliseconds, the longest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
