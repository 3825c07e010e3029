//! Arrays in PostgreSQL's binary format: dimensions, whether there are NULLs, the type of the
//! elements, length and lower bound of each dimension, then length and bytes of each element.

use larder_core::Param;

use super::decode::{
    self, BOOL, BYTEA, DATE, FIRST_OF_ITS_OWN, INT2, INT4, INT8, NUMERIC, TEXT, TIMESTAMP,
    TIMESTAMPTZ, UUID, VARCHAR,
};

/// Elements that are looked at; longer arrays narrow nothing anyway.
const ELEMENTS_MAX: usize = 10_000;

/// What the elements of an array type are called in keys. A type of the user's own may be an array
/// too, which its bytes do not tell from text.
pub(super) fn element_name(oid: u32) -> Option<&'static str> {
    Some(match oid {
        1000 => "bool",
        1001 => "bytea",
        1005 => "int2",
        1007 => "int4",
        1009 => "text",
        1015 => "varchar",
        1016 => "int8",
        1115 => "timestamp",
        1182 => "date",
        1185 => "timestamptz",
        1231 => "numeric",
        2951 => "uuid",
        _ => return None,
    })
}

/// The elements of an array of one dimension; an array without elements has none.
pub(super) fn param(name: &'static str, bytes: &[u8]) -> Option<Param<'static>> {
    let mut rest = bytes;
    let dimensions = word(&mut rest)?;
    let _has_nulls = word(&mut rest)?;
    let oid = u32::from_be_bytes(word(&mut rest)?.to_be_bytes());
    if !is_plain(oid) {
        return None;
    }
    match dimensions {
        0 => return rest.is_empty().then(|| Param::Array(name, Vec::new())),
        1 => {}
        _ => return None,
    }
    let length = usize::try_from(word(&mut rest)?).ok()?;
    // Elements counted from elsewhere make another array.
    let lower_bound = word(&mut rest)?;
    (length <= ELEMENTS_MAX && lower_bound == 1).then_some(())?;
    let mut elements = Vec::with_capacity(length);
    for _ in 0..length {
        let size = word(&mut rest)?;
        if size == -1 {
            elements.push(Param::Null);
            continue;
        }
        let (value, after) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        rest = after;
        elements.push(decode::into_owned(decode::param(oid, value)?));
    }
    rest.is_empty().then_some(Param::Array(name, elements))
}

fn word(rest: &mut &[u8]) -> Option<i32> {
    let (word, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(i32::from_be_bytes(*word))
}

/// No arrays in arrays.
fn is_plain(oid: u32) -> bool {
    oid >= FIRST_OF_ITS_OWN
        || [
            BOOL,
            BYTEA,
            DATE,
            INT2,
            INT4,
            INT8,
            NUMERIC,
            TEXT,
            TIMESTAMP,
            TIMESTAMPTZ,
            UUID,
            VARCHAR,
        ]
        .contains(&oid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(elements: &[Option<i32>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [1, 0, 23, elements.len() as i32, 1] {
            bytes.extend(i32::to_be_bytes(word));
        }
        for element in elements {
            match element {
                Some(value) => {
                    bytes.extend(4_i32.to_be_bytes());
                    bytes.extend(value.to_be_bytes());
                }
                None => bytes.extend((-1_i32).to_be_bytes()),
            }
        }
        bytes
    }

    #[test]
    fn elements_read_one_by_one() {
        let expected = Param::Array("int4", vec![Param::Int(3), Param::Null, Param::Int(-1)]);
        assert_eq!(
            param("int4", &array(&[Some(3), None, Some(-1)])),
            Some(expected)
        );
        let empty = [0, 0, 23].map(i32::to_be_bytes).concat();
        assert_eq!(param("int4", &empty), Some(Param::Array("int4", vec![])));
    }

    #[test]
    fn cut_bytes_are_nothing() {
        let bytes = array(&[Some(3), Some(4)]);
        for cut in 0..bytes.len() {
            assert_eq!(param("int4", &bytes[..cut]), None, "cut at {cut}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(param("int4", &longer), None);
    }
}
