//! A cached call fails as SeaORM's fails, with the same words, and stores nothing.

use larder::LoaderTrait;
use larder_examples::entity::{comment, post, post_tag, tag};
use larder_tests::{
    dense,
    lab::{Backend, Lab},
};
use sea_orm::{ConnectionTrait, DbErr, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

const ERRORS: &[&str] = &[
    "cursor of another arity",
    "one of many",
    "many to many by a wrong junction",
    "many to many where there is none",
    "required row that is missing",
    "column that is missing",
    "column that is missing, counted",
    "column of another type",
    "relation that is none of itself",
];

async fn error<C: ConnectionTrait>(db: &C, name: &str) -> DbErr {
    let posts = || vec![super::passes::post(1, 3)];
    let wrong = || post::Entity::find().filter(Expr::cust("nowhere = 1"));
    match name {
        "cursor of another arity" => {
            let mut cursor = post::Entity::find().cursor_by(post::Column::Id);
            cursor.after((1, 2)).all(db).await.unwrap_err()
        }
        "one of many" => posts().load_one(comment::Entity, db).await.unwrap_err(),
        "many to many by a wrong junction" => posts()
            .load_many_to_many(tag::Entity, comment::Entity, db)
            .await
            .unwrap_err(),
        "many to many where there is none" => posts()
            .load_many_to_many(comment::Entity, post_tag::Entity, db)
            .await
            .unwrap_err(),
        "required row that is missing" => post::Entity::find_by_id(99)
            .require_one(db)
            .await
            .unwrap_err(),
        "column that is missing" => wrong().all(db).await.unwrap_err(),
        "column that is missing, counted" => wrong().count(db).await.unwrap_err(),
        "column of another type" => {
            let titles = post::Entity::find()
                .select_only()
                .column(post::Column::Title);
            let numbers = titles.order_by_asc(post::Column::Id).into_tuple::<i32>();
            numbers.one(db).await.unwrap_err()
        }
        "relation that is none of itself" => {
            let customers = dense::customer::Relation::Referred;
            let none: Vec<dense::customer::Model> = Vec::new();
            none.load_self(dense::customer::Entity, customers, db)
                .await
                .unwrap_err()
        }
        other => panic!("no error is called {other}"),
    }
}

async fn errors_are_those_of_sea_orm(backend: Backend) {
    let lab = Lab::start(backend).await;
    for name in ERRORS {
        let truth = error(&lab.plain, name).await.to_string();
        for _ in 0..2 {
            assert_eq!(error(&lab.db, name).await.to_string(), truth, "{name}");
        }
    }
}

#[tokio::test]
#[should_panic(expected = "page_size should not be zero")]
async fn pages_of_no_rows_panic_as_those_of_sea_orm() {
    let lab = Lab::start(Backend::Sqlite).await;
    let _ = post::Entity::find().paginate(&lab.db, 0);
}

crate::on_all!(errors_are_those_of_sea_orm);
