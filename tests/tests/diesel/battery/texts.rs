//! Writes by text, which says what the query builder has no word for.

use super::{
    Kept::{AllBut, These},
    Kind, RETURNING, WITHOUT_TITLE_OF_5, Write,
};
use crate::lab::Backend;

const TEXT: Write = Write::of(Kind::Text);

pub const WRITES: &[Write] = &[
    Write {
        name: "text",
        keeps: WITHOUT_TITLE_OF_5,
        ..TEXT
    },
    // What comes back is the key and the title.
    Write {
        name: "text_returning",
        on: RETURNING,
        keeps: These(&[
            "title",
            "find",
            "missing",
            "as_select",
            "among",
            "tags",
            "authors",
        ]),
        keeps_by_looks: These(&[
            "first_of_3",
            "of_3",
            "count_of_3",
            "inner_join",
            "boxed",
            "text_of_3",
            "without_body",
        ]),
        ..TEXT
    },
    Write {
        name: "batch",
        keeps: These(&["missing", "as_select", "tags", "authors"]),
        ..TEXT
    },
    // MySQL's is an update of a join, after which any row may be another.
    Write {
        name: "update_from",
        keeps: These(&["as_select", "authors"]),
        keeps_with_rows: These(&[
            "title",
            "find",
            "missing",
            "count",
            "count_of_3",
            "tuples",
            "grouped",
            "largest",
            "among",
            "distinct",
            "tags",
            "comments",
            "comments_of_nobody",
        ]),
        ..TEXT
    },
    Write {
        name: "delete_using",
        on: &[Backend::Postgres, Backend::MariaDb],
        keeps: AllBut(&["comments", "comments_of_nobody"]),
        ..TEXT
    },
    Write {
        name: "truncate",
        on: &[Backend::Postgres, Backend::MariaDb],
        keeps: AllBut(&["comments", "comments_of_nobody"]),
        ..TEXT
    },
    Write {
        name: "merge",
        on: &[Backend::Postgres],
        keeps: AllBut(&["tags"]),
        ..TEXT
    },
    Write {
        name: "writing_cte",
        on: &[Backend::Postgres],
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
            "authors",
        ]),
        ..TEXT
    },
];

/// How a database says it.
pub fn text(write: &str, backend: Backend) -> &'static str {
    match (write, backend) {
        ("update_from", Backend::Sqlite) => {
            "UPDATE post SET title = author.name FROM author
             WHERE author.id = post.author_id AND post.id = ?"
        }
        ("update_from", Backend::Postgres) => {
            "UPDATE post SET title = author.name FROM author
             WHERE author.id = post.author_id AND post.id = $1"
        }
        ("update_from", Backend::MariaDb) => {
            "UPDATE post JOIN author ON author.id = post.author_id SET post.title = author.name
             WHERE post.id = ?"
        }
        ("delete_using", Backend::Postgres) => {
            "DELETE FROM comment USING post WHERE post.id = comment.post_id AND post.author_id = $1"
        }
        ("delete_using", Backend::MariaDb) => {
            "DELETE comment FROM comment JOIN post ON post.id = comment.post_id
             WHERE post.author_id = ?"
        }
        ("merge", Backend::Postgres) => {
            "MERGE INTO tag USING (VALUES ($1, 'merged'), (9, 'new')) AS it (id, name)
             ON tag.id = it.id
             WHEN MATCHED THEN UPDATE SET name = it.name
             WHEN NOT MATCHED THEN INSERT (id, name) VALUES (it.id, it.name)"
        }
        ("writing_cte", Backend::Postgres) => {
            "WITH gone AS (DELETE FROM comment WHERE id = $1 RETURNING post_id)
             UPDATE post SET views = views + 1 FROM gone WHERE post.id = gone.post_id"
        }
        (write, backend) => panic!("{backend:?} has no {write}"),
    }
}

macro_rules! texts {
    ($backend:ident, [$($as:tt)?], [$($aw:tt)*], $parameter:literal) => {
        $($as)? fn by_text(c: &mut Cached<Plain>, write: &str) -> QueryResult<()> {
            match write {
                "text" => {
                    let text = concat!("UPDATE post SET title = 'by text' WHERE id = ", $parameter);
                    sql_query(text).bind::<Integer, _>(5).execute(c)$($aw)*?;
                }
                "text_returning" => only!($backend, [Sqlite Postgres], {
                    let text = concat!("DELETE FROM post WHERE id = ", $parameter);
                    let query = sql_query(format!("{text} RETURNING id, title"));
                    let rows = query.bind::<Integer, _>(5).load::<Titled>(c)$($aw)*?;
                    assert_eq!(rows.len(), 1);
                }),
                "batch" => {
                    let text = "UPDATE post SET title = 'a' WHERE id = 1; DELETE FROM post WHERE id = 5";
                    c.batch_execute(text)$($aw)*?;
                }
                "truncate" => {
                    sql_query("TRUNCATE comment").execute(c)$($aw)*?;
                }
                "update_from" => {
                    let query = sql_query(text(write, BACKEND)).bind::<Integer, _>(5);
                    query.execute(c)$($aw)*?;
                }
                "delete_using" => {
                    let query = sql_query(text(write, BACKEND)).bind::<Integer, _>(4);
                    query.execute(c)$($aw)*?;
                }
                "merge" | "writing_cte" => {
                    let query = sql_query(text(write, BACKEND)).bind::<Integer, _>(2);
                    query.execute(c)$($aw)*?;
                }
                other => panic!("no text is called {other}"),
            }
            Ok(())
        }
    };
}
