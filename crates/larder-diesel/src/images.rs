//! Rows of RETURNING as images.

use larder_core::{Image, Param, Value};
use larder_signals::Planned;

use crate::{backend::CachedBackend, rows::Rows};

/// The image of each returned row.
pub(crate) fn of<DB: CachedBackend>(planned: &Planned, rows: &Rows) -> Vec<Image> {
    let Some(write) = planned.single_write() else {
        return Vec::new();
    };
    let [target] = write.targets.as_slice() else {
        return Vec::new();
    };
    // Another number of columns is that of another schema: it says nothing.
    if rows.width() != write.returning.len() {
        return vec![Image::default(); rows.len()];
    }
    let image = |row| {
        let mut cells = vec![None; target.table.columns.len()];
        for (at, column) in write.returning.iter().enumerate() {
            let Some(position) = *column else { continue };
            let (Some(cell), Some(column)) =
                (cells.get_mut(position), target.table.columns.get(position))
            else {
                continue;
            };
            *cell = match rows.cell(row, at) {
                None => Some(Value::Null),
                Some((tag, bytes)) => DB::cell_as_param(tag, bytes)
                    .filter(|param| *param != Param::Null)
                    .and_then(|param| Value::from_param(column, DB::DIALECT, &param)),
            };
        }
        Image { cells }
    };
    (0..rows.len()).map(image).collect()
}
