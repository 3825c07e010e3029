//! The names of a type's fields, by which results of another version of it are told apart.

use std::fmt::{self, Display};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, Visitor},
    forward_to_deserialize_any,
};

/// What serde calls a type and its fields; nothing where it does not say.
pub(crate) fn names<T: DeserializeOwned>() -> Vec<u8> {
    let mut names = Vec::new();
    let _ = T::deserialize(Names(&mut names));
    names
}

/// Listens to what a type asks for, and gives it nothing.
struct Names<'a>(&'a mut Vec<u8>);

impl Names<'_> {
    fn note(&mut self, name: &str, parts: &[&str]) {
        for name in [name].iter().chain(parts) {
            self.0.extend((name.len() as u64).to_le_bytes());
            self.0.extend(name.as_bytes());
        }
    }
}

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Heard;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Heard> {
        Err(Heard)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Heard> {
        self.note(name, fields);
        Err(Heard)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Heard> {
        self.note(name, variants);
        Err(Heard)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Heard> {
        self.note(name, &[]);
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Heard> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// The end of every question.
#[derive(Debug)]
struct Heard;

impl Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the names were heard")
    }
}

impl std::error::Error for Heard {}

impl de::Error for Heard {
    fn custom<T: Display>(_message: T) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::names;

    #[derive(Deserialize)]
    struct One {
        _a: i32,
    }

    #[derive(Deserialize)]
    #[serde(rename = "One")]
    struct Other {
        _b: i32,
    }

    #[derive(Deserialize)]
    struct New(#[expect(dead_code)] One);

    #[test]
    fn types_with_other_fields_have_other_names() {
        assert_ne!(names::<One>(), names::<Other>());
        assert_ne!(names::<One>(), names::<New>());
        assert_eq!(names::<One>(), names::<Option<One>>());
        assert!(names::<(i32, String)>().is_empty());
    }
}
