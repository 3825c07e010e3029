//! Random schemas.

/// The dialect statements are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlDialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Integer.
    Int,
    /// Text.
    Text,
    /// Boolean.
    Bool,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
}

/// A table; its first column is the integer primary key `id`.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Parent table of a foreign key on the last column, with its ON DELETE action.
    pub parent: Option<(String, &'static str)>,
}

/// A schema.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The dialect.
    pub dialect: SqlDialect,
    /// Its tables.
    pub tables: Vec<Table>,
}

impl Schema {
    /// Two to four tables of three to six columns; names are shared between tables, so that
    /// NATURAL and USING have something to join.
    pub fn random(dialect: SqlDialect, random: &mut fastrand::Rng) -> Self {
        let mut tables: Vec<Table> = Vec::new();
        for position in 0..random.usize(2..5) {
            let mut columns = vec![Column {
                name: "id".into(),
                column_type: ColumnType::Int,
            }];
            for name in ["a", "b", "c", "f"].into_iter().take(random.usize(2..5)) {
                let column_type = match name {
                    "c" => ColumnType::Text,
                    "f" => ColumnType::Bool,
                    _ => ColumnType::Int,
                };
                columns.push(Column {
                    name: name.into(),
                    column_type,
                });
            }
            let parent = (position > 0 && random.u32(0..100) < 40).then(|| {
                let action = ["CASCADE", "SET NULL", "NO ACTION"][random.usize(0..3)];
                (tables[random.usize(0..position)].name.clone(), action)
            });
            if parent.is_some() {
                columns.push(Column {
                    name: "p".into(),
                    column_type: ColumnType::Int,
                });
            }
            tables.push(Table {
                name: format!("t{position}"),
                columns,
                parent,
            });
        }
        Self { dialect, tables }
    }

    /// DDL, parents first.
    pub fn create_statements(&self) -> Vec<String> {
        self.tables.iter().map(|table| self.create(table)).collect()
    }

    /// DROP statements, children first.
    pub fn drop_statements(&self) -> Vec<String> {
        self.tables
            .iter()
            .rev()
            .map(|table| format!("DROP TABLE {}", table.name))
            .collect()
    }

    fn create(&self, table: &Table) -> String {
        let mut parts: Vec<String> = Vec::new();
        for column in &table.columns {
            let kind = match (self.dialect, column.column_type) {
                (SqlDialect::Sqlite, ColumnType::Int) => "INTEGER",
                (_, ColumnType::Int) => "INT",
                (SqlDialect::MySql, ColumnType::Text) => "VARCHAR(20)",
                (_, ColumnType::Text) => "TEXT",
                (_, ColumnType::Bool) => "BOOLEAN",
            };
            let key = if column.name == "id" {
                " NOT NULL PRIMARY KEY"
            } else {
                " NULL"
            };
            parts.push(format!("{} {kind}{key}", column.name));
        }
        if let Some((parent, action)) = &table.parent {
            parts.push(format!(
                "FOREIGN KEY (p) REFERENCES {parent} (id) ON DELETE {action}"
            ));
        }
        format!("CREATE TABLE {} ({})", table.name, parts.join(", "))
    }
}
