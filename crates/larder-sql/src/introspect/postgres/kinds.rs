//! Which PostgreSQL types have a canonical kind.

use std::{collections::BTreeMap, sync::Arc};

use crate::ValueKind;

/// A column's type after domains have been resolved.
#[derive(Clone, Copy, Debug)]
pub(super) struct BaseType<'a> {
    pub(super) oid: &'a str,
    /// The name if the type is built in.
    pub(super) built_in: Option<&'a str>,
    /// `pg_type.typtype`.
    pub(super) class: &'a str,
    /// `atttypmod`, -1 for none.
    pub(super) modifier: i32,
    /// Whether equal texts have equal bytes.
    pub(super) deterministic: bool,
}

/// The labels of every enum by the oid of its type.
pub(super) type EnumLabels<'a> = BTreeMap<&'a str, Vec<Arc<str>>>;

pub(super) fn kind(base: BaseType<'_>, labels: &EnumLabels<'_>) -> ValueKind {
    if base.class == "e" {
        return labels
            .get(base.oid)
            .map_or(ValueKind::Opaque, |labels| ValueKind::Enum {
                labels: labels.as_slice().into(),
            });
    }
    match base.built_in {
        Some("int2") => integer(i64::from(i16::MIN), i64::from(i16::MAX)),
        Some("int4") => integer(i64::from(i32::MIN), i64::from(i32::MAX)),
        Some("int8") => integer(i64::MIN, i64::MAX),
        Some("bool") => ValueKind::Bool,
        Some("text") if base.deterministic => ValueKind::Text { chars_max: None },
        Some("varchar") if base.deterministic => varchar(base.modifier),
        Some("uuid") => ValueKind::Uuid,
        Some("date") => ValueKind::Date,
        Some("timestamp") => ValueKind::Timestamp {
            precision: precision(base.modifier),
        },
        Some("timestamptz") => ValueKind::TimestampTz {
            precision: precision(base.modifier),
        },
        Some("numeric") => numeric(base.modifier),
        Some("bytea") => ValueKind::Bytes {
            bytes_max: None,
            fixed: false,
        },
        // bpchar pads, floats have two zeros, arrays, ranges, JSON and the rest compare in ways
        // of their own.
        _ => ValueKind::Opaque,
    }
}

fn integer(min: i64, max: i64) -> ValueKind {
    ValueKind::Integer {
        min,
        max: max.unsigned_abs(),
    }
}

/// The modifier counts a header of four bytes.
fn varchar(modifier: i32) -> ValueKind {
    ValueKind::Text {
        chars_max: u32::try_from(modifier.saturating_sub(HEADER)).ok(),
    }
}

fn precision(modifier: i32) -> u8 {
    u8::try_from(modifier).map_or(6, |digits| digits.min(6))
}

/// The modifier packs precision and an 11-bit signed scale.
fn numeric(modifier: i32) -> ValueKind {
    if modifier < HEADER {
        return ValueKind::Decimal {
            precision: None,
            scale: None,
        };
    }
    let packed = (modifier - HEADER).unsigned_abs();
    let (precision, scale) = (packed >> 16, packed & 0x7ff);
    if scale >= 0x400 {
        // A negative scale rounds integers.
        return ValueKind::Opaque;
    }
    ValueKind::Decimal {
        precision: Some(precision),
        scale: Some(scale),
    }
}

const HEADER: i32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, modifier: i32, expected: ValueKind) {
        let base = BaseType {
            oid: "1",
            built_in: Some(name),
            class: "b",
            modifier,
            deterministic: true,
        };
        assert_eq!(
            kind(base, &EnumLabels::new()),
            expected,
            "{name}({modifier})"
        );
    }

    #[test]
    fn modifiers_bound_what_a_column_stores() {
        check("varchar", -1, ValueKind::Text { chars_max: None });
        check(
            "varchar",
            24,
            ValueKind::Text {
                chars_max: Some(20),
            },
        );
        check(
            "numeric",
            -1,
            ValueKind::Decimal {
                precision: None,
                scale: None,
            },
        );
        check(
            "numeric",
            655_366,
            ValueKind::Decimal {
                precision: Some(10),
                scale: Some(2),
            },
        );
        // numeric(3, -2)
        check("numeric", (3 << 16) + 0x7fe + 4, ValueKind::Opaque);
        check("timestamp", -1, ValueKind::Timestamp { precision: 6 });
        check("timestamptz", 0, ValueKind::TimestampTz { precision: 0 });
    }

    #[test]
    fn types_with_an_equality_of_their_own_are_opaque() {
        for name in [
            "bpchar", "float8", "money", "interval", "jsonb", "_int4", "name", "timetz",
        ] {
            check(name, -1, ValueKind::Opaque);
        }
        let citext = BaseType {
            oid: "1",
            built_in: None,
            class: "b",
            modifier: -1,
            deterministic: true,
        };
        assert_eq!(kind(citext, &EnumLabels::new()), ValueKind::Opaque);
        let nondeterministic = BaseType {
            built_in: Some("text"),
            deterministic: false,
            ..citext
        };
        assert_eq!(
            kind(nondeterministic, &EnumLabels::new()),
            ValueKind::Opaque
        );
    }
}
