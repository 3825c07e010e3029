//! How tables hang together: foreign keys, partitions, inheritance.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Deref, DerefMut},
    slice,
    sync::{Arc, OnceLock},
};

use super::{Catalog, ForeignKey, Table, TableName};

/// The tables of a catalog, by name. How they hang together is found out once: every write asks.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    by_name: BTreeMap<TableName, Arc<Table>>,
    relations: OnceLock<Relations>,
}

/// What is found out about some tables.
#[derive(Clone, Debug)]
struct Relations {
    /// The keys that reference a table: the child, and which of its keys.
    children: BTreeMap<TableName, Vec<(Arc<Table>, usize)>>,
    /// Of tables that do not stand alone.
    families: BTreeMap<TableName, Vec<Arc<Table>>>,
}

impl Catalog {
    /// The foreign keys that reference `parent`, each with the child table that holds it.
    pub fn children_of(
        &self,
        parent: &TableName,
    ) -> impl Iterator<Item = (&Arc<Table>, &ForeignKey)> {
        let children = self.tables.relations().children.get(parent);
        children.into_iter().flatten().filter_map(|(child, key)| {
            let key = child.foreign_keys.get(*key)?;
            Some((child, key))
        })
    }

    /// The tables that a write to this one writes as well, itself included: its descendants by
    /// partitioning or inheritance, and every ancestor of any of those (a descendant may have two
    /// parents). Empty when the table is not known.
    pub fn family(&self, name: &TableName) -> &[Arc<Table>] {
        match self.tables.relations().families.get(name) {
            Some(family) => family,
            None => self.tables.get(name).map_or(&[], slice::from_ref),
        }
    }
}

impl Tables {
    fn relations(&self) -> &Relations {
        self.relations.get_or_init(|| Relations::of(&self.by_name))
    }
}

impl Deref for Tables {
    type Target = BTreeMap<TableName, Arc<Table>>;

    fn deref(&self) -> &Self::Target {
        &self.by_name
    }
}

impl DerefMut for Tables {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.relations = OnceLock::new();
        &mut self.by_name
    }
}

impl FromIterator<(TableName, Arc<Table>)> for Tables {
    fn from_iter<I: IntoIterator<Item = (TableName, Arc<Table>)>>(tables: I) -> Self {
        Self {
            by_name: tables.into_iter().collect(),
            relations: OnceLock::new(),
        }
    }
}

impl Relations {
    fn of(tables: &BTreeMap<TableName, Arc<Table>>) -> Self {
        let mut children: BTreeMap<TableName, Vec<_>> = BTreeMap::new();
        let mut below: BTreeMap<&TableName, Vec<&Arc<Table>>> = BTreeMap::new();
        for table in tables.values() {
            for (position, key) in table.foreign_keys.iter().enumerate() {
                let of_parent = children.entry(key.parent.clone()).or_default();
                of_parent.push((Arc::clone(table), position));
            }
            for parent in &table.parents {
                below.entry(parent).or_default().push(table);
            }
        }
        let related = tables
            .values()
            .filter(|table| !table.parents.is_empty() || below.contains_key(&table.name));
        let families = related
            .map(|table| (table.name.clone(), family(table, tables, &below)))
            .collect();
        Self { children, families }
    }
}

fn family(
    table: &Arc<Table>,
    tables: &BTreeMap<TableName, Arc<Table>>,
    below: &BTreeMap<&TableName, Vec<&Arc<Table>>>,
) -> Vec<Arc<Table>> {
    let mut members = BTreeSet::from([&table.name]);
    let mut descendants = vec![table];
    while let Some(next) = descendants.pop() {
        let children = below.get(&next.name).into_iter().flatten().copied();
        descendants.extend(children.filter(|child| members.insert(&child.name)));
    }
    let mut ancestors: Vec<_> = members
        .iter()
        .filter_map(|name| tables.get(*name))
        .collect();
    while let Some(next) = ancestors.pop() {
        let above = next.parents.iter().filter_map(|parent| tables.get(parent));
        ancestors.extend(above.filter(|parent| members.insert(&parent.name)));
    }
    members
        .into_iter()
        .filter_map(|name| tables.get(name))
        .map(Arc::clone)
        .collect()
}
