//! What `#[derive(Cacheable)]` expands to; not for use by hand.

use std::sync::OnceLock;

use diesel::{QuerySource, Table, query_builder::QueryFragment};

pub use larder_core::{Param, Policy};
pub use larder_signals::{CachedEntity, CachedModel, DeclaredPolicy, export::inventory};
pub use larder_sql::plan::Operation;

use crate::backend::text_of;

#[cfg(feature = "sqlite")]
type Any = diesel::sqlite::Sqlite;
#[cfg(all(feature = "_postgres", not(feature = "sqlite")))]
type Any = diesel::pg::Pg;
#[cfg(all(
    feature = "_mysql",
    not(any(feature = "sqlite", feature = "_postgres"))
))]
type Any = diesel::mysql::Mysql;

/// The name of a table as its `table!` gives it.
#[derive(Debug)]
pub struct TableName(OnceLock<(Option<String>, String)>);

impl TableName {
    /// Not yet known.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "stands in a static")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Schema and name of the table.
    pub fn of<T>(&'static self) -> (Option<&'static str>, &'static str)
    where
        T: Table + Default + QuerySource<FromClause: QueryFragment<Any>>,
    {
        let (schema, name) = self.0.get_or_init(|| {
            let text = text_of::<Any, _>(&T::default().from_clause()).unwrap_or_default();
            let mut parts = parts(&text);
            let name = parts.pop().unwrap_or_default();
            (parts.pop(), name)
        });
        (schema.as_deref(), name)
    }
}

/// The parts of a quoted name; a quote inside is doubled.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut inside, mut characters) = (false, text.chars().peekable());
    while let Some(character) = characters.next() {
        match character {
            '"' | '`' if inside && characters.peek() == Some(&character) => {
                characters.next();
                push(&mut parts, character);
            }
            '"' | '`' => inside = !inside,
            '.' if !inside => parts.push(String::new()),
            character => push(&mut parts, character),
        }
    }
    parts
}

fn push(parts: &mut [String], character: char) {
    if let Some(part) = parts.last_mut() {
        part.push(character);
    }
}

/// A value as it would be sent. Derived code asks `(&&Given(&value)).param()`: method lookup takes
/// what is known of the type, else the word that nothing is.
#[derive(Debug)]
pub struct Given<'a, T>(pub &'a T);

/// See [`Given`].
pub trait GivenValue {
    /// The value.
    fn param(&self) -> Param<'static>;
}

impl<T: Known> GivenValue for &Given<'_, T> {
    fn param(&self) -> Param<'static> {
        self.0.known()
    }
}

impl<T> GivenValue for Given<'_, T> {
    fn param(&self) -> Param<'static> {
        Param::Other("unknown", Vec::new().into())
    }
}

/// A type of which is known how its values are sent.
pub trait Known {
    /// The value.
    fn known(&self) -> Param<'static>;
}

macro_rules! known {
    ($($kind:ty => |$value:ident| $param:expr;)*) => {
        $(impl Known for $kind {
            fn known(&self) -> Param<'static> {
                let $value = self;
                $param
            }
        })*
    };
}

known! {
    i8 => |value| Param::Int((*value).into());
    i16 => |value| Param::Int((*value).into());
    i32 => |value| Param::Int((*value).into());
    i64 => |value| Param::Int((*value).into());
    u8 => |value| Param::Int((*value).into());
    u16 => |value| Param::Int((*value).into());
    u32 => |value| Param::Int((*value).into());
    u64 => |value| Param::Int((*value).into());
    bool => |value| Param::Bool(*value);
    String => |value| Param::Text(value.clone().into());
    &str => |value| Param::Text((*value).to_owned().into());
    Vec<u8> => |value| Param::Bytes(value.clone().into());
}

impl<T: Known> Known for Option<T> {
    fn known(&self) -> Param<'static> {
        self.as_ref().map_or(Param::Null, T::known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_names_come_apart_at_the_dots_between_them() {
        assert_eq!(parts("`post`"), ["post"]);
        assert_eq!(parts("\"blog\".\"post\""), ["blog", "post"]);
        assert_eq!(parts("\"a.b\".\"c\"\"d\""), ["a.b", "c\"d"]);
    }

    #[test]
    fn value_of_an_unknown_type_says_nothing() {
        struct Own;
        assert_eq!((&&Given(&7_i32)).param(), Param::Int(7));
        assert_eq!((&&Given(&None::<String>)).param(), Param::Null);
        let nothing = Param::Other("unknown", Vec::new().into());
        let given = Given(&Own);
        assert_eq!(given.param(), nothing);
    }
}
