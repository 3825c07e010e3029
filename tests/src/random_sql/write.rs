//! Random writes: plain, bulk, upserts, expressions, writes from queries.

use super::{Bind, Column, Generator, SqlDialect, Table};

impl Generator<'_> {
    pub(super) fn draw_write(&mut self) -> String {
        let table = self.pick(&self.schema.tables).clone();
        match self.random.u32(0..100) {
            0..=29 => self.insert(&table),
            30..=36 => self.upsert(&table),
            37..=40 => self.insert_from_query(&table),
            41..=79 => self.update(&table),
            80..=83 => self.update_by_expression(&table),
            84..=86 => self.of_several_tables(&table),
            87 => self.emptying(&table),
            _ => self.delete(&table),
        }
    }

    /// A key in a range wide enough that about half of the inserts meet no row.
    fn key(&mut self) -> String {
        let value = self.random.i64(0..12);
        self.bind(Bind::Int(Some(value)))
    }

    fn some_columns(&mut self, table: &Table) -> Vec<Column> {
        let mut columns: Vec<Column> = table.columns[1..].to_vec();
        columns.retain(|_| self.random.u32(0..100) < 75);
        columns
    }

    fn insert(&mut self, table: &Table) -> String {
        let columns = self.some_columns(table);
        let rows = if self.chance(25) { 2 } else { 1 };
        let returning = self.returning();
        let values = self.values(&columns, rows);
        format!(
            "INSERT INTO {} ({}) VALUES {values}{returning}",
            table.name,
            names(&columns)
        )
    }

    fn values(&mut self, columns: &[Column], rows: usize) -> String {
        let mut sql = Vec::new();
        for _ in 0..rows {
            let mut row = vec![self.key()];
            for column in columns {
                row.push(self.constant(column.column_type));
            }
            sql.push(format!("({})", row.join(", ")));
        }
        sql.join(", ")
    }

    fn returning(&mut self) -> &'static str {
        if self.schema.dialect != SqlDialect::MySql && self.chance(50) {
            " RETURNING *"
        } else {
            ""
        }
    }

    fn upsert(&mut self, table: &Table) -> String {
        let columns = self.some_columns(table);
        let values = self.values(&columns, 1);
        let head = format!("INTO {} ({}) VALUES {values}", table.name, names(&columns));
        let replace = self.chance(40);
        let nothing = self.chance(30);
        match self.schema.dialect {
            SqlDialect::MySql if replace => format!("REPLACE {head}"),
            SqlDialect::MySql => format!("INSERT {head} ON DUPLICATE KEY UPDATE a = VALUES(a)"),
            SqlDialect::Sqlite if replace => format!("INSERT OR REPLACE {head}"),
            _ if nothing => format!("INSERT {head} ON CONFLICT DO NOTHING"),
            _ => format!("INSERT {head} ON CONFLICT (id) DO UPDATE SET a = excluded.a"),
        }
    }

    fn insert_from_query(&mut self, table: &Table) -> String {
        let other = self.pick(&self.schema.tables).clone();
        let condition = self.write_condition(&other);
        format!(
            "INSERT INTO {} (id, a) SELECT id + 20, a FROM {} WHERE {condition}",
            table.name, other.name
        )
    }

    fn update(&mut self, table: &Table) -> String {
        let mut columns = self.some_columns(table);
        if columns.is_empty() {
            columns.push(table.columns[1].clone());
        }
        columns.truncate(2);
        let mut assignments = Vec::new();
        for column in &columns {
            assignments.push(format!(
                "{} = {}",
                column.name,
                self.constant(column.column_type)
            ));
        }
        let condition = self.write_condition(table);
        let returning = self.returning();
        format!(
            "UPDATE {} SET {} WHERE {condition}{returning}",
            table.name,
            assignments.join(", ")
        )
    }

    fn update_by_expression(&mut self, table: &Table) -> String {
        let expression = *self.pick(&["a = a + 1", "a = b", "b = a", "id = id + 40"]);
        let expression = if table.columns.iter().any(|column| column.name == "b") {
            expression
        } else {
            "a = a + 1"
        };
        let condition = self.write_condition(table);
        format!("UPDATE {} SET {expression} WHERE {condition}", table.name)
    }

    /// Rows that another table chooses, or a statement inside a statement.
    fn of_several_tables(&mut self, table: &Table) -> String {
        let other = self.pick(&self.schema.tables).name.clone();
        let name = &table.name;
        let value = self.constant(super::ColumnType::Int);
        let sql = match self.schema.dialect {
            SqlDialect::Postgres => *self.pick(&[
                "UPDATE {t} SET a = {v} FROM {o} AS o WHERE o.id = {t}.a",
                "DELETE FROM {t} USING {o} AS o WHERE o.a = {t}.id",
                "WITH gone AS (DELETE FROM {o} WHERE a = 1 RETURNING id) \
                 UPDATE {t} SET a = {v} WHERE id IN (SELECT id FROM gone)",
                "MERGE INTO {t} USING (SELECT id + 1 AS k FROM {o}) AS o ON {t}.id = o.k \
                 WHEN MATCHED THEN UPDATE SET a = {v} \
                 WHEN NOT MATCHED THEN INSERT (id, a) VALUES (o.k, {v})",
            ]),
            SqlDialect::MySql => *self.pick(&[
                "UPDATE {t} AS x JOIN {o} AS o ON o.id = x.a SET x.a = {v}",
                "DELETE x FROM {t} AS x JOIN {o} AS o ON o.a = x.id",
                "UPDATE {t} SET a = {v} WHERE b > 0 ORDER BY id LIMIT 1",
                "INSERT IGNORE INTO {t} (id, a) SELECT id, 1 FROM {o}",
            ]),
            SqlDialect::Sqlite => *self.pick(&[
                "UPDATE {t} SET a = {v} FROM {o} AS o WHERE o.id = {t}.a",
                "UPDATE OR IGNORE {t} SET id = id + 1 WHERE id > 3",
                "UPDATE OR REPLACE {t} SET id = id + 1 WHERE id = 2",
                "DELETE FROM {t} WHERE id IN (SELECT a FROM {o})",
            ]),
        };
        sql.replace("{t}", name)
            .replace("{o}", &other)
            .replace("{v}", &value)
    }

    fn emptying(&mut self, table: &Table) -> String {
        match self.schema.dialect {
            SqlDialect::Postgres => format!("TRUNCATE {} CASCADE", table.name),
            SqlDialect::MySql => format!("TRUNCATE TABLE {}", table.name),
            SqlDialect::Sqlite => format!("DELETE FROM {}", table.name),
        }
    }

    fn delete(&mut self, table: &Table) -> String {
        let condition = self.write_condition(table);
        let returning = self.returning();
        format!("DELETE FROM {} WHERE {condition}{returning}", table.name)
    }
}

fn names(columns: &[Column]) -> String {
    let mut names = vec!["id"];
    names.extend(columns.iter().map(|column| column.name.as_str()));
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::{Schema, SqlDialect};
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_statements() {
        let draw = |seed| {
            let mut random = fastrand::Rng::with_seed(seed);
            let schema = Schema::random(SqlDialect::Sqlite, &mut random);
            let mut generator = Generator::new(&schema, &mut random);
            (0..50)
                .map(|_| (generator.query(), generator.write()))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_bound_constant_appears_as_a_placeholder() {
        let mut random = fastrand::Rng::with_seed(1);
        let schema = Schema::random(SqlDialect::Postgres, &mut random);
        let mut generator = Generator::new(&schema, &mut random);
        let statements: Vec<_> = (0..200).map(|_| generator.query()).collect();
        assert!(
            statements
                .iter()
                .any(|statement| !statement.binds.is_empty())
        );
        for statement in statements {
            for number in 1..=statement.binds.len() {
                assert!(
                    statement.sql.contains(&format!("${number}")),
                    "{statement:?}"
                );
            }
        }
    }
}
