use super::*;

fn catalog(dialect: Dialect, path: &[&str], names: &[(&str, &str)]) -> Catalog {
    let mut catalog = Catalog::new(dialect);
    catalog.search_path = path.iter().map(|schema| Arc::from(*schema)).collect();
    for (schema, name) in names {
        let table = Table::new(TableName::new(*schema, *name), TableKind::Base, Vec::new());
        catalog.tables.insert(table.name.clone(), Arc::new(table));
    }
    catalog
}

/// Where a name leads: "schema.name", or "?".
fn resolved(catalog: &Catalog, schema: Option<&str>, name: &str) -> String {
    match catalog.resolve(schema, name) {
        Resolution::Known(table) => table.name.to_string(),
        Resolution::Unknown => "?".to_owned(),
    }
}

#[test]
fn unqualified_name_is_looked_up_along_the_search_path() {
    let catalog = catalog(
        Dialect::Postgres,
        &["pg_catalog", "mine", "public"],
        &[
            ("public", "post"),
            ("mine", "post"),
            ("public", "tag"),
            ("public", "pg_tag"),
        ],
    );
    assert_eq!(resolved(&catalog, None, "post"), "mine.post");
    assert_eq!(resolved(&catalog, Some("public"), "post"), "public.post");
    assert_eq!(resolved(&catalog, None, "tag"), "public.tag");
    assert_eq!(resolved(&catalog, None, "Tag"), "?");
    assert_eq!(
        resolved(&catalog, None, "pg_tag"),
        "?",
        "pg_catalog may hold it"
    );
    assert_eq!(
        resolved(&catalog, Some("public"), "pg_tag"),
        "public.pg_tag"
    );
}

#[test]
fn schema_that_is_not_listed_hides_what_comes_after_it() {
    let catalog = catalog(
        Dialect::Postgres,
        &["a", "information_schema", "public"],
        &[("a", "x"), ("public", "tables")],
    );
    assert_eq!(resolved(&catalog, None, "x"), "a.x");
    assert_eq!(resolved(&catalog, None, "tables"), "?");
}

#[test]
fn names_compare_by_the_rule_of_the_database() {
    let mut catalog = catalog(Dialect::Sqlite, &["temp", "main"], &[("main", "Post")]);
    assert_eq!(resolved(&catalog, None, "pOST"), "main.Post");
    assert_eq!(resolved(&catalog, Some("MAIN"), "post"), "main.Post");
    catalog.table_names_ignore_case = false;
    assert_eq!(resolved(&catalog, None, "post"), "?");

    let columns = vec![
        Column::new("Title", ValueKind::Bool),
        Column::new("é", ValueKind::Bool),
    ];
    let mut table = Table::new(TableName::new("main", "t"), TableKind::Base, columns);
    assert_eq!(table.column("title"), None);
    table.columns_ignore_case = true;
    assert_eq!(table.column("title"), Some(0));
    assert_eq!(table.column("é"), Some(1));
}

#[test]
fn family_survives_a_cycle_and_missing_relatives() {
    let mut catalog = catalog(
        Dialect::Postgres,
        &[],
        &[("s", "a"), ("s", "b"), ("s", "c")],
    );
    for (name, parent) in [("a", "b"), ("b", "a"), ("c", "gone")] {
        let table = catalog
            .tables
            .get_mut(&TableName::new("s", name))
            .map(Arc::make_mut);
        if let Some(table) = table {
            table.parents.push(TableName::new("s", parent));
        }
    }
    let family = |name| catalog.family(&TableName::new("s", name)).len();
    assert_eq!(
        (family("a"), family("b"), family("c"), family("gone")),
        (2, 2, 1, 0)
    );
}

#[test]
fn fingerprint_tells_every_part_of_a_table() {
    let base = || {
        let columns = vec![
            Column::new("id", ValueKind::Integer { min: 0, max: 9 }),
            Column::new("title", ValueKind::Text { chars_max: None }),
        ];
        Table::new(TableName::new("s", "t"), TableKind::Base, columns)
    };
    let key = || ForeignKey {
        columns: vec![0],
        parent: TableName::new("s", "p"),
        parent_columns: vec!["id".into()],
        on_delete: ForeignKeyAction::Cascade,
        on_update: ForeignKeyAction::Nothing,
    };
    let trigger = |writes| Trigger {
        name: "x".into(),
        before: false,
        on_insert: true,
        on_update: false,
        on_delete: false,
        writes,
    };
    let changes: [&dyn Fn(&mut Table); 12] = [
        &|_| {},
        &|table| table.kind = TableKind::MaterializedView,
        &|table| table.columns.reverse(),
        &|table| table.columns.truncate(1),
        &|table| {
            table
                .columns
                .iter_mut()
                .for_each(|column| column.kind = ValueKind::Opaque)
        },
        &|table| {
            table
                .columns
                .iter_mut()
                .for_each(|column| column.generated = true)
        },
        &|table| table.primary_key.push(0),
        &|table| table.foreign_keys.push(key()),
        &|table| table.triggers.push(trigger(None)),
        &|table| table.triggers.push(trigger(Some(Vec::new()))),
        &|table| table.row_security = true,
        &|table| table.parents.push(TableName::new("s", "p")),
    ];
    let fingerprints: BTreeSet<[u8; 16]> = changes
        .iter()
        .map(|change| {
            let mut table = base();
            change(&mut table);
            table.fingerprint()
        })
        .collect();
    assert_eq!(fingerprints.len(), changes.len());
    assert_eq!(base().fingerprint(), base().fingerprint());
}

#[test]
fn fingerprint_tells_every_part_of_a_catalog() {
    let changes: [&dyn Fn(&mut Catalog); 8] = [
        &|_| {},
        &|catalog| catalog.search_path.push("s".into()),
        &|catalog| catalog.table_names_ignore_case = true,
        &|catalog| {
            let name = TableName::new("s", "t");
            let table = Table::new(name.clone(), TableKind::Base, Vec::new());
            catalog.tables.insert(name, table.into());
        },
        &|catalog| {
            let volatile = Volatility::Volatile;
            catalog.functions.insert("f".into(), volatile);
        },
        &|catalog| {
            catalog.functions.insert("f".into(), Volatility::Stable);
        },
        &|catalog| {
            catalog.custom_operators.insert("=".into());
        },
        &|catalog| catalog.session.push(("role".into(), "a".into())),
    ];
    let fingerprints: BTreeSet<[u8; 16]> = changes
        .iter()
        .map(|change| {
            let mut catalog = Catalog::new(Dialect::Postgres);
            change(&mut catalog);
            catalog.fingerprint()
        })
        .collect();
    assert_eq!(fingerprints.len(), changes.len());
}

#[test]
fn fingerprint_stays_the_same_between_releases() {
    // Stored keys hold it: a change here needs a new format version.
    let table = Table::new(
        TableName::new("public", "post"),
        TableKind::Base,
        Vec::new(),
    );
    assert_eq!(u128::from_be_bytes(table.fingerprint()), STORED);
}

const STORED: u128 = 0xaa70_3ac3_52da_f2bf_d1bd_a68c_0e84_cc9f;

#[test]
fn session_that_changes_the_meaning_of_text_is_told() {
    let session = |dialect, name: &str, value: &str| {
        let mut catalog = Catalog::new(dialect);
        catalog.session.push((name.into(), value.into()));
        catalog
    };
    let mode = |value| session(Dialect::MySql, "sql_mode", value).text_is_misread();
    assert_eq!(mode("STRICT_TRANS_TABLES,PIPES_AS_CONCAT"), None);
    assert_eq!(
        mode("STRICT_TRANS_TABLES,ANSI_QUOTES"),
        Some("sql_mode contains ANSI_QUOTES")
    );
    assert!(mode("NO_BACKSLASH_ESCAPES").is_some());
    let strings = session(Dialect::Postgres, "standard_conforming_strings", "off");
    assert!(strings.text_is_misread().is_some());
    let stores = |name: &str, value: &str| {
        session(Dialect::MySql, name, value)
            .session_forbids_storing()
            .is_none()
    };
    assert!(stores("transaction_isolation", "READ-COMMITTED"));
    assert!(!stores("tx_isolation", "READ-UNCOMMITTED"));
    assert!(!stores("autocommit", "OFF"));
    assert!(!stores("sql_auto_is_null", "ON"));
}
