//! How names are written and compared in each dialect.

use std::{borrow::Cow, sync::Arc};

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use super::Analysis;
use crate::{Dialect, Table, catalog::Resolution};

/// An identifier as the server stores it: PostgreSQL lowers what is not quoted, the others keep
/// the letters and compare without case.
pub(crate) fn fold<'i>(ident: &'i Ident, dialect: Dialect) -> Cow<'i, str> {
    let upper = ident.value.bytes().any(|b| b.is_ascii_uppercase());
    if dialect == Dialect::Postgres && ident.quote_style.is_none() && upper {
        Cow::Owned(ident.value.to_ascii_lowercase())
    } else {
        Cow::Borrowed(&ident.value)
    }
}

/// Whether two folded names are the same column or alias.
pub(super) fn same(a: &str, b: &str, dialect: Dialect) -> bool {
    a == b || dialect != Dialect::Postgres && a.eq_ignore_ascii_case(b)
}

/// Whether the server may compare this name by rules that are not ours: MySQL's identifiers
/// ignore accents.
pub(super) fn is_uncertain(name: &str, dialect: Dialect) -> bool {
    dialect == Dialect::MySql && !name.is_ascii()
}

/// The parts of an object name; `None` when one of them is not a plain identifier.
pub(super) fn parts(name: &ObjectName) -> Option<Vec<&Ident>> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Some(ident),
            ObjectNamePart::Function(_) => None,
        })
        .collect()
}

/// The identifier of a name that has one part.
pub(super) fn single(name: &ObjectName) -> Option<&Ident> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Some(ident),
        _ => None,
    }
}

/// The relation that a name means, CTEs aside.
pub(crate) fn relation(name: &ObjectName, cx: &Analysis<'_>) -> Option<Arc<Table>> {
    let dialect = cx.dialect;
    let parts = parts(name)?;
    let resolution = match parts.as_slice() {
        [table] => cx.catalog.resolve(None, &fold(table, dialect)),
        [schema, table] => cx
            .catalog
            .resolve(Some(&fold(schema, dialect)), &fold(table, dialect)),
        _ => Resolution::Unknown,
    };
    match resolution {
        Resolution::Known(table) => Some(table),
        Resolution::Unknown => None,
    }
}
