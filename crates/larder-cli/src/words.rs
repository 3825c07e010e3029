//! Numbers in words.

use std::time::Duration;

/// `1 row`, `2 rows`.
pub(crate) fn count(number: u64, one: &str) -> String {
    plural(number, one, &format!("{one}s"))
}

/// `1 entry`, `2 entries`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{number} {noun}")
}

/// `850 B`, `1.5 KiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut scaled, mut unit) = (bytes as f64, 0);
    while scaled >= 1024.0 && unit + 1 < units.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    let name = units.get(unit).unwrap_or(&"B");
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{scaled:.1} {name}"),
    }
}

/// The two largest units: `12ms`, `3s`, `4m 5s`, `2h 10m`, `3d 4h`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let two = |large: u64, l: &str, small: u64, s: &str| match small {
        0 => format!("{large}{l}"),
        _ => format!("{large}{l} {small}{s}"),
    };
    match seconds {
        0 if duration.as_millis() == 0 => format!("{}us", duration.as_micros()),
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3_600 => two(seconds / 60, "m", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// A [`duration`] of whole seconds, of which 0 is less than one; `?` where it is not known.
pub(crate) fn seconds(seconds: Option<u64>) -> String {
    match seconds {
        Some(0) => "<1s".to_owned(),
        Some(seconds) => duration(Duration::from_secs(seconds)),
        None => "?".to_owned(),
    }
}

/// Reads `200ms`, `5s`, `2m`, `1h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let number: Option<u64> = number.parse().ok();
    let scale = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let milliseconds = number
        .zip(scale)
        .and_then(|(n, scale)| n.checked_mul(scale));
    milliseconds
        .map(Duration::from_millis)
        .ok_or_else(|| "write a number and its unit: 200ms, 5s, 2m, 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(bytes(850), "850 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(3 << 30), "3.0 GiB");
        let of = |millis| duration(Duration::from_millis(millis));
        assert_eq!(of(12), "12ms");
        assert_eq!(of(245_000), "4m 5s");
        assert_eq!(of(7_800_000), "2h 10m");
        assert_eq!(of(86_400_000), "1d");
        assert_eq!(duration(Duration::from_micros(90)), "90us");
        assert_eq!(count(1, "row"), "1 row");
        assert_eq!(count(0, "row"), "0 rows");
        assert_eq!(plural(1, "miss", "misses"), "1 miss");
        assert_eq!(plural(2, "miss", "misses"), "2 misses");
        assert_eq!(seconds(Some(0)), "<1s");
        assert_eq!(seconds(Some(245)), "4m 5s");
        assert_eq!(seconds(None), "?");
    }

    #[test]
    fn a_duration_names_its_unit() {
        assert_eq!(parse_duration("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "5", "ms", "5 s", "-1s", "99999999999999999999s", "5d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
