//! How tables hang together: foreign keys, partitions, inheritance.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Catalog, ForeignKey, Table, TableName};

impl Catalog {
    /// The foreign keys that reference `parent`, each with the child table that holds it.
    pub fn children_of(&self, parent: &TableName) -> Vec<(Arc<Table>, &ForeignKey)> {
        self.tables
            .values()
            .flat_map(|child| child.foreign_keys.iter().map(move |key| (child, key)))
            .filter(|(_, key)| key.parent == *parent)
            .map(|(child, key)| (Arc::clone(child), key))
            .collect()
    }

    /// The tables that a write to this one writes as well, itself included: its descendants by
    /// partitioning or inheritance, and every ancestor of any of those (a descendant may have two
    /// parents). Empty when the table is not known.
    pub fn family(&self, name: &TableName) -> Vec<Arc<Table>> {
        let Some(table) = self.tables.get(name) else {
            return Vec::new();
        };
        let children = self.children_by_parent();
        let mut members = BTreeSet::from([&table.name]);
        let mut descendants = vec![table];
        while let Some(next) = descendants.pop() {
            let below = children.get(&next.name).into_iter().flatten().copied();
            descendants.extend(below.filter(|child| members.insert(&child.name)));
        }
        let mut ancestors: Vec<_> = members
            .iter()
            .filter_map(|name| self.tables.get(name))
            .collect();
        while let Some(next) = ancestors.pop() {
            let above = next
                .parents
                .iter()
                .filter_map(|parent| self.tables.get(parent));
            ancestors.extend(above.filter(|parent| members.insert(&parent.name)));
        }
        members
            .into_iter()
            .filter_map(|name| self.tables.get(name))
            .map(Arc::clone)
            .collect()
    }

    fn children_by_parent(&self) -> BTreeMap<&TableName, Vec<&Arc<Table>>> {
        let mut children: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for table in self.tables.values() {
            for parent in &table.parents {
                children.entry(parent).or_default().push(table);
            }
        }
        children
    }
}
