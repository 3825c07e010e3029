//! The names of memos: results of the application's own functions, kept like those of queries.

mod arguments;

use serde::Serialize;

use self::arguments::Arguments;
use crate::{
    DependencyKey, EntryKey, ResultIdentity, TableKey,
    codec::Unwritable,
    key::{Fields, escape, is_reserved_in_table_key},
    prepared::feed_identity,
};

/// Where the result of a memo lies, and what it rests on besides what is read inside.
///
/// Every memo of one name has a table of its own, which no database has: `namespace:@memo:name`. Its
/// record drops like any other, and with it all results of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoKey {
    /// The entry.
    pub entry: EntryKey,
    /// The whole of the memo's table.
    pub dependency: DependencyKey,
}

/// What tells memos apart besides their arguments and the types of their results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "built by larder-signals, field by field"
)]
pub struct MemoName<'a> {
    /// The application.
    pub namespace: &'a str,
    /// Its version of entries.
    pub version: &'a str,
    /// Whose rows are read.
    pub scope: Option<&'a str>,
    /// The function.
    pub name: &'a str,
}

impl MemoKey {
    /// The table of the memos with this name. Keys of database tables have an unescaped dot.
    pub fn table(namespace: &str, name: &str) -> TableKey {
        let mut key = TableKey::start(namespace);
        key.push_str("@memo:");
        escape(&mut key, name, is_reserved_in_table_key);
        TableKey(key.into())
    }

    /// The memo of this name for these arguments.
    ///
    /// # Errors
    /// The arguments have no written form.
    pub fn new<A: Serialize + ?Sized>(
        name: &MemoName<'_>,
        arguments: &A,
        result: &ResultIdentity,
    ) -> Result<Self, Unwritable> {
        let MemoName {
            namespace,
            version,
            scope,
            name,
        } = *name;
        let mut fields = Fields::new("larder memo");
        fields.text(namespace);
        fields.text(version);
        fields.tag(scope.is_some().into());
        fields.text(scope.unwrap_or_default());
        fields.text(name);
        arguments
            .serialize(Arguments(&mut fields))
            .map_err(|_| Unwritable)?;
        feed_identity(&mut fields, result);
        let entry = EntryKey {
            table: Self::table(namespace, name),
            digest: fields.digest(),
        };
        let mut dependency = DependencyKey::any_row(entry.table.clone());
        dependency.spread = entry.spread();
        Ok(Self { entry, dependency })
    }
}
