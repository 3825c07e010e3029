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
    /// Parent table of a foreign key on the last column, with its ON DELETE and ON UPDATE actions.
    pub parent: Option<(String, [&'static str; 2])>,
    /// What a trigger on it does.
    pub trigger: Option<Trigger>,
}

/// A trigger that fires for each row.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// After this event it sets a column of another table, for the row of the same key.
    Writes(&'static str, String),
    /// After this event it deletes from another table.
    Deletes(&'static str, String),
    /// Before an UPDATE it changes the row.
    Rewrites,
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
            let name = format!("t{position}");
            let parent = (random.u32(0..100) < 40).then(|| {
                let actions = ["CASCADE", "SET NULL", "NO ACTION"];
                let [delete, update] = [(); 2].map(|()| actions[random.usize(0..3)]);
                // Sometimes its own.
                let parent = random.usize(0..=position);
                (format!("t{parent}"), [delete, update])
            });
            // Earlier tables alone, so that no trigger leads back to itself.
            let trigger = (position > 0 && random.u32(0..100) < 30).then(|| {
                let event = ["INSERT", "UPDATE", "DELETE"][random.usize(0..3)];
                let other = tables[random.usize(0..position)].name.clone();
                match random.u32(0..3) {
                    0 => Trigger::Writes(event, other),
                    1 => Trigger::Deletes(event, other),
                    _ => Trigger::Rewrites,
                }
            });
            if parent.is_some() {
                columns.push(Column {
                    name: "p".into(),
                    column_type: ColumnType::Int,
                });
            }
            tables.push(Table {
                name,
                columns,
                parent,
                trigger,
            });
        }
        Self { dialect, tables }
    }

    /// DDL, parents first.
    pub fn create_statements(&self) -> Vec<String> {
        let tables = self.tables.iter().map(|table| self.create(table));
        let triggers = self.tables.iter().flat_map(|table| self.triggers(table));
        tables.chain(triggers).collect()
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
        if let Some((parent, [delete, update])) = &table.parent {
            parts.push(format!(
                "FOREIGN KEY (p) REFERENCES {parent} (id) ON DELETE {delete} ON UPDATE {update}"
            ));
        }
        format!("CREATE TABLE {} ({})", table.name, parts.join(", "))
    }

    fn triggers(&self, table: &Table) -> Vec<String> {
        let name = &table.name;
        let Some(trigger) = &table.trigger else {
            return Vec::new();
        };
        let (time, event, body) = match trigger {
            Trigger::Writes(event, other) => {
                let row = row_of(event);
                let body = format!("UPDATE {other} SET a = 2 WHERE id = {row}.id");
                ("AFTER", *event, body)
            }
            Trigger::Deletes(event, other) => {
                let row = row_of(event);
                let body = format!("DELETE FROM {other} WHERE a = {row}.a");
                ("AFTER", *event, body)
            }
            Trigger::Rewrites => match self.dialect {
                SqlDialect::Postgres => ("BEFORE", "UPDATE", "NEW.a := 3".to_owned()),
                SqlDialect::MySql => ("BEFORE", "UPDATE", "SET NEW.a = 3".to_owned()),
                // A row on its way in cannot be changed there; what was written can.
                SqlDialect::Sqlite => {
                    let body = format!("UPDATE {name} SET a = 3 WHERE id = NEW.id");
                    ("AFTER", "INSERT", body)
                }
            },
        };
        match self.dialect {
            SqlDialect::Postgres => vec![
                format!(
                    "CREATE OR REPLACE FUNCTION f_{name}() RETURNS trigger LANGUAGE plpgsql AS \
                     $$ BEGIN {body}; RETURN NEW; END $$"
                ),
                format!(
                    "CREATE TRIGGER g_{name} {time} {event} ON {name} FOR EACH ROW \
                     EXECUTE FUNCTION f_{name}()"
                ),
            ],
            SqlDialect::MySql => vec![format!(
                "CREATE TRIGGER g_{name} {time} {event} ON {name} FOR EACH ROW {body}"
            )],
            SqlDialect::Sqlite => vec![format!(
                "CREATE TRIGGER g_{name} {time} {event} ON {name} FOR EACH ROW BEGIN {body}; END"
            )],
        }
    }
}

/// The row that a trigger on this event may name.
fn row_of(event: &str) -> &'static str {
    if event == "DELETE" { "OLD" } else { "NEW" }
}
