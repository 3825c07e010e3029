//! Rows that a wrapped connection hands out: kept ones, and those of the driver where nothing is
//! kept.

use std::ops::Range;

use diesel::{
    backend::Backend,
    row::{Field, PartialRow, Row, RowIndex, RowSealed},
};

/// A row of a wrapped connection.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a row is one or the other")]
pub enum CachedRow<L, S> {
    /// As the driver delivered it.
    Live(L),
    /// From what is kept.
    Stored(S),
}

/// A field of a [`CachedRow`].
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a field is one or the other")]
pub enum CachedField<L, S> {
    /// As the driver delivered it.
    Live(L),
    /// From what is kept.
    Stored(S),
}

impl<L: RowSealed, S: RowSealed> RowSealed for CachedRow<L, S> {}

impl<'a, DB, L, S> Row<'a, DB> for CachedRow<L, S>
where
    DB: Backend,
    L: Row<'a, DB>,
    S: Row<'a, DB>,
{
    type Field<'f>
        = CachedField<L::Field<'f>, S::Field<'f>>
    where
        'a: 'f,
        Self: 'f;
    type InnerPartialRow = Self;

    fn field_count(&self) -> usize {
        match self {
            Self::Live(row) => row.field_count(),
            Self::Stored(row) => row.field_count(),
        }
    }

    fn get<'b, I>(&'b self, index: I) -> Option<Self::Field<'b>>
    where
        'a: 'b,
        Self: RowIndex<I>,
    {
        let index = self.idx(index)?;
        Some(match self {
            Self::Live(row) => CachedField::Live(row.get(index)?),
            Self::Stored(row) => CachedField::Stored(row.get(index)?),
        })
    }

    fn partial_row(&self, range: Range<usize>) -> PartialRow<'_, Self::InnerPartialRow> {
        PartialRow::new(self, range)
    }
}

impl<L: RowIndex<usize>, S: RowIndex<usize>> RowIndex<usize> for CachedRow<L, S> {
    fn idx(&self, index: usize) -> Option<usize> {
        match self {
            Self::Live(row) => row.idx(index),
            Self::Stored(row) => row.idx(index),
        }
    }
}

impl<'i, L: RowIndex<&'i str>, S: RowIndex<&'i str>> RowIndex<&'i str> for CachedRow<L, S> {
    fn idx(&self, name: &'i str) -> Option<usize> {
        match self {
            Self::Live(row) => row.idx(name),
            Self::Stored(row) => row.idx(name),
        }
    }
}

impl<'f, DB, L, S> Field<'f, DB> for CachedField<L, S>
where
    DB: Backend,
    L: Field<'f, DB>,
    S: Field<'f, DB>,
{
    fn field_name(&self) -> Option<&str> {
        match self {
            Self::Live(field) => field.field_name(),
            Self::Stored(field) => field.field_name(),
        }
    }

    fn value(&self) -> Option<DB::RawValue<'_>> {
        match self {
            Self::Live(field) => field.value(),
            Self::Stored(field) => field.value(),
        }
    }

    fn is_null(&self) -> bool {
        match self {
            Self::Live(field) => field.is_null(),
            Self::Stored(field) => field.is_null(),
        }
    }
}
