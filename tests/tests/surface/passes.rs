//! What goes past the cache: right, and to the database each time.

use futures_util::TryStreamExt;
use larder::{CacheLoader, Cached, RawRows};
use larder_examples::entity::{author, comment, post};
use larder_tests::{
    dense,
    lab::{Backend, Lab},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, LoaderTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, SelectExt, StreamTrait, TransactionTrait,
};

/// By name; `docs/sea-orm.md` lists them.
pub const PASSES: &[&str] = &[
    "uncached posts",
    "posts whose time to live is zero",
    "posts by generic code",
    "posts locked for update",
    "posts by a statement",
    "posts by a statement of sea_query",
    "posts as a stream",
    "titles as a stream",
    "tuples as a stream",
    "pairs as a stream",
    "rows of a statement as a stream",
    "comments by SeaORM's loader",
    "pages by SeaORM's trait",
    "pages of titles by SeaORM's trait",
    "pages of a statement by SeaORM's trait",
    "whether titles exist by SeaORM's trait",
    "posts in a transaction",
    "uncached entity loader",
];

async fn answer<C>(db: &C, read: &str) -> Result<String, DbErr>
where
    C: ConnectionTrait + StreamTrait + TransactionTrait,
{
    let posts = || {
        let posts = post::Entity::find().filter(post::Column::AuthorId.eq(3));
        posts.order_by_asc(post::Column::Id)
    };
    Ok(match read {
        "uncached posts" => format!("{:?}", posts().uncached().all(db).await?),
        "posts whose time to live is zero" => {
            format!(
                "{:?}",
                posts().ttl(std::time::Duration::ZERO).all(db).await?
            )
        }
        "posts by generic code" => format!("{:?}", generic::<post::Entity, _>(db).await?.len()),
        "posts locked for update" => format!("{:?}", posts().lock_exclusive().all(db).await?),
        "posts by a statement" => {
            let statement = posts().build(ConnectionTrait::get_database_backend(db));
            let rows = post::Model::find_by_statement(statement).all(db).await?;
            format!("{rows:?}")
        }
        "posts by a statement of sea_query" => {
            let rows = db.query_all(posts().as_query()).await?;
            let rows = rows
                .iter()
                .map(|row| post::Model::from_query_result(row, ""));
            format!("{:?}", rows.collect::<Result<Vec<_>, _>>()?)
        }
        "posts as a stream" => {
            let stream = posts().stream(db).await?;
            format!("{:?}", stream.try_collect::<Vec<_>>().await?)
        }
        "titles as a stream" => {
            let stream = posts().stream_partial_model::<_, Title>(db).await?;
            format!("{:?}", stream.try_collect::<Vec<_>>().await?)
        }
        "tuples as a stream" => {
            let titles = posts().select_only().column(post::Column::Title);
            let stream = titles.into_tuple::<String>().stream(db).await?;
            format!("{:?}", stream.try_collect::<Vec<_>>().await?)
        }
        "pairs as a stream" => {
            let all = posts().find_also_related(author::Entity).stream(db).await?;
            let both = posts().find_both_related(author::Entity).stream(db).await?;
            let all = all.try_collect::<Vec<_>>().await?;
            format!("{all:?} {:?}", both.try_collect::<Vec<_>>().await?)
        }
        "rows of a statement as a stream" => {
            let stream = statement(db).stream(db).await?;
            format!("{:?}", stream.try_collect::<Vec<_>>().await?)
        }
        other => more(db, other).await?,
    })
}

async fn more<C: ConnectionTrait + TransactionTrait>(db: &C, read: &str) -> Result<String, DbErr> {
    let titles = || {
        let titles = post::Entity::find().order_by_id_asc().select_only();
        titles.column(post::Column::Title).into_tuple::<String>()
    };
    Ok(match read {
        "pages of titles by SeaORM's trait" => {
            let pages = PaginatorTrait::paginate(titles(), db, 2);
            format!("{:?}", pages.fetch_page(1).await?)
        }
        "pages of a statement by SeaORM's trait" => {
            let pages = PaginatorTrait::paginate(statement(db), db, 2);
            format!("{:?}", pages.fetch_page(1).await?)
        }
        "whether titles exist by SeaORM's trait" => {
            let of_titles = SelectExt::exists(titles(), db).await?;
            format!(
                "{of_titles} {}",
                SelectExt::exists(statement(db), db).await?
            )
        }
        "comments by SeaORM's loader" => {
            let post = post::Entity::find_by_id(1).uncached().one(db).await?;
            let posts: Vec<post::Model> = post.into_iter().collect();
            format!("{:?}", posts.load_many(comment::Entity, db).await?)
        }
        "pages by SeaORM's trait" => {
            let pages = PaginatorTrait::paginate(author::Entity::find().order_by_id_asc(), db, 2);
            format!("{:?}", pages.fetch_page(1).await?)
        }
        "posts in a transaction" => {
            let transaction = db.begin().await?;
            let posts = post::Entity::find()
                .order_by_id_asc()
                .all(&transaction)
                .await?;
            let count = post::Entity::find().count(&transaction).await?;
            sea_orm::TransactionSession::rollback(transaction).await?;
            format!("{count} {posts:?}")
        }
        "uncached entity loader" => {
            let posts = dense::post::Entity::load().with(dense::comment::Entity);
            let posts = posts.order_by_asc(dense::post::Column::Id).uncached();
            format!("{:?}", posts.all(db).await?)
        }
        other => panic!("nothing passes under the name {other}"),
    })
}

async fn generic<E: EntityTrait, C: ConnectionTrait>(db: &C) -> Result<Vec<E::Model>, DbErr> {
    E::find().all(db).await
}

/// Posts by a statement of the caller's own.
fn statement<C: ConnectionTrait>(db: &C) -> Cached<RawRows<post::Model>> {
    let select = post::Entity::find().order_by_id_asc();
    let statement = select.build(ConnectionTrait::get_database_backend(db));
    post::Entity::find().from_raw_sql(statement)
}

#[derive(Clone, Debug, sea_orm::DerivePartialModel)]
#[sea_orm(entity = "post::Entity")]
#[expect(dead_code, reason = "shown in its debug form")]
struct Title {
    title: String,
}

#[test]
fn what_passes_is_in_the_table_of_paths() {
    let page = std::fs::read_to_string("../docs/sea-orm.md").unwrap();
    for name in PASSES {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/sea-orm.md lacks {name}"
        );
    }
}

/// A post that is nowhere.
pub fn post(id: i32, author_id: i32) -> post::Model {
    post::Model {
        id,
        author_id,
        title: String::new(),
        body: None,
        status: post::Status::Draft,
        published: false,
        views: 0,
        created_at: sea_orm::prelude::ChronoDateTime::default(),
    }
}

async fn what_passes_reaches_the_database_each_time(backend: Backend) {
    let lab = Lab::start(backend).await;
    for read in PASSES {
        // SQLite has no such locks, so SeaORM sends a plain select.
        if *read == "posts locked for update" && backend == Backend::Sqlite {
            continue;
        }
        let truth = answer(&lab.plain, read).await.unwrap();
        for _ in 0..2 {
            let before = lab.selects();
            assert_eq!(answer(&lab.db, read).await.unwrap(), truth, "{read}");
            assert!(lab.selects() > before, "{read} did not reach {backend:?}");
        }
    }
}

crate::on_all!(what_passes_reaches_the_database_each_time);
