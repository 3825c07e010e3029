//! A blog on axum, diesel-async with a pool, PostgreSQL and Redis.
//!
//! ```sh
//! cargo run -p larder-examples --features web-diesel-async --bin web_diesel_async
//! # or until it is stopped:
//! LISTEN=127.0.0.1:3000 cargo run -p larder-examples --features web-diesel-async --bin web_diesel_async -- --serve
//! ```
//!
//! Takes the servers of `DATABASE_URL`, where it makes a schema `larder_web` and drops it at the
//! end, and of `REDIS_URL`, or starts private ones (Debian's packages `postgresql` and
//! `redis-server`). Without arguments it visits itself, prints what each request cost, and ends.
//!
//! `web_sea_orm` is the same blog on SeaORM.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::{get, post as posting},
};
use diesel::{dsl::AsSelect, pg::Pg, prelude::*};
use diesel_async::{
    AsyncConnection as _, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _,
    pooled_connection::{AsyncDieselConnectionManager, RecyclingMethod, deadpool::Pool},
};
use larder::{
    Larder, WrapConfig,
    diesel::{CachedAsyncConnection, cached_manager_config},
};
use larder_examples::web::{
    Answer, BoxError, Dashboard, Edit, Failure, NewPost, Page, SETUP, Service, TEARDOWN, Whose,
};
use serde::Serialize;

use self::tables::{comment, post};

mod tables {
    diesel::table! {
        post (id) {
            id -> Integer,
            author_id -> Integer,
            title -> Text,
        }
    }

    diesel::table! {
        comment (id) {
            id -> Integer,
            post_id -> Integer,
            body -> Text,
        }
    }
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = post)]
struct Post {
    id: i32,
    author_id: i32,
    title: String,
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = comment)]
struct Comment {
    id: i32,
    post_id: i32,
    body: String,
}

/// What the routes work with. That its connections cache is in this type alone.
#[derive(Clone)]
struct Blog {
    larder: Larder,
    pool: Pool<CachedAsyncConnection<AsyncPgConnection>>,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service = Service::start().await?;
    let mut plain = AsyncPgConnection::establish(service.database()).await?;
    plain.batch_execute(SETUP).await?;
    // The plain connection has dropped an earlier run's tables, which larder has not seen.
    service.larder().invalidate_all().await;

    let larder = service.larder().clone();
    let mut config = cached_manager_config(&larder, &WrapConfig::new());
    // By default each request would first ask the database whether the connection is alive.
    config.recycling_method = RecyclingMethod::Fast;
    let manager = AsyncDieselConnectionManager::new_with_config(service.database(), config);
    let pool = Pool::builder(manager).max_size(4).build()?;
    let served = service.run(routes(Blog { larder, pool })).await;

    plain.batch_execute(TEARDOWN).await?;
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
#[diesel::dsl::auto_type(no_type_alias)]
fn posts_of(author: i32) -> _ {
    let columns: AsSelect<Post, Pg> = Post::as_select();
    post::table
        .filter(post::author_id.eq(author))
        .order(post::id.desc())
        .limit(10_i64)
        .select(columns)
}

async fn list(State(blog): State<Blog>, Path(author): Path<i32>) -> Answer<Vec<Post>> {
    let mut connection = blog.pool.get().await?;
    Ok(Json(posts_of(author).load(&mut connection).await?))
}

async fn show(State(blog): State<Blog>, Path(id): Path<i32>) -> Answer<Page<Post, Comment>> {
    let mut connection = blog.pool.get().await?;
    let post = post::table
        .find(id)
        .select(Post::as_select())
        .first(&mut connection)
        .await
        .optional()?
        .ok_or(Failure::NotFound)?;
    let comments = comment::table
        .filter(comment::post_id.eq(id))
        .order(comment::id)
        .select(Comment::as_select())
        .load(&mut connection)
        .await?;
    Ok(Json(Page { post, comments }))
}

async fn publish(State(blog): State<Blog>, Json(new): Json<NewPost>) -> Answer<Post> {
    let mut connection = blog.pool.get().await?;
    let published = diesel::insert_into(post::table)
        .values((post::author_id.eq(new.author_id), post::title.eq(new.title)))
        .returning(Post::as_returning())
        .get_result(&mut connection)
        .await?;
    Ok(Json(published))
}

async fn edit(
    State(blog): State<Blog>,
    Path(id): Path<i32>,
    Json(edit): Json<Edit>,
) -> Answer<Post> {
    let mut connection = blog.pool.get().await?;
    let edited = diesel::update(post::table.find(id))
        .set(post::title.eq(edit.title))
        .returning(Post::as_returning())
        .get_result(&mut connection)
        .await
        .optional()?;
    edited.map(Json).ok_or(Failure::NotFound)
}

async fn delete(State(blog): State<Blog>, Path(id): Path<i32>) -> Answer<()> {
    let mut connection = blog.pool.get().await?;
    let deleted = diesel::delete(post::table.find(id)).execute(&mut connection);
    match deleted.await? {
        0 => Err(Failure::NotFound),
        _ => Ok(Json(())),
    }
}

/// A memo: it is dropped with any of the three results inside, and nothing here says so.
async fn dashboard(State(Blog { larder, pool }): State<Blog>) -> Answer<Dashboard> {
    let dashboard = larder
        .memo("dashboard", &())
        .ttl(Duration::from_secs(300))
        .try_run(async {
            let mut connection = pool.get().await?;
            let newest = post::table.order(post::id.desc()).limit(3);
            let posts: i64 = post::table.count().get_result(&mut connection).await?;
            let comments: i64 = comment::table.count().get_result(&mut connection).await?;
            Ok::<_, BoxError>(Dashboard {
                posts: posts.try_into()?,
                comments: comments.try_into()?,
                newest: newest.select(post::title).load(&mut connection).await?,
            })
        })
        .await?;
    Ok(Json(dashboard))
}

/// What becomes of the list of an author. An application shows this to its developers alone.
async fn explain(State(blog): State<Blog>, Query(whose): Query<Whose>) -> Result<String, Failure> {
    let mut connection = blog.pool.get().await?;
    let explanation = connection.explain(&posts_of(whose.author)).await?;
    Ok(explanation.to_string())
}
