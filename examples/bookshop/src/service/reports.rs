//! What the owner reads on Monday morning.

use larder::CachedResult;
use sea_orm::{
    ColumnTrait, ConnectionTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
    prelude::Decimal,
    sea_query::{
        CommonTableExpression, Expr, ExprTrait, Order, Query, SelectStatement, UnionType,
        WithClause,
    },
};

use crate::{
    entity::{
        book, category, customer,
        customer_order::{self, OrderStatus},
        order_line, review,
    },
    error::{Result, ShopError},
};

#[derive(Clone, Debug, PartialEq, FromQueryResult, CachedResult)]
#[larder(local)]
pub struct Revenue {
    pub orders: i64,
    pub total: Option<Decimal>,
    pub largest: Option<Decimal>,
    pub average: Option<Decimal>,
}

#[derive(Clone, Debug, PartialEq, FromQueryResult, CachedResult)]
#[larder(local)]
pub struct Seller {
    pub title: String,
    pub copies: i32,
    pub revenue: Decimal,
}

#[derive(Clone, Debug, PartialEq, FromQueryResult, CachedResult)]
#[larder(local)]
pub struct Spending {
    pub name: String,
    pub orders: i64,
    pub spent: Option<Decimal>,
}

#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Activity {
    pub kind: String,
    pub subject_id: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Branch {
    pub name: String,
    pub depth: i32,
}

/// Of all orders that were not cancelled.
pub async fn revenue<C: ConnectionTrait>(db: &C) -> Result<Revenue> {
    let revenue: Option<Revenue> = customer_order::Entity::find()
        .select_only()
        .column_as(customer_order::Column::Id.count(), "orders")
        .column_as(customer_order::Column::Total.sum(), "total")
        .column_as(customer_order::Column::Total.max(), "largest")
        .column_as(customer_order::Column::Total.avg(), "average")
        .filter(customer_order::Column::Status.ne(OrderStatus::Cancelled))
        .into_model()
        .one(db)
        .await?;
    let mut revenue = revenue.ok_or(ShopError::NotFound("order"))?;
    revenue.average = revenue.average.map(|average| average.round_dp(2));
    Ok(revenue)
}

/// The books that sold best, by copies.
pub async fn top_sellers<C: ConnectionTrait>(db: &C, limit: u64) -> Result<Vec<Seller>> {
    let copies = || order_line::Column::Quantity.sum().cast_as("integer");
    let price = Expr::col((order_line::Entity, order_line::Column::UnitPrice));
    let revenue = price.mul(Expr::col((
        order_line::Entity,
        order_line::Column::Quantity,
    )));
    Ok(order_line::Entity::find()
        .select_only()
        .column(book::Column::Title)
        .expr_as(copies(), "copies")
        .expr_as(revenue.sum(), "revenue")
        .inner_join(book::Entity)
        .inner_join(customer_order::Entity)
        .filter(customer_order::Column::Status.ne(OrderStatus::Cancelled))
        .group_by(book::Column::Id)
        .group_by(book::Column::Title)
        .order_by(copies(), Order::Desc)
        .order_by_asc(book::Column::Title)
        .limit(limit)
        .into_model()
        .all(db)
        .await?)
}

/// Every customer, those who never ordered too.
pub async fn spending<C: ConnectionTrait>(db: &C) -> Result<Vec<Spending>> {
    Ok(customer::Entity::find()
        .select_only()
        .column(customer::Column::Name)
        .column_as(customer_order::Column::Id.count(), "orders")
        .column_as(customer_order::Column::Total.sum(), "spent")
        .left_join(customer_order::Entity)
        .group_by(customer::Column::Id)
        .group_by(customer::Column::Name)
        .order_by_asc(customer::Column::Name)
        .into_model()
        .all(db)
        .await?)
}

/// What a customer has done in the shop: orders first, then reviews.
pub async fn activity<C: ConnectionTrait>(db: &C, customer_id: i32) -> Result<Vec<Activity>> {
    let mut activity = customer_order::Entity::find()
        .select_only()
        .expr_as(Expr::cust("'order'"), "kind")
        .column_as(customer_order::Column::Id, "subject_id")
        .filter(customer_order::Column::CustomerId.eq(customer_id))
        .into_query();
    let reviews = review::Entity::find()
        .select_only()
        .expr_as(Expr::cust("'review'"), "kind")
        .column_as(review::Column::Id, "subject_id")
        .filter(review::Column::CustomerId.eq(customer_id))
        .into_query();
    activity
        .union(UnionType::All, reviews)
        .order_by("kind", Order::Asc)
        .order_by("subject_id", Order::Asc);
    let rows = db.query_all(&activity).await?;
    let activity = rows
        .iter()
        .map(|row| Activity::from_query_result(row, ""))
        .collect::<Result<_, _>>()?;
    Ok(activity)
}

/// A shelf and all shelves below it.
pub async fn branches<C: ConnectionTrait>(db: &C, slug: &str) -> Result<Vec<Branch>> {
    let mut tree = root(slug);
    tree.union(UnionType::All, children());
    let branch = CommonTableExpression::new()
        .table_name("branch")
        .columns(["id", "name", "depth"])
        .query(tree)
        .to_owned();
    let branches = Query::select()
        .columns(["name", "depth"])
        .from("branch")
        .order_by("depth", Order::Asc)
        .order_by("name", Order::Asc)
        .to_owned()
        .with(WithClause::new().recursive(true).cte(branch).to_owned());
    let statement = db.get_database_backend().build(&branches);
    Ok(Branch::find_by_statement(statement).all(db).await?)
}

fn root(slug: &str) -> SelectStatement {
    category::Entity::find()
        .select_only()
        .columns([category::Column::Id, category::Column::Name])
        .expr_as(Expr::val(0), "depth")
        .filter(category::Column::Slug.eq(slug))
        .into_query()
}

fn children() -> SelectStatement {
    let parent = Expr::col((category::Entity, category::Column::ParentId));
    Query::select()
        .column((category::Entity, category::Column::Id))
        .column((category::Entity, category::Column::Name))
        .expr(Expr::col(("branch", "depth")).add(1))
        .from(category::Entity)
        .inner_join("branch", parent.equals(("branch", "id")))
        .to_owned()
}
