//! Which SQLite columns have a canonical kind, by affinity.
//!
//! A column's affinity binds no value to a class (outside STRICT tables): a row may hold text in an
//! INTEGER column. Equality with an integer is false for such a row all the same, and a row image
//! with a value of another class counts as unknown.

use crate::ValueKind;

/// The kind by the declared type and the column's collation.
pub(super) fn kind(declared: &str, binary_collation: bool) -> ValueKind {
    let declared = declared.to_ascii_uppercase();
    let mentions = |word: &str| declared.contains(word);
    if mentions("INT") {
        return INTEGER;
    }
    if ["CHAR", "CLOB", "TEXT"].into_iter().any(mentions) {
        // NOCASE and RTRIM have an equality of their own.
        return if binary_collation {
            ValueKind::Text { chars_max: None }
        } else {
            ValueKind::Opaque
        };
    }
    if mentions("BLOB") {
        return ValueKind::Bytes {
            bytes_max: None,
            fixed: false,
        };
    }
    // NUMERIC affinity turns a whole real into an integer, so truth values are 0 and 1.
    if declared == "BOOLEAN" || declared == "BOOL" {
        return INTEGER;
    }
    // REAL compares integers with reals; a column without a type keeps whatever comes.
    ValueKind::Opaque
}

const INTEGER: ValueKind = ValueKind::Integer {
    min: i64::MIN,
    max: i64::MAX.unsigned_abs(),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affinity_decides_the_kind() {
        let text = ValueKind::Text { chars_max: None };
        let cases = [
            ("INTEGER", INTEGER),
            ("bigint", INTEGER),
            // SQLite's own example of a surprise.
            ("CHARINT", INTEGER),
            ("varchar(200)", text.clone()),
            ("datetime_text", text),
            (
                "BLOB",
                ValueKind::Bytes {
                    bytes_max: None,
                    fixed: false,
                },
            ),
            ("boolean", INTEGER),
            ("", ValueKind::Opaque),
            ("real", ValueKind::Opaque),
            ("decimal(10,2)", ValueKind::Opaque),
            ("datetime", ValueKind::Opaque),
            ("ANY", ValueKind::Opaque),
        ];
        for (declared, expected) in cases {
            assert_eq!(kind(declared, true), expected, "{declared}");
        }
        assert_eq!(kind("text", false), ValueKind::Opaque);
    }
}
