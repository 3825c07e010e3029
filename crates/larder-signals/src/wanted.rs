//! What a write had better ask the server for, so that no more is dropped than must be.

use larder_core::Source;
use larder_sql::{
    Dialect, Table,
    plan::{Columns, NewRows, OldRows, Term, Test, WriteOperation, WritePlan, WriteTarget},
};

use crate::{Planned, change_set::holds};

/// What is appended to the text of a write, so that the rows which it writes come back with the
/// columns that reads of this process ask by and that the statement does not tell. `None` = it tells
/// enough, nothing may be appended, or it may write many rows.
#[must_use]
pub fn wanted_returning(planned: &Planned) -> Option<String> {
    if planned.outdated {
        return None;
    }
    let write = planned.single_write()?;
    let target = single(write)?;
    let columns = wanted(&planned.source, target)?;
    let quoted = columns.iter().map(|at| {
        let column = target.table.columns.get(*at)?;
        Some(quote(&column.name, planned.source.dialect()))
    });
    let list = quoted.collect::<Option<Vec<_>>>()?.join(", ");
    Some(format!(" RETURNING {list}"))
}

fn single(write: &WritePlan) -> Option<&WriteTarget> {
    match write.targets.as_slice() {
        [target] if write.takes_returning => Some(target),
        _ => None,
    }
}

/// Rows that VALUES may list: their answer is as long as the statement.
const ROWS_MAX: usize = 1_000;

fn wanted(source: &Source, target: &WriteTarget) -> Option<Vec<usize>> {
    let table = &target.table;
    let told: Box<dyn Fn(usize) -> bool> = match target.operation {
        WriteOperation::Insert => {
            let NewRows::Assigned(rows) = &target.new else {
                return None;
            };
            if rows.len() > ROWS_MAX {
                return None;
            }
            Box::new(move |column| {
                rows.iter().all(|row| {
                    row.iter()
                        .any(|it| it.column == column && it.value.is_some())
                })
            })
        }
        WriteOperation::Update | WriteOperation::Delete => {
            let OldRows::Matching(conjunctions) = &target.old else {
                return None;
            };
            // Without its key, a row may be any number of rows.
            let by_key = !table.primary_key.is_empty()
                && !conjunctions.is_empty()
                && conjunctions
                    .iter()
                    .all(|terms| table.primary_key.iter().all(|key| has(terms, *key)));
            if !by_key {
                return None;
            }
            let update = target.operation == WriteOperation::Update;
            Box::new(move |column| {
                let pinned = conjunctions.iter().all(|terms| has(terms, column));
                // What it changes was something else before, which nobody returns.
                pinned || update && changes(table, &target.changed, column)
            })
        }
        _ => return None,
    };
    let asked = source.asked().of(table);
    let open: Vec<usize> = asked.into_iter().filter(|column| !told(*column)).collect();
    (!open.is_empty()).then_some(open)
}

fn has(terms: &[Term], column: usize) -> bool {
    terms
        .iter()
        .any(|term| term.column == column && matches!(term.test, Test::In(_)))
}

fn changes(table: &Table, changed: &Columns, column: usize) -> bool {
    table
        .columns
        .get(column)
        .is_none_or(|it| it.generated || holds(changed, column))
}

fn quote(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::MySql => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures;

    /// What a write asks for in a process that has planned these reads.
    fn asked(dialect: Dialect, reads: &[&str], write: &str) -> Option<String> {
        let source = fixtures::source(fixtures::catalog(dialect));
        for read in reads {
            let _ = source.plan(read);
        }
        let prepared = source.plan(write);
        wanted_returning(&Planned {
            source: Arc::new(source),
            prepared,
            outdated: false,
        })
    }

    const BY_AUTHOR: &str = "SELECT title FROM post WHERE author_id = 3";
    const BY_KEY: &str = "SELECT title FROM post WHERE id = 1";

    fn postgres(write: &str) -> Option<String> {
        asked(Dialect::Postgres, &[BY_AUTHOR, BY_KEY], write)
    }

    #[test]
    fn write_asks_for_what_reads_ask_by_and_its_text_does_not_tell() {
        let author = Some(" RETURNING \"author_id\"".to_owned());
        assert_eq!(postgres("UPDATE post SET title = $1 WHERE id = $2"), author);
        assert_eq!(postgres("DELETE FROM post WHERE id IN ($1, $2)"), author);
        assert_eq!(postgres("DELETE FROM post WHERE id = ANY($1)"), author);
        let key = Some(" RETURNING \"id\"".to_owned());
        assert_eq!(
            postgres("INSERT INTO post (author_id, title) VALUES ($1, $2), ($3, $4)"),
            key
        );
        let all = postgres("INSERT INTO post (author_id, title) VALUES ($1 + 1, $2)");
        assert_eq!(all.as_deref(), Some(" RETURNING \"id\", \"author_id\""));
    }

    #[test]
    fn write_that_tells_enough_asks_for_nothing() {
        let only_key = |write| asked(Dialect::Postgres, &[BY_KEY], write);
        assert_eq!(only_key("UPDATE post SET title = $1 WHERE id = $2"), None);
        assert_eq!(only_key("DELETE FROM post WHERE id = $1"), None);
        let told = "UPDATE post SET title = $1 WHERE id = $2 AND author_id = $3";
        assert_eq!(postgres(told), None);
        let told = "INSERT INTO post (id, author_id) VALUES ($1, $2)";
        assert_eq!(postgres(told), None);
        // What it was before, nobody returns.
        assert_eq!(
            postgres("UPDATE post SET author_id = $1 WHERE id = $2"),
            None
        );
        assert_eq!(
            asked(Dialect::Postgres, &[], "DELETE FROM post WHERE id = 1"),
            None
        );
    }

    #[test]
    fn write_of_any_number_of_rows_asks_for_none_of_them() {
        for write in [
            "UPDATE post SET title = $1",
            "UPDATE post SET title = $1 WHERE views > 3",
            "DELETE FROM post WHERE title = $1",
            "DELETE FROM post WHERE id = $1 OR views = 0",
            "INSERT INTO post (author_id) SELECT id FROM author",
        ] {
            assert_eq!(postgres(write), None, "{write}");
        }
    }

    #[test]
    fn nothing_is_asked_of_a_server_that_has_no_returning_or_by_a_plan_that_is_old() {
        let write = "DELETE FROM post WHERE id = 1";
        assert_eq!(asked(Dialect::MySql, &[BY_AUTHOR], write), None);
        let sqlite = asked(Dialect::Sqlite, &[BY_AUTHOR], write);
        assert_eq!(sqlite.as_deref(), Some(" RETURNING \"author_id\""));
        let source = fixtures::source(fixtures::catalog(Dialect::Sqlite));
        let _ = source.plan(BY_AUTHOR);
        let prepared = source.plan(write);
        let planned = Planned {
            source: Arc::new(source),
            prepared,
            outdated: true,
        };
        assert_eq!(wanted_returning(&planned), None);
    }
}
