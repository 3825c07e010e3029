//! One small table for tests of the protocol: `post(id, author, title)`.

use std::{sync::Arc, time::Duration};

use larder_core::{
    Affected, Change, ChangeScope, DependencyKey, Digest, EntryKey, Image, ReadMode, ReadRequest,
    ResultCodec, RowChange, ShapeName, TableKey, Value, codec::Unwritable, machine::Leeway,
};
use larder_sql::{Column, Table, TableName, ValueKind, catalog::TableKind, plan::Columns};

/// How results of `u64` are written down.
pub static NUMBER: ResultCodec = ResultCodec {
    fingerprint: 64,
    write: |value, to| to.serde(value.downcast_ref::<u64>().ok_or(Unwritable)?),
    read: |from| Ok(Arc::new(from.serde::<u64>()?)),
};

/// The queries and writes of one table.
#[derive(Clone, Debug)]
pub struct Posts {
    /// Its key.
    pub key: TableKey,
    /// What the catalog says of it.
    pub table: Arc<Table>,
}

/// A query as a cache sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// Where its result lies.
    pub entry: EntryKey,
    /// What its result rests on.
    pub dependencies: Vec<DependencyKey>,
}

impl Query {
    /// A read of it.
    pub fn read(&self) -> ReadRequest<'_> {
        ReadRequest {
            entry: &self.entry,
            dependencies: &self.dependencies,
            ttl: Duration::from_secs(60),
            mode: ReadMode::Cached,
            codec: Some(&NUMBER),
            leeway: Leeway::default(),
            call: None,
        }
    }
}

impl Default for Posts {
    fn default() -> Self {
        Self::named("post")
    }
}

impl Posts {
    /// The table under this name.
    pub fn named(name: &str) -> Self {
        let column = |name: &str, kind| Column {
            name: name.into(),
            kind,
            declared: "".into(),
            not_null: true,
            generated: false,
            auto_increment: false,
            has_default: false,
            on_update: false,
            hidden: false,
        };
        let integer = ValueKind::Integer {
            min: i64::MIN,
            max: i64::MAX as u64,
        };
        let table = Table {
            name: TableName::new("main", name),
            kind: TableKind::Base,
            columns: vec![
                column("id", integer.clone()),
                column("author", integer),
                column("title", ValueKind::Text { chars_max: None }),
            ],
            primary_key: vec![0],
            foreign_keys: Vec::new(),
            triggers: Vec::new(),
            has_rules: false,
            row_security: false,
            row_policies: None,
            readable: true,
            lockable: true,
            transactional: true,
            conflict_replaces: false,
            conflict_keeps_rows: false,
            parents: Vec::new(),
            columns_ignore_case: false,
        };
        Self {
            key: TableKey(format!(":test:main.{name}").into()),
            table: Arc::new(table),
        }
    }

    /// `SELECT * .. WHERE author = ?`
    ///
    /// # Panics
    /// When the shape's name cannot be read back.
    pub fn by_author(&self, author: i128) -> Query {
        let shape = ShapeName("1|author:int|*".into());
        let value = match shape.affected_by(&self.retitled(author)) {
            Affected::Values(digests) => digests.first().copied(),
            _ => None,
        };
        assert!(value.is_some(), "the shape must read back");
        let dependency = DependencyKey {
            table: self.key.clone(),
            shape,
            value,
            spread: 0,
        };
        Query {
            entry: self.entry(1, author),
            dependencies: vec![dependency],
        }
    }

    /// `SELECT * ..`
    pub fn all(&self) -> Query {
        let dependencies = vec![DependencyKey::any_row(self.key.clone())];
        Query {
            entry: self.entry(2, 0),
            dependencies,
        }
    }

    /// A query on a shape of its own.
    pub fn of_shape(&self, number: u8) -> Query {
        let shape = ShapeName(format!("1|author:int|title{number}").into());
        let value = Some(Digest([number; 32]));
        let dependency = DependencyKey {
            table: self.key.clone(),
            shape,
            value,
            spread: 0,
        };
        Query {
            entry: self.entry(3, i128::from(number)),
            dependencies: vec![dependency],
        }
    }

    /// `UPDATE .. SET title = ? WHERE author = ?`: images know the author alone.
    pub fn retitled(&self, author: i128) -> Change {
        let image = Image {
            cells: vec![None, Some(Value::Int(author)), None],
        };
        let row = RowChange {
            old: Some(image.clone()),
            new: Some(image),
        };
        self.change(ChangeScope::Rows {
            changed: Columns::Some(vec![2]),
            rows: vec![row],
        })
    }

    /// The row moves from one author to another.
    pub fn moved(&self, from: i128, to: i128) -> Change {
        let image = |author| {
            Some(Image {
                cells: vec![None, Some(Value::Int(author)), None],
            })
        };
        let row = RowChange {
            old: image(from),
            new: image(to),
        };
        self.change(ChangeScope::Rows {
            changed: Columns::Some(vec![1]),
            rows: vec![row],
        })
    }

    /// A row of which nothing is known.
    pub fn unknown_row(&self) -> Change {
        let row = RowChange {
            old: Some(Image::default()),
            new: Some(Image::default()),
        };
        self.change(ChangeScope::Rows {
            changed: Columns::All,
            rows: vec![row],
        })
    }

    /// Unknown rows.
    pub fn unknown_rows(&self) -> Change {
        self.change(ChangeScope::Record)
    }

    fn change(&self, scope: ChangeScope) -> Change {
        Change {
            table_key: self.key.clone(),
            table: Some(self.table.clone()),
            scope,
        }
    }

    fn entry(&self, kind: u8, of: i128) -> EntryKey {
        let mut digest = [kind; 32];
        let (_, tail) = digest.split_at_mut(16);
        tail.copy_from_slice(&of.to_le_bytes());
        let name = self.table.name.name.bytes();
        digest
            .iter_mut()
            .zip(name)
            .for_each(|(byte, letter)| *byte ^= letter);
        EntryKey {
            table: self.key.clone(),
            digest: Digest(digest),
        }
    }
}
