use super::*;

#[test]
fn r3_cte_names_resolve_per_with() {
    check(
        &ALL,
        "WITH t1 AS (SELECT id FROM t1 WHERE x = 1) SELECT id FROM t1",
        &["t1() watching *"],
    );
    check(
        &ALL,
        "SELECT count(*) FROM t WHERE x IN (WITH t AS (SELECT 1 AS x) SELECT x FROM t)",
        &["t() watching x"],
    );
    check(
        &[POSTGRES],
        "WITH t AS (SELECT 1 AS x) SELECT id FROM public.t",
        &["t() watching id"],
    );
}

#[test]
fn r3_a_name_before_its_definition_counts_as_the_table_too() {
    check(
        &ALL,
        "WITH q AS (SELECT id FROM t1), t1 AS (SELECT 1 AS id) SELECT id FROM q",
        &["t1() watching *"],
    );
}

#[test]
fn r3_recursive_ctes_have_the_columns_of_their_first_select() {
    check(
        &ALL,
        "WITH RECURSIVE tree AS (SELECT id, x FROM a WHERE id = $1 UNION ALL \
         SELECT b.id, b.x FROM b JOIN tree ON b.a_id = tree.id) SELECT id, x FROM tree",
        &["a(id = $1) watching id,x", "b() watching a_id,id,x"],
    );
}

#[test]
fn r4_natural_names_the_columns_of_both_sides() {
    check(
        &ALL,
        "SELECT v FROM a NATURAL JOIN b",
        &["a() watching id,n,v,x,y,z", "b() watching id,n,x,y,z"],
    );
    check(
        &ALL,
        "SELECT v FROM a JOIN b USING (id)",
        &["a() watching id,v", "b() watching id"],
    );
}

#[test]
fn r7_hidden_columns_watch_everything_or_are_not_cached() {
    check(
        &[SQLITE],
        "SELECT rowid FROM a WHERE x = 5",
        &["a(x = 5) watching *"],
    );
    check(
        &[SQLITE],
        "SELECT x FROM a WHERE a._rowid_ = 5",
        &["a() watching *"],
    );
    for column in ["xmin", "ctid", "tableoid"] {
        refused(&[POSTGRES], &format!("SELECT {column} FROM a"), column);
        refused(&[POSTGRES], &format!("SELECT a.{column} FROM a"), column);
    }
}

#[test]
fn r7_names_that_do_not_resolve_are_not_cached() {
    refused(&ALL, "SELECT nowhere FROM a", "nowhere is not known");
    refused(&ALL, "SELECT a.nowhere FROM a", "nowhere is not known");
    refused(
        &ALL,
        "SELECT q.nowhere FROM (SELECT id FROM a) q",
        "nowhere is not known",
    );
    refused(
        &[SQLITE],
        "SELECT id FROM a WHERE c = \"text\"",
        "text is not known",
    );
    refused(&ALL, "SELECT id FROM missing", "not in the catalog");
    refused(
        &[POSTGRES],
        "SELECT relname FROM pg_class",
        "not in the catalog",
    );
    refused(
        &[SQLITE],
        "SELECT name FROM sqlite_master",
        "not in the catalog",
    );
}

#[test]
fn r10_alias_lists_rename_by_position() {
    check(
        &[POSTGRES],
        "SELECT w.a FROM t AS w(id, b, a) WHERE w.a = 2",
        &["t(b = 2) watching b"],
    );
}

#[test]
fn r10_a_table_as_a_value_watches_its_whole_row() {
    for item in ["w", "count(w)", "to_json(w)", "w.*"] {
        check(
            &[POSTGRES],
            &format!("SELECT {item} FROM t w WHERE w.x = 1"),
            &["t(x = 1) watching *"],
        );
    }
}

#[test]
fn watched_columns_are_those_that_the_statement_names() {
    check(
        &ALL,
        "SELECT id FROM post WHERE author_id = $1 ORDER BY title",
        &["post(author_id = $1) watching author_id,id,title"],
    );
    check(&ALL, "SELECT * FROM author", &["author() watching *"]);
    check(&ALL, "SELECT count(*) FROM author", &["author() watching "]);
    check(
        &ALL,
        "SELECT p.* FROM post p JOIN author a ON a.id = p.author_id",
        &["post() watching *", "author() watching id"],
    );
}

#[test]
fn output_names_resolve_and_watch_nothing() {
    check(
        &ALL,
        "SELECT x + 1 AS total FROM a GROUP BY total ORDER BY total",
        &["a() watching x"],
    );
}

#[test]
fn names_fold_as_the_dialect_folds_them() {
    let expected: &[&str] = &["post(author_id = 1) watching author_id,id"];
    check(&ALL, "SELECT ID FROM post WHERE Author_Id = 1", expected);
    check(
        &[SQLITE],
        "SELECT \"ID\" FROM \"POST\" WHERE AUTHOR_ID = 1",
        expected,
    );
    check(
        &[MYSQL],
        "SELECT `ID` FROM post WHERE `AUTHOR_ID` = 1",
        expected,
    );
    refused(&[POSTGRES], "SELECT \"ID\" FROM post", "ID is not known");
    refused(
        &[POSTGRES, MYSQL],
        "SELECT id FROM POST_",
        "not in the catalog",
    );
    check(
        &[POSTGRES],
        "SELECT id FROM public.post",
        &["post() watching id"],
    );
    check(
        &[MYSQL],
        "SELECT shop.post.id FROM shop.post",
        &["post() watching id"],
    );
}

#[test]
fn ambiguous_names_watch_every_source_and_narrow_none() {
    check(
        &ALL,
        "SELECT a.id FROM a, b WHERE x = 1",
        &["a() watching id,x", "b() watching x"],
    );
}

#[test]
fn views_widen_and_watch_all_columns_of_their_tables() {
    check(
        &ALL,
        "SELECT title FROM recent WHERE id = 1",
        &["post() watching *"],
    );
    let read = read_plan(&catalog(SQLITE), "SELECT title FROM recent").expect("a read");
    let names: Vec<_> = read
        .tables
        .iter()
        .map(|t| t.name.name.to_string())
        .collect();
    assert_eq!(names, ["recent", "post"]);
}

#[test]
fn views_pass_on_what_makes_them_uncacheable() {
    let with_view = |definition: &str| {
        let mut catalog = catalog(POSTGRES);
        let mut view = table(POSTGRES, "public", "v id:int");
        view.kind = TableKind::View {
            definition: definition.into(),
        };
        add(&mut catalog, view);
        catalog
    };
    let described_with =
        |definition| described(&with_view(definition), "SELECT id FROM v").join("");
    assert!(described_with("SELECT id FROM post WHERE created > now()").contains("now"));
    assert!(described_with("SELECT id FROM v").contains("nests too deeply"));
    assert!(described_with("VIEW of nothing").contains("not a read"));
    // W5: reading the view may write.
    assert_eq!(
        described_with("SELECT transfer(id) AS id FROM post"),
        "not a read"
    );
}

#[test]
fn first_table_of_the_outermost_from_leads() {
    let read = read_plan(
        &catalog(POSTGRES),
        "WITH q AS (SELECT id FROM b) SELECT a.id, (SELECT max(id) FROM c) FROM a JOIN q ON q.id = a.id",
    );
    let tables = read.expect("a read").tables;
    let names: Vec<_> = tables.iter().map(|t| t.name.name.to_string()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn partitions_with_foreign_parts_are_not_cached() {
    let mut catalog = catalog(POSTGRES);
    let mut part = table(POSTGRES, "public", "post_old id:int");
    part.kind = TableKind::Other("foreign table");
    part.parents = vec![TableName::new("public", "post")];
    add(&mut catalog, part);
    assert!(
        described(&catalog, "SELECT id FROM post")
            .join("")
            .contains("has a part")
    );
}
