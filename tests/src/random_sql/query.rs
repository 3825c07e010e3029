//! Random SELECTs: joins of every kind, subqueries, CTEs, set operations, aggregates.

use super::{Column, ColumnType, Generator, SqlDialect};

/// A source that can be named in the block: alias and columns.
#[derive(Clone)]
struct Source {
    alias: String,
    columns: Vec<Column>,
}

impl Generator<'_> {
    pub(super) fn draw_query(&mut self) -> String {
        let mut with = String::new();
        let mut common: Vec<Source> = Vec::new();
        if self.chance(12) {
            // A CTE may bear the name of a table: scoping decides which is meant (R3).
            let name = if self.chance(40) {
                self.pick(&self.schema.tables).name.clone()
            } else {
                "w".to_owned()
            };
            let (body, columns) = self.plain_block(&[]);
            with = format!("WITH {name} AS ({body}) ");
            common.push(Source {
                alias: name,
                columns,
            });
        }
        let body = match self.random.u32(0..100) {
            0..=9 => self.set_operation(&common),
            10..=19 => self.aggregate(&common),
            20..=26 => self.grouped(&common),
            _ => self.select(&common, &[]),
        };
        with + &body
    }

    /// `SELECT columns FROM table WHERE ..`: for CTEs and derived tables.
    fn plain_block(&mut self, outer: &[Source]) -> (String, Vec<Column>) {
        let table = self.pick(&self.schema.tables).clone();
        let alias = self.alias();
        let source = Source {
            alias: alias.clone(),
            columns: table.columns.clone(),
        };
        let condition = self.where_clause(&[source], outer);
        let names: Vec<String> = table
            .columns
            .iter()
            .map(|column| format!("{alias}.{}", column.name))
            .collect();
        let sql = format!(
            "SELECT {} FROM {} AS {alias}{condition}",
            names.join(", "),
            table.name
        );
        (sql, table.columns)
    }

    fn select(&mut self, common: &[Source], outer: &[Source]) -> String {
        let (from, sources) = self.from(common);
        let condition = self.where_clause(&sources, outer);
        let list = if self.chance(20) && sources.len() == 1 {
            "*".to_owned()
        } else {
            let count = self.random.usize(1..4);
            let mut items = Vec::new();
            for position in 0..count {
                let item = if self.chance(10) {
                    format!("({})", self.scalar_subquery(&sources))
                } else {
                    self.column(&sources, None)
                };
                items.push(format!("{item} AS r{position}"));
            }
            items.join(", ")
        };
        let distinct = if self.chance(10) { "DISTINCT " } else { "" };
        format!("SELECT {distinct}{list} FROM {from}{condition}")
    }

    fn aggregate(&mut self, common: &[Source]) -> String {
        let (from, sources) = self.from(common);
        let condition = self.where_clause(&sources, &[]);
        let column = self.column(&sources, Some(ColumnType::Int));
        let item = match self.random.u32(0..5) {
            0 => "count(*)".to_owned(),
            1 => format!("count({column})"),
            2 => format!("max({column})"),
            3 => format!("min({column})"),
            _ => format!("count(DISTINCT {column})"),
        };
        format!("SELECT {item} AS r0 FROM {from}{condition}")
    }

    fn grouped(&mut self, common: &[Source]) -> String {
        let (from, sources) = self.from(common);
        let condition = self.where_clause(&sources, &[]);
        let column = self.column(&sources, Some(ColumnType::Int));
        let having = match self.random.u32(0..4) {
            0 => format!(" HAVING {column} = {}", self.constant(ColumnType::Int)),
            1 => " HAVING count(*) > 1".to_owned(),
            _ => String::new(),
        };
        format!(
            "SELECT {column} AS r0, count(*) AS r1 FROM {from}{condition} GROUP BY {column}{having}"
        )
    }

    fn set_operation(&mut self, common: &[Source]) -> String {
        let branch = |generator: &mut Self| {
            let (from, sources) = generator.from(common);
            let condition = generator.where_clause(&sources, &[]);
            let column = generator.column(&sources, Some(ColumnType::Int));
            format!("SELECT {column} AS r0 FROM {from}{condition}")
        };
        let left = branch(self);
        let operator = *self.pick(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]);
        let right = branch(self);
        format!("{left} {operator} {right}")
    }

    fn scalar_subquery(&mut self, outer: &[Source]) -> String {
        let (from, sources) = self.from(&[]);
        let condition = self.where_clause(&sources, outer);
        let column = self.column(&sources, Some(ColumnType::Int));
        format!("SELECT max({column}) FROM {from}{condition}")
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("s{}", self.aliases)
    }

    /// A FROM clause of one to three sources.
    fn from(&mut self, common: &[Source]) -> (String, Vec<Source>) {
        let (mut sql, first) = self.source(common);
        let mut sources = vec![first];
        let joins = *self.pick(&[0, 0, 0, 1, 1, 1, 2]);
        for _ in 0..joins {
            let (right, source) = self.source(common);
            sources.push(source);
            sql = self.join(&sql, &right, &sources);
        }
        (sql, sources)
    }

    fn source(&mut self, common: &[Source]) -> (String, Source) {
        let alias = self.alias();
        if !common.is_empty() && self.chance(50) {
            let chosen = self.pick(common).clone();
            let sql = format!("{} AS {alias}", chosen.alias);
            return (
                sql,
                Source {
                    alias,
                    columns: chosen.columns,
                },
            );
        }
        if self.chance(12) {
            let (body, columns) = self.plain_block(&[]);
            return (format!("({body}) AS {alias}"), Source { alias, columns });
        }
        let table = self.pick(&self.schema.tables).clone();
        (
            format!("{} AS {alias}", table.name),
            Source {
                alias,
                columns: table.columns,
            },
        )
    }

    fn join(&mut self, left: &str, right: &str, sources: &[Source]) -> String {
        let full = self.schema.dialect != SqlDialect::MySql;
        match self.random.u32(0..100) {
            0..=11 => format!("{left} CROSS JOIN {right}"),
            12..=19 => format!("{left}, {right}"),
            // Three-way USING and NATURAL are ambiguous when a name stands in two left tables.
            20..=25 if sources.len() == 2 => format!("{left} JOIN {right} USING (a)"),
            26..=31 if sources.len() == 2 => format!("{left} LEFT JOIN {right} USING (a)"),
            32..=35 if sources.len() == 2 => format!("{left} NATURAL JOIN {right}"),
            number => {
                let kind = match number % 4 {
                    0 => "JOIN",
                    1 => "LEFT JOIN",
                    2 => "RIGHT JOIN",
                    _ if full => "FULL JOIN",
                    _ => "LEFT JOIN",
                };
                let condition = self.join_condition(sources, kind == "FULL JOIN");
                format!("{left} {kind} {right} ON {condition}")
            }
        }
    }

    /// FULL joins on PostgreSQL take merge- or hash-joinable conditions only.
    fn join_condition(&mut self, sources: &[Source], equality_only: bool) -> String {
        let (left, right) = sources.split_at(sources.len() - 1);
        let mut sql = format!(
            "{} = {}",
            self.column(left, Some(ColumnType::Int)),
            self.column(right, Some(ColumnType::Int))
        );
        let strict = equality_only && self.schema.dialect == SqlDialect::Postgres;
        if !strict && self.chance(45) {
            let more = self.condition(sources, &[], 1);
            sql = format!("{sql} AND {more}");
        }
        sql
    }

    fn where_clause(&mut self, sources: &[Source], outer: &[Source]) -> String {
        if self.chance(15) {
            return String::new();
        }
        format!(" WHERE {}", self.condition(sources, outer, 0))
    }

    fn column(&mut self, sources: &[Source], wanted: Option<ColumnType>) -> String {
        let source = self.pick(sources);
        let fitting: Vec<&Column> = source
            .columns
            .iter()
            .filter(|column| wanted.is_none_or(|wanted| column.column_type == wanted))
            .collect();
        let name = self
            .random
            .choice(fitting)
            .map_or("id", |column| column.name.as_str());
        format!("{}.{name}", source.alias)
    }

    /// A column of any type with its type.
    fn typed_column(&mut self, sources: &[Source]) -> (String, ColumnType) {
        let source = self.pick(sources).clone();
        let column = self.pick(&source.columns).clone();
        (
            format!("{}.{}", source.alias, column.name),
            column.column_type,
        )
    }

    fn condition(&mut self, sources: &[Source], outer: &[Source], depth: u32) -> String {
        let choice = self.random.u32(0..100);
        if depth < 3 {
            match choice {
                0..=17 => {
                    let left = self.condition(sources, outer, depth + 1);
                    let right = self.condition(sources, outer, depth + 1);
                    return format!("({left} AND {right})");
                }
                18..=29 => {
                    let left = self.condition(sources, outer, depth + 1);
                    let right = self.condition(sources, outer, depth + 1);
                    return format!("({left} OR {right})");
                }
                30..=33 => return format!("NOT ({})", self.condition(sources, outer, depth + 1)),
                34..=40 => return self.exists(sources, depth),
                41..=44 => return self.in_subquery(sources, depth),
                _ => {}
            }
        }
        self.simple_condition(sources, outer)
    }

    fn exists(&mut self, sources: &[Source], depth: u32) -> String {
        let (from, inner) = self.source(&[]);
        let all = [inner];
        let mut condition = self.condition(&all, sources, depth + 2);
        if self.chance(60) {
            let left = self.column(&all, Some(ColumnType::Int));
            let right = self.column(sources, Some(ColumnType::Int));
            condition = format!("{left} = {right} AND {condition}");
        }
        let not = if self.chance(30) { "NOT " } else { "" };
        format!("{not}EXISTS (SELECT 1 FROM {from} WHERE {condition})")
    }

    fn in_subquery(&mut self, sources: &[Source], depth: u32) -> String {
        let column = self.column(sources, Some(ColumnType::Int));
        let (from, inner) = self.source(&[]);
        let all = [inner];
        let wanted = self.column(&all, Some(ColumnType::Int));
        let condition = self.condition(&all, sources, depth + 2);
        let not = if self.chance(25) { "NOT " } else { "" };
        format!("{column} {not}IN (SELECT {wanted} FROM {from} WHERE {condition})")
    }

    fn simple_condition(&mut self, sources: &[Source], outer: &[Source]) -> String {
        let (column, column_type) = self.typed_column(sources);
        match self.random.u32(0..100) {
            0..=39 => {
                let constant = self.constant(column_type);
                if self.chance(15) {
                    format!("{constant} = {column}")
                } else {
                    format!("{column} = {constant}")
                }
            }
            40..=49 => {
                let count = self.random.usize(1..4);
                let list: Vec<String> = (0..count).map(|_| self.constant(column_type)).collect();
                let not = if self.chance(15) { "NOT " } else { "" };
                format!("{column} {not}IN ({})", list.join(", "))
            }
            50..=59 => {
                let not = if self.chance(30) { " NOT" } else { "" };
                format!("{column} IS{not} NULL")
            }
            60..=67 => {
                let other_sources = if outer.is_empty() || self.chance(60) {
                    sources
                } else {
                    outer
                };
                let other = self.column(other_sources, Some(column_type));
                // The fallback column `id` is an integer: compare only what is alike.
                if other.ends_with(".id") && column_type != ColumnType::Int {
                    format!("{column} IS NOT NULL")
                } else {
                    format!("{column} = {other}")
                }
            }
            68..=73 => {
                let operator = *self.pick(&["<", ">", "<=", "<>"]);
                format!("{column} {operator} {}", self.constant(column_type))
            }
            74..=77 if column_type == ColumnType::Bool => column,
            78..=81 if column_type == ColumnType::Text => format!("{column} LIKE 'x%'"),
            82..=86 if column_type == ColumnType::Int => {
                format!("{column} + 1 = {}", self.constant(ColumnType::Int))
            }
            87..=90 if column_type == ColumnType::Int => {
                format!("coalesce({column}, 0) = {}", self.constant(ColumnType::Int))
            }
            91..=95 => {
                let (second, second_type) = self.typed_column(sources);
                let left = self.constant(column_type);
                let right = self.constant(second_type);
                format!("({column}, {second}) = ({left}, {right})")
            }
            _ => format!("{column} = {}", self.constant(column_type)),
        }
    }

    /// A condition on one table named by its own name: for writes.
    pub(super) fn write_condition(&mut self, table: &super::Table) -> String {
        let source = Source {
            alias: table.name.clone(),
            columns: table.columns.clone(),
        };
        match self.random.u32(0..100) {
            0..=39 => format!("{}.id = {}", table.name, self.constant(ColumnType::Int)),
            40..=79 => self.simple_condition(&[source], &[]),
            // MySQL refuses a subquery on the written table.
            _ if self.schema.dialect == SqlDialect::MySql => self.simple_condition(&[source], &[]),
            _ => self.condition(&[source], &[], 1),
        }
    }
}
