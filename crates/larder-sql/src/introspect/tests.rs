use super::*;

const DIALECTS: [Dialect; 3] = [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite];

fn row(fields: &[&str]) -> Vec<Option<String>> {
    fields
        .iter()
        .map(|field| Some((*field).to_owned()))
        .collect()
}

/// A reader that was fed an empty answer to every query.
fn empty(dialect: Dialect) -> CatalogReader {
    let mut reader = CatalogReader::new(dialect);
    for query in queries(dialect) {
        reader.feed(query.name, Vec::new());
    }
    reader
}

#[test]
fn empty_database_has_an_empty_catalog() {
    for dialect in DIALECTS {
        assert!(empty(dialect).finish().unwrap().tables.is_empty());
    }
}

#[test]
fn missing_answer_is_an_error_that_names_the_query() {
    for dialect in DIALECTS {
        for missing in queries(dialect).iter().filter(|query| !query.optional) {
            let mut reader = CatalogReader::new(dialect);
            for query in queries(dialect)
                .iter()
                .filter(|query| query.name != missing.name)
            {
                reader.feed(query.name, Vec::new());
            }
            assert_eq!(
                reader.finish().unwrap_err().to_string(),
                format!(
                    "cannot read the catalog: no rows in the answer to query {}",
                    missing.name
                )
            );
        }
    }
}

#[test]
fn misshapen_rows_are_errors_and_never_panic() {
    let fields = [
        "",
        "t",
        "f",
        "main",
        "table",
        "0",
        "-1",
        "99999999999999999999",
        "x",
    ];
    for dialect in DIALECTS {
        for query in queries(dialect) {
            for width in 0..14 {
                for field in fields {
                    let mut reader = empty(dialect);
                    reader.feed(query.name, vec![row(&vec![field; width]), Vec::new()]);
                    let _ = reader.finish();
                    let mut reader = empty(dialect);
                    reader.feed(query.name, vec![vec![None; width]]);
                    let _ = reader.finish();
                }
            }
        }
    }
}

#[test]
fn mysql_hides_triggers_from_accounts_without_the_privilege() {
    let triggers = |version: &str, rights: bool| {
        let mut reader = empty(Dialect::MySql);
        reader.feed("session", vec![row(&["database", "shop"])]);
        reader.feed("variables", vec![row(&["version", version])]);
        reader.feed(
            "tables",
            vec![row(&["shop", "t", "BASE TABLE", "InnoDB", "YES"])],
        );
        if rights {
            reader.feed("trigger_rights", vec![row(&["1"])]);
        }
        let catalog = reader.finish().unwrap();
        catalog
            .tables
            .values()
            .map(|table| table.triggers.len())
            .sum::<usize>()
    };
    assert_eq!(
        triggers("8.4.2", false),
        1,
        "one that stands for the unseen"
    );
    assert_eq!(triggers("8.4.2", true), 0);
    assert_eq!(
        triggers("10.11.6-MariaDB", false),
        0,
        "it hides the bodies alone"
    );
    assert_eq!(triggers("10.6.1-MariaDB", false), 1);
}

#[test]
fn identity_does_not_depend_on_the_way_to_the_server() {
    let id = |dialect, fields: &[&str]| identity(dialect, &[row(fields)]);
    assert_eq!(
        id(Dialect::Postgres, &["77", "5432", "shop"]).as_deref(),
        Some("postgres:77:5432/shop")
    );
    assert_eq!(
        id(Dialect::MySql, &["db1", "3306", "shop"]).as_deref(),
        Some("mysql:@db1:3306/shop")
    );
    assert_eq!(
        id(Dialect::MySql, &["db1", "3306", "shop", "uid"]).as_deref(),
        Some("mysql:uid@db1:3306/shop")
    );
    assert_eq!(
        id(Dialect::Sqlite, &["/tmp/shop.db"]).as_deref(),
        Some("sqlite:/tmp/shop.db")
    );
    assert_eq!(id(Dialect::Sqlite, &[""]), None);
    for dialect in DIALECTS {
        assert_eq!(identity(dialect, &[]), None);
        assert_eq!(identity(dialect, &[vec![None; 3]]), None);
    }
}
