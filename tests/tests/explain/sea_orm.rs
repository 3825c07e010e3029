//! SeaORM, on PostgreSQL.

use std::time::Duration;

use larder::explain::{StatementExplanation, Verdict};
use larder_examples::entity::{author, comment, customer, order, post, tag};
use larder_tests::lab::{Backend, Lab};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, ExprTrait, QueryFilter,
    QueryOrder, QuerySelect, Statement, TransactionTrait,
    sea_query::{Expr, LockType, OnConflict},
};

use super::Answers;

fn text(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql)
}

#[tokio::test]
async fn answers_about_queries_of_sea_orm_read_like_answers() {
    let lab = Lab::start(Backend::Postgres).await;
    let db = &lab.db;
    let mut answers = Answers::default();
    macro_rules! explain {
        ($question:literal, $query:expr) => {
            answers.add($question, db.explain(&$query).await)
        };
    }

    explain!("a row by its key", post::Entity::find_by_id(1));
    explain!(
        "a list by a column, ordered",
        post::Entity::find()
            .filter(post::Column::AuthorId.eq(3))
            .order_by_asc(post::Column::Id)
    );
    explain!(
        "two columns and a list of values",
        post::Entity::find()
            .filter(post::Column::AuthorId.is_in([3, 4]))
            .filter(post::Column::Published.eq(true))
    );
    explain!(
        "either of two",
        post::Entity::find().filter(
            Condition::any()
                .add(post::Column::AuthorId.eq(3))
                .add(post::Column::Id.eq(1))
        )
    );
    explain!(
        "a range and a pattern do not narrow",
        post::Entity::find()
            .filter(post::Column::Views.gt(10))
            .filter(post::Column::Title.like("a%"))
    );
    explain!("everything", tag::Entity::find());
    explain!(
        "some columns only",
        post::Entity::find()
            .filter(post::Column::AuthorId.eq(3))
            .select_only()
            .columns([post::Column::Id, post::Column::Title])
    );
    explain!(
        "an enum and a null",
        post::Entity::find()
            .filter(post::Column::Status.eq(post::Status::Draft))
            .filter(post::Column::Body.is_null())
    );
    explain!(
        "a text",
        customer::Entity::find().filter(customer::Column::Name.eq("Ada"))
    );
    explain!(
        "with a joined table",
        post::Entity::find()
            .find_also_related(author::Entity)
            .filter(post::Column::AuthorId.eq(3))
    );
    answers.add(
        "a time of its own",
        post::Entity::find_by_id(1)
            .ttl(Duration::from_secs(90))
            .explain(db)
            .await,
    );
    answers.add(
        "no time at all",
        post::Entity::find_by_id(1)
            .ttl(Duration::ZERO)
            .explain(db)
            .await,
    );
    explain!(
        "a read that locks",
        post::Entity::find_by_id(1).lock(LockType::Update)
    );
    for (question, sql) in [
        ("a count", "SELECT COUNT(*) FROM post WHERE author_id = 3"),
        ("a sum", "SELECT SUM(views) FROM post WHERE author_id = 3"),
        (
            "exists",
            "SELECT EXISTS (SELECT 1 FROM post WHERE author_id = 3)",
        ),
        ("the clock", "SELECT id FROM post WHERE created_at < now()"),
        ("chance", "SELECT id FROM post ORDER BY random() LIMIT 1"),
        (
            "a value of another type",
            "SELECT id FROM post WHERE author_id = '3'::text::integer",
        ),
        ("the catalog", "SELECT relname FROM pg_class"),
        ("two statements", "SELECT 1; SELECT 2"),
        ("no SQL", "SELEKT nothing"),
        (
            "an outer join",
            "SELECT p.id, c.body FROM post p LEFT JOIN comment c ON c.post_id = p.id AND c.approved WHERE p.author_id = 3",
        ),
        (
            "a subquery",
            "SELECT id FROM author WHERE id IN (SELECT author_id FROM post WHERE published)",
        ),
        ("a transaction", "BEGIN"),
        ("a change of the session", "SET search_path TO other"),
        (
            "a change of the schema",
            "ALTER TABLE post ADD COLUMN subtitle text",
        ),
    ] {
        answers.add(question, db.explain_statement(&text(sql)).await);
    }

    // What writes drop is said by what is cached.
    post::Entity::find_by_id(1).one(db).await.unwrap();
    let by_author = || post::Entity::find().filter(post::Column::AuthorId.eq(3));
    by_author().all(db).await.unwrap();
    by_author().count(db).await.unwrap();
    let of_post = comment::Entity::find().filter(comment::Column::PostId.eq(1));
    of_post.all(db).await.unwrap();

    let row = post::ActiveModel {
        id: Set(9),
        author_id: Set(3),
        title: Set("new".into()),
        ..Default::default()
    };
    explain!("an insert", post::Entity::insert(row.clone()));
    explain!(
        "an upsert",
        post::Entity::insert(row.clone()).on_conflict(
            OnConflict::column(post::Column::Id)
                .update_column(post::Column::Title)
                .to_owned()
        )
    );
    explain!(
        "an update by key",
        post::Entity::update_many()
            .col_expr(post::Column::Title, Expr::value("other"))
            .filter(post::Column::Id.eq(1))
    );
    explain!(
        "an update of a column that is not read by",
        post::Entity::update_many()
            .col_expr(post::Column::Views, Expr::col(post::Column::Views).add(1))
            .filter(post::Column::AuthorId.eq(3))
    );
    explain!("a delete that cascades", post::Entity::delete_by_id(1));
    explain!("a delete of all", comment::Entity::delete_many());
    for (question, sql) in [
        ("a truncate", "TRUNCATE comment"),
        ("a call", "CALL tidy_up()"),
        (
            "a write of a table with children elsewhere",
            "UPDATE author SET id = 30 WHERE id = 3",
        ),
    ] {
        answers.add(question, db.explain_statement(&text(sql)).await);
    }
    explain!(
        "a write of what nobody reads",
        order::Entity::update_many()
            .col_expr(order::Column::Note, Expr::value("x"))
            .filter(order::Column::Id.eq(1))
    );
    answers.check("sea_orm.txt");
}

#[tokio::test]
async fn an_explanation_runs_nothing_and_says_what_happens() {
    let lab = Lab::start(Backend::Postgres).await;
    let (db, query) = (&lab.db, post::Entity::find_by_id(1));
    let cached = |explanation: &larder::Explanation| match explanation.statements.as_slice() {
        [StatementExplanation::Read(read)] => matches!(read.verdict, Verdict::Cached { .. }),
        other => panic!("{other:?}"),
    };
    assert!(cached(&db.explain(&query).await));
    assert_eq!(lab.selects(), 0, "it runs nothing");

    lab.larder.disable();
    let off = db.explain(&query).await;
    assert!(!cached(&off));
    assert!(off.to_string().contains("larder.enable()"), "{off}");
    lab.larder.enable();

    // A changed session is that of the handle.
    let elsewhere = "SET search_path TO pg_catalog, public";
    db.execute_unprepared(elsewhere).await.unwrap();
    let changed = db.explain(&query).await;
    assert!(!cached(&changed));
    assert!(
        changed.to_string().contains("the session was changed"),
        "{changed}"
    );

    let db = lab.another_handle().await;
    let tx = db.begin().await.unwrap();
    assert!(cached(&db.explain(&query).await), "the handle is not in it");
    tx.rollback().await.unwrap();
}
