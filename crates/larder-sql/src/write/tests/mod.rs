//! SQL -> write plan, in a form that people can read: see [`show`].

mod classes;
mod fuzz;
mod plans;
mod rules;

use std::sync::Arc;

use crate::{
    Catalog, Column, Dialect, FunctionLists, Literal, Operand, Plan, Table, TableName, ValueKind,
    analyze,
    catalog::{ForeignKey, ForeignKeyAction, TableKind, Trigger, Volatility},
    plan::{
        Assignment, Columns, NewRows, OldRows, Part, Term, Test, TransactionCommand, WritePlan,
        WriteTarget,
    },
};

const PG: Dialect = Dialect::Postgres;
const MY: Dialect = Dialect::MySql;
const LITE: Dialect = Dialect::Sqlite;

fn int(name: &str) -> Column {
    let kind = ValueKind::Integer {
        min: i64::from(i32::MIN),
        max: i32::MAX as u64,
    };
    Column::new(name, kind)
}

fn text(name: &str) -> Column {
    Column::new(name, ValueKind::Text { chars_max: None })
}

fn id() -> Column {
    Column {
        not_null: true,
        auto_increment: true,
        ..int("id")
    }
}

fn table(schema: &str, name: &str, kind: TableKind, columns: Vec<Column>) -> Table {
    let mut table = Table::new(TableName::new(schema, name), kind, columns);
    table.primary_key = vec![0];
    table
}

fn trigger(writes: Option<Vec<TableName>>) -> Trigger {
    Trigger {
        name: Arc::from("t"),
        before: true,
        on_insert: true,
        on_update: true,
        on_delete: false,
        writes,
    }
}

/// author, post (title, note, kind), comment -> post, and one table for each thing that can stand
/// on a table.
fn catalog(dialect: Dialect) -> Catalog {
    let schema = match dialect {
        Dialect::Postgres => "public",
        Dialect::MySql => "blog",
        Dialect::Sqlite => "main",
    };
    let base = |name: &str, columns| table(schema, name, TableKind::Base, columns);
    let kind = Column {
        declared: Arc::from("kind"),
        ..Column::new(
            "kind",
            ValueKind::Enum {
                labels: Arc::from([Arc::from("a")]),
            },
        )
    };
    let post = base(
        "post",
        vec![
            id(),
            Column {
                not_null: true,
                ..int("author_id")
            },
            text("title"),
            text("note"),
            kind,
        ],
    );
    let mut comment = base("comment", vec![id(), int("post_id"), text("body")]);
    comment.foreign_keys.push(ForeignKey {
        columns: vec![1],
        parent: post.name.clone(),
        parent_columns: vec![Arc::from("id")],
        on_delete: ForeignKeyAction::Cascade,
        on_update: ForeignKeyAction::Nothing,
    });
    let computed = base(
        "computed",
        vec![
            id(),
            int("a"),
            Column {
                generated: true,
                ..int("double_a")
            },
            Column {
                on_update: true,
                has_default: true,
                ..text("touched")
            },
        ],
    );
    let mut stamped = base("stamped", vec![id(), int("a"), text("b")]);
    stamped.triggers.push(trigger(Some(Vec::new())));
    let mut ruled = base("ruled", vec![id()]);
    ruled.has_rules = true;
    let mut replacing = base("replacing", vec![id(), text("name")]);
    replacing.conflict_replaces = true;
    let part = |name: &str| {
        let mut part = base(name, vec![id(), int("a")]);
        part.parents.push(TableName::new(schema, "whole"));
        part
    };
    let view = |name: &str, definition: &str| {
        let kind = TableKind::View {
            definition: Arc::from(definition),
        };
        table(schema, name, kind, vec![id(), int("author_id")])
    };
    let mut triggered = view("triggered_view", "SELECT id, author_id FROM post");
    triggered.triggers.push(trigger(None));
    let tables = [
        base("author", vec![id(), text("name")]),
        post,
        comment,
        computed,
        stamped,
        ruled,
        replacing,
        base("whole", vec![id(), int("a")]),
        part("part_1"),
        part("part_2"),
        view(
            "post_view",
            "SELECT id, author_id FROM post WHERE author_id > 3",
        ),
        view("view_of_view", "SELECT id, author_id FROM post_view"),
        view("cte_view", "WITH x AS (SELECT 1 AS id) SELECT id FROM x"),
        triggered,
        table(
            schema,
            "totals",
            TableKind::MaterializedView,
            vec![int("n")],
        ),
        table(
            schema,
            "search",
            TableKind::Other("virtual table"),
            vec![text("q")],
        ),
    ];
    let mut catalog = Catalog::new(dialect);
    catalog.search_path = vec![Arc::from(schema)];
    for mut table in tables {
        table.columns_ignore_case = dialect != Dialect::Postgres;
        catalog.tables.insert(table.name.clone(), Arc::new(table));
    }
    catalog.table_names_ignore_case = dialect == Dialect::Sqlite;
    for (name, volatility) in [
        ("transfer", Volatility::Volatile),
        ("slug", Volatility::Immutable),
    ] {
        catalog.functions.insert(Arc::from(name), volatility);
    }
    let session: &[(&str, &str)] = match dialect {
        Dialect::Postgres => &[("standard_conforming_strings", "on")],
        Dialect::MySql => &[("sql_mode", "STRICT_TRANS_TABLES")],
        Dialect::Sqlite => &[],
    };
    catalog.session = session
        .iter()
        .map(|(k, v)| (Arc::from(*k), Arc::from(*v)))
        .collect();
    catalog
}

fn plan(dialect: Dialect, sql: &str) -> Plan {
    analyze(sql, &catalog(dialect), &FunctionLists::default())
}

/// `op table old -> new` per target: `update post [title] id=$1 -> title=$2`, `(any)` for any row,
/// `?` for an unknown value, `+ everything` for unknown scope, `returning id,_` for columns.
fn show(dialect: Dialect, sql: &str) -> String {
    let parts = plan(dialect, sql).parts;
    parts.iter().map(part).collect::<Vec<_>>().join("; ")
}

fn check(dialect: Dialect, sql: &str, expected: &str) {
    assert_eq!(show(dialect, sql), expected, "{dialect:?}: {sql}");
}

fn part(part: &Part) -> String {
    match part {
        Part::Read(_) => "read".into(),
        Part::Write(write) => show_write(write),
        Part::Transaction(command) => match command {
            TransactionCommand::Begin => "begin".into(),
            TransactionCommand::Commit { chain } => format!("commit{}", chained(*chain)),
            TransactionCommand::Rollback { chain } => format!("rollback{}", chained(*chain)),
            TransactionCommand::Savepoint(name) => format!("savepoint {name}"),
            TransactionCommand::Release(name) => format!("release {name}"),
            TransactionCommand::RollbackTo(name) => format!("rollback to {name}"),
            TransactionCommand::TwoPhase => "two-phase".into(),
        },
        Part::Session => "session".into(),
        Part::Setting => "setting".into(),
        Part::Schema { temporary: false } => "schema".into(),
        Part::Schema { temporary: true } => "schema temporary".into(),
        Part::Neutral => "neutral".into(),
        Part::Unknown(_) => "unknown".into(),
    }
}

fn chained(chain: bool) -> &'static str {
    if chain { " chain" } else { "" }
}

fn show_write(write: &WritePlan) -> String {
    let mut words: Vec<String> = write.targets.iter().map(show_target).collect();
    if write.unknown_scope.is_some() {
        words.push("+ everything".into());
    }
    if let ([target], false) = (write.targets.as_slice(), write.returning.is_empty()) {
        let names = write.returning.iter().map(|column| match column {
            Some(column) => &*target.table.columns[*column].name,
            None => "_",
        });
        words.push(format!("returning {}", names.collect::<Vec<_>>().join(",")));
    }
    words.join(" ")
}

fn show_target(target: &WriteTarget) -> String {
    let table = &target.table;
    let mut words = vec![
        format!("{:?}", target.operation).to_lowercase(),
        table.name.name.to_string(),
    ];
    match (&target.changed, &target.new) {
        (_, NewRows::Unknown) if words[0] == "opaque" => return words.join(" "),
        (Columns::Some(columns), _) => {
            let names: Vec<_> = columns.iter().map(|c| &*table.columns[*c].name).collect();
            words.push(format!("[{}]", names.join(",")));
        }
        (Columns::All, _) if words[0] == "update" => words.push("[*]".into()),
        _ => {}
    }
    if let OldRows::Matching(conjunctions) = &target.old {
        let shown: Vec<_> = conjunctions
            .iter()
            .map(|terms| show_terms(table, terms))
            .collect();
        words.push(shown.join(" or "));
    }
    match &target.new {
        NewRows::None => {}
        NewRows::Assigned(rows) => words.push(format!(
            "-> {}",
            rows.iter()
                .map(|row| show_row(table, row))
                .collect::<Vec<_>>()
                .join(" / ")
        )),
        NewRows::Unknown => words.push("-> ?".into()),
    }
    words.join(" ")
}

fn show_terms(table: &Table, terms: &[Term]) -> String {
    if terms.is_empty() {
        return "(any)".into();
    }
    let shown = terms.iter().map(|term| {
        let column = &table.columns[term.column].name;
        match &term.test {
            Test::In(operands) => {
                let operands: Vec<_> = operands.iter().map(show_operand).collect();
                format!("{column}={}", operands.join("|"))
            }
            Test::IsNull => format!("{column} is null"),
        }
    });
    shown.collect::<Vec<_>>().join("&")
}

fn show_row(table: &Table, row: &[Assignment]) -> String {
    let shown = row.iter().map(|assignment| {
        let value = assignment
            .value
            .as_ref()
            .map_or_else(|| "?".into(), show_operand);
        format!("{}={value}", table.columns[assignment.column].name)
    });
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() {
        "()".into()
    } else {
        shown.join(",")
    }
}

fn show_operand(operand: &Operand) -> String {
    match operand {
        Operand::Parameter(at) => format!("${}", at + 1),
        Operand::ParameterElements(at) => format!("elements ${}", at + 1),
        Operand::Literal(Literal::Null) => "null".into(),
        Operand::Literal(Literal::Bool(value)) => value.to_string(),
        Operand::Literal(Literal::Number(digits)) => digits.to_string(),
        Operand::Literal(Literal::Text(text)) => format!("'{text}'"),
        Operand::Literal(Literal::Bytes(bytes)) => format!("x{bytes:?}"),
    }
}
