//! Rows of another shape than a model.

use larder::{CacheQuery, CachedResult};
use larder_examples::entity::{author, comment, customer, order_line, post, product};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DerivePartialModel, EntityTrait, EnumIter, FromQueryResult,
    JsonValue, PartialModelTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Statement,
    prelude::Decimal,
    sea_query::{
        Alias, CommonTableExpression, Expr, ExprTrait, Func, Query, UnionType, WithClause,
    },
};
use serde::{Deserialize, Serialize};

use super::text;

pub const BLOG: &[&str] = &[
    "titles as tuples",
    "ids before titles, as tuples",
    "views and authors as tuples",
    "views and authors by the names of an enum",
    "titles as a model of their own",
    "titles as a partial model",
    "titles with the author's name, nested",
    "posts as JSON",
    "posts and authors as JSON",
    "posts and authors as models of their own",
    "posts and authors as partial models",
    "posts per author",
    "authors with more than one post",
    "most views per author",
    "distinct statuses",
    "posts by raw SQL",
    "posts by a statement as JSON",
    "count of a statement",
    "whether a statement gives rows",
    "union of two selects",
    "common table expression",
    "tuples of a selector made cached",
];

pub const SHOP: &[&str] = &[
    "sum of credits",
    "most expensive product",
    "revenue per product",
];

#[derive(Clone, Debug, FromQueryResult, Serialize, Deserialize, CachedResult)]
struct Titled {
    id: i32,
    title: String,
}

#[derive(Clone, Debug, FromQueryResult, Serialize, Deserialize, CachedResult)]
struct Named {
    name: String,
}

/// SeaORM's derive gives the parts of a pair no prefix, by which the pair is read; by hand it goes.
impl PartialModelTrait for Titled {
    fn select_cols_nested<S: QuerySelect>(
        select: S,
        _prefix: Option<&str>,
        _alias: Option<&'static str>,
    ) -> S {
        let select = select.column_as(post::Column::Id, "A_id");
        select.column_as(post::Column::Title, "A_title")
    }
}

impl PartialModelTrait for Named {
    fn select_cols_nested<S: QuerySelect>(
        select: S,
        _prefix: Option<&str>,
        _alias: Option<&'static str>,
    ) -> S {
        select.column_as(author::Column::Name, "B_name")
    }
}

#[derive(Clone, Debug, DerivePartialModel, Serialize, Deserialize, CachedResult)]
#[sea_orm(entity = "post::Entity")]
struct Title {
    title: String,
    #[sea_orm(
        from_expr = "Expr::from(Func::upper(Expr::col((post::Entity, post::Column::Title))))"
    )]
    loud: String,
}

#[derive(Clone, Debug, DerivePartialModel, Serialize, Deserialize, CachedResult)]
#[sea_orm(entity = "post::Entity")]
struct Signed {
    title: String,
    #[sea_orm(nested)]
    author: Option<Signature>,
}

#[derive(Clone, Debug, DerivePartialModel, Serialize, Deserialize, CachedResult)]
#[sea_orm(entity = "author::Entity")]
struct Signature {
    name: String,
}

#[derive(Clone, Copy, Debug, EnumIter, sea_orm::DeriveColumn)]
enum Names {
    AuthorId,
    Views,
}

pub async fn answer<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let posts = || post::Entity::find().order_by_asc(post::Column::Id);
    let titles = || {
        posts()
            .select_only()
            .column(post::Column::Title)
            .column(post::Column::Id)
    };
    let numbers = || {
        let numbers = posts().select_only().column(post::Column::Views);
        numbers.column(post::Column::AuthorId)
    };
    match read {
        "titles as tuples" => text(titles().into_tuple::<(String, i32)>().all(db).await),
        "ids before titles, as tuples" => {
            let columns = posts()
                .select_only()
                .column(post::Column::Id)
                .column(post::Column::Title);
            text(columns.into_tuple::<(i32, String)>().one(db).await)
        }
        "views and authors as tuples" => text(numbers().into_tuple::<(i32, i32)>().all(db).await),
        // The same statement and the same type, read by name.
        "views and authors by the names of an enum" => {
            text(numbers().into_values::<(i32, i32), Names>().all(db).await)
        }
        "titles as a model of their own" => text(titles().into_model::<Titled>().all(db).await),
        "titles as a partial model" => {
            text(posts().into_partial_model::<Title>().require_one(db).await)
        }
        "titles with the author's name, nested" => {
            let pairs = posts().left_join(author::Entity);
            text(pairs.into_partial_model::<Signed>().all(db).await)
        }
        "posts as JSON" => text(posts().into_json().all(db).await),
        other => pairs(db, other).await,
    }
}

async fn pairs<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let pairs = || {
        let posts = post::Entity::find().order_by_asc(post::Column::Id);
        posts.find_also_related(author::Entity)
    };
    match read {
        "posts and authors as JSON" => text(pairs().into_json().all(db).await),
        "posts and authors as models of their own" => {
            text(pairs().into_model::<Titled, Named>().all(db).await)
        }
        "posts and authors as partial models" => {
            text(pairs().into_partial_model::<Titled, Named>().one(db).await)
        }
        other => aggregates(db, other).await,
    }
}

async fn aggregates<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let by_author = || {
        post::Entity::find()
            .select_only()
            .column(post::Column::AuthorId)
            .group_by(post::Column::AuthorId)
            .order_by_asc(post::Column::AuthorId)
    };
    match read {
        "posts per author" => {
            let counts = by_author().column_as(post::Column::Id.count(), "posts");
            text(counts.into_tuple::<(i32, i64)>().all(db).await)
        }
        "authors with more than one post" => {
            let busy = by_author().having(post::Column::Id.count().gt(1));
            text(busy.into_tuple::<i32>().all(db).await)
        }
        "most views per author" => {
            let views = by_author().column_as(post::Column::Views.max(), "views");
            text(views.into_tuple::<(i32, Option<i32>)>().all(db).await)
        }
        "distinct statuses" => {
            let flags = post::Entity::find()
                .select_only()
                .column(post::Column::Published);
            let flags = flags.distinct().order_by_asc(post::Column::Published);
            text(flags.into_tuple::<bool>().all(db).await)
        }
        "sum of credits" => {
            let sum = customer::Entity::find().select_only();
            let sum = sum.column_as(customer::Column::Id.sum().cast_as("char(20)"), "sum");
            text(sum.into_tuple::<Option<String>>().one(db).await)
        }
        "most expensive product" => {
            let top = product::Entity::find().order_by_desc(product::Column::Price);
            let top = top.select_only().column(product::Column::Price);
            text(top.into_tuple::<Decimal>().one(db).await)
        }
        "revenue per product" => {
            let lines = order_line::Entity::find()
                .inner_join(product::Entity)
                .select_only()
                .column(product::Column::Sku)
                .column_as(order_line::Column::Quantity.max(), "most")
                .group_by(product::Column::Sku)
                .order_by_asc(product::Column::Sku);
            text(lines.into_tuple::<(String, Option<i32>)>().all(db).await)
        }
        other => statements(db, other).await,
    }
}

async fn statements<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let backend = db.get_database_backend();
    let marker = if backend == sea_orm::DbBackend::Postgres {
        "$1"
    } else {
        "?"
    };
    let sql = format!("SELECT id, title FROM post WHERE author_id = {marker} ORDER BY id");
    let statement = || Statement::from_sql_and_values(backend, sql.as_str(), [3_i32.into()]);
    match read {
        "posts by raw SQL" => {
            let rows = post::Entity::find()
                .from_raw_sql(statement())
                .into_model::<Titled>();
            text(rows.all(db).await)
        }
        "posts by a statement as JSON" => text(
            JsonValue::find_by_statement(statement())
                .cached()
                .all(db)
                .await,
        ),
        "count of a statement" => text(
            Titled::find_by_statement(statement())
                .cached()
                .count(db)
                .await,
        ),
        "whether a statement gives rows" => text(
            Titled::find_by_statement(statement())
                .cached()
                .exists(db)
                .await,
        ),
        "union of two selects" => {
            let titles = |id: i32| {
                let titles = post::Entity::find().filter(post::Column::AuthorId.eq(id));
                titles
                    .select_only()
                    .column(post::Column::Id)
                    .column(post::Column::Title)
            };
            let mut union = titles(3).into_query();
            union.union(UnionType::All, titles(5).into_query());
            let rows = Titled::find_by_statement(backend.build(&union)).cached();
            text(rows.all(db).await)
        }
        "common table expression" => {
            let approved = comment::Entity::find()
                .select_only()
                .column(comment::Column::PostId)
                .filter(comment::Column::Approved.eq(true))
                .into_query();
            let name = Alias::new("approved");
            let common = CommonTableExpression::new()
                .query(approved)
                .table_name(name.clone())
                .to_owned();
            let select = Query::select()
                .column((post::Entity, post::Column::Id))
                .column((post::Entity, post::Column::Title))
                .from(post::Entity)
                .and_where(
                    Expr::col((post::Entity, post::Column::Id))
                        .in_subquery(Query::select().column("post_id").from(name).to_owned()),
                )
                .order_by((post::Entity, post::Column::Id), sea_orm::Order::Asc)
                .to_owned();
            let query = select.with(WithClause::new().cte(common).to_owned());
            text(
                Titled::find_by_statement(backend.build(&query))
                    .cached()
                    .all(db)
                    .await,
            )
        }
        "tuples of a selector made cached" => {
            let titles = <post::Entity as EntityTrait>::find().order_by_asc(post::Column::Id);
            let titles = titles.select_only().column(post::Column::Title);
            text(titles.into_tuple::<String>().cached().all(db).await)
        }
        _ => None,
    }
}
