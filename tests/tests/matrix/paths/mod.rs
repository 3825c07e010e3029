//! Every way in which SeaORM reads, each as a read of the matrix: `docs/sea-orm.md` names them.

mod dense;
mod joins;
mod loaders;
mod pages;
pub mod relations;
mod shapes;
mod wide;

use sea_orm::{ConnectionTrait, DbErr};

use super::reads;

/// The reads of one file.
type Names = &'static [&'static str];

/// All reads of the matrix.
pub const ALL: &[Names] = &[
    reads::BLOG,
    reads::SHOP,
    dense::BLOG,
    dense::SHOP,
    joins::BLOG,
    joins::SHOP,
    joins::BOTH,
    loaders::BLOG,
    loaders::SHOP,
    pages::BLOG,
    relations::BLOG,
    relations::SHOP,
    shapes::BLOG,
    shapes::SHOP,
];

/// Those that rest on tables of the blog alone.
pub const BLOG: &[Names] = &[
    reads::BLOG,
    dense::BLOG,
    joins::BLOG,
    loaders::BLOG,
    pages::BLOG,
    relations::BLOG,
    shapes::BLOG,
];

/// Those that rest on tables of the shop alone.
pub const SHOP: &[Names] = &[
    reads::SHOP,
    dense::SHOP,
    joins::SHOP,
    loaders::SHOP,
    relations::SHOP,
    shapes::SHOP,
];

/// Runs one of them.
pub async fn answer<C: ConnectionTrait>(db: &C, read: &str) -> String {
    if let Some(answer) = dense::answer(db, read).await {
        return answer;
    }
    if let Some(answer) = joins::answer(db, read).await {
        return answer;
    }
    if let Some(answer) = loaders::answer(db, read).await {
        return answer;
    }
    if let Some(answer) = pages::answer(db, read).await {
        return answer;
    }
    if let Some(answer) = relations::answer(db, read).await {
        return answer;
    }
    match shapes::answer(db, read).await {
        Some(answer) => answer,
        None => panic!("no read is called {read}"),
    }
}

/// How many statements a read may send; most send one.
pub fn statements(read: &str) -> usize {
    match read {
        "many to many by its own loader" | "items and pages of posts" | "loader with many" => 2,
        "posts fetched page by page" | "pages of posts as a stream" => 4,
        "loader with one and many" | "loader with many inside many" | "loader as one operation" => {
            3
        }
        "loader of tags" | "loader with itself" | "loader with itself via a table" => 3,
        "pages of a loader" | "pages of a cached loader" => 4,
        _ => 1,
    }
}

fn text<T: std::fmt::Debug>(result: Result<T, DbErr>) -> Option<String> {
    Some(format!("{result:?}"))
}
