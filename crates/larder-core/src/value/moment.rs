//! Dates, timestamps, UUIDs and hex as PostgreSQL prints them: one strict spelling each.

/// 0001-01-01 and 9999-12-31: what every server stores and prints alike.
const DAYS_MIN: i64 = -719_162;
const DAYS_MAX: i64 = 2_932_896;
const DAY_MICROS: i64 = 86_400_000_000;

/// Days since 1970-01-01 inside the common range.
pub(super) fn days(days: i64) -> Option<i64> {
    (DAYS_MIN..=DAYS_MAX).contains(&days).then_some(days)
}

/// Microseconds since 1970-01-01 inside the common range that need no more fractional digits than
/// `precision`.
pub(super) fn micros(micros: i64, precision: u8) -> Option<i64> {
    let unit = 10_i64.pow(6_u32.saturating_sub(u32::from(precision)));
    days(micros.div_euclid(DAY_MICROS))?;
    (micros % unit == 0).then_some(micros)
}

/// `2024-02-29`.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    (rest.is_empty() && year >= 1 && (1..=month_days).contains(&day)).then_some(())?;
    days(days_from_civil(year, month, day))
}

/// `2024-02-29 12:30:00`, perhaps with up to six fractional digits.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ')?;
    let (micros, rest) = parse_time(time)?;
    rest.is_empty()
        .then_some(parse_date(date)? * DAY_MICROS + micros)
}

/// As [`parse_timestamp`] with an explicit offset, `+00` or `+05:30`: without one the session's
/// time zone would decide.
pub(super) fn parse_instant(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ')?;
    let (micros, rest) = parse_time(time)?;
    let (sign, offset) = match rest.split_at_checked(1)? {
        ("+", offset) => (1, offset),
        ("-", offset) => (-1, offset),
        _ => return None,
    };
    let (hours, rest) = digits(offset, 2)?;
    let minutes = match rest.strip_prefix(':') {
        Some(minutes) => digits(minutes, 2).filter(|(_, rest)| rest.is_empty())?.0,
        None => rest.is_empty().then_some(0)?,
    };
    (hours <= 14 && minutes < 60).then_some(())?;
    let offset_micros = sign * (hours * 60 + minutes) * 60_000_000;
    Some(parse_date(date)? * DAY_MICROS + micros - offset_micros)
}

/// Lower-case hyphenated form.
pub(super) fn uuid(text: &str) -> Option<[u8; 16]> {
    let mut parts = text.split('-');
    let mut digits = String::with_capacity(32);
    for length in [8, 4, 4, 4, 12] {
        let part = parts.next().filter(|part| part.len() == length)?;
        digits.push_str(part);
    }
    parts.next().is_none().then_some(())?;
    (!digits.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(())?;
    hex(&digits)?.try_into().ok()
}

/// Pairs of hex digits.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let mut pairs = text.as_bytes().chunks_exact(2);
    let bytes = pairs
        .by_ref()
        .map(|pair| match pair {
            [high, low] => Some(nibble(*high)? * 16 + nibble(*low)?),
            _ => None,
        })
        .collect();
    pairs.remainder().is_empty().then_some(bytes)?
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

/// `12:30:00[.123456]` and what follows it.
fn parse_time(text: &str) -> Option<(i64, &str)> {
    let (hours, rest) = digits(text, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (seconds, rest) = digits(rest.strip_prefix(':')?, 2)?;
    (hours < 24 && minutes < 60 && seconds < 60).then_some(())?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            (1..=6).contains(&length).then_some(())?;
            let (number, rest) = digits(rest, length)?;
            (number * 10_i64.pow(6 - u32::try_from(length).ok()?), rest)
        }
    };
    Some((
        ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction,
        rest,
    ))
}

/// Exactly `length` ASCII digits and what follows them.
fn digits(text: &str, length: usize) -> Option<(i64, &str)> {
    let (head, rest) = text.split_at_checked(length)?;
    let is_plain = head.bytes().all(|byte| byte.is_ascii_digit());
    Some((is_plain.then(|| head.parse().ok()).flatten()?, rest))
}

/// Howard Hinnant's `days_from_civil` for years from 1 on (https://howardhinnant.github.io/date_algorithms.html).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
