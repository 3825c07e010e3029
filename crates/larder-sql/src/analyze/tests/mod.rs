//! SQL in, dependencies out, in a form that a maintainer can read: `post(author_id = $1) watching
//! author_id,id`. One test per rule of docs/soundness.md, for the sound and the precise side.

mod bounds;
mod cacheable;
mod joins;
mod names;
mod operations;
mod values;

use std::sync::Arc;

use crate::{
    Catalog, Column, Dialect, FunctionLists, Literal, Operand, Plan, Table, TableName, ValueKind,
    analyze,
    catalog::TableKind,
    plan::{Columns, DependencyTemplate, Part, ReadPlan, Test},
};

const POSTGRES: Dialect = Dialect::Postgres;
const MYSQL: Dialect = Dialect::MySql;
const SQLITE: Dialect = Dialect::Sqlite;
const ALL: [Dialect; 3] = [POSTGRES, MYSQL, SQLITE];

/// Asserts the dependencies of a query, in order, in every given dialect.
#[track_caller]
fn check(dialects: &[Dialect], sql: &str, expected: &[&str]) {
    for dialect in dialects {
        let sql = in_style(sql, *dialect);
        assert_eq!(
            described(&catalog(*dialect), &sql),
            expected,
            "{dialect:?}: {sql}"
        );
    }
}

/// Asserts that a query is not cached, with a reason that holds these words.
#[track_caller]
fn refused(dialects: &[Dialect], sql: &str, words: &str) {
    for dialect in dialects {
        let sql = in_style(sql, *dialect);
        let described = described(&catalog(*dialect), &sql).join("; ");
        assert!(
            described.starts_with("uncacheable: ") && described.contains(words),
            "{dialect:?}: {sql}\n  {described}"
        );
    }
}

/// `$n` is PostgreSQL's; the others write `?n` and `?`.
fn in_style(sql: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Postgres => sql.to_owned(),
        Dialect::Sqlite => sql.replace('$', "?"),
        Dialect::MySql => {
            let mut text = sql.to_owned();
            for n in 1..=9 {
                text = text.replace(&format!("${n}"), "?");
            }
            text
        }
    }
}

fn planned(catalog: &Catalog, sql: &str) -> Plan {
    analyze(sql, catalog, &FunctionLists::default())
}

fn read_plan(catalog: &Catalog, sql: &str) -> Option<ReadPlan> {
    match planned(catalog, sql).parts.into_iter().next() {
        Some(Part::Read(read)) => Some(read),
        _ => None,
    }
}

/// The dependencies of a query in words.
fn described(catalog: &Catalog, sql: &str) -> Vec<String> {
    let Some(read) = read_plan(catalog, sql) else {
        return vec!["not a read".to_owned()];
    };
    if let Some(reason) = read.uncacheable {
        return vec![format!("uncacheable: {reason}")];
    }
    read.dependencies.iter().map(dependency).collect()
}

fn dependency(template: &DependencyTemplate) -> String {
    let table = &template.table;
    let column = |position: &usize| table.columns[*position].name.to_string();
    let terms: Vec<String> = template
        .terms
        .iter()
        .map(|term| match &term.test {
            Test::IsNull => format!("{} is null", column(&term.column)),
            Test::In(values) => match values.as_slice() {
                [one] => format!("{} = {}", column(&term.column), operand(one)),
                many => {
                    let many: Vec<_> = many.iter().map(operand).collect();
                    format!("{} in {}", column(&term.column), many.join(","))
                }
            },
        })
        .collect();
    let watched = match &template.watched {
        Columns::All => "*".to_owned(),
        Columns::Some(columns) => {
            let mut names: Vec<_> = columns.iter().map(column).collect();
            names.sort();
            names.join(",")
        }
    };
    format!(
        "{}({}) watching {watched}",
        table.name.name,
        terms.join(", ")
    )
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Parameter(n) => format!("${}", n + 1),
        Operand::ParameterElements(n) => format!("any ${}", n + 1),
        Operand::Literal(Literal::Text(text)) => format!("'{text}'"),
        Operand::Literal(Literal::Number(digits)) => digits.to_string(),
        Operand::Literal(Literal::Bool(truth)) => truth.to_string(),
        Operand::Literal(Literal::Null) => "null".to_owned(),
        Operand::Literal(Literal::Bytes(bytes)) => format!("{} bytes", bytes.len()),
    }
}

/// A schema with everything that the rules speak of. `n` is under a collation that ignores case.
fn catalog(dialect: Dialect) -> Catalog {
    let mut catalog = Catalog::new(dialect);
    let schema = match dialect {
        Dialect::Postgres => "public",
        Dialect::MySql => "shop",
        Dialect::Sqlite => "main",
    };
    catalog.search_path = vec![schema.into()];
    catalog.session = vec![
        ("sql_mode".into(), "STRICT_TRANS_TABLES".into()),
        ("standard_conforming_strings".into(), "on".into()),
    ];
    for spec in [
        "post id:int author_id:int title:text flag:bool kind:enum created:stamp day:date body:opaque",
        "author id:int name:text",
        "comment id:int post_id:int body:text approved:bool",
        "a id:int x:int y:int z:int c:text n:opaque v:int",
        "b id:int a_id:int x:int y:int z:int i:int n:opaque",
        "c id:int b_id:int x:int k:int",
        "d id:int x:int c:text i:int n:opaque",
        "t id:int a:int b:int x:int f:bool",
        "t1 id:int x:int",
        "e id:uuid price:decimal at:stamptz raw:bytes",
    ] {
        add(&mut catalog, table(dialect, schema, spec));
    }
    let mut view = table(dialect, schema, "recent id:int title:text");
    view.kind = TableKind::View {
        definition: "SELECT id, title FROM post WHERE author_id = 1".into(),
    };
    add(&mut catalog, view);
    catalog
}

fn add(catalog: &mut Catalog, table: Table) {
    catalog.tables.insert(table.name.clone(), Arc::new(table));
}

fn table(dialect: Dialect, schema: &str, spec: &str) -> Table {
    let mut words = spec.split(' ');
    let name = TableName::new(schema, words.next().unwrap_or_default());
    let columns = words.filter_map(|word| word.split_once(':'));
    let columns = columns
        .map(|(name, kind)| column(dialect, name, kind))
        .collect();
    let mut table = Table::new(name, TableKind::Base, columns);
    table.columns_ignore_case = dialect != Dialect::Postgres;
    table
}

fn column(dialect: Dialect, name: &str, kind: &str) -> Column {
    let integer = ValueKind::Integer {
        min: i64::MIN,
        max: i64::MAX.unsigned_abs(),
    };
    let postgres = dialect == Dialect::Postgres;
    let kind = match kind {
        "int" => integer,
        "bool" if postgres => ValueKind::Bool,
        "bool" => integer,
        "text" => ValueKind::Text { chars_max: None },
        "enum" if postgres => ValueKind::Enum {
            labels: Arc::from([Arc::from("news"), Arc::from("story")]),
        },
        "stamp" => ValueKind::Timestamp { precision: 6 },
        "stamptz" if postgres => ValueKind::TimestampTz { precision: 6 },
        "date" => ValueKind::Date,
        "uuid" if postgres => ValueKind::Uuid,
        "decimal" => ValueKind::Decimal {
            precision: None,
            scale: None,
        },
        "bytes" => ValueKind::Bytes {
            bytes_max: None,
            fixed: false,
        },
        _ => ValueKind::Opaque,
    };
    let mut column = Column::new(name, kind);
    if let ValueKind::Enum { .. } = column.kind {
        column.declared = "kind".into();
    }
    column.not_null = name == "id" || name == "day";
    column
}
