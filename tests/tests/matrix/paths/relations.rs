//! From a model, a relation or generic code to a select.

use larder::{CacheQuery, CachedResult};
use larder_examples::entity::{author, comment, customer, order, post, post_tag, tag};
use larder_tests::dense;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Iterable, Linked, PrimaryKeyToColumn, QueryFilter,
    QueryOrder, Related, RelationTrait,
    prelude::{ChronoDate, ChronoDateTime},
};

use super::text;

pub const BLOG: &[&str] = &[
    "post by a composite key",
    "required post 3",
    "shared post 1",
    "shared posts of author 3",
    "posts related to author 3",
    "tags related to post 1",
    "comments linked to author 3",
    "posts related to authors",
    "comments by a link of authors",
    "generic list of authors",
    "generic list of models without the derive",
    "author by his unique name",
    "author filtered through a loader's unique name",
];

pub const SHOP: &[&str] = &[
    "orders related to customer 1",
    "customer by her unique email",
];

/// From an author to the comments on his posts.
struct CommentsOnPosts;

impl Linked for CommentsOnPosts {
    type FromEntity = author::Entity;
    type ToEntity = comment::Entity;

    fn link(&self) -> Vec<sea_orm::LinkDef> {
        vec![author::Relation::Post.def(), post::Relation::Comment.def()]
    }
}

pub async fn answer<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    match read {
        "post by a composite key" => text(post_tag::Entity::find_by_id((1, 2)).one(db).await),
        "required post 3" => text(post::Entity::find_by_id(3).require_one(db).await),
        "shared post 1" => text(post::Entity::find_by_id(1).one_shared(db).await),
        "shared posts of author 3" => {
            let posts = post::Entity::find().filter(post::Column::AuthorId.eq(3));
            text(posts.order_by_asc(post::Column::Id).all_shared(db).await)
        }
        "posts related to author 3" => {
            let posts = author_3().find_related(post::Entity);
            text(posts.order_by_asc(post::Column::Id).all(db).await)
        }
        "tags related to post 1" => {
            let tags = post_1().find_related(tag::Entity);
            text(tags.order_by_asc(tag::Column::Id).all(db).await)
        }
        "comments linked to author 3" => {
            let comments = author_3().find_linked(CommentsOnPosts);
            text(comments.order_by_asc(comment::Column::Id).all(db).await)
        }
        other => by_traits(db, other).await,
    }
}

async fn by_traits<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    match read {
        "posts related to authors" => {
            let posts = <author::Entity as Related<post::Entity>>::find_related().cached();
            text(posts.order_by_asc(post::Column::Id).all(db).await)
        }
        "comments by a link of authors" => {
            let comments = CommentsOnPosts.find_linked().cached();
            text(comments.order_by_asc(comment::Column::Id).all(db).await)
        }
        "generic list of authors" => Some(list::<author::Entity, _>(db).await),
        "generic list of models without the derive" => {
            let rows = super::wide::author::Entity::find().cached();
            let rows = rows.ttl(std::time::Duration::from_secs(60));
            text(
                rows.order_by_asc(super::wide::author::Column::Id)
                    .all(db)
                    .await,
            )
        }
        "author by his unique name" => {
            text(dense::author::Entity::find_by_name("Ada").one(db).await)
        }
        "author filtered through a loader's unique name" => text(
            dense::author::Entity::load()
                .filter_by_name("Ada")
                .one(db)
                .await,
        ),
        "orders related to customer 1" => {
            let orders = customer_1().find_related(order::Entity);
            text(orders.order_by_asc(order::Column::Id).all(db).await)
        }
        "customer by her unique email" => text(
            dense::customer::Entity::find_by_email("b@example.org")
                .one(db)
                .await,
        ),
        _ => None,
    }
}

/// What a library writes: SeaORM's own `find`, made cached.
async fn list<E, C>(db: &C) -> String
where
    E: EntityTrait<Model: CachedResult>,
    C: ConnectionTrait,
{
    let mut select = E::find().cached();
    for key in E::PrimaryKey::iter() {
        select = select.order_by_asc(key.into_column());
    }
    format!("{:?}", select.all(db).await.unwrap())
}

pub fn author_3() -> author::Model {
    author::Model {
        id: 3,
        name: "Ada".into(),
        email: None,
        active: true,
        joined_on: ChronoDate::default(),
    }
}

pub fn post_1() -> post::Model {
    post(1, 3)
}

pub fn post(id: i32, author_id: i32) -> post::Model {
    post::Model {
        id,
        author_id,
        title: String::new(),
        body: None,
        status: post::Status::Draft,
        published: false,
        views: 0,
        created_at: ChronoDateTime::default(),
    }
}

fn customer_1() -> customer::Model {
    customer::Model {
        id: 1,
        name: String::new(),
        email: String::new(),
        vip: false,
        credit: None,
        referred_by: None,
    }
}
