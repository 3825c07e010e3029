//! A random walk: drawn reads of every path and drawn writes, each answer compared with the
//! database's. The seed of a failure replays it.

use larder::{CacheLoader, LoaderTrait};
use larder_examples::entity::{author, comment, order_line, post, post_tag, tag};
use larder_tests::{
    dense,
    lab::{Backend, Lab},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::{answer, paths::relations, reads};

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    pub reads: usize,
    pub hits: usize,
    pub writes: usize,
}

/// One run of so many steps.
pub async fn walk(backend: Backend, seed: u64, steps: usize) -> Totals {
    let lab = Lab::start(backend).await;
    let mut random = fastrand::Rng::with_seed(seed);
    let named: Vec<&str> = reads().collect();
    let mut totals = Totals::default();
    let mut last_write = String::new();
    for step in 0..steps {
        if random.u32(0..100) < 12 {
            let draw = Draw::new(&mut random);
            // The database may refuse it: a key is taken, a parent is missing.
            let result = write(&lab, &draw, &mut random).await;
            totals.writes += usize::from(result.is_ok());
            last_write = format!("{draw:?}: {result:?}");
            continue;
        }
        let before = lab.selects();
        let (read, cached, truth) = if random.bool() {
            let read = named[random.usize(0..named.len())];
            let cached = answer(&lab.db, read).await;
            totals.hits += usize::from(lab.selects() == before);
            (read.to_owned(), cached, answer(&lab.plain, read).await)
        } else {
            let draw = Draw::new(&mut random);
            let cached = drawn(&lab.db, &draw).await.unwrap();
            totals.hits += usize::from(lab.selects() == before);
            let truth = drawn(&lab.plain, &draw).await.unwrap();
            (format!("{draw:?}"), cached, truth)
        };
        totals.reads += 1;
        assert_eq!(
            cached, truth,
            "{backend:?}, seed {seed}, step {step}: {read} after {last_write}"
        );
    }
    lab.plain.close().await.unwrap();
    totals
}

/// Everything that one statement may need.
#[derive(Clone, Debug)]
struct Draw {
    kind: u32,
    post: i32,
    author: i32,
    number: u64,
    flag: bool,
    parents: Vec<i32>,
}

impl Draw {
    fn new(random: &mut fastrand::Rng) -> Self {
        Self {
            kind: random.u32(0..1_000),
            post: random.i32(1..7),
            author: random.i32(3..6),
            number: random.u64(1..4),
            flag: random.bool(),
            parents: (0..random.usize(0..4)).map(|_| random.i32(1..7)).collect(),
        }
    }

    fn posts(&self) -> Vec<post::Model> {
        let post = |id: &i32| relations::post(*id, 3 + id % 3);
        self.parents.iter().map(post).collect()
    }
}

async fn drawn<C: ConnectionTrait>(db: &C, draw: &Draw) -> Result<String, DbErr> {
    let posts = || post::Entity::find().order_by_asc(post::Column::Id);
    let of_author = || posts().filter(post::Column::AuthorId.eq(draw.author));
    let by_key = || post::Entity::find().cursor_by(post::Column::Id);
    Ok(match draw.kind % 13 {
        0 => format!("{:?}", post::Entity::find_by_id(draw.post).one(db).await?),
        1 => format!(
            "{:?}",
            of_author()
                .filter(post::Column::Published.eq(draw.flag))
                .all(db)
                .await?
        ),
        2 => format!(
            "{:?}",
            of_author().paginate(db, draw.number).fetch_page(1).await?
        ),
        3 => {
            let pages = of_author().paginate(db, draw.number);
            format!("{:?}", pages.num_items_and_pages().await?)
        }
        4 if draw.flag => {
            format!(
                "{:?}",
                by_key().after(draw.post).last(draw.number).all(db).await?
            )
        }
        4 => format!(
            "{:?}",
            by_key()
                .before(draw.post)
                .first(draw.number)
                .desc()
                .all(db)
                .await?
        ),
        5 => {
            let pair = post::Entity::find_by_id(draw.post).find_also_related(author::Entity);
            format!("{:?}", pair.one(db).await?)
        }
        6 => {
            let pairs = author::Entity::find_by_id(draw.author).find_with_related(post::Entity);
            format!("{:?}", pairs.order_by_asc(post::Column::Id).all(db).await?)
        }
        7 => format!("{:?}", draw.posts().load_one(author::Entity, db).await?),
        8 => {
            let comments = comment::Entity::find().filter(comment::Column::Approved.eq(draw.flag));
            let comments = comments.order_by_asc(comment::Column::Id);
            format!("{:?}", draw.posts().load_many(comments, db).await?)
        }
        9 => {
            let tags = tag::Entity::find().order_by_asc(tag::Column::Id);
            let tags = draw
                .posts()
                .load_many_to_many(tags, post_tag::Entity, db)
                .await?;
            let mut tags: Vec<Vec<i32>> = tags
                .iter()
                .map(|tags| tags.iter().map(|tag| tag.id).collect())
                .collect();
            // The order of the junction's rows is the server's.
            tags.iter_mut().for_each(|tags| tags.sort_unstable());
            format!("{tags:?}")
        }
        10 => {
            let posts = dense::post::Entity::load().order_by_asc(dense::post::Column::Id);
            let posts = posts.filter(dense::post::Column::AuthorId.eq(draw.author));
            let posts = posts.with(dense::author::Entity);
            if draw.flag {
                format!("{:?}", posts.cached().all(db).await?)
            } else {
                format!("{:?}", posts.all(db).await?)
            }
        }
        11 => {
            let titles = of_author().select_only().column(post::Column::Title);
            format!("{:?}", titles.into_tuple::<String>().all(db).await?)
        }
        _ => format!(
            "{:?} {}",
            of_author().count(db).await?,
            of_author().exists(db).await?
        ),
    })
}

/// A write, alone or in a transaction that is committed or rolled back.
async fn write(lab: &Lab, draw: &Draw, random: &mut fastrand::Rng) -> Result<(), DbErr> {
    if random.u32(0..3) > 0 {
        return change(&lab.db, draw).await;
    }
    let transaction = lab.db.begin().await?;
    let first = change(&transaction, draw).await;
    let second = change(&transaction, &Draw::new(random)).await;
    if random.bool() {
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    first.and(second)
}

async fn change<C: ConnectionTrait>(db: &C, draw: &Draw) -> Result<(), DbErr> {
    let of_author = post::Column::AuthorId.eq(draw.author);
    match draw.kind % 11 {
        0 => {
            let row = post::ActiveModel {
                id: Set(draw.post),
                author_id: Set(draw.author),
                ..Default::default()
            };
            row.update(db).await.map(drop)
        }
        1 => {
            let row = post::ActiveModel {
                id: Set(draw.post),
                published: Set(draw.flag),
                ..Default::default()
            };
            row.update_without_returning(db).await.map(drop)
        }
        2 => {
            let row = post::ActiveModel {
                author_id: Set(draw.author),
                title: Set(format!("title {}", draw.kind)),
                status: Set(post::Status::Draft),
                ..Default::default()
            };
            row.insert(db).await.map(drop)
        }
        3 => post::Entity::delete_by_id(draw.post)
            .exec(db)
            .await
            .map(drop),
        4 => {
            let views = Expr::col(post::Column::Views).add(1);
            let update = post::Entity::update_many().col_expr(post::Column::Views, views);
            update.filter(of_author).exec(db).await.map(drop)
        }
        5 => {
            let row = comment::ActiveModel {
                post_id: Set(draw.post),
                body: Set("drawn".into()),
                approved: Set(draw.flag),
                ..Default::default()
            };
            comment::Entity::insert(row).exec(db).await.map(drop)
        }
        6 => {
            let update = comment::Entity::update_many()
                .col_expr(comment::Column::Approved, Expr::value(draw.flag));
            let update = update.filter(comment::Column::PostId.eq(draw.post));
            update.exec(db).await.map(drop)
        }
        7 => {
            let row = post_tag::ActiveModel {
                post_id: Set(draw.post),
                tag_id: Set(1 + i32::from(draw.flag)),
            };
            let keys = [post_tag::Column::PostId, post_tag::Column::TagId];
            let insert = post_tag::Entity::insert(row)
                .on_conflict(OnConflict::columns(keys).do_nothing_on(keys).to_owned());
            insert.exec_without_returning(db).await.map(drop)
        }
        8 => {
            let delete = post_tag::Entity::delete_many();
            let delete = delete.filter(post_tag::Column::PostId.eq(draw.post));
            delete.exec(db).await.map(drop)
        }
        9 => {
            let row = author::ActiveModel {
                id: Set(draw.author),
                name: Set(format!("author {}", draw.number)),
                active: Set(draw.flag),
                ..Default::default()
            };
            row.update(db).await.map(drop)
        }
        _ => {
            let delete = order_line::Entity::delete_many();
            let delete = delete.filter(order_line::Column::OrderId.eq(i64::from(draw.post)));
            delete.exec(db).await.map(drop)
        }
    }
}
