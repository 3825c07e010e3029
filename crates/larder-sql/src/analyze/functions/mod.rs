//! What calling a function means for caching (W5): two lists per dialect, the catalog, the user.

mod mysql;
mod postgres;
mod shared;
mod sqlite;

use sqlparser::ast::ObjectName;

use super::{Analysis, names};
use crate::{Dialect, catalog::Volatility};

/// What a call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Call {
    /// Depends on its arguments alone: cacheable.
    Pure,
    /// Varies or may read tables, but writes none: not cacheable.
    Harmless,
    /// Changes the session.
    Session,
    /// May do anything.
    MayWrite,
}

/// Judges a call by its name.
pub(super) fn call(name: &ObjectName, cx: &Analysis<'_>) -> Call {
    let Some(parts) = names::parts(name) else {
        return Call::MayWrite;
    };
    let folded: Vec<String> = parts
        .iter()
        .map(|part| names::fold(part, cx.dialect).to_ascii_lowercase())
        .collect();
    match folded.as_slice() {
        [name] => judge(name, None, cx),
        [schema, name] => judge(name, Some(schema), cx),
        _ => Call::MayWrite,
    }
}

/// Whether a call by this name aggregates rows, when no OVER follows.
pub(super) fn is_aggregate(name: &ObjectName, cx: &Analysis<'_>) -> bool {
    let Some(name) = names::single(name) else {
        return false;
    };
    let name = names::fold(name, cx.dialect).to_ascii_lowercase();
    shared::AGGREGATES.contains(&name.as_str())
        || lists(cx.dialect).aggregates.contains(&name.as_str())
}

fn judge(name: &str, schema: Option<&String>, cx: &Analysis<'_>) -> Call {
    if cx.functions.pure.contains(name) {
        return Call::Pure;
    }
    if cx.functions.harmless.contains(name) {
        return Call::Harmless;
    }
    let built_in = if schema.is_none_or(|schema| schema == "pg_catalog") {
        built_in(name, cx.dialect)
    } else {
        Call::MayWrite
    };
    // An overload in the catalog may win over the built-in function of the same name. What it
    // reads is not known, whatever its volatility says.
    match cx.catalog.functions.get(name) {
        Some(Volatility::Volatile) => Call::MayWrite,
        Some(_) if built_in == Call::MayWrite => Call::Harmless,
        Some(_) => built_in.max(Call::Harmless),
        None => built_in,
    }
}

fn built_in(name: &str, dialect: Dialect) -> Call {
    let lists = lists(dialect);
    if lists.session.contains(&name) {
        Call::Session
    } else if lists.harmless.contains(&name) {
        Call::Harmless
    } else if shared::PURE.contains(&name)
        || shared::AGGREGATES.contains(&name)
        || lists.pure.contains(&name)
        || lists.aggregates.contains(&name)
    {
        Call::Pure
    } else if dialect == Dialect::MySql && (name.starts_with("st_") || name.starts_with("mbr")) {
        // Geometry. A function of the user's by such a name is in the catalog, which is asked too.
        Call::Pure
    } else if dialect == Dialect::Postgres
        && (name.starts_with("pg_") || name.starts_with("has_") && name.ends_with("_privilege"))
    {
        Call::Harmless
    } else {
        Call::MayWrite
    }
}

struct Lists {
    pure: &'static [&'static str],
    aggregates: &'static [&'static str],
    harmless: &'static [&'static str],
    session: &'static [&'static str],
}

fn lists(dialect: Dialect) -> &'static Lists {
    match dialect {
        Dialect::Postgres => &postgres::LISTS,
        Dialect::MySql => &mysql::LISTS,
        Dialect::Sqlite => &sqlite::LISTS,
    }
}
