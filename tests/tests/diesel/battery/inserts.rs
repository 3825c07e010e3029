//! INSERT, and what looks like one.

use super::{
    Kept::{self, AllBut, These},
    Kind, RETURNING, Write,
};
use crate::lab::Backend;

const INSERT: Write = Write::of(Kind::Insert);

/// Reads that a post of author 5 without a text cannot change, as far as the statement tells.
const WITHOUT_POSTS_OF_5: Kept = These(&[
    "first_of_3",
    "of_3",
    "count_of_3",
    "inner_join",
    "as_select",
    "text_of_3",
    "tags",
    "comments",
    "comments_of_nobody",
    "authors",
]);

/// Reads that posts of authors 4 and 5 cannot change, as far as the statement tells.
const WITHOUT_POSTS_OF_4_AND_5: Kept = These(&[
    "first_of_3",
    "of_3",
    "count_of_3",
    "as_select",
    "text_of_3",
    "tags",
    "comments",
    "comments_of_nobody",
    "authors",
]);

/// Reads of other keys, and of published posts.
const WITHOUT_NEW_DRAFTS: Kept = These(&["title", "find", "missing", "boxed", "among"]);

pub const WRITES: &[Write] = &[
    Write {
        name: "insert",
        keeps: WITHOUT_POSTS_OF_5,
        keeps_with_rows: WITHOUT_NEW_DRAFTS,
        ..INSERT
    },
    Write {
        name: "insert_returning",
        on: RETURNING,
        keeps: WITHOUT_POSTS_OF_5,
        keeps_with_rows: WITHOUT_NEW_DRAFTS,
        ..INSERT
    },
    Write {
        name: "insert_many",
        keeps: WITHOUT_POSTS_OF_4_AND_5,
        keeps_with_rows: WITHOUT_NEW_DRAFTS,
        ..INSERT
    },
    Write {
        name: "insert_many_returning",
        on: &[Backend::Postgres],
        keeps: WITHOUT_POSTS_OF_4_AND_5,
        keeps_with_rows: WITHOUT_NEW_DRAFTS,
        ..INSERT
    },
    Write {
        name: "insert_of_an_author",
        keeps: AllBut(&["inner_join", "left_join", "children", "authors"]),
        keeps_with_rows: These(&["inner_join"]),
        ..INSERT
    },
    Write {
        name: "insert_of_a_link",
        keeps: Kept::ALL,
        ..INSERT
    },
    Write {
        name: "insert_from_select",
        keeps: These(&[
            "as_select",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        ..INSERT
    },
    // That no row comes back is no proof: what the row would have been counts. On MySQL it is an
    // upsert.
    Write {
        name: "insert_or_nothing",
        keeps: These(&["as_select", "authors"]),
        keeps_with_rows: These(&[
            "missing",
            "exists",
            "inner_join",
            "tags",
            "comments",
            "comments_of_nobody",
        ]),
        ..INSERT
    },
    // MySQL's IGNORE stores other values rather than fail.
    Write {
        name: "insert_or_ignore",
        on: &[Backend::Sqlite, Backend::MariaDb],
        keeps: These(&[
            "as_select",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        keeps_with_rows: These(&["missing", "exists", "inner_join"]),
        ..INSERT
    },
    Write {
        name: "replace",
        on: &[Backend::Sqlite, Backend::MariaDb],
        keeps: These(&["as_select", "authors"]),
        ..INSERT
    },
    Write {
        name: "upsert",
        keeps: These(&["as_select", "authors"]),
        ..INSERT
    },
    Write {
        name: "upsert_by_unique_name",
        keeps: AllBut(&["tags"]),
        ..INSERT
    },
    Write {
        name: "upsert_on_condition",
        on: RETURNING,
        keeps: These(&["as_select", "authors"]),
        ..INSERT
    },
    Write {
        name: "copy",
        on: &[Backend::Postgres],
        blocking: true,
        keeps: These(&["as_select", "authors"]),
        ..INSERT
    },
];

macro_rules! inserts {
    ($backend:ident, [$($as:tt)?], [$($aw:tt)*]) => {
        $($as)? fn insert(c: &mut Cached<Plain>, write: &str) -> QueryResult<()> {
            let of_5 = NewPost { author_id: 5, title: "new", body: None };
            let many = [of_5, NewPost { author_id: 4, title: "other", body: Some("b") }];
            let taken = (post::id.eq(1), post::author_id.eq(3), post::title.eq("taken"));
            match write {
                "insert" => {
                    diesel::insert_into(post::table).values(&of_5).execute(c)$($aw)*?;
                }
                "insert_returning" => only!($backend, [Sqlite Postgres], {
                    let query = diesel::insert_into(post::table).values(&of_5);
                    let row = query.get_result::<Post>(c)$($aw)*?;
                    assert_eq!(row.title, "new");
                }),
                "insert_many" => {
                    insert_all!($backend, [$($as)?], &many, c, [$($aw)*]);
                }
                "insert_many_returning" => only!($backend, [Postgres], {
                    let query = diesel::insert_into(post::table).values(&many[..]);
                    let rows = query.get_results::<Post>(c)$($aw)*?;
                    assert_eq!(rows.len(), 2);
                }),
                "insert_of_an_author" => {
                    let row = (author::name.eq("Barbara"), author::active.eq(false));
                    diesel::insert_into(author::table).values(row).execute(c)$($aw)*?;
                }
                "insert_of_a_link" => {
                    let row = (post_tag::post_id.eq(2), post_tag::tag_id.eq(1));
                    diesel::insert_into(post_tag::table).values(row).execute(c)$($aw)*?;
                }
                "insert_from_select" => {
                    let rows = post::table
                        .filter(post::id.eq(3))
                        .select((post::author_id, post::title));
                    diesel::insert_into(post::table)
                        .values(rows)
                        .into_columns((post::author_id, post::title))
                        .execute(c)$($aw)*?;
                }
                "insert_or_nothing" => {
                    let query = diesel::insert_into(post::table).values(taken);
                    query.on_conflict_do_nothing().execute(c)$($aw)*?;
                }
                "insert_or_ignore" => only!($backend, [Sqlite MariaDb], {
                    diesel::insert_or_ignore_into(post::table).values(taken).execute(c)$($aw)*?;
                }),
                "replace" => only!($backend, [Sqlite MariaDb], {
                    let row = (post::id.eq(5), post::author_id.eq(4), post::title.eq("replaced"));
                    diesel::replace_into(post::table).values(row).execute(c)$($aw)*?;
                }),
                "upsert" => {
                    let row = (post::id.eq(2), post::author_id.eq(3), post::title.eq("upserted"));
                    let insert = diesel::insert_into(post::table).values(row);
                    on_conflict!($backend, insert, post::id)
                        .do_update()
                        .set(post::title.eq("upserted"))
                        .execute(c)$($aw)*?;
                }
                "upsert_by_unique_name" => {
                    let insert = diesel::insert_into(tag::table).values(tag::name.eq("rust"));
                    on_conflict!($backend, insert, tag::name)
                        .do_update()
                        .set(tag::name.eq("crab"))
                        .execute(c)$($aw)*?;
                }
                "upsert_on_condition" => only!($backend, [Sqlite Postgres], {
                    use diesel::query_dsl::methods::FilterDsl as _;
                    let row = (
                        post::id.eq(2),
                        post::author_id.eq(3),
                        post::title.eq("two"),
                        post::views.eq(8),
                    );
                    diesel::insert_into(post::table)
                        .values(row)
                        .on_conflict(post::id)
                        .do_update()
                        .set(post::views.eq(diesel::upsert::excluded(post::views)))
                        .filter(post::views.lt(5))
                        .execute(c)$($aw)*?;
                }),
                "copy" => only_blocking!($backend, [$($as)?], [Postgres], {
                    use diesel::prelude::ExecuteCopyFromDsl as _;
                    let rows = |out: &mut dyn std::io::Write| {
                        let written = out.write_all(b"5\tcopied\n");
                        written.map_err(|it| diesel::result::Error::SerializationError(it.into()))
                    };
                    let query = diesel::copy_from(post::table);
                    query.from_raw_data((post::author_id, post::title), rows).execute(c)?;
                }),
                other => panic!("no insert is called {other}"),
            }
            Ok(())
        }
    };
}
