//! Which policy governs a table: the builder's, else what a model declares.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use larder_core::{BypassReason, EffectivePolicy, Policy, effective_policy};
use larder_sql::{
    Table, outbox,
    plan::{Operation, ReadPlan},
};

use crate::DeclaredPolicy;

mod glob;

/// The policies of one larder. Fixed once it is built, so that what follows from them can be kept
/// with each plan.
#[derive(Debug)]
pub(crate) struct Policies {
    /// By `table` or `schema.table`.
    built: BTreeMap<String, Policy>,
    /// By patterns of those, the longest first.
    globs: Vec<(String, Policy)>,
    declared: BTreeMap<String, Policy>,
    default: Option<Policy>,
    never: Policy,
}

/// Tables in which the ORMs' migrations keep what has run: other programs write them, and an old
/// answer would run a migration twice.
const BOOKS_OF_MIGRATIONS: [&str; 2] = ["__diesel_schema_migrations", "seaql_migrations"];

impl Policies {
    /// The builder's policies with those that the program's models declare.
    pub(crate) fn new(built: BTreeMap<String, Policy>, default: Option<Policy>) -> Self {
        let mut declared: BTreeMap<String, Policy> = BTreeMap::new();
        for model in inventory::iter::<DeclaredPolicy> {
            let name = match (model.schema)() {
                Some(schema) => format!("{schema}.{}", (model.table)()),
                None => (model.table)().to_owned(),
            };
            let policy = (model.policy)();
            match declared.get(&name) {
                Some(known) if !is_stricter(&policy, known) => {}
                _ => {
                    declared.insert(name, policy);
                }
            }
        }
        let (globs, built): (BTreeMap<_, _>, _) =
            built.into_iter().partition(|(name, _)| glob::is_glob(name));
        let mut globs: Vec<_> = globs.into_iter().collect();
        // Stable: those of one length stay in the order of their names.
        globs.sort_by_key(|(pattern, _)| Reverse(glob::weight(pattern)));
        Self {
            built,
            globs,
            declared,
            default,
            never: Policy::never(),
        }
    }

    /// The policy of one read that asks for this.
    pub(crate) fn of_read(
        &self,
        plan: &ReadPlan,
        operation: Operation,
        ignore_case: bool,
    ) -> Result<EffectivePolicy, BypassReason> {
        let tables = plan
            .tables
            .iter()
            .map(|table| self.of_table(table, ignore_case));
        effective_policy(tables, self.default.as_ref(), operation)
            .map_err(BypassReason::Uncacheable)
    }

    /// The TTL of what no table's policy governs.
    pub(crate) fn default_ttl(&self) -> Option<Duration> {
        self.default.as_ref().filter(|it| !it.is_never())?.ttl()
    }

    fn of_table(&self, table: &Table, ignore_case: bool) -> Option<&Policy> {
        if BOOKS_OF_MIGRATIONS.contains(&&*table.name.name) || outbox::is_outbox(&table.name) {
            return Some(&self.never);
        }
        let full = table.name.to_string();
        let exact = |policies| {
            find(policies, &full, ignore_case)
                .or_else(|| find(policies, &table.name.name, ignore_case))
        };
        let matching = || {
            let name = |pattern: &str| match pattern.contains('.') {
                true => full.as_str(),
                false => &table.name.name,
            };
            self.globs
                .iter()
                .filter(move |(pattern, _)| glob::matches(pattern, name(pattern), ignore_case))
                .map(|(_, policy)| policy)
        };
        let (built, declared) = (exact(&self.built), exact(&self.declared));
        // All names of the table, not only the one that counts among them.
        let is_its_name = |known: &str| {
            let mut names = [full.as_str(), &table.name.name].into_iter();
            names.any(|name| known == name || (ignore_case && known.eq_ignore_ascii_case(name)))
        };
        let named = self.built.iter().filter(|(known, _)| is_its_name(known));
        // A model that says `never` means its own table, a glob may have swept it up.
        let modelled = declared.filter(|_| built.is_none());
        named
            .map(|(_, policy)| policy)
            .chain(matching())
            .chain(modelled)
            .find(|policy| policy.is_never())
            .or(built)
            .or_else(|| matching().next())
            .or(declared)
    }
}

fn find<'a>(
    policies: &'a BTreeMap<String, Policy>,
    name: &str,
    ignore_case: bool,
) -> Option<&'a Policy> {
    policies.get(name).or_else(|| {
        let mut all = policies.iter().filter(|_| ignore_case);
        all.find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, policy)| policy)
    })
}

/// Of several models of one table the strictest counts: `never`, then the smallest TTL, then
/// the least stale.
fn is_stricter(a: &Policy, b: &Policy) -> bool {
    let rank = |policy: &Policy| {
        (
            !policy.is_never(),
            policy.ttl().is_none(),
            policy.ttl(),
            !policy.is_local(),
            policy.stale_at_most(),
        )
    };
    rank(a) < rank(b)
}

#[cfg(test)]
mod tests;
