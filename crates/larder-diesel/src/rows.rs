//! Rows as they are kept: what the driver delivered, cell by cell, in bytes of our own.

use larder_core::codec::{Reader, Unreadable, Unwritable, Writer};

/// The rows of one result.
///
/// What a cell's tag means and how its bytes are laid out is the backend's to say.
#[derive(Debug, Default)]
pub struct Rows {
    names: Vec<Option<Box<str>>>,
    cells: Vec<Cell>,
    bytes: Vec<u8>,
    len: usize,
    /// Of the names.
    names_weight: usize,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    tag: u32,
    start: usize,
    end: usize,
}

/// The tag of NULL, which no backend gives to a value.
const NULL: u32 = u32::MAX;

impl Rows {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many columns each row has; unknown where there is no row.
    pub(crate) fn width(&self) -> usize {
        self.names.len()
    }

    /// The bytes that this holds on to.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>()
            + self.names_weight
            + self.cells.capacity() * size_of::<Cell>()
            + self.bytes.capacity()
    }

    pub(crate) fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    pub(crate) fn push_name(&mut self, name: Option<&str>) {
        self.names_weight += weight_of(name);
        self.names.push(name.map(Box::from));
    }

    /// A cell whose bytes `write` appends; what it returns is the tag. `None` = it has none, and the
    /// row is to be taken back.
    pub(crate) fn push_cell(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Option<u32>,
    ) -> Option<()> {
        let start = self.bytes.len();
        let tag = write(&mut self.bytes)?;
        let end = self.bytes.len();
        self.cells.push(Cell { tag, start, end });
        Some(())
    }

    pub(crate) fn push_null(&mut self) {
        let end = self.bytes.len();
        let start = end;
        let tag = NULL;
        self.cells.push(Cell { tag, start, end });
    }

    /// The cells pushed last are a row.
    pub(crate) fn end_row(&mut self) {
        self.len += 1;
    }

    /// The cells pushed last are no row.
    pub(crate) fn take_back_row(&mut self) {
        self.cells.truncate(self.len * self.width());
        let end = self.cells.last().map_or(0, |cell| cell.end);
        self.bytes.truncate(end);
    }

    pub(crate) fn name(&self, column: usize) -> Option<&str> {
        self.names.get(column)?.as_deref()
    }

    #[cfg(any(feature = "_mysql", feature = "_postgres", test))]
    /// The first column of this name, as the drivers look for it.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|it| it.as_deref() == Some(name))
    }

    /// Tag and bytes of a cell that is not NULL.
    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<(u32, &[u8])> {
        let width = self.width();
        let at = row.checked_mul(width)?.checked_add(column)?;
        let cell = self.cells.get(at).filter(|_| column < width)?;
        (cell.tag != NULL).then_some(())?;
        Some((cell.tag, self.bytes.get(cell.start..cell.end)?))
    }

    /// Every cell as text, where all of them are.
    pub(crate) fn texts(&self) -> Option<Vec<Vec<Option<String>>>> {
        let text = |row, column| match self.cell(row, column) {
            Some((_, bytes)) => Some(Some(std::str::from_utf8(bytes).ok()?.to_owned())),
            None => Some(None),
        };
        (0..self.len)
            .map(|row| (0..self.width()).map(|column| text(row, column)).collect())
            .collect()
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) -> Result<(), Unwritable> {
        out.list(4)?;
        out.serde(&(self.len as u64))?;
        out.list(self.names.len())?;
        for name in &self.names {
            out.serde(name)?;
        }
        // Tag and length of each, four and eight bytes in one order for all machines.
        let mut cells = Vec::with_capacity(self.cells.len() * CELL);
        for cell in &self.cells {
            cells.extend(cell.tag.to_le_bytes());
            cells.extend(((cell.end - cell.start) as u64).to_le_bytes());
        }
        out.bytes(&cells)?;
        out.bytes(&self.bytes)
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Unreadable> {
        (from.list()? == 4).then_some(()).ok_or(Unreadable)?;
        let len = usize::try_from(from.serde::<u64>()?).map_err(|_| Unreadable)?;
        let width = from.list()?;
        let mut names = from.room(width);
        for _ in 0..width {
            names.push(from.serde::<Option<Box<str>>>()?);
        }
        let (headers, bytes) = (from.bytes()?, from.bytes()?);
        let mut cells = Vec::with_capacity(headers.len() / CELL);
        let mut start = 0_usize;
        for header in headers.chunks(CELL) {
            let (tag, length) = header.split_first_chunk::<4>().ok_or(Unreadable)?;
            let length = u64::from_le_bytes(length.try_into().map_err(|_| Unreadable)?);
            let length = usize::try_from(length).map_err(|_| Unreadable)?;
            let end = start.checked_add(length).ok_or(Unreadable)?;
            let tag = u32::from_le_bytes(*tag);
            cells.push(Cell { tag, start, end });
            start = end;
        }
        let fits = start == bytes.len() && len.checked_mul(width) == Some(cells.len());
        fits.then_some(()).ok_or(Unreadable)?;
        Ok(Self {
            names_weight: names
                .iter()
                .map(|name: &Option<Box<str>>| weight_of(name.as_deref()))
                .sum(),
            names,
            cells,
            bytes,
            len,
        })
    }
}

fn weight_of(name: Option<&str>) -> usize {
    size_of::<Option<Box<str>>>() + name.map_or(0, str::len)
}

/// Bytes of a cell's header.
const CELL: usize = 12;

#[cfg(test)]
mod tests {
    use larder_core::Codec;

    use super::*;

    fn sample() -> Rows {
        let mut rows = Rows::default();
        rows.push_name(Some("id"));
        rows.push_name(None);
        for at in 0..2_u8 {
            rows.push_cell(|out| {
                out.push(at);
                Some(23)
            });
            rows.push_null();
            rows.end_row();
        }
        rows
    }

    fn written(rows: &Rows) -> Vec<u8> {
        let mut bytes = Vec::new();
        rows.write(&mut Writer::new(Codec::MessagePack, &mut bytes))
            .unwrap();
        bytes
    }

    #[test]
    fn rows_come_back_as_they_were_written() {
        let bytes = written(&sample());
        let rows = Rows::read(&mut Reader::new(Codec::MessagePack, &bytes)).unwrap();
        assert_eq!((rows.len(), rows.width()), (2, 2));
        assert_eq!(rows.cell(1, 0), Some((23, &[1_u8][..])));
        assert_eq!(rows.cell(1, 1), None);
        assert_eq!((rows.position("id"), rows.position("x")), (Some(0), None));
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_panic() {
        let bytes = written(&sample());
        for cut in 0..bytes.len() {
            let _ = Rows::read(&mut Reader::new(Codec::MessagePack, &bytes[..cut])).unwrap_err();
        }
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                // Whatever is read has cells for all that it claims.
                if let Ok(rows) = Rows::read(&mut Reader::new(Codec::MessagePack, &damaged)) {
                    for row in 0..rows.len() {
                        for column in 0..rows.width() {
                            let _ = rows.cell(row, column);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn row_that_is_taken_back_leaves_nothing() {
        let mut rows = sample();
        let before = written(&rows);
        rows.push_cell(|out| {
            out.push(7);
            Some(1)
        });
        assert_eq!(
            rows.push_cell(|out| {
                out.push(8);
                None
            }),
            None
        );
        rows.take_back_row();
        assert_eq!(written(&rows), before);
    }

    #[test]
    fn cells_beyond_a_row_are_none() {
        let rows = sample();
        assert_eq!(rows.cell(0, 2), None);
        assert_eq!(rows.cell(2, 0), None);
        assert_eq!(rows.cell(usize::MAX, 1), None);
    }
}
