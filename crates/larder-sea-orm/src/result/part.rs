//! A field of a row, written and read by the most that is known of its type: derived code asks
//! `(&&&Part(&field)).write(..)`, and method lookup takes the first of the three implementations
//! whose bounds hold.

use std::marker::PhantomData;

use larder_core::codec::{Reader, Unreadable, Unwritable, Writer};

use super::{CachedResult, Storable};

/// A field to be written.
#[derive(Debug)]
pub struct Part<'a, T>(pub &'a T);

/// A field to be read.
#[derive(Debug)]
pub struct PartOf<T>(pub PhantomData<T>);

/// By what the type itself says.
pub trait WritesResult {
    /// Writes the field.
    ///
    /// # Errors
    /// It has no written form.
    fn write(&self, to: &mut Writer<'_>) -> Result<(), Unwritable>;
}

/// An option of what is written by serde: in serde, some values that are there look like none.
pub trait WritesOption<T> {
    /// Writes the field.
    ///
    /// # Errors
    /// It has no written form.
    fn write(&self, to: &mut Writer<'_>) -> Result<(), Unwritable>
    where
        T: Storable;
}

/// By serde.
pub trait WritesSerde<T> {
    /// Writes the field.
    ///
    /// # Errors
    /// It has no written form.
    fn write(&self, to: &mut Writer<'_>) -> Result<(), Unwritable>
    where
        T: Storable;
}

/// By what the type itself says.
pub trait ReadsResult<T> {
    /// Reads the field.
    ///
    /// # Errors
    /// The bytes are not those of such a value.
    fn read(&self, from: &mut Reader<'_>) -> Result<T, Unreadable>;
}

/// An option of what is read by serde.
pub trait ReadsOption<T> {
    /// Reads the field.
    ///
    /// # Errors
    /// The bytes are not those of such a value.
    fn read(&self, from: &mut Reader<'_>) -> Result<Option<T>, Unreadable>
    where
        T: Storable;
}

/// By serde.
pub trait ReadsSerde<T> {
    /// Reads the field.
    ///
    /// # Errors
    /// The bytes are not those of such a value.
    fn read(&self, from: &mut Reader<'_>) -> Result<T, Unreadable>
    where
        T: Storable;
}

impl<T: CachedResult> WritesResult for &&Part<'_, T> {
    fn write(&self, to: &mut Writer<'_>) -> Result<(), Unwritable> {
        self.0.write_result(to)
    }
}

impl<T> WritesOption<T> for &Part<'_, Option<T>> {
    fn write(&self, to: &mut Writer<'_>) -> Result<(), Unwritable>
    where
        T: Storable,
    {
        to.list(usize::from(self.0.is_some()))?;
        self.0.iter().try_for_each(|value| to.serde(value))
    }
}

impl<T> WritesSerde<T> for Part<'_, T> {
    fn write(&self, to: &mut Writer<'_>) -> Result<(), Unwritable>
    where
        T: Storable,
    {
        to.serde(self.0)
    }
}

impl<T: CachedResult> ReadsResult<T> for &&PartOf<T> {
    fn read(&self, from: &mut Reader<'_>) -> Result<T, Unreadable> {
        T::read_result(from)
    }
}

impl<T> ReadsOption<T> for &PartOf<Option<T>> {
    fn read(&self, from: &mut Reader<'_>) -> Result<Option<T>, Unreadable>
    where
        T: Storable,
    {
        match from.list()? {
            0 => Ok(None),
            1 => from.serde().map(Some),
            _ => Err(Unreadable),
        }
    }
}

impl<T> ReadsSerde<T> for PartOf<T> {
    fn read(&self, from: &mut Reader<'_>) -> Result<T, Unreadable>
    where
        T: Storable,
    {
        from.serde()
    }
}
