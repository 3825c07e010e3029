//! Stable content hashes of a table's definition and of a whole catalog.
//!
//! They are part of stored keys: an entry computed under another definition is never found.
//! FNV-1a with 128 bits tells versions of one schema apart; it is no defence against an adversary,
//! who would need to own the schema.

use super::{
    Catalog, Column, ForeignKey, ForeignKeyAction, Table, TableKind, Trigger, ValueKind, Volatility,
};

impl Catalog {
    /// The hash of everything that this catalog knows.
    pub fn fingerprint(&self) -> [u8; 16] {
        let mut hash = Fnv::default();
        hash.list(&self.search_path, |hash, schema| hash.text(schema));
        hash.flags(&[self.table_names_ignore_case]);
        hash.number(self.tables.len() as u64);
        for table in self.tables.values() {
            hash.bytes(&table.fingerprint());
        }
        hash.number(self.functions.len() as u64);
        for (name, volatility) in &self.functions {
            hash.text(name);
            hash.bytes(&[match volatility {
                Volatility::Immutable => 0,
                Volatility::Stable => 1,
                Volatility::Volatile => 2,
            }]);
        }
        hash.number(self.custom_operators.len() as u64);
        for operator in &self.custom_operators {
            hash.text(operator);
        }
        hash.number(self.session.len() as u64);
        for (name, value) in &self.session {
            hash.text(name);
            hash.text(value);
        }
        hash.state.to_be_bytes()
    }
}

impl Table {
    /// The hash of everything that this catalog knows of the table.
    pub fn fingerprint(&self) -> [u8; 16] {
        let mut hash = Fnv::default();
        hash.text(&self.name.schema);
        hash.text(&self.name.name);
        hash.kind(&self.kind);
        hash.list(&self.columns, Fnv::column);
        hash.list(&self.primary_key, |hash, position| {
            hash.number(*position as u64)
        });
        hash.list(&self.foreign_keys, Fnv::foreign_key);
        hash.list(&self.triggers, Fnv::trigger);
        hash.flags(&[
            self.has_rules,
            self.row_security,
            self.transactional,
            self.conflict_replaces,
            self.columns_ignore_case,
        ]);
        if self.row_security {
            hash.text(self.row_policies.as_deref().unwrap_or_default());
        }
        hash.list(&self.parents, |hash, parent| {
            hash.text(&parent.schema);
            hash.text(&parent.name);
        });
        hash.state.to_be_bytes()
    }
}

struct Fnv {
    state: u128,
}

impl Default for Fnv {
    fn default() -> Self {
        Self {
            state: OFFSET_BASIS,
        }
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = (self.state ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    /// Length first, so that neighbouring fields cannot trade characters.
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn flags(&mut self, flags: &[bool]) {
        for flag in flags {
            self.bytes(&[u8::from(*flag)]);
        }
    }

    fn list<T>(&mut self, items: &[T], add: impl Fn(&mut Self, &T)) {
        self.number(items.len() as u64);
        for item in items {
            add(self, item);
        }
    }

    /// `None` is zero, which no bound of a type is one less than.
    fn bound(&mut self, bound: Option<u32>) {
        self.number(bound.map_or(0, |bound| u64::from(bound) + 1));
    }

    fn kind(&mut self, kind: &TableKind) {
        match kind {
            TableKind::Base => self.bytes(&[0]),
            TableKind::View { definition } => {
                self.bytes(&[1]);
                self.text(definition);
            }
            TableKind::MaterializedView => self.bytes(&[2]),
            TableKind::Other(what) => {
                self.bytes(&[3]);
                self.text(what);
            }
        }
    }

    fn column(&mut self, column: &Column) {
        self.text(&column.name);
        self.text(&column.declared);
        self.value_kind(&column.kind);
        self.flags(&[
            column.not_null,
            column.generated,
            column.auto_increment,
            column.has_default,
            column.on_update,
            column.hidden,
        ]);
    }

    fn value_kind(&mut self, kind: &ValueKind) {
        match kind {
            ValueKind::Integer { min, max } => {
                self.bytes(&[0]);
                self.bytes(&min.to_be_bytes());
                self.number(*max);
            }
            ValueKind::Bool => self.bytes(&[1]),
            ValueKind::Text { chars_max } => {
                self.bytes(&[2]);
                self.bound(*chars_max);
            }
            ValueKind::Uuid => self.bytes(&[3]),
            ValueKind::Date => self.bytes(&[4]),
            ValueKind::Timestamp { precision } => self.bytes(&[5, *precision]),
            ValueKind::TimestampTz { precision } => self.bytes(&[6, *precision]),
            ValueKind::Decimal { precision, scale } => {
                self.bytes(&[7]);
                self.bound(*precision);
                self.bound(*scale);
            }
            ValueKind::Bytes { bytes_max, fixed } => {
                self.bytes(&[8]);
                self.bound(*bytes_max);
                self.flags(&[*fixed]);
            }
            ValueKind::Enum { labels } => {
                self.bytes(&[9]);
                self.list(labels, |hash, label| hash.text(label));
            }
            ValueKind::Opaque => self.bytes(&[10]),
        }
    }

    fn foreign_key(&mut self, key: &ForeignKey) {
        self.list(&key.columns, |hash, position| hash.number(*position as u64));
        self.text(&key.parent.schema);
        self.text(&key.parent.name);
        self.list(&key.parent_columns, |hash, name| hash.text(name));
        self.bytes(&[action(key.on_delete), action(key.on_update)]);
    }

    fn trigger(&mut self, trigger: &Trigger) {
        self.text(&trigger.name);
        self.flags(&[
            trigger.before,
            trigger.on_insert,
            trigger.on_update,
            trigger.on_delete,
        ]);
        self.flags(&[trigger.writes.is_some()]);
        self.list(
            trigger.writes.as_deref().unwrap_or_default(),
            |hash, table| {
                hash.text(&table.schema);
                hash.text(&table.name);
            },
        );
    }
}

fn action(action: ForeignKeyAction) -> u8 {
    match action {
        ForeignKeyAction::Nothing => 0,
        ForeignKeyAction::Cascade => 1,
        ForeignKeyAction::SetNull => 2,
        ForeignKeyAction::SetDefault => 3,
    }
}

const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
