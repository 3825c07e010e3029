//! DELETE, and what goes with the rows.

use super::{
    Kept::{self, AllBut, These},
    Kind, RETURNING, Write,
};

const DELETE: Write = Write::of(Kind::Delete);

/// Reads that post 5 is not in.
const WITHOUT_POST_5: Kept = These(&[
    "first_of_3",
    "title",
    "of_3",
    "find",
    "missing",
    "count_of_3",
    "inner_join",
    "boxed",
    "as_select",
    "text_of_3",
    "among",
    "without_body",
    "tags",
    "authors",
]);

pub const WRITES: &[Write] = &[
    Write {
        name: "delete_by_key",
        keeps: WITHOUT_POST_5,
        ..DELETE
    },
    Write {
        name: "delete_returning",
        on: RETURNING,
        keeps: WITHOUT_POST_5,
        ..DELETE
    },
    // Of comments that are not approved. What comes back is the key.
    Write {
        name: "delete_many_returning",
        on: RETURNING,
        keeps: AllBut(&["comments_of_nobody"]),
        keeps_by_looks: Kept::ALL,
        ..DELETE
    },
    // Post 4, a draft without a text.
    Write {
        name: "delete_of_a_model",
        keeps: These(&[
            "first_of_3",
            "title",
            "of_3",
            "find",
            "missing",
            "count_of_3",
            "exists",
            "boxed",
            "as_select",
            "text_of_3",
            "among",
            "tags",
            "authors",
        ]),
        ..DELETE
    },
    // Posts 4 and 5, which are drafts.
    Write {
        name: "delete_among",
        keeps: These(&[
            "first_of_3",
            "title",
            "of_3",
            "find",
            "missing",
            "count_of_3",
            "boxed",
            "as_select",
            "text_of_3",
            "among",
            "tags",
            "authors",
        ]),
        ..DELETE
    },
    Write {
        name: "delete_by_subselect",
        keeps: AllBut(&["comments", "comments_of_nobody"]),
        ..DELETE
    },
    // Its links go with the tag.
    Write {
        name: "delete_by_unique_name",
        keeps: AllBut(&["tags"]),
        ..DELETE
    },
    // Of post 3.
    Write {
        name: "delete_of_links",
        keeps: Kept::ALL,
        ..DELETE
    },
    Write {
        name: "delete_of_all",
        keeps: AllBut(&["tags"]),
        ..DELETE
    },
    // Comments go with the post.
    Write {
        name: "delete_with_children",
        keeps: These(&[
            "missing",
            "exists",
            "inner_join",
            "as_select",
            "without_body",
            "drafts",
            "authors",
        ]),
        ..DELETE
    },
    // Author 5, whose post goes to author 3 and whose comment is nobody's from then on.
    Write {
        name: "delete_of_an_author",
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
        ]),
        ..DELETE
    },
];

macro_rules! deletes {
    ($backend:ident, [$($as:tt)?], [$($aw:tt)*]) => {
        $($as)? fn delete(c: &mut Cached<Plain>, write: &str) -> QueryResult<()> {
            match write {
                "delete_by_key" => {
                    diesel::delete(post::table.find(5)).execute(c)$($aw)*?;
                }
                "delete_returning" => only!($backend, [Sqlite Postgres], {
                    let row = diesel::delete(post::table.find(5)).get_result::<Post>(c)$($aw)*?;
                    assert_eq!(row.id, 5);
                }),
                "delete_many_returning" => only!($backend, [Sqlite Postgres], {
                    let rows = comment::table.filter(comment::approved.eq(false));
                    let query = diesel::delete(rows).returning(comment::id);
                    assert_eq!(query.get_results::<i32>(c)$($aw)*?, [2]);
                }),
                "delete_of_a_model" => {
                    let row = post::table.find(4).first::<Post>(c)$($aw)*?;
                    diesel::delete(&row).execute(c)$($aw)*?;
                }
                "delete_among" => {
                    let rows = post::table.filter(post::id.eq_any(vec![4, 5]));
                    diesel::delete(rows).execute(c)$($aw)*?;
                }
                "delete_by_subselect" => {
                    let of_4 = post::table.filter(post::author_id.eq(4)).select(post::id);
                    let rows = comment::table.filter(comment::post_id.eq_any(of_4));
                    diesel::delete(rows).execute(c)$($aw)*?;
                }
                "delete_by_unique_name" => {
                    diesel::delete(tag::table.filter(tag::name.eq("rust"))).execute(c)$($aw)*?;
                }
                "delete_of_links" => {
                    let rows = post_tag::table.filter(post_tag::post_id.eq(3));
                    diesel::delete(rows).execute(c)$($aw)*?;
                }
                "delete_of_all" => {
                    diesel::delete(post_tag::table).execute(c)$($aw)*?;
                }
                "delete_with_children" => {
                    diesel::delete(post::table.filter(post::id.eq(1))).execute(c)$($aw)*?;
                }
                "delete_of_an_author" => {
                    c.transaction($($as)? |c| {
                        diesel::update(post::table.find(5))
                            .set(post::author_id.eq(3))
                            .execute(c)$($aw)*?;
                        diesel::delete(author::table.find(5)).execute(c)$($aw)*
                    })$($aw)*?;
                }
                other => panic!("no delete is called {other}"),
            }
            Ok(())
        }
    };
}
