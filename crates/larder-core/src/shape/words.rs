//! What the name of a shape says, for people.

use std::{fmt, sync::Arc};

use super::{Asked, ShapeName, name::asked_name};

/// What the name of a shape says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShapeWords {
    /// What readers ask of the rows, by column name. Empty = any row.
    pub conditions: Vec<ShapeCondition>,
    /// The columns that are watched besides; `None` = every column.
    pub watched: Option<Vec<Arc<str>>>,
}

/// What is asked of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShapeCondition {
    /// The column.
    pub column: Arc<str>,
    /// The kind of the values that it must equal, `int` or `text` for example; `None` = NULL is
    /// asked for.
    pub kind: Option<&'static str>,
}

impl ShapeName {
    /// What the name says; `None` when another version of this crate has written it.
    pub fn words(&self) -> Option<ShapeWords> {
        let shape = self.parse()?;
        let conditions = shape.conditions.into_iter().map(|(column, asked)| {
            let kind = match asked {
                Asked::Null => None,
                Asked::Equal(_) => Some(asked_name(asked)),
            };
            ShapeCondition { column, kind }
        });
        Some(ShapeWords {
            conditions: conditions.collect(),
            watched: shape.watched,
        })
    }
}

/// `rows by author_id (int), title and body watched`.
impl fmt::Display for ShapeWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.conditions.is_empty() {
            true => f.write_str("any row")?,
            false => f.write_str("rows by ")?,
        }
        for (at, condition) in self.conditions.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            match condition.kind {
                Some(kind) => write!(f, "{} ({kind})", condition.column)?,
                None => write!(f, "{} is null", condition.column)?,
            }
        }
        match &self.watched {
            None => f.write_str("; every column watched"),
            Some(columns) if columns.is_empty() => f.write_str("; no other column watched"),
            Some(columns) => write!(f, "; watched: {}", columns.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_in_words() {
        let words = |name: &str| ShapeName(name.into()).words().map(|it| it.to_string());
        assert_eq!(
            words("1|author_id:int,deleted_at:null|title").as_deref(),
            Some("rows by author_id (int), deleted_at is null; watched: title")
        );
        assert_eq!(
            words("1||*").as_deref(),
            Some("any row; every column watched")
        );
        assert_eq!(
            words("1|id:int|").as_deref(),
            Some("rows by id (int); no other column watched")
        );
        assert_eq!(words("2|id:int|"), None);
    }
}
