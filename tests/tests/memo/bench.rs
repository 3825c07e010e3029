//! A database, a larder, and memos that say what they came to.

use std::{
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
};

use larder::{Larder, MemoOutcome, Memoized};
use larder_examples::entity::post;
use sea_orm::{ColumnTrait as _, ConnectionTrait, QueryFilter as _, Statement};

/// Runs a scenario on all three databases, each as a test of its own.
macro_rules! on_all {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(larder_tests::lab::Backend::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(larder_tests::lab::Backend::Postgres).await;
            })+
        }
        mod mariadb {
            $(#[tokio::test]
            async fn $name() {
                super::$name(larder_tests::lab::Backend::MariaDb).await;
            })+
        }
    };
}

pub(crate) use on_all;

/// The memo of this name.
pub async fn ask<T: Memoized>(
    larder: &Larder,
    name: &str,
    body: impl Future<Output = T> + Send,
) -> (T, MemoOutcome) {
    let mut outcome = MemoOutcome::default();
    let value = larder.memo(name, &()).told(&mut outcome).run(body).await;
    (value, outcome)
}

/// Titles of an author's posts, by a read that may be cached itself.
pub async fn titles(db: &impl ConnectionTrait, author: i32) -> Vec<String> {
    let find = post::Entity::find().filter(post::Column::AuthorId.eq(author));
    let posts = find.all(db).await.unwrap();
    let mut titles: Vec<_> = posts.into_iter().map(|post| post.title).collect();
    titles.sort();
    titles
}

/// The same by a statement that goes past the cache.
pub async fn plain_titles(db: &impl ConnectionTrait, author: i32) -> Vec<String> {
    let text = format!("SELECT title FROM post WHERE author_id = {author} ORDER BY title");
    let statement = Statement::from_string(db.get_database_backend(), text);
    let rows = db.query_all_raw(statement).await.unwrap();
    let titles = rows.iter().map(|row| row.try_get_by_index(0));
    titles.collect::<Result<_, _>>().unwrap()
}

/// How often something ran.
#[derive(Debug, Default)]
pub struct Runs(AtomicUsize);

impl Runs {
    pub fn more(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
