//! Values as people write them.

use std::fmt;

use super::Value;

/// Characters of a text, and bytes of a byte string, that are shown.
const SHOWN_MAX: usize = 64;

/// As a literal would be written. Long texts and byte strings are cut.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(value) | Self::Enum(value) => quoted(f, value),
            Self::Uuid(value) => uuid(f, value),
            Self::Date(days) => date(f, *days),
            Self::Timestamp(micros) => moment(f, *micros),
            Self::TimestampTz(micros) => {
                moment(f, *micros)?;
                f.write_str("+00")
            }
            Self::Decimal(value) => f.write_str(value),
            Self::Bytes(value) => {
                f.write_str("x'")?;
                for byte in value.iter().take(SHOWN_MAX) {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str(if value.len() > SHOWN_MAX { "..'" } else { "'" })
            }
            Self::Present => f.write_str("not null"),
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("'")?;
    let mut rest = text.chars();
    for c in rest.by_ref().take(SHOWN_MAX) {
        match c {
            '\'' => f.write_str("''")?,
            c if c.is_control() => write!(f, "{}", c.escape_default())?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str(if rest.next().is_some() { "..'" } else { "'" })
}

fn uuid(f: &mut fmt::Formatter<'_>, bytes: &[u8; 16]) -> fmt::Result {
    for (at, byte) in bytes.iter().enumerate() {
        let dash = if matches!(at, 4 | 6 | 8 | 10) {
            "-"
        } else {
            ""
        };
        write!(f, "{dash}{byte:02x}")?;
    }
    Ok(())
}

/// Howard Hinnant's `civil_from_days` (https://howardhinnant.github.io/date_algorithms.html).
fn date(f: &mut fmt::Formatter<'_>, days: i64) -> fmt::Result {
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    write!(f, "{year:04}-{month:02}-{day:02}")
}

fn moment(f: &mut fmt::Formatter<'_>, micros: i64) -> fmt::Result {
    const DAY: i64 = 86_400_000_000;
    date(f, micros.div_euclid(DAY))?;
    let of_day = micros.rem_euclid(DAY);
    let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    write!(f, " {hours:02}:{minutes:02}:{:02}", seconds % 60)?;
    match fraction {
        0 => Ok(()),
        fraction => write!(f, ".{}", format!("{fraction:06}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::moment::{parse_date, parse_timestamp};

    #[test]
    fn days_and_moments_read_back_as_they_were() {
        for text in [
            "0001-01-01",
            "1969-12-31",
            "1970-01-01",
            "2024-02-29",
            "9999-12-31",
        ] {
            let days = parse_date(text).expect("a date");
            assert_eq!(Value::Date(days).to_string(), text);
        }
        for days in (-700_000..2_900_000).step_by(97) {
            let text = Value::Date(days).to_string();
            assert_eq!(parse_date(&text), Some(days), "{text}");
        }
        for text in [
            "1969-12-31 23:59:59.999999",
            "2026-11-26 12:00:00",
            "2026-11-26 12:00:00.5",
        ] {
            let micros = parse_timestamp(text).expect("a moment");
            assert_eq!(Value::Timestamp(micros).to_string(), text);
        }
    }

    #[test]
    fn texts_are_quoted_and_cut() {
        let text = |text: &str| Value::Text(text.into()).to_string();
        assert_eq!(text("it's"), "'it''s'");
        assert_eq!(text("a\nb"), "'a\\nb'");
        assert_eq!(text(&"x".repeat(65)), format!("'{}..'", "x".repeat(64)));
        let id = Value::Uuid([0x12; 16]);
        assert_eq!(id.to_string(), "12121212-1212-1212-1212-121212121212");
        assert_eq!(Value::Bytes([1, 255].into()).to_string(), "x'01ff'");
    }
}
