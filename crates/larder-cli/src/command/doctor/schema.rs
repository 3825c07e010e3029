//! What is found out about the schema of a database.

use std::sync::Arc;

use larder_sql::{
    Catalog, Dialect, Table, ValueKind,
    catalog::{ForeignKey, ForeignKeyAction, TableKind, Trigger},
    outbox,
};

use super::{
    Finding,
    Severity::{Note, Warning},
};

/// What is found in a catalog.
pub(super) fn findings(catalog: &Catalog) -> Vec<Finding> {
    let schema = Schema { catalog };
    let mut found = vec![schema.readable()];
    found.extend(schema.unknown_triggers());
    found.extend(schema.known_triggers());
    found.extend(schema.rules());
    found.extend(schema.operators());
    found.extend(schema.without_key());
    found.extend(schema.row_security());
    found.extend(schema.widening());
    found.extend(schema.cascades());
    found.extend(schema.views());
    found.extend(schema.outbox());
    found.extend(schema.engines());
    for finding in &mut found {
        finding.area = "schema";
        finding.subject = "database".to_owned();
    }
    found
}

struct Schema<'a> {
    catalog: &'a Catalog,
}

impl<'a> Schema<'a> {
    fn tables(&self) -> impl Iterator<Item = &'a Arc<Table>> {
        let tables = self.catalog.tables.values();
        tables.filter(|it| it.is_base() && !outbox::is_outbox(&it.name))
    }

    fn readable(&self) -> Finding {
        let tables = self.tables().count();
        match tables {
            0 => Finding::new(
                Warning,
                "its catalog lists no table",
                "larder caches nothing of tables that it does not know, and every write drops \
                 everything",
                "is it the right database, and may this user see its tables?",
            ),
            _ => Finding::new(
                Note,
                format!(
                    "its catalog can be read: {}",
                    crate::words::count(tables as u64, "table")
                ),
                "",
                "",
            ),
        }
    }

    fn triggers(&self) -> impl Iterator<Item = (&'a Arc<Table>, &'a Trigger)> {
        let of = |table: &'a Arc<Table>| table.triggers.iter().map(move |it| (table, it));
        self.tables()
            .flat_map(of)
            .filter(|(_, trigger)| !outbox::is_outbox_trigger(trigger))
    }

    fn unknown_triggers(&self) -> Option<Finding> {
        let unknown = self.triggers().filter(|(_, it)| it.writes.is_none());
        some(
            Finding::new(
                Warning,
                "triggers whose writes are not known",
                "each write to such a table drops everything that is cached of the database",
                "where the body is simple SQL it is understood by itself; else drop the trigger, or \
                 move what it does into the application",
            )
            .about(unknown.map(|(table, it)| format!("{} on {}", it.name, table.name))),
        )
    }

    fn known_triggers(&self) -> Option<Finding> {
        let known = self.triggers().filter_map(|(table, it)| {
            let writes = it.writes.as_ref()?;
            let names: Vec<_> = writes.iter().map(|name| name.to_string()).collect();
            let writes = match names.is_empty() {
                true => "writes no other table".to_owned(),
                false => format!("writes {}", names.join(", ")),
            };
            Some(format!("{} on {} {writes}", it.name, table.name))
        });
        some(
            Finding::new(
                Note,
                "triggers whose writes are known",
                "a write to such a table drops what is cached of the tables that its trigger writes",
                "",
            )
            .about(known),
        )
    }

    fn rules(&self) -> Option<Finding> {
        let ruled = self.tables().filter(|it| it.has_rules);
        some(
            Finding::new(
                Warning,
                "tables with rewrite rules",
                "a rule may turn a write into any other: each write to such a table drops everything \
                 that is cached of the database",
                "replace the rules by triggers",
            )
            .about(names(ruled)),
        )
    }

    fn operators(&self) -> Option<Finding> {
        some(
            Finding::new(
                Warning,
                "built-in operators that are replaced or shadowed",
                "no condition narrows, so that each write drops the whole table",
                "drop them, or take their schema out of the search_path",
            )
            .about(
                self.catalog
                    .custom_operators
                    .iter()
                    .map(|it| it.to_string()),
            ),
        )
    }

    fn without_key(&self) -> Option<Finding> {
        let keyless = self.tables().filter(|it| it.primary_key.is_empty());
        some(
            Finding::new(
                Warning,
                "tables without a primary key",
                "no write can be told to be about one row by its key: it drops by the other columns \
                 of its condition, or the whole table",
                "add a primary key",
            )
            .about(names(keyless)),
        )
    }

    fn row_security(&self) -> Option<Finding> {
        let secured = self.tables().filter(|it| it.row_security).map(|it| {
            let resting = match it.row_policies {
                Some(_) => "by row and session",
                None => "by other tables or functions as well",
            };
            format!("{}, {resting}", it.name)
        });
        some(
            Finding::new(
                Note,
                "tables under row-level security",
                "their rows depend on who asks: nothing of them is cached without a scope",
                "wrap with `.scope(tenant)`, or `.restricted_for(user)`",
            )
            .about(secured),
        )
    }

    fn widening(&self) -> Option<Finding> {
        let columns = self.tables().flat_map(|table| {
            let wide = table.columns.iter().filter(|it| is_opaque_text(it));
            wide.map(move |it| format!("{}.{} ({})", table.name, it.name, it.declared))
        });
        let remedy = match self.catalog.dialect {
            Dialect::MySql => {
                "give columns that you ask by a binary collation (utf8mb4_bin, utf8mb4_0900_bin)"
            }
            Dialect::Postgres => {
                "give columns that you ask by a deterministic collation, not citext"
            }
            _ => "give columns that you ask by a TEXT type and the collation BINARY",
        };
        some(
            Finding::new(
                Note,
                "text columns under collations that widen",
                "two texts may be equal there though their bytes differ, so that a condition on such \
                 a column does not narrow: results that ask by it drop with every write to the table \
                 that touches what they show",
                remedy,
            )
            .about(columns),
        )
    }

    fn cascades(&self) -> Option<Finding> {
        let acting = self.tables().flat_map(|child| {
            let keys = child.foreign_keys.iter();
            keys.filter_map(move |key| Some(format!("{} {}", key.parent, follows(child, key)?)))
        });
        some(
            Finding::new(
                Note,
                "foreign keys that act",
                "a write to the first table also drops what is cached of the second, by the columns \
                 of the key",
                "",
            )
            .about(acting),
        )
    }

    fn views(&self) -> Option<Finding> {
        let views = self.catalog.tables.values();
        let views = views.filter_map(|it| match &it.kind {
            TableKind::View { .. } => Some(format!("{}, a view", it.name)),
            TableKind::MaterializedView => Some(format!(
                "{}, a materialized view: REFRESH must pass through larder, or be followed by an \
                 invalidation",
                it.name
            )),
            // Nobody would expect them to be.
            TableKind::Other("sequence" | "system table") => None,
            TableKind::Other(kind) => Some(format!("{}, never cached ({kind})", it.name)),
            _ => None,
        });
        some(
            Finding::new(
                Note,
                "views and others",
                "a result that reads a view rests on the tables behind it",
                "",
            )
            .about(views),
        )
    }

    fn outbox(&self) -> Option<Finding> {
        let records = |it: &&Arc<Table>| it.triggers.iter().any(outbox::is_outbox_trigger);
        some(
            Finding::new(
                Note,
                "tables that record their writes in the outbox",
                "what other programs write there is invalidated while a relay runs",
                "see to it that one runs: `larder relay`, or `.relay(..)` in an application",
            )
            .about(names(self.tables().filter(records))),
        )
    }

    fn engines(&self) -> Option<Finding> {
        let kept = self.tables().filter(|it| !it.transactional);
        some(
            Finding::new(
                Warning,
                "tables whose engine knows no transactions",
                "their writes are visible at once and survive a ROLLBACK: they are invalidated at \
                 once, and more is dropped",
                "ALTER TABLE .. ENGINE = InnoDB",
            )
            .about(names(kept)),
        )
    }
}

fn names<'a>(tables: impl Iterator<Item = &'a Arc<Table>>) -> impl Iterator<Item = String> {
    tables.map(|it| it.name.to_string())
}

/// A finding that is about nothing is none.
fn some(finding: Finding) -> Option<Finding> {
    (!finding.items.is_empty()).then_some(finding)
}

/// Texts of other kinds than bytes, numbers and documents.
fn is_opaque_text(column: &larder_sql::Column) -> bool {
    let declared = column.declared.to_ascii_lowercase();
    let text = ["char", "text", "citext", "clob", "enum", "set("];
    column.kind == ValueKind::Opaque && text.iter().any(|word| declared.contains(word))
}

/// `-> public.comment (post_id: on delete cascade)`.
fn follows(child: &Table, key: &ForeignKey) -> Option<String> {
    let word = |action: ForeignKeyAction| match action {
        ForeignKeyAction::Nothing => None,
        ForeignKeyAction::Cascade => Some("cascade"),
        ForeignKeyAction::SetNull => Some("set null"),
        _ => Some("set default"),
    };
    let actions = [("on delete", key.on_delete), ("on update", key.on_update)];
    let actions: Vec<String> = actions
        .into_iter()
        .filter_map(|(when, action)| Some(format!("{when} {}", word(action)?)))
        .collect();
    let columns: Vec<&str> = key
        .columns
        .iter()
        .filter_map(|at| Some(&*child.columns.get(*at)?.name))
        .collect();
    let (columns, actions) = (columns.join(", "), actions.join(", "));
    (!actions.is_empty()).then(|| format!("-> {} ({columns}: {actions})", child.name))
}

#[cfg(test)]
mod tests;
