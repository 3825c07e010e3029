//! UPDATE by keys, conditions and subselects.

use super::{
    Kept::{self, AllBut, These},
    Kind, RETURNING, WITHOUT_TITLE_OF_5, Write,
};

const UPDATE: Write = Write::of(Kind::Update);

pub const WRITES: &[Write] = &[
    Write {
        name: "update_by_key",
        keeps: WITHOUT_TITLE_OF_5,
        ..UPDATE
    },
    Write {
        name: "update_returning",
        on: RETURNING,
        keeps: WITHOUT_TITLE_OF_5,
        ..UPDATE
    },
    Write {
        name: "update_of_another_column",
        keeps: These(&[
            "title",
            "missing",
            "count",
            "count_of_3",
            "exists",
            "inner_join",
            "tuples",
            "as_select",
            "text_of_3",
            "grouped",
            "without_body",
            "distinct",
            "drafts",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        ..UPDATE
    },
    // Of post 5, which becomes a published one.
    Write {
        name: "update_of_two_columns",
        keeps: These(&[
            "title",
            "find",
            "missing",
            "count",
            "count_of_3",
            "tuples",
            "as_select",
            "grouped",
            "largest",
            "among",
            "distinct",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        keeps_by_looks: These(&[
            "first_of_3",
            "of_3",
            "inner_join",
            "text_of_3",
            "without_body",
        ]),
        keeps_with_rows: These(&["first_of_3", "of_3", "text_of_3"]),
        ..UPDATE
    },
    Write {
        name: "update_by_condition",
        keeps: These(&[
            "title",
            "count",
            "count_of_3",
            "inner_join",
            "boxed",
            "tuples",
            "as_select",
            "text_of_3",
            "grouped",
            "distinct",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        keeps_by_looks: These(&["find", "missing"]),
        ..UPDATE
    },
    // Both posts of author 4 get a text.
    Write {
        name: "update_many_returning",
        on: RETURNING,
        keeps: These(&[
            "first_of_3",
            "title",
            "of_3",
            "find",
            "missing",
            "count",
            "count_of_3",
            "exists",
            "inner_join",
            "as_select",
            "text_of_3",
            "text_with_parameter",
            "grouped",
            "largest",
            "among",
            "distinct",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        ..UPDATE
    },
    // New titles of posts 2 and 5, which are of authors 3 and 5.
    Write {
        name: "update_among",
        keeps: These(&[
            "title",
            "find",
            "missing",
            "count",
            "count_of_3",
            "inner_join",
            "boxed",
            "tuples",
            "as_select",
            "grouped",
            "largest",
            "distinct",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        ..UPDATE
    },
    Write {
        name: "update_by_unique_name",
        keeps: AllBut(&["tags"]),
        ..UPDATE
    },
    // Which posts are meant, another table says.
    Write {
        name: "update_by_subselect",
        keeps: These(&[
            "count",
            "count_of_3",
            "tuples",
            "as_select",
            "grouped",
            "largest",
            "distinct",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        ..UPDATE
    },
    Write {
        name: "update_to_a_subselect",
        keeps: WITHOUT_TITLE_OF_5,
        ..UPDATE
    },
    Write {
        name: "update_to_another_author",
        keeps: These(&[
            "title",
            "find",
            "missing",
            "count",
            "tuples",
            "as_select",
            "text_with_parameter",
            "largest",
            "among",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        keeps_by_looks: These(&["inner_join", "boxed", "without_body"]),
        ..UPDATE
    },
    // Post 1 is of author 3 already.
    Write {
        name: "update_to_the_same_author",
        keeps: These(&[
            "title",
            "missing",
            "count",
            "tuples",
            "as_select",
            "text_with_parameter",
            "largest",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        keeps_by_looks: Kept::ALL,
        ..UPDATE
    },
    // Of post 1, which is published.
    Write {
        name: "update_to_null",
        keeps: These(&[
            "title",
            "missing",
            "count",
            "count_of_3",
            "inner_join",
            "as_select",
            "text_of_3",
            "text_with_parameter",
            "grouped",
            "largest",
            "distinct",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        keeps_by_looks: These(&["exists", "drafts"]),
        ..UPDATE
    },
    Write {
        name: "update_by_expression",
        keeps: These(&[
            "title",
            "count",
            "count_of_3",
            "inner_join",
            "tuples",
            "as_select",
            "text_of_3",
            "grouped",
            "distinct",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        keeps_by_looks: These(&["missing"]),
        ..UPDATE
    },
    // There is no post 99. Where nobody has looked, it would be of author 3 now.
    Write {
        name: "update_of_no_row",
        keeps: These(&[
            "title",
            "find",
            "missing",
            "count",
            "tuples",
            "as_select",
            "text_with_parameter",
            "largest",
            "among",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        keeps_by_looks: Kept::ALL,
        ..UPDATE
    },
    // Post 2 becomes post 20, and its comment follows.
    Write {
        name: "update_of_a_key",
        keeps: These(&[
            "title",
            "find",
            "missing",
            "count",
            "count_of_3",
            "exists",
            "inner_join",
            "boxed",
            "as_select",
            "largest",
            "distinct",
            "tags",
            "comments",
            "authors",
        ]),
        ..UPDATE
    },
    Write {
        name: "save_changes",
        keeps: These(&[
            "title",
            "find",
            "missing",
            "count",
            "tuples",
            "as_select",
            "tags",
            "comments",
            "comments_of_nobody",
            "authors",
        ]),
        keeps_by_looks: These(&[
            "count_of_3",
            "exists",
            "inner_join",
            "boxed",
            "grouped",
            "largest",
            "distinct",
        ]),
        ..UPDATE
    },
    Write {
        name: "update_of_an_author",
        keeps: AllBut(&["left_join", "children", "of_active_authors", "authors"]),
        ..UPDATE
    },
    Write {
        name: "update_of_a_comment",
        keeps: AllBut(&["comments"]),
        ..UPDATE
    },
];

macro_rules! updates {
    ($backend:ident, [$($as:tt)?], [$($aw:tt)*]) => {
        $($as)? fn update(c: &mut Cached<Plain>, write: &str) -> QueryResult<()> {
            match write {
                "update_by_key" => {
                    let query = diesel::update(post::table.find(5)).set(post::title.eq("changed"));
                    query.execute(c)$($aw)*?;
                }
                "update_returning" => only!($backend, [Sqlite Postgres], {
                    let query = diesel::update(post::table.find(5)).set(post::title.eq("changed"));
                    let row = query.get_result::<Post>(c)$($aw)*?;
                    assert_eq!(row.title, "changed");
                }),
                "update_of_another_column" => {
                    let query = diesel::update(post::table.find(1)).set(post::views.eq(99));
                    query.execute(c)$($aw)*?;
                }
                "update_of_two_columns" => {
                    diesel::update(post::table.find(5))
                        .set((post::title.eq("out"), post::published.eq(true)))
                        .execute(c)$($aw)*?;
                }
                "update_by_condition" => {
                    let rows = post::table.filter(post::published.eq(false));
                    diesel::update(rows).set(post::views.eq(50)).execute(c)$($aw)*?;
                }
                "update_many_returning" => only!($backend, [Sqlite Postgres], {
                    let rows = post::table.filter(post::author_id.eq(4));
                    let query = diesel::update(rows).set(post::body.eq("all"));
                    assert_eq!(query.get_results::<Post>(c)$($aw)*?.len(), 2);
                }),
                "update_among" => {
                    let rows = post::table.filter(post::id.eq_any(vec![2, 5]));
                    diesel::update(rows).set(post::title.eq("among")).execute(c)$($aw)*?;
                }
                "update_by_unique_name" => {
                    let row = tag::table.filter(tag::name.eq("sql"));
                    diesel::update(row).set(tag::name.eq("SQL")).execute(c)$($aw)*?;
                }
                "update_by_subselect" => {
                    let idle = author::table.filter(author::active.eq(false)).select(author::id);
                    let rows = post::table.filter(post::author_id.eq_any(idle));
                    diesel::update(rows).set(post::title.eq("idle")).execute(c)$($aw)*?;
                }
                "update_to_a_subselect" => {
                    let name = author::table.find(4).select(author::name).single_value();
                    diesel::update(post::table.find(5))
                        .set(post::title.eq(name.assume_not_null()))
                        .execute(c)$($aw)*?;
                }
                "update_to_another_author" => {
                    let query = diesel::update(post::table.find(5)).set(post::author_id.eq(3));
                    query.execute(c)$($aw)*?;
                }
                "update_to_the_same_author" => {
                    let query = diesel::update(post::table.find(1)).set(post::author_id.eq(3));
                    query.execute(c)$($aw)*?;
                }
                "update_to_null" => {
                    let nothing = post::body.eq(None::<String>);
                    diesel::update(post::table.find(1)).set(nothing).execute(c)$($aw)*?;
                }
                "update_by_expression" => {
                    let query = diesel::update(post::table).set(post::views.eq(post::views + 1));
                    query.execute(c)$($aw)*?;
                }
                "update_of_no_row" => {
                    let query = diesel::update(post::table.find(99)).set(post::author_id.eq(3));
                    assert_eq!(query.execute(c)$($aw)*?, 0);
                }
                "update_of_a_key" => {
                    let query = diesel::update(post::table.find(2)).set(post::id.eq(20));
                    query.execute(c)$($aw)*?;
                }
                "save_changes" => {
                    let mut row = post::table.find(2).first::<Post>(c)$($aw)*?;
                    row.title = "saved".into();
                    let saved: Post = row.save_changes(c)$($aw)*?;
                    assert_eq!(saved, row);
                }
                "update_of_an_author" => {
                    let query = diesel::update(author::table.find(4)).set(author::active.eq(false));
                    query.execute(c)$($aw)*?;
                }
                "update_of_a_comment" => {
                    diesel::update(comment::table.find(1))
                        .set(comment::body.eq("edited"))
                        .execute(c)$($aw)*?;
                }
                other => panic!("no update is called {other}"),
            }
            Ok(())
        }
    };
}
