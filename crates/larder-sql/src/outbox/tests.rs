use super::*;
use crate::{Catalog, catalog::TableKind};

fn column(name: &str, kind: ValueKind) -> Column {
    Column::new(name, kind)
}

fn integer() -> ValueKind {
    ValueKind::Integer { min: 0, max: 9 }
}

fn table(schema: &str, name: &str, columns: Vec<Column>) -> Table {
    Table::new(TableName::new(schema, name), TableKind::Base, columns)
}

#[test]
fn what_is_no_ordinary_table_records_nothing() {
    for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
        let outbox = Outbox::new(dialect);
        assert!(outbox.install(&table("main", TABLE, Vec::new())).is_empty());
        let name = TableName::new("main", "view");
        let other = Table::new(name, TableKind::Other("view"), Vec::new());
        assert!(outbox.install(&other).is_empty() && outbox.remove(&other).is_empty());
    }
}

#[test]
fn hostile_names_stay_names() {
    let columns = || vec![column("i\"d'`\\", integer())];
    let postgres = Outbox::new(Dialect::Postgres)
        .in_schema("o\"ps")
        .install(&table("s\"x", "t'\"", columns()));
    assert_eq!(
        postgres[0],
        "CREATE TRIGGER \"larder_outbox_t___5604fe194395acea_rows\" AFTER INSERT OR UPDATE OR DELETE ON \"s\"\"x\".\"t'\"\"\" \
         FOR EACH ROW EXECUTE FUNCTION \"o\"\"ps\".larder_outbox_record('i\"d''`\\')"
    );
    let mysql = Outbox::new(Dialect::MySql).install(&table("d", "t'`", columns()));
    assert!(mysql[0].contains("ON `t'``` FOR EACH ROW"), "{}", mysql[0]);
    assert!(mysql[0].contains("'t''`'"), "{}", mysql[0]);
    // A backslash means two things.
    let cell = "_utf8mb4 0x69226427605c, CONVERT(LEFT(NEW.`i\"d'``\\`, 256) USING utf8mb4)";
    assert!(mysql[0].contains(cell), "{}", mysql[0]);
    let sqlite = Outbox::new(Dialect::Sqlite).install(&table("main", "t'\"", columns()));
    assert!(sqlite[2].contains("ON \"t'\"\"\" BEGIN"), "{}", sqlite[2]);
    assert!(sqlite[2].contains("json_object('i\"d''`\\', CASE typeof(OLD.\"i\"\"d'`\\\")"));
}

#[test]
fn trigger_names_are_stable_short_and_told_apart() {
    let name = |table: &str| text::trigger_name(table, "UPDATE");
    assert_eq!(name("post"), "larder_outbox_post_update");
    let long = "x".repeat(64);
    let names = [
        "Post",
        "po st",
        "po-st",
        &long,
        &long[..63],
        "é",
        &"é".repeat(64),
    ]
    .map(name);
    for (position, name) in names.iter().enumerate() {
        assert!(name.len() <= 63 && name.is_ascii(), "{name}");
        assert!(!names[..position].contains(name), "{name}");
    }
    assert_eq!(names[0], "larder_outbox_post_b357ea19a722d827_update");
}

#[test]
fn images_leave_out_what_they_cannot_tell() {
    let mut generated = column("g", integer());
    generated.generated = true;
    let bytes = ValueKind::Bytes {
        bytes_max: None,
        fixed: false,
    };
    let columns = vec![
        column("a", integer()),
        column("b", bytes),
        column("c", ValueKind::Opaque),
        generated,
        column("id", integer()),
    ];
    let mut post = table("public", "post", columns);
    post.primary_key = vec![4];
    for column in &mut post.columns {
        column.declared = "integer".into();
    }
    let names: Vec<&str> = told(&post, has_value).iter().map(|c| &*c.name).collect();
    assert_eq!(names, ["id", "a"]);
    let rows = |post: &Table| Outbox::new(Dialect::Postgres).install(post).swap_remove(0);
    assert!(rows(&post).ends_with("('id', 'a')"), "{}", rows(&post));
    for (declared, told) in [
        ("numeric(10,2)[]", true),
        ("timestamp(3) without time zone", true),
        ("json", false),
        ("hstore", false),
    ] {
        post.columns[2].declared = declared.into();
        assert_eq!(rows(&post).ends_with("('id', 'a')"), told, "{declared}");
    }
}

#[test]
fn rows_of_the_claim_are_read_or_refused() {
    let row = |fields: [&str; 7]| fields.map(|f| Some(f.to_owned())).to_vec();
    let outbox = Outbox::new(Dialect::Sqlite);
    let read = outbox.read(row([
        "7", "6D61696E", "74C3A9", "delete", "7B7D", "", "1500",
    ]));
    let read = read.unwrap();
    assert_eq!(read.table, Some(("main".into(), "té".into())));
    assert_eq!((&*read.operation, read.age_micros), ("DELETE", 1_500));
    assert_eq!(
        (read.old.as_deref(), read.new.as_deref()),
        (Some("{}"), None)
    );
    let broken = outbox
        .read(row(["7", "FF", "74", "x", "FF", "0", "-3"]))
        .unwrap();
    assert_eq!((broken.table.as_ref(), broken.old.as_ref()), (None, None));
    assert_eq!(broken.age_micros, 0);
    for id in ["", "1; DROP TABLE post", "1) OR (1=1"] {
        assert_eq!(outbox.read(row([id, "", "", "", "", "", ""])), None, "{id}");
    }
    assert_eq!(outbox.read(Vec::new()), None);
    let trim = outbox.trim(&[read.clone(), read]).unwrap();
    assert_eq!(trim, "DELETE FROM larder_outbox WHERE id IN (7,7)");
    assert_eq!(outbox.trim(&[]), None);
}

#[test]
fn locked_rows_are_passed_over_where_the_server_can() {
    let claim = |version: &str| {
        let mut catalog = Catalog::new(Dialect::MySql);
        catalog.session.push(("version".into(), version.into()));
        let outbox = Outbox::new(Dialect::MySql);
        outbox
            .claim(10, Some(&catalog))
            .ends_with(" FOR UPDATE SKIP LOCKED")
    };
    assert!(claim("8.0.36") && claim("9.1.0-log"));
    assert!(claim("10.6.0-MariaDB") && claim("11.4.2-MariaDB-ubu2404"));
    assert!(!claim("5.7.44") && !claim("10.5.9-MariaDB") && !claim(""));
    let postgres = Outbox::new(Dialect::Postgres).in_schema("ops");
    assert!(
        postgres
            .claim(5, None)
            .contains("FROM \"ops\".larder_outbox ORDER BY")
    );
}

#[test]
fn a_trigger_counts_as_the_outboxs_only_when_it_does_nothing_else() {
    let trigger = |name: &str, before, writes: Option<&[&str]>| Trigger {
        name: name.into(),
        before,
        on_insert: true,
        on_update: false,
        on_delete: false,
        writes: writes.map(|names| names.iter().map(|n| TableName::new("main", *n)).collect()),
    };
    let ours = "larder_outbox_post_insert";
    assert!(is_outbox_trigger(&trigger(ours, false, Some(&[TABLE]))));
    for other in [
        trigger("audit", false, Some(&[TABLE])),
        trigger(ours, true, Some(&[TABLE])),
        trigger(ours, false, Some(&[TABLE, "audit"])),
        trigger(ours, false, None),
    ] {
        assert!(!is_outbox_trigger(&other), "{other:?}");
    }
}
