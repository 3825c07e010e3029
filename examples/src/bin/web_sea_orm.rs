//! A blog on axum, SeaORM, PostgreSQL and Redis.
//!
//! ```sh
//! cargo run -p larder-examples --features web-sea-orm --bin web_sea_orm
//! # or until it is stopped:
//! LISTEN=127.0.0.1:3000 cargo run -p larder-examples --features web-sea-orm --bin web_sea_orm -- --serve
//! ```
//!
//! Takes the servers of `DATABASE_URL`, where it makes a schema `larder_web` and drops it at the
//! end, and of `REDIS_URL`, or starts private ones (Debian's packages `postgresql` and
//! `redis-server`). Without arguments it visits itself, prints what each request cost, and ends.
//!
//! `web_diesel_async` is the same blog on diesel-async.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::{get, post as posting},
};
use larder::{Cached, CachedConnection, Larder};
use larder_examples::{
    entity::{comment, post},
    web::{
        Answer, BoxError, Dashboard, Edit, Failure, NewPost, Page, SETUP, Service, TEARDOWN, Whose,
    },
};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, Database, DatabaseConnection, QueryOrder, QuerySelect,
    entity::prelude::*,
};

/// What the routes work with.
#[derive(Clone)]
struct Blog {
    larder: Larder,
    db: CachedConnection<DatabaseConnection>,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service = Service::start().await?;
    let plain = Database::connect(service.database()).await?;
    plain.execute_unprepared(SETUP).await?;
    // The plain connection has dropped an earlier run's tables, which larder has not seen.
    service.larder().invalidate_all().await;

    let larder = service.larder().clone();
    let db = larder.wrap(Database::connect(service.database()).await?);
    let served = service.run(routes(Blog { larder, db })).await;

    plain.execute_unprepared(TEARDOWN).await?;
    served
}

fn routes(blog: Blog) -> Router {
    Router::new()
        .route("/authors/{id}/posts", get(list))
        .route("/posts", posting(publish))
        .route("/posts/{id}", get(show).put(edit).delete(delete))
        .route("/dashboard", get(dashboard))
        .route("/explain", get(explain))
        .with_state(blog)
}

/// The newest posts of an author.
fn posts_of(author: i32) -> Cached<Select<post::Entity>> {
    post::Entity::find()
        .filter(post::Column::AuthorId.eq(author))
        .order_by_desc(post::Column::Id)
        .limit(10)
}

async fn list(State(blog): State<Blog>, Path(author): Path<i32>) -> Answer<Vec<post::Model>> {
    Ok(Json(posts_of(author).all(&blog.db).await?))
}

async fn show(
    State(blog): State<Blog>,
    Path(id): Path<i32>,
) -> Answer<Page<post::Model, comment::Model>> {
    let post = post::Entity::find_by_id(id).one(&blog.db).await?;
    let post = post.ok_or(Failure::NotFound)?;
    let comments = comment::Entity::find()
        .filter(comment::Column::PostId.eq(id))
        .order_by_asc(comment::Column::Id)
        .all(&blog.db)
        .await?;
    Ok(Json(Page { post, comments }))
}

async fn publish(State(blog): State<Blog>, Json(new): Json<NewPost>) -> Answer<post::Model> {
    let post = post::ActiveModel {
        author_id: Set(new.author_id),
        title: Set(new.title),
        ..Default::default()
    };
    Ok(Json(post.insert(&blog.db).await?))
}

async fn edit(
    State(blog): State<Blog>,
    Path(id): Path<i32>,
    Json(edit): Json<Edit>,
) -> Answer<post::Model> {
    let post = post::ActiveModel {
        id: Set(id),
        title: Set(edit.title),
        ..Default::default()
    };
    match post.update(&blog.db).await {
        Err(DbErr::RecordNotUpdated) => Err(Failure::NotFound),
        edited => Ok(Json(edited?)),
    }
}

async fn delete(State(blog): State<Blog>, Path(id): Path<i32>) -> Answer<()> {
    let deleted = post::Entity::delete_by_id(id).exec(&blog.db).await?;
    match deleted.rows_affected {
        0 => Err(Failure::NotFound),
        _ => Ok(Json(())),
    }
}

/// A memo: it is dropped with any of the three results inside, and nothing here says so.
async fn dashboard(State(Blog { larder, db }): State<Blog>) -> Answer<Dashboard> {
    let dashboard = larder
        .memo("dashboard", &())
        .ttl(Duration::from_secs(300))
        .try_run(async {
            let newest = post::Entity::find()
                .order_by_desc(post::Column::Id)
                .limit(3)
                .all(&db)
                .await?;
            Ok::<_, DbErr>(Dashboard {
                posts: post::Entity::find().count(&db).await?,
                comments: comment::Entity::find().count(&db).await?,
                newest: newest.into_iter().map(|post| post.title).collect(),
            })
        })
        .await?;
    Ok(Json(dashboard))
}

/// What becomes of the list of an author. An application shows this to its developers alone.
async fn explain(State(blog): State<Blog>, Query(whose): Query<Whose>) -> String {
    let query = posts_of(whose.author);
    query.explain(&blog.db).await.to_string()
}
