//! What ORMs and people write, on three dialects.

use super::{LITE, MY, PG, check};

#[test]
fn an_orm_insert_tells_its_new_row() {
    check(
        PG,
        r#"INSERT INTO "post" ("author_id", "title") VALUES ($1, $2) RETURNING "id", "author_id", "title""#,
        "insert post -> author_id=$1,title=$2 returning id,author_id,title",
    );
    check(
        LITE,
        r#"INSERT INTO "post" ("author_id", "title") VALUES (?, ?) RETURNING "id", "author_id", "title""#,
        "insert post -> author_id=$1,title=$2,note=null,kind=null returning id,author_id,title",
    );
    check(
        MY,
        "INSERT INTO `post` (`author_id`, `title`) VALUES (?, ?)",
        "insert post -> author_id=$1,title=$2,note=null,kind=null",
    );
}

#[test]
fn an_insert_of_several_rows_tells_each() {
    check(
        PG,
        r#"INSERT INTO "author" ("name") VALUES ($1), ($2), ('x')"#,
        "insert author -> name=$1 / name=$2 / name='x'",
    );
}

#[test]
fn an_insert_without_columns_maps_by_position() {
    check(
        PG,
        "INSERT INTO author VALUES (7, 'a')",
        "insert author -> id=7,name='a'",
    );
    check(PG, "INSERT INTO author VALUES (7)", "insert author -> id=7");
    check(
        MY,
        "INSERT INTO author VALUES (7, 'a')",
        "insert author -> id=7,name='a'",
    );
    // Fewer values than columns: which ones is not known there.
    check(MY, "INSERT INTO author VALUES (7)", "insert author -> ?");
    // SQLite counts no generated columns.
    check(
        LITE,
        "INSERT INTO computed VALUES (1, 2, 'x')",
        "insert computed -> id=1,a=2,touched='x'",
    );
}

#[test]
fn default_values_are_one_row_of_defaults() {
    check(PG, "INSERT INTO post DEFAULT VALUES", "insert post -> ()");
    check(
        LITE,
        "INSERT INTO author DEFAULT VALUES",
        "insert author -> name=null",
    );
}

#[test]
fn an_insert_from_a_query_has_unknown_rows() {
    check(
        PG,
        "INSERT INTO author (name) SELECT title FROM post",
        "insert author -> ?",
    );
    check(
        PG,
        "INSERT INTO author (name) VALUES ('a') LIMIT 0",
        "insert author -> ?",
    );
}

#[test]
fn mysql_insert_set_tells_its_row() {
    check(
        MY,
        "INSERT INTO author SET name = ?",
        "insert author -> name=$1",
    );
}

#[test]
fn do_nothing_is_an_insert_of_fewer_rows() {
    check(
        PG,
        "INSERT INTO author (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        "insert author -> id=$1,name=$2",
    );
    check(
        LITE,
        "INSERT OR IGNORE INTO author (id, name) VALUES (?, ?)",
        "insert author -> id=$1,name=$2",
    );
}

#[test]
fn an_upsert_is_opaque() {
    for sql in [
        "INSERT INTO author (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        "INSERT INTO author (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = 'x' WHERE author.id = 1",
    ] {
        check(PG, sql, "opaque author");
    }
    check(
        MY,
        "INSERT INTO author (id, name) VALUES (?, ?) ON DUPLICATE KEY UPDATE name = VALUES(name)",
        "opaque author",
    );
}

#[test]
fn an_orm_update_pins_its_row() {
    check(
        PG,
        r#"UPDATE "post" SET "title" = $1 WHERE "post"."id" = $2 RETURNING "id", "author_id", "title""#,
        "update post [title] id=$2 -> title=$1 returning id,author_id,title",
    );
    check(
        MY,
        "UPDATE `post` SET `title` = ? WHERE `post`.`id` = ?",
        "update post [title] id=$2 -> title=$1",
    );
    check(
        LITE,
        r#"UPDATE "post" SET "author_id" = ?, "title" = 'x' WHERE "author_id" IN (?, ?)"#,
        "update post [author_id,title] author_id=$2|$3 -> author_id=$1,title='x'",
    );
}

#[test]
fn an_update_without_where_matches_any_row() {
    check(
        PG,
        "UPDATE post SET title = 'x'",
        "update post [title] (any) -> title='x'",
    );
}

#[test]
fn an_aliased_update_pins_by_its_alias() {
    check(
        PG,
        "UPDATE post AS p SET title = 'x' WHERE p.id = 1 OR p.author_id = 2 RETURNING p.id",
        "update post [title] id=1 or author_id=2 -> title='x' returning id",
    );
}

#[test]
fn update_from_pins_the_target_alone() {
    check(
        PG,
        "UPDATE post SET title = a.name FROM author a WHERE post.author_id = a.id AND post.id = 5 \
         RETURNING post.id, a.name, *",
        "update post [title] id=5 -> title=?",
    );
    check(
        PG,
        "UPDATE post SET title = 'x' FROM author a WHERE post.author_id = a.id AND post.id = 5 \
         RETURNING post.id, a.name",
        "update post [title] id=5 -> title='x' returning id,_",
    );
}

#[test]
fn an_orm_delete_pins_its_row() {
    check(
        PG,
        r#"DELETE FROM "post" WHERE "post"."id" = $1"#,
        "delete post id=$1",
    );
    check(
        MY,
        "DELETE FROM `post` WHERE `post`.`id` = ?",
        "delete post id=$1",
    );
    check(
        LITE,
        "DELETE FROM post WHERE author_id = ? AND title LIKE 'a%' RETURNING *",
        "delete post author_id=$1 returning id,author_id,title,note,kind",
    );
    check(PG, "DELETE FROM post", "delete post (any)");
}

#[test]
fn delete_using_pins_the_target_alone() {
    check(
        PG,
        "DELETE FROM post USING author WHERE post.author_id = author.id AND post.id = 3",
        "delete post id=3",
    );
}

#[test]
fn writes_of_several_tables_are_opaque_where_they_write() {
    check(
        MY,
        "UPDATE post JOIN author ON post.author_id = author.id SET post.title = author.name",
        "opaque post",
    );
    check(
        MY,
        "UPDATE post p JOIN author a ON p.author_id = a.id SET p.title = 'x', a.name = 'y'",
        "opaque post opaque author",
    );
    // Nobody says whose column it is.
    check(
        MY,
        "UPDATE post p JOIN author a ON p.author_id = a.id SET name = 'y'",
        "opaque post opaque author",
    );
    check(
        MY,
        "DELETE p FROM post p JOIN author a ON p.author_id = a.id WHERE a.name = 'x'",
        "opaque post",
    );
    check(
        MY,
        "DELETE FROM p USING post p JOIN author a ON p.author_id = a.id",
        "opaque post",
    );
    check(
        MY,
        "DELETE x FROM post p JOIN author a ON p.author_id = a.id",
        "+ everything",
    );
}

#[test]
fn merge_is_opaque() {
    check(
        PG,
        "MERGE INTO author a USING post p ON a.id = p.author_id WHEN MATCHED THEN UPDATE SET name = p.title",
        "opaque author",
    );
}

#[test]
fn modifying_ctes_are_targets_of_their_own() {
    check(
        PG,
        "WITH gone AS (DELETE FROM comment WHERE post_id = 1 RETURNING id) SELECT count(*) FROM gone",
        "delete comment post_id=1",
    );
    check(
        PG,
        "WITH p AS (INSERT INTO post (author_id) VALUES (1) RETURNING id) \
         INSERT INTO comment (post_id) SELECT id FROM p RETURNING id",
        "insert post -> author_id=1 insert comment -> ?",
    );
}

#[test]
fn truncate_takes_partitions_and_by_cascade_children() {
    check(PG, "TRUNCATE post", "truncate post (any)");
    check(
        PG,
        "TRUNCATE TABLE post CASCADE",
        "truncate post (any) truncate comment (any)",
    );
    check(
        PG,
        "TRUNCATE whole",
        "truncate whole (any) truncate part_2 (any) truncate part_1 (any)",
    );
    check(
        PG,
        "TRUNCATE post, nowhere",
        "truncate post (any) + everything",
    );
}

#[test]
fn an_enum_cast_to_its_own_type_stores_its_label() {
    check(
        PG,
        r#"INSERT INTO "post" ("author_id", "kind") VALUES ($1, CAST($2 AS "kind")) RETURNING "id", CAST("kind" AS "text")"#,
        "insert post -> author_id=$1,kind=$2 returning id,kind",
    );
    check(
        PG,
        "UPDATE post SET kind = CAST($1 AS other) WHERE id = 1",
        "update post [kind] id=1 -> kind=?",
    );
}

#[test]
fn returning_tells_columns_and_hides_expressions() {
    check(
        PG,
        "INSERT INTO author (name) VALUES ('a') RETURNING author.*, id + 1 AS x, name AS id",
        "insert author -> name='a' returning id,name,_,name",
    );
    // PostgreSQL 18: the row before the write is no new image.
    check(
        PG,
        "UPDATE author SET name = 'a' RETURNING old.name, new.name",
        "update author [name] (any) -> name='a' returning _,_",
    );
}

#[test]
fn names_are_folded_as_the_server_folds_them() {
    check(
        PG,
        "UPDATE Public.Post SET Title = 'x' WHERE ID = 1",
        "update post [title] id=1 -> title='x'",
    );
    check(PG, r#"UPDATE "Post" SET title = 'x'"#, "+ everything");
    check(
        LITE,
        "UPDATE POST SET TITLE = 'x' WHERE Id = 1",
        "update post [title] id=1 -> title='x'",
    );
    check(
        MY,
        "UPDATE blog.post SET TITLE = 'x' WHERE Id = 1",
        "update post [title] id=1 -> title='x'",
    );
}
