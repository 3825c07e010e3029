//! Names and literals as each dialect writes them.

/// A name in the quotes of its dialect.
pub(super) fn quoted(quote: char, name: &str) -> String {
    let doubled = name.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

/// A string literal of PostgreSQL and SQLite, in which nothing but the quote is special.
pub(super) fn literal(text: &str) -> String {
    quoted('\'', text)
}

/// A string literal of MySQL that means the same in every sql_mode and character set.
pub(super) fn mysql_literal(text: &str) -> String {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'\\';
    if text.bytes().all(is_plain) {
        return literal(text);
    }
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("_utf8mb4 0x{digits}")
}

/// The name of a table's trigger: stable, told apart without regard to case, since MySQL's and
/// SQLite's tables share one space of names, and at most 63 characters long.
pub(super) fn trigger_name(table: &str, word: &str) -> String {
    let word = word.to_ascii_lowercase();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if table.len() <= PLAIN_MAX && table.bytes().all(is_plain) {
        return format!("{PREFIX}{table}_{word}");
    }
    let readable: String = table
        .chars()
        .take(PLAIN_MAX - 17)
        .map(|letter| match letter.to_ascii_lowercase() {
            lower if lower.is_ascii_lowercase() || lower.is_ascii_digit() => lower,
            _ => '_',
        })
        .collect();
    format!("{PREFIX}{readable}_{:016x}_{word}", fnv(table.as_bytes()))
}

/// FNV-1a: the names must be the same for every build.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

pub(super) const PREFIX: &str = "larder_outbox_";
/// 63 characters without the prefix and the longest word.
const PLAIN_MAX: usize = 63 - PREFIX.len() - "_truncate".len();
