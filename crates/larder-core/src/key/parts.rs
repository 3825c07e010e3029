//! What the key of a table says.

use larder_sql::TableName;

use super::{TableKey, unescape};

/// What the key of a table says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableKeyParts {
    /// The namespace.
    pub namespace: String,
    /// The source: which database.
    pub source: String,
    /// The table in it.
    pub table: TableName,
}

impl TableKey {
    /// What the key says; `None` when it is none that [`TableKey::new`] makes.
    pub fn parts(&self) -> Option<TableKeyParts> {
        let mut sections = self.0.split(':');
        let (namespace, source, table) = (sections.next()?, sections.next()?, sections.next()?);
        let (schema, name) = table.split_once('.')?;
        let parts = TableKeyParts {
            namespace: unescape(namespace)?.into(),
            source: unescape(source)?.into(),
            table: TableName::new(unescape(schema)?, unescape(name)?),
        };
        // Escapes have one spelling.
        let same = Self::new(&parts.namespace, &parts.source, &parts.table) == *self;
        (same && sections.next().is_none()).then_some(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_apart_as_it_was_made() {
        let table = TableName::new("pub.lic", "po:st");
        let key = TableKey::new("shop", "postgres:127.0.0.1:5432/shop", &table);
        let parts = key.parts().unwrap();
        assert_eq!(
            (&*parts.namespace, &*parts.source, &parts.table),
            ("shop", "postgres:127.0.0.1:5432/shop", &table)
        );
        for other in [
            "",
            "shop",
            "shop:db:post",
            "shop:db:a.b:3/4",
            "shop:d%zz:a.b",
        ] {
            assert_eq!(TableKey(other.into()).parts(), None, "{other}");
        }
    }
}
