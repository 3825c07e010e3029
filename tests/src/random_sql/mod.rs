//! Random schemas, queries and writes for the differential test.
//!
//! Everything is drawn from small domains, so that conditions meet rows often: integers 0..5, a few
//! texts that differ by case, padding and leading zeros, booleans and NULLs.

mod query;
mod schema;
mod write;

pub use schema::{Column, ColumnType, Schema, SqlDialect, Table};

/// A bound parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    /// An integer or NULL of that type.
    Int(Option<i64>),
    /// Text or NULL of that type.
    Text(Option<String>),
    /// A boolean or NULL of that type.
    Bool(Option<bool>),
}

/// A statement with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomStatement {
    /// The text, placeholders in the style of the dialect.
    pub sql: String,
    /// The parameters in order of appearance.
    pub binds: Vec<Bind>,
}

/// Draws statements for one schema.
#[derive(Debug)]
pub struct Generator<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// The source of randomness.
    pub random: &'a mut fastrand::Rng,
    binds: Vec<Bind>,
    aliases: usize,
}

impl<'a> Generator<'a> {
    /// A generator over `schema`.
    pub fn new(schema: &'a Schema, random: &'a mut fastrand::Rng) -> Self {
        Self {
            schema,
            random,
            binds: Vec::new(),
            aliases: 0,
        }
    }

    /// One SELECT.
    pub fn query(&mut self) -> RandomStatement {
        self.fresh(Self::draw_query)
    }

    /// One INSERT, UPDATE or DELETE of some kind.
    pub fn write(&mut self) -> RandomStatement {
        self.fresh(Self::draw_write)
    }

    fn fresh(&mut self, draw: fn(&mut Self) -> String) -> RandomStatement {
        self.binds.clear();
        self.aliases = 0;
        let drawn = draw(self);
        self.number_placeholders(&drawn)
    }

    /// Parts of a statement are drawn in another order than they stand in it: `{n}` marks a
    /// parameter by the order of drawing, and here each gets its place in the text.
    fn number_placeholders(&mut self, drawn: &str) -> RandomStatement {
        let mut sql = String::with_capacity(drawn.len());
        let mut binds = Vec::new();
        for piece in drawn.split_inclusive('}') {
            let marker = piece.rsplit_once('{').and_then(|(before, rest)| {
                Some((before, rest.strip_suffix('}')?.parse::<usize>().ok()?))
            });
            let Some((before, number)) = marker else {
                sql.push_str(piece);
                continue;
            };
            sql.push_str(before);
            binds.push(self.binds[number].clone());
            match self.schema.dialect {
                SqlDialect::Postgres => sql.push_str(&format!("${}", binds.len())),
                SqlDialect::MySql | SqlDialect::Sqlite => sql.push('?'),
            }
        }
        RandomStatement { sql, binds }
    }

    /// True `percent` times of a hundred.
    fn chance(&mut self, percent: u32) -> bool {
        self.random.u32(0..100) < percent
    }

    fn pick<'b, T>(&mut self, from: &'b [T]) -> &'b T {
        &from[self.random.usize(0..from.len())]
    }

    fn bind(&mut self, value: Bind) -> String {
        self.binds.push(value);
        format!("{{{}}}", self.binds.len() - 1)
    }

    /// A constant of a type: bound or literal, sometimes NULL.
    fn constant(&mut self, column_type: ColumnType) -> String {
        let null = self.chance(6);
        let bound = self.chance(60);
        match column_type {
            ColumnType::Int => {
                let value = (!null).then(|| self.random.i64(0..5));
                if bound {
                    self.bind(Bind::Int(value))
                } else {
                    literal(value)
                }
            }
            ColumnType::Text => {
                let value = (!null).then(|| (*self.pick(TEXTS)).to_owned());
                if bound {
                    self.bind(Bind::Text(value))
                } else {
                    value.map_or_else(|| "NULL".to_owned(), |text| format!("'{text}'"))
                }
            }
            ColumnType::Bool => {
                let value = (!null).then(|| self.random.bool());
                if bound {
                    self.bind(Bind::Bool(value))
                } else {
                    literal(value.map(|truth| if truth { "TRUE" } else { "FALSE" }))
                }
            }
        }
    }
}

const TEXTS: &[&str] = &["x", "X", "y", "1", "01", "", "x "];

fn literal<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| value.to_string())
}
