//! Kept rows of the backends whose values can be made from bytes.

use std::{num::NonZeroU32, ops::Range, sync::Arc};

use diesel::{
    QueryResult,
    backend::Backend,
    row::{Field, PartialRow, Row, RowIndex, RowSealed},
};

use crate::rows::Rows;

/// A backend whose values can be made from bytes.
pub trait FromBytes: Backend {
    /// The value with this tag.
    #[doc(hidden)]
    fn value<'v>(tag: u32, oid: &'v NonZeroU32, bytes: &'v [u8]) -> Option<Self::RawValue<'v>>;
}

/// A kept row.
#[derive(Clone, Debug)]
pub struct StoredRow {
    rows: Arc<Rows>,
    at: usize,
}

/// A field of a [`StoredRow`].
#[derive(Debug)]
pub struct StoredField<'f> {
    name: Option<&'f str>,
    value: Option<(u32, &'f [u8])>,
    /// PostgreSQL's values borrow the type that they are of.
    oid: NonZeroU32,
}

/// Kept rows, one after the other.
#[derive(Debug)]
pub struct StoredRows {
    rows: Arc<Rows>,
    next: usize,
}

impl StoredRows {
    pub(crate) fn new(rows: Arc<Rows>) -> Self {
        Self { rows, next: 0 }
    }
}

impl Iterator for StoredRows {
    type Item = QueryResult<StoredRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next;
        (at < self.rows.len()).then(|| {
            self.next += 1;
            let rows = Arc::clone(&self.rows);
            Ok(StoredRow { rows, at })
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rows.len() - self.next;
        (left, Some(left))
    }
}

impl RowSealed for StoredRow {}

impl<'a, DB: FromBytes> Row<'a, DB> for StoredRow {
    type Field<'f>
        = StoredField<'f>
    where
        'a: 'f,
        Self: 'f;
    type InnerPartialRow = Self;

    fn field_count(&self) -> usize {
        self.rows.width()
    }

    fn get<'b, I>(&'b self, index: I) -> Option<Self::Field<'b>>
    where
        'a: 'b,
        Self: RowIndex<I>,
    {
        let column = self.idx(index)?;
        let value = self.rows.cell(self.at, column);
        let oid = value.and_then(|(tag, _)| NonZeroU32::new(tag));
        Some(StoredField {
            name: self.rows.name(column),
            value,
            oid: oid.unwrap_or(NonZeroU32::MAX),
        })
    }

    fn partial_row(&self, range: Range<usize>) -> PartialRow<'_, Self::InnerPartialRow> {
        PartialRow::new::<DB>(self, range)
    }
}

impl RowIndex<usize> for StoredRow {
    fn idx(&self, index: usize) -> Option<usize> {
        (index < self.rows.width()).then_some(index)
    }
}

impl<'i> RowIndex<&'i str> for StoredRow {
    fn idx(&self, name: &'i str) -> Option<usize> {
        self.rows.position(name)
    }
}

impl<'f, DB: FromBytes> Field<'f, DB> for StoredField<'f> {
    fn field_name(&self) -> Option<&str> {
        self.name
    }

    fn value(&self) -> Option<DB::RawValue<'_>> {
        let (tag, bytes) = self.value?;
        DB::value(tag, &self.oid, bytes)
    }

    fn is_null(&self) -> bool {
        self.value.is_none()
    }
}
