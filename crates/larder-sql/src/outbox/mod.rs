//! The outbox: triggers that record what other programs write, and the statements of the relay
//! that invalidates by it.
//!
//! No I/O here: what this gives is text, to be run by a migration or by an adapter. The triggers
//! write nothing but the outbox, in the plain form that introspection understands, so that a
//! write through larder on a table that has them drops no more than before.
//!
//! A trigger names the columns of its table: after a column was added, renamed or dropped, or the
//! table renamed, [`Outbox::remove`] and [`Outbox::install`] it again. MySQL and SQLite refuse
//! writes or the change itself otherwise; PostgreSQL only knows less, which drops more.

mod mysql;
mod postgres;
mod relay;
mod sqlite;
mod text;

use std::sync::Arc;

pub use self::relay::Claimed;
use crate::{Column, Dialect, Table, TableName, ValueKind, catalog::Trigger};

/// The outbox's table. It is never cached.
pub const TABLE: &str = "larder_outbox";

/// Whether this is the outbox's table, by whatever rule names compare.
#[must_use]
pub fn is_outbox(name: &TableName) -> bool {
    name.name.eq_ignore_ascii_case(TABLE)
}

/// Whether a trigger is one of [`Outbox::install`]: it records, and neither refuses nor rewrites.
#[must_use]
pub fn is_outbox_trigger(trigger: &Trigger) -> bool {
    let records = |writes: &[TableName]| writes.iter().all(is_outbox);
    let named = trigger.name.to_ascii_lowercase().starts_with(text::PREFIX);
    named && !trigger.before && trigger.writes.as_deref().is_some_and(records)
}

/// Where the outbox of one database lives, and the SQL around it.
///
/// # Examples
///
/// ```
/// use larder_sql::{Column, Dialect, Table, TableName, ValueKind, catalog::TableKind, outbox::Outbox};
///
/// let id = Column::new("id", ValueKind::Uuid);
/// let post = Table::new(TableName::new("public", "post"), TableKind::Base, vec![id]);
/// let statements = Outbox::new(Dialect::Postgres).install(&post);
/// assert_eq!(
///     statements[0],
///     "CREATE TRIGGER \"larder_outbox_post_rows\" AFTER INSERT OR UPDATE OR DELETE \
///      ON \"public\".\"post\" FOR EACH ROW EXECUTE FUNCTION \"public\".larder_outbox_record('id')"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Outbox {
    dialect: Dialect,
    schema: Option<Arc<str>>,
}

/// What a trigger records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Insert,
    Update,
    Delete,
}

impl Outbox {
    /// The outbox of a database of this dialect: in the schema of each table (PostgreSQL), or the
    /// database itself.
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            schema: None,
        }
    }

    /// Names the PostgreSQL schema in which the outbox was created, for tables of several schemas.
    /// Default: for triggers, the schema of their table; for the relay, the search path. No effect
    /// on MySQL and SQLite, where the outbox lives beside the tables.
    pub fn in_schema(mut self, schema: impl Into<Arc<str>>) -> Self {
        self.schema = (self.dialect == Dialect::Postgres).then(|| schema.into());
        self
    }

    /// The text that creates the outbox, several statements on PostgreSQL:
    /// `migrations/<backend>/outbox/up.sql`.
    #[must_use]
    pub const fn create(&self) -> &'static str {
        match self.dialect {
            Dialect::Postgres => include_str!("sql/postgres/up.sql"),
            Dialect::MySql => include_str!("sql/mysql/up.sql"),
            Dialect::Sqlite => include_str!("sql/sqlite/up.sql"),
        }
    }

    /// The text that takes [`create`](Self::create) back, once the triggers are removed:
    /// `migrations/<backend>/outbox/down.sql`.
    #[must_use]
    pub const fn destroy(&self) -> &'static str {
        match self.dialect {
            Dialect::Postgres => include_str!("sql/postgres/down.sql"),
            Dialect::MySql => include_str!("sql/mysql/down.sql"),
            Dialect::Sqlite => include_str!("sql/sqlite/down.sql"),
        }
    }

    /// PostgreSQL: the text that lets `LISTEN larder_outbox` hear of every transaction that records
    /// something, `migrations/postgres/outbox/notify_up.sql`; `None` elsewhere. Transactions that
    /// notify commit one after the other in all databases of the server, so polling is the default.
    #[must_use]
    pub const fn create_notify(&self) -> Option<&'static str> {
        match self.dialect {
            Dialect::Postgres => Some(include_str!("sql/postgres/notify_up.sql")),
            Dialect::MySql | Dialect::Sqlite => None,
        }
    }

    /// The text that takes [`create_notify`](Self::create_notify) back.
    #[must_use]
    pub const fn destroy_notify(&self) -> Option<&'static str> {
        match self.dialect {
            Dialect::Postgres => Some(include_str!("sql/postgres/notify_down.sql")),
            Dialect::MySql | Dialect::Sqlite => None,
        }
    }

    /// The statements that let a table record its writes, one text each; none for what is no
    /// ordinary table, and for the outbox itself.
    ///
    /// The images tell the columns of a kind that can narrow (blobs, generated columns and other
    /// types are left out); what an image does not tell drops more, never less.
    #[must_use]
    pub fn install(&self, table: &Table) -> Vec<String> {
        if !is_recordable(table) {
            return Vec::new();
        }
        match self.dialect {
            Dialect::Postgres => postgres::install(self.schema_for(table), table),
            Dialect::MySql => mysql::install(table),
            Dialect::Sqlite => sqlite::install(table),
        }
    }

    /// The statements that take [`install`](Self::install) back. They do no harm where nothing is
    /// installed.
    #[must_use]
    pub fn remove(&self, table: &Table) -> Vec<String> {
        if !is_recordable(table) {
            return Vec::new();
        }
        match self.dialect {
            Dialect::Postgres => postgres::remove(table),
            Dialect::MySql => mysql::remove(table),
            Dialect::Sqlite => sqlite::remove(table),
        }
    }

    fn schema_for<'a>(&'a self, table: &'a Table) -> &'a str {
        self.schema.as_deref().unwrap_or(&table.name.schema)
    }
}

impl Operation {
    const ALL: [Self; 3] = [Self::Insert, Self::Update, Self::Delete];

    const fn word(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }

    const fn has_old(self) -> bool {
        !matches!(self, Self::Insert)
    }

    const fn has_new(self) -> bool {
        !matches!(self, Self::Delete)
    }
}

fn is_recordable(table: &Table) -> bool {
    table.is_base() && !is_outbox(&table.name)
}

/// The columns that an image tells: keys first, so that a bound on their number meets the others.
/// A generated column may not be computed yet where a trigger looks.
fn told(table: &Table, is_told: impl Fn(&Column) -> bool) -> Vec<&Column> {
    let is_key = |position: &usize| {
        table.primary_key.contains(position)
            || table
                .foreign_keys
                .iter()
                .any(|key| key.columns.contains(position))
    };
    let (keys, others): (Vec<usize>, Vec<usize>) = (0..table.columns.len()).partition(is_key);
    keys.into_iter()
        .chain(others)
        .filter_map(|position| table.columns.get(position))
        .filter(|column| !column.generated && is_told(column))
        .collect()
}

/// Whether the values are of a kind that can narrow, and short.
fn has_value(column: &Column) -> bool {
    !matches!(column.kind, ValueKind::Opaque | ValueKind::Bytes { .. })
}

#[cfg(test)]
mod tests;
