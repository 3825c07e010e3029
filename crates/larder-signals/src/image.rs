//! Row images from a statement: pins (what the WHERE tells of old rows) and assignments (what
//! VALUES and SET tell of new rows).

use larder_core::{Image, Param, Value};
use larder_sql::{
    Column, Dialect, Operand, Table,
    plan::{Assignment, OldRows, Term, Test},
};

/// The parameters of one call, with the dialect that says what they mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) params: &'a [Param<'a>],
}

/// More pins than this tell nothing: the old row may be any.
const PINS_MAX: usize = 256;

impl Bound<'_> {
    /// What the WHERE tells of the old rows: each of them agrees with at least one of these images.
    /// Never empty; an image without known cells means "any row".
    pub(crate) fn pins(&self, table: &Table, old: &OldRows) -> Vec<Image> {
        let OldRows::Matching(conjunctions) = old else {
            return vec![unknown(table)];
        };
        let mut pins: Vec<Image> = Vec::new();
        for conjunction in conjunctions {
            pins.extend(self.expand(table, conjunction));
            if pins.len() > PINS_MAX {
                return vec![unknown(table)];
            }
        }
        // A WHERE that nothing satisfies may still fire statement triggers: never "no rows".
        if pins.is_empty() {
            pins.push(unknown(table));
        }
        pins
    }

    /// One conjunction over the values of its IN lists.
    fn expand(&self, table: &Table, conjunction: &[Term]) -> Vec<Image> {
        let mut images = vec![unknown(table)];
        for term in conjunction {
            let Some(values) = self.values(table, term) else {
                continue;
            };
            if values.len().saturating_mul(images.len()) > PINS_MAX {
                continue;
            }
            let mut next = Vec::with_capacity(values.len() * images.len());
            for value in &values {
                next.extend(
                    images
                        .iter()
                        .map(|image| with(image, term.column, value.clone())),
                );
            }
            images = next;
        }
        images
    }

    /// The values that a term admits, or `None` when it does not tell.
    fn values(&self, table: &Table, term: &Term) -> Option<Vec<Value>> {
        let column = table.columns.get(term.column)?;
        let operands = match &term.test {
            Test::IsNull => return Some(vec![Value::Null]),
            Test::In(operands) => operands,
            _ => return None,
        };
        let mut values = Vec::with_capacity(operands.len());
        for operand in operands {
            self.admit(column, operand, &mut values)?;
        }
        // Only NULLs: no row matches, but see `pins`.
        (!values.is_empty()).then_some(values)
    }

    fn admit(&self, column: &Column, operand: &Operand, values: &mut Vec<Value>) -> Option<()> {
        let mut push = |value: Value| {
            if value != Value::Null && !values.contains(&value) {
                values.push(value);
            }
        };
        match operand {
            Operand::Literal(larder_sql::Literal::Null) => {}
            Operand::Literal(literal) => {
                push(Value::from_literal(column, self.dialect, literal)?);
            }
            Operand::Parameter(position) => match self.params.get(*position)? {
                Param::Null => {}
                param => push(Value::from_param(column, self.dialect, param)?),
            },
            Operand::ParameterElements(position) => {
                let Param::Array(_, elements) = self.params.get(*position)? else {
                    return None;
                };
                if elements.len() > PINS_MAX {
                    return None;
                }
                for element in elements.iter().filter(|e| **e != Param::Null) {
                    push(Value::from_param(column, self.dialect, element)?);
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The image that an assignment list tells of a new row, by W6.
    pub(crate) fn assigned(&self, table: &Table, row: &[Assignment]) -> Image {
        let mut image = unknown(table);
        for assignment in row {
            let value = table.columns.get(assignment.column).and_then(|column| {
                match assignment.value.as_ref()? {
                    Operand::Literal(literal) => {
                        Value::stored_from_literal(column, self.dialect, literal)
                    }
                    Operand::Parameter(position) => {
                        Value::stored_from_param(column, self.dialect, self.params.get(*position)?)
                    }
                    _ => None,
                }
            });
            set(&mut image, assignment.column, value);
        }
        image
    }
}

/// An image of which nothing is known, with a cell per column.
pub(crate) fn unknown(table: &Table) -> Image {
    Image {
        cells: vec![None; table.columns.len()],
    }
}

/// The cell of a column; `None` = unknown.
pub(crate) fn cell(image: &Image, column: usize) -> Option<&Value> {
    image.cells.get(column).and_then(Option::as_ref)
}

/// Sets a cell, when the image has it.
pub(crate) fn set(image: &mut Image, column: usize, value: Option<Value>) {
    if let Some(cell) = image.cells.get_mut(column) {
        *cell = value;
    }
}

/// An image cut or filled to the table's width, without the cells that `keep` refuses.
pub(crate) fn restricted(table: &Table, image: &Image, keep: impl Fn(usize) -> bool) -> Image {
    let cells = (0..table.columns.len())
        .map(|column| {
            if keep(column) {
                cell(image, column).cloned()
            } else {
                None
            }
        })
        .collect();
    Image { cells }
}

/// `base` with its unknown cells taken from `other`.
pub(crate) fn filled(base: &Image, other: &Image) -> Image {
    let cells = base
        .cells
        .iter()
        .enumerate()
        .map(|(column, known)| known.clone().or_else(|| cell(other, column).cloned()))
        .collect();
    Image { cells }
}

/// The images without repetition, each cut to the columns that `keep` admits.
pub(crate) fn projected(
    table: &Table,
    images: &[Image],
    keep: impl Fn(usize) -> bool,
) -> Vec<Image> {
    let mut distinct: Vec<Image> = Vec::new();
    for image in images {
        let image = restricted(table, image, &keep);
        if !distinct.contains(&image) {
            distinct.push(image);
        }
    }
    distinct
}

fn with(image: &Image, column: usize, value: Value) -> Image {
    let mut image = image.clone();
    set(&mut image, column, Some(value));
    image
}
