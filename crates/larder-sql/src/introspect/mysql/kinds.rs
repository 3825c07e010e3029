//! Which MySQL and MariaDB types have a canonical kind.

use crate::ValueKind;

/// A column as information_schema describes it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Description<'a> {
    /// `column_type`: the type with modifiers.
    pub(super) declared: &'a str,
    /// `data_type`: its first word.
    pub(super) data_type: &'a str,
    pub(super) characters: Option<u64>,
    pub(super) precision: Option<u32>,
    pub(super) scale: Option<u32>,
    pub(super) fraction: Option<u8>,
    pub(super) collation: Option<&'a str>,
}

pub(super) fn kind(column: Description<'_>) -> ValueKind {
    let unsigned = column.declared.contains("unsigned") || column.declared.contains("zerofill");
    match column.data_type {
        "tinyint" => integer(8, unsigned),
        "smallint" => integer(16, unsigned),
        "mediumint" => integer(24, unsigned),
        "int" => integer(32, unsigned),
        "bigint" => integer(64, unsigned),
        // An unsigned one clamps negative numbers.
        "decimal" if !unsigned => ValueKind::Decimal {
            precision: column.precision,
            scale: column.scale,
        },
        "date" => ValueKind::Date,
        "datetime" => ValueKind::Timestamp {
            precision: column.fraction.unwrap_or(0).min(6),
        },
        "varchar" if is_byte_wise(column.collation) => text(column.characters),
        // The length of these is told in bytes, of which a character takes up to four.
        "tinytext" | "text" | "mediumtext" | "longtext" if is_byte_wise(column.collation) => {
            text(column.characters.map(|bytes| bytes / 4))
        }
        "varbinary" => bytes(column.characters, false),
        "binary" => bytes(column.characters, true),
        "tinyblob" | "blob" | "mediumblob" | "longblob" => bytes(column.characters, false),
        // TIMESTAMP moves with the session's time zone; CHAR drops trailing spaces; ENUM and SET
        // compare by index and by collation; floats, BIT, YEAR, TIME, JSON, UUID have rules of
        // their own.
        _ => ValueKind::Opaque,
    }
}

fn integer(bits: u32, unsigned: bool) -> ValueKind {
    let magnitude = 1_i128 << (bits - 1);
    let (min, max) = if unsigned {
        (0, magnitude * 2 - 1)
    } else {
        (-magnitude, magnitude - 1)
    };
    match (i64::try_from(min), u64::try_from(max)) {
        (Ok(min), Ok(max)) => ValueKind::Integer { min, max },
        _ => ValueKind::Opaque,
    }
}

/// `utf8mb4_bin` is not among them: it pads with spaces.
fn is_byte_wise(collation: Option<&str>) -> bool {
    matches!(collation, Some("utf8mb4_nopad_bin" | "utf8mb4_0900_bin"))
}

fn text(characters: Option<u64>) -> ValueKind {
    ValueKind::Text {
        chars_max: characters.map(saturate),
    }
}

fn bytes(length: Option<u64>, fixed: bool) -> ValueKind {
    ValueKind::Bytes {
        bytes_max: length.map(saturate),
        fixed,
    }
}

fn saturate(length: u64) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(declared: &str, collation: Option<&str>, expected: ValueKind) {
        let data_type = declared.split(['(', ' ']).next().unwrap_or_default();
        let description = Description {
            declared,
            data_type,
            collation,
            ..Description::default()
        };
        assert_eq!(kind(description), expected, "{declared}");
    }

    #[test]
    fn integers_know_their_range() {
        check(
            "tinyint(1)",
            None,
            ValueKind::Integer {
                min: -128,
                max: 127,
            },
        );
        check(
            "int(10) unsigned",
            None,
            ValueKind::Integer {
                min: 0,
                max: u64::from(u32::MAX),
            },
        );
        check(
            "mediumint(9)",
            None,
            ValueKind::Integer {
                min: -8_388_608,
                max: 8_388_607,
            },
        );
        check(
            "bigint unsigned",
            None,
            ValueKind::Integer {
                min: 0,
                max: u64::MAX,
            },
        );
        let max = i64::MAX.unsigned_abs();
        check("bigint", None, ValueKind::Integer { min: i64::MIN, max });
    }

    #[test]
    fn text_narrows_under_byte_wise_no_pad_collations_only() {
        check(
            "varchar(9)",
            Some("utf8mb4_nopad_bin"),
            ValueKind::Text { chars_max: None },
        );
        check(
            "varchar(9)",
            Some("utf8mb4_0900_bin"),
            ValueKind::Text { chars_max: None },
        );
        for padding in [
            "utf8mb4_bin",
            "utf8mb4_general_ci",
            "utf8mb4_0900_ai_ci",
            "latin1_bin",
        ] {
            check("varchar(9)", Some(padding), ValueKind::Opaque);
        }
        check("char(9)", Some("utf8mb4_nopad_bin"), ValueKind::Opaque);
    }

    #[test]
    fn types_that_the_session_or_an_index_decides_are_opaque() {
        for declared in [
            "timestamp(6)",
            "enum('a')",
            "set('a')",
            "double",
            "json",
            "time",
            "bit(1)",
        ] {
            check(declared, None, ValueKind::Opaque);
        }
        check("decimal(10,2) unsigned", None, ValueKind::Opaque);
    }
}
