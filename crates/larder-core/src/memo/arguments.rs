//! How the arguments of a memo enter its key: by serde, with a mark for everything that serde tells
//! apart. Formats for storage leave some of it out (MessagePack writes `Some(x)` as `x`), and two
//! calls that differ in that must not share a result.

use std::fmt;

use serde::{
    Serialize,
    ser::{
        self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

use crate::key::Fields;

/// Writes arguments into a key.
pub(super) struct Arguments<'a>(pub(super) &'a mut Fields);

/// Arguments that refuse to be written.
#[derive(Debug)]
pub(super) struct Refused;

/// Marks, one per kind of value in serde's model.
mod mark {
    pub(super) const BOOL: u8 = 1;
    pub(super) const SIGNED: u8 = 2;
    pub(super) const UNSIGNED: u8 = 3;
    pub(super) const F32: u8 = 4;
    pub(super) const F64: u8 = 5;
    pub(super) const CHAR: u8 = 6;
    pub(super) const TEXT: u8 = 7;
    pub(super) const BYTES: u8 = 8;
    pub(super) const NONE: u8 = 9;
    pub(super) const SOME: u8 = 10;
    pub(super) const UNIT: u8 = 11;
    pub(super) const NAMED: u8 = 12;
    pub(super) const VARIANT: u8 = 13;
    pub(super) const SEQUENCE: u8 = 14;
    pub(super) const TUPLE: u8 = 15;
    pub(super) const MAP: u8 = 16;
    pub(super) const STRUCT: u8 = 17;
    /// Before each element, and behind the last one.
    pub(super) const NEXT: u8 = 18;
    pub(super) const END: u8 = 19;
}

impl Arguments<'_> {
    fn number(self, mark: u8, bytes: [u8; 16]) -> Result<(), Refused> {
        self.0.tag(mark);
        self.0.raw(&bytes);
        Ok(())
    }

    fn named(self, mark: u8, name: &str) -> Self {
        self.0.tag(mark);
        self.0.text(name);
        self
    }

    fn variant(self, name: &str, index: u32, variant: &str) -> Self {
        let named = self.named(mark::VARIANT, name);
        named.0.number(index.into());
        named.0.text(variant);
        named
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.0.tag(mark::NEXT);
        value.serialize(Arguments(self.0))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refused> {
        self.0.tag(mark::NEXT);
        self.0.text(name);
        value.serialize(Arguments(self.0))
    }

    fn ended(self) -> Result<(), Refused> {
        self.0.tag(mark::END);
        Ok(())
    }
}

impl ser::Serializer for Arguments<'_> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn serialize_bool(self, value: bool) -> Result<(), Refused> {
        self.0.tag(mark::BOOL);
        self.0.tag(value.into());
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Refused> {
        self.serialize_i128(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Refused> {
        self.serialize_i128(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Refused> {
        self.serialize_i128(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Refused> {
        self.serialize_i128(value.into())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Refused> {
        self.number(mark::SIGNED, value.to_le_bytes())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Refused> {
        self.serialize_u128(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Refused> {
        self.serialize_u128(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Refused> {
        self.serialize_u128(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Refused> {
        self.serialize_u128(value.into())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Refused> {
        self.number(mark::UNSIGNED, value.to_le_bytes())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Refused> {
        self.0.tag(mark::F32);
        self.0.raw(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Refused> {
        self.0.tag(mark::F64);
        self.0.raw(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Refused> {
        self.0.tag(mark::CHAR);
        self.0.raw(&u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Refused> {
        self.0.tag(mark::TEXT);
        self.0.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Refused> {
        self.0.tag(mark::BYTES);
        self.0.bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.0.tag(mark::NONE);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        self.0.tag(mark::SOME);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        self.0.tag(mark::UNIT);
        Ok(())
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Refused> {
        self.named(mark::NAMED, name).serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Refused> {
        self.variant(name, index, variant).serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self.named(mark::NAMED, name))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self.variant(name, index, variant))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Refused> {
        self.0.tag(mark::SEQUENCE);
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Refused> {
        self.0.tag(mark::TUPLE);
        Ok(self)
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Self, Refused> {
        Ok(self.named(mark::TUPLE, name))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self, Refused> {
        Ok(self.variant(name, index, variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Refused> {
        self.0.tag(mark::MAP);
        Ok(self)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self, Refused> {
        Ok(self.named(mark::STRUCT, name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self, Refused> {
        Ok(self.variant(name, index, variant))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Those of serde's traits that differ in the name of their method alone.
macro_rules! elements {
    ($($of:ident :: $element:ident),+) => {$(
        impl $of for Arguments<'_> {
            type Ok = ();
            type Error = Refused;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.element(value)
            }

            fn end(self) -> Result<(), Refused> {
                self.ended()
            }
        }
    )+};
}

macro_rules! fields {
    ($($of:ident),+) => {$(
        impl $of for Arguments<'_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Refused> {
                self.ended()
            }
        }
    )+};
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);
fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Arguments<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(Arguments(self.0))
    }

    fn end(self) -> Result<(), Refused> {
        self.ended()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the arguments have no written form")
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Digest;

    fn digest(value: &impl Serialize) -> Digest {
        let mut fields = Fields::new("test");
        value.serialize(Arguments(&mut fields)).unwrap();
        fields.digest()
    }

    #[derive(Serialize)]
    struct Filter {
        author: Option<Option<i64>>,
        page: u32,
    }

    #[derive(Serialize)]
    struct Page(u32);

    #[derive(Serialize)]
    struct Author(u32);

    #[derive(Serialize)]
    enum Of {
        Author(u32),
        Editor(u32),
        Nobody,
        Both { author: u32, editor: u32 },
    }

    /// Every two of these are different arguments.
    #[test]
    fn arguments_that_differ_never_share_a_key() {
        let digests = [
            digest(&None::<Option<i64>>),
            digest(&Some(None::<i64>)),
            digest(&Some(Some(0_i64))),
            digest(&()),
            digest(&0_u32),
            digest(&0_i32),
            digest(&0_f64),
            digest(&0_f32),
            digest(&-0.0_f64),
            digest(&'0'),
            digest(&"0"),
            digest(&false),
            digest(&(1, 2)),
            digest(&[1, 2].as_slice()),
            digest(&vec![vec![1], vec![2]]),
            digest(&vec![vec![1, 2], vec![]]),
            digest(&vec![vec![1, 2]]),
            digest(&("ab", "c")),
            digest(&("a", "bc")),
            digest(&Page(3)),
            digest(&Author(3)),
            digest(&Of::Author(3)),
            digest(&Of::Editor(3)),
            digest(&Of::Nobody),
            digest(&Of::Both {
                author: 1,
                editor: 2,
            }),
            digest(&Filter {
                author: None,
                page: 1,
            }),
            digest(&Filter {
                author: Some(None),
                page: 1,
            }),
            digest(&BTreeMap::from([("a", 1), ("b", 2)])),
            digest(&BTreeMap::from([("a", 2), ("b", 1)])),
            digest(&BTreeMap::<&str, i32>::new()),
        ];
        for (at, one) in digests.iter().enumerate() {
            assert!(!digests[at + 1..].contains(one), "number {at} has a twin");
        }
    }

    #[test]
    fn the_same_arguments_have_one_key() {
        assert_eq!(digest(&("a", 1_u32)), digest(&("a".to_owned(), 1_u64)));
        assert_eq!(digest(&vec![1, 2]), digest(&[1, 2].as_slice()));
    }
}
