//! Pages by offset and by key.

use futures_util::TryStreamExt;
use larder::CacheQuery;
use larder_examples::entity::{author, comment, post};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::text;

pub const BLOG: &[&str] = &[
    "page 0 of posts",
    "page 1 of posts",
    "page of posts of author 3",
    "items and pages of posts",
    "posts fetched page by page",
    "pages of posts as a stream",
    "page of posts with their author",
    "page of titles",
    "page of a statement",
    "first two posts by key",
    "last two posts by key",
    "posts by key, descending",
    "posts between two keys",
    "posts by two keys",
    "titles by key",
    "posts and authors by key of the author",
    "posts and authors by key of the post",
    "posts, authors and comments by key",
    "last two posts of a cursor made cached",
    "first two posts, descending, of a cursor made cached",
];

pub async fn answer<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let posts = || post::Entity::find().order_by_asc(post::Column::Id);
    match read {
        "page 0 of posts" => text(posts().paginate(db, 2).fetch_page(0).await),
        "page 1 of posts" => text(posts().paginate(db, 2).fetch_page(1).await),
        "page of posts of author 3" => {
            let posts = posts().filter(post::Column::AuthorId.eq(3));
            text(posts.paginate(db, 2).fetch().await)
        }
        "items and pages of posts" => {
            let pages = posts().paginate(db, 2);
            let totals = pages.num_items_and_pages().await.unwrap();
            assert_eq!(pages.num_pages().await.unwrap(), totals.number_of_pages);
            text(Ok(totals))
        }
        "posts fetched page by page" => text(in_turn(db).await),
        "pages of posts as a stream" => {
            let pages = posts().paginate(db, 2).into_stream();
            text(pages.try_collect::<Vec<_>>().await)
        }
        "page of posts with their author" => {
            let posts = posts().find_also_related(author::Entity);
            text(posts.paginate(db, 2).fetch_page(1).await)
        }
        "page of titles" => {
            let titles = posts().select_only().column(post::Column::Title);
            text(
                titles
                    .into_tuple::<String>()
                    .paginate(db, 2)
                    .fetch_page(1)
                    .await,
            )
        }
        "page of a statement" => {
            let quoted = sea_orm::QueryTrait::build(&posts(), db.get_database_backend()).sql;
            let statement = sea_orm::Statement::from_string(db.get_database_backend(), quoted);
            let posts = post::Entity::find().from_raw_sql(statement);
            text(posts.paginate(db, 2).fetch_page(1).await)
        }
        other => by_key(db, other).await,
    }
}

async fn by_key<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let cursor = || post::Entity::find().cursor_by(post::Column::Id);
    let two = || post::Entity::find().find_also_related(author::Entity);
    match read {
        "first two posts by key" => text(cursor().after(1).first(2).all(db).await),
        // The statement of the next but one, and another result.
        "last two posts by key" => text(cursor().last(2).all(db).await),
        "posts by key, descending" => text(cursor().desc().first(2).all(db).await),
        "posts between two keys" => text(cursor().after(1).before(4).all(db).await),
        "posts by two keys" => {
            let mut cursor =
                post::Entity::find().cursor_by((post::Column::AuthorId, post::Column::Id));
            text(cursor.after((3, 1)).first(3).all(db).await)
        }
        "titles by key" => {
            let titles = cursor().into_partial_model::<Title>();
            text({ titles }.last(3).all(db).await)
        }
        "posts and authors by key of the author" => text(
            two()
                .cursor_by_other(author::Column::Id)
                .last(2)
                .all(db)
                .await,
        ),
        "posts and authors by key of the post" => {
            text(two().cursor_by(post::Column::Id).before(4).all(db).await)
        }
        "posts, authors and comments by key" => {
            let three = two().find_also_related(comment::Entity);
            text(three.cursor_by(post::Column::Id).first(3).all(db).await)
        }
        "last two posts of a cursor made cached" => {
            let mut cursor = <post::Entity as EntityTrait>::find().cursor_by(post::Column::Id);
            cursor.last(2);
            text(cursor.cached().all(db).await)
        }
        "first two posts, descending, of a cursor made cached" => {
            let mut cursor = <post::Entity as EntityTrait>::find().cursor_by(post::Column::Id);
            cursor.desc().first(2);
            text(cursor.cached().all(db).await)
        }
        _ => None,
    }
}

async fn in_turn<C: ConnectionTrait>(db: &C) -> Result<Vec<Vec<i32>>, DbErr> {
    let mut pages = post::Entity::find()
        .order_by_asc(post::Column::Id)
        .paginate(db, 2);
    let mut seen: Vec<Vec<i32>> = Vec::new();
    while let Some(posts) = pages.fetch_and_next().await? {
        seen.push(posts.iter().map(|post| post.id).collect());
    }
    assert_eq!(pages.cur_page(), seen.len() as u64 + 1);
    pages.set_page(0);
    assert_eq!(pages.fetch().await?.len(), seen[0].len());
    Ok(seen)
}

#[derive(Clone, Debug, sea_orm::DerivePartialModel, larder::CachedResult)]
#[sea_orm(entity = "post::Entity")]
#[larder(local)]
struct Title {
    id: i32,
    title: String,
}
