//! Writing and reading the names of shapes.

use std::sync::Arc;

use super::{Asked, CONDITIONS_MAX, Kind, Shape, ShapeName};
use crate::key::{escape, unescape};

/// Longer names are shortened to more general shapes, and never read.
const NAME_BYTES_MAX: usize = 1024;
/// That of every digest. A writer of another version cannot read the name and drops the record, so
/// that processes of two versions may share a store.
const VERSION: &str = "1";
const _: () = assert!(
    crate::key::FORMAT_VERSION == 1,
    "the version of shape names follows it"
);
const NULL: &str = "null";

const KINDS: [(Kind, &str); 11] = [
    (Kind::Bool, "bool"),
    (Kind::Int, "int"),
    (Kind::Text, "text"),
    (Kind::Uuid, "uuid"),
    (Kind::Date, "date"),
    (Kind::Timestamp, "timestamp"),
    (Kind::TimestampTz, "timestamptz"),
    (Kind::Decimal, "decimal"),
    (Kind::Bytes, "bytes"),
    (Kind::FixedBytes, "fixed_bytes"),
    (Kind::Enum, "enum"),
];

impl ShapeName {
    /// Reads a name; `None` when it is not exactly what [`Shape::encode`] writes.
    pub(crate) fn parse(&self) -> Option<Shape> {
        if self.0.len() > NAME_BYTES_MAX {
            return None;
        }
        let mut sections = self.0.split('|');
        let (version, conditions, watched) = (sections.next()?, sections.next()?, sections.next()?);
        (version == VERSION && sections.next().is_none()).then_some(())?;
        let conditions = list(conditions)
            .map(parse_condition)
            .collect::<Option<Vec<_>>>()?;
        let watched = match watched {
            "*" => None,
            names => Some(list(names).map(parse_column).collect::<Option<Vec<_>>>()?),
        };
        let shape = Shape {
            conditions,
            watched,
        };
        let is_ordered = shape.conditions.is_sorted_by(|(a, _), (b, _)| a < b)
            && shape
                .watched
                .as_ref()
                .is_none_or(|names| names.is_sorted_by(|a, b| a < b));
        // One spelling per shape: a second one would be a second stamp for the same rows.
        (is_ordered && shape.conditions.len() <= CONDITIONS_MAX && shape.encode() == *self.0)
            .then_some(shape)
    }
}

impl Shape {
    /// The name, and the shape it stands for: a name that would be too long watches every column,
    /// and if that does not help has no conditions.
    pub(crate) fn into_named(mut self) -> (Self, ShapeName) {
        if self.encode().len() > NAME_BYTES_MAX {
            self.watched = None;
        }
        if self.encode().len() > NAME_BYTES_MAX {
            self = Self::any_row();
        }
        let name = ShapeName(self.encode().into());
        (self, name)
    }

    pub(super) fn encode(&self) -> String {
        let mut name = String::from(VERSION);
        name.push('|');
        for (position, (column, asked)) in self.conditions.iter().enumerate() {
            if position > 0 {
                name.push(',');
            }
            escape(&mut name, column, is_reserved);
            name.push(':');
            name.push_str(asked_name(*asked));
        }
        name.push('|');
        match &self.watched {
            None => name.push('*'),
            Some(columns) => {
                for (position, column) in columns.iter().enumerate() {
                    if position > 0 {
                        name.push(',');
                    }
                    escape(&mut name, column, is_reserved);
                }
            }
        }
        name
    }
}

fn is_reserved(c: char) -> bool {
    matches!(c, ',' | ':' | '|' | '*') || c.is_whitespace() || c.is_control()
}

fn list(section: &str) -> impl Iterator<Item = &str> {
    // An empty section is an empty list, not a list of one empty name.
    section.split(',').filter(move |_| !section.is_empty())
}

fn parse_condition(text: &str) -> Option<(Arc<str>, Asked)> {
    let (column, asked) = text.split_once(':')?;
    let asked = match KINDS.iter().find(|(_, name)| *name == asked) {
        Some((kind, _)) => Asked::Equal(*kind),
        None => (asked == NULL).then_some(Asked::Null)?,
    };
    Some((parse_column(column)?, asked))
}

fn parse_column(text: &str) -> Option<Arc<str>> {
    unescape(text).map(Arc::from)
}

pub(super) fn asked_name(asked: Asked) -> &'static str {
    match asked {
        Asked::Null => NULL,
        Asked::Equal(kind) => KINDS
            .iter()
            .find(|(listed, _)| *listed == kind)
            .map_or("", |(_, name)| name),
    }
}
