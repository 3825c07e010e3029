//! Rows that are read before a write: when, when not, and whose error it is.

use larder_examples::entity::{author, post};
use larder_tests::lab::{Backend, Lab};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait,
    QueryFilter, TransactionTrait,
};

async fn of_author(db: &impl ConnectionTrait, id: i32) -> Vec<String> {
    let posts = post::Entity::find().filter(post::Column::AuthorId.eq(id));
    let mut titles: Vec<String> = posts
        .all(db)
        .await
        .unwrap()
        .into_iter()
        .map(|post| post.title)
        .collect();
    titles.sort();
    titles
}

/// One that has read posts by author and by key.
async fn warm(backend: Backend) -> Lab {
    let lab = Lab::start(backend).await;
    for id in [3, 4, 5] {
        of_author(&lab.db, id).await;
    }
    post::Entity::find_by_id(1).one(&lab.db).await.unwrap();
    lab
}

async fn kept(lab: &Lab, id: i32) -> bool {
    let before = lab.selects();
    let titles = of_author(&lab.db, id).await;
    assert_eq!(titles, of_author(&lab.plain, id).await);
    // The plain connection's is not counted.
    lab.selects() == before
}

async fn where_that_tells_enough_costs_no_select(backend: Backend) {
    let lab = warm(backend).await;
    let before = lab.selects();
    let update = post::Entity::update_many()
        .col_expr(post::Column::Title, "new".into())
        .filter(post::Column::Id.eq(1))
        .filter(post::Column::AuthorId.eq(3));
    update.exec(&lab.db).await.unwrap();
    assert_eq!(lab.selects(), before);
    assert!(kept(&lab, 4).await);
    assert!(!kept(&lab, 3).await);
    if lab.returns_rows() {
        // The rows that SeaORM asks for tell the author.
        let before = lab.selects();
        let row = post::ActiveModel {
            id: Set(1),
            title: Set("newer".to_owned()),
            ..Default::default()
        };
        row.update(&lab.db).await.unwrap();
        assert_eq!(lab.selects(), before);
        assert!(kept(&lab, 4).await);
    }
}

async fn row_that_goes_or_moves_is_read_first(backend: Backend) {
    let lab = warm(backend).await;
    let before = lab.selects();
    post::Entity::delete_by_id(5).exec(&lab.db).await.unwrap();
    assert_eq!(lab.selects() - before, 1);
    assert!(kept(&lab, 3).await && kept(&lab, 4).await);
    assert!(!kept(&lab, 5).await);
    let before = lab.selects();
    let row = post::ActiveModel {
        id: Set(1),
        author_id: Set(4),
        ..Default::default()
    };
    row.update(&lab.db).await.unwrap();
    // Without RETURNING, SeaORM reads the row again.
    let own = usize::from(!lab.returns_rows());
    assert_eq!(lab.selects() - before, 1 + own);
    assert!(kept(&lab, 5).await);
    assert!(!kept(&lab, 3).await && !kept(&lab, 4).await);
}

async fn row_that_becomes_what_it_was_drops_nothing(backend: Backend) {
    let lab = warm(backend).await;
    let update = post::Entity::update_many()
        .col_expr(post::Column::Title, "five".into())
        .col_expr(post::Column::AuthorId, 5.into())
        .filter(post::Column::Id.eq(5));
    assert_eq!(update.exec(&lab.db).await.unwrap().rows_affected, 1);
    for id in [3, 4, 5] {
        assert!(kept(&lab, id).await);
    }
}

async fn rows_are_read_inside_the_transaction_that_is_open(backend: Backend) {
    let lab = warm(backend).await;
    let transaction = lab.db.begin().await.unwrap();
    // SQLite is not read in before it writes.
    let first = post::Entity::update_many()
        .col_expr(post::Column::Views, 9.into())
        .filter(post::Column::Id.eq(1));
    first.exec(&transaction).await.unwrap();
    let before = lab.selects();
    let moves = post::Entity::update_many()
        .col_expr(post::Column::AuthorId, 4.into())
        .filter(post::Column::Id.eq(5));
    moves.exec(&transaction).await.unwrap();
    assert_eq!(lab.selects() - before, 1);
    transaction.commit().await.unwrap();
    assert!(!kept(&lab, 4).await && !kept(&lab, 5).await);
}

async fn error_is_that_of_the_statement_and_leaves_no_transaction(backend: Backend) {
    let lab = warm(backend).await;
    author::Entity::find()
        .filter(author::Column::Name.eq("Ada"))
        .all(&lab.db)
        .await
        .unwrap();
    let taken = || {
        author::Entity::update_many()
            .col_expr(author::Column::Name, "Ada".into())
            .col_expr(author::Column::Email, "ada@example.org".into())
            .filter(author::Column::Active.eq(true))
    };
    let error = taken().exec(&lab.db).await.unwrap_err();
    let expected = taken().exec(&lab.plain).await.unwrap_err();
    assert_eq!(format!("{error:?}"), format!("{expected:?}"));
    let later = author::Entity::update_many()
        .col_expr(author::Column::Name, "Later".into())
        .filter(author::Column::Id.eq(4));
    later.exec(&lab.db).await.unwrap();
    let row = author::Entity::find_by_id(4);
    let row = row.one(&lab.plain).await.unwrap().unwrap();
    assert_eq!(row.name, "Later");
}

crate::on_all!(
    where_that_tells_enough_costs_no_select,
    row_that_goes_or_moves_is_read_first,
    row_that_becomes_what_it_was_drops_nothing,
    rows_are_read_inside_the_transaction_that_is_open,
    error_is_that_of_the_statement_and_leaves_no_transaction,
);

#[tokio::test]
async fn look_that_waits_too_long_is_the_statements_error_on_postgres() {
    let lab = Lab::start(Backend::Postgres).await;
    let soon = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = ''50ms''', \
                current_database()); END $$";
    lab.plain.execute_unprepared(soon).await.unwrap();
    let db = lab.another_handle().await;
    of_author(&db, 3).await;
    let blocker = lab.plain.begin().await.unwrap();
    let moves = || {
        post::Entity::update_many()
            .col_expr(post::Column::AuthorId, 4.into())
            .filter(post::Column::Id.eq(5))
    };
    moves().exec(&blocker).await.unwrap();
    let in_transaction = db.begin().await.unwrap();
    let inside = moves().exec(&in_transaction).await.unwrap_err();
    let outside = moves().exec(&db).await.unwrap_err();
    let plain = sea_orm::Database::connect(lab.options()).await.unwrap();
    let expected = moves().exec(&plain).await.unwrap_err();
    assert!(matches!(expected, DbErr::Exec(_)), "{expected:?}");
    // Where the server was when it gave up is another place.
    assert!(matches!(inside, DbErr::Exec(_)), "{inside:?}");
    assert_eq!(inside.to_string(), expected.to_string());
    assert_eq!(format!("{outside:?}"), format!("{expected:?}"));
    blocker.commit().await.unwrap();
}

/// The driver's decoder panics at a moment that no calendar has.
#[tokio::test]
async fn infinite_moment_is_unknown_and_harms_nobody() {
    let lab = Lab::start_empty(Backend::Postgres).await;
    for sql in [
        "CREATE TABLE sub (id int PRIMARY KEY, user_id int, until timestamp, since date)",
        "INSERT INTO sub VALUES (1, 3, 'infinity', '-infinity'), (2, 3, '2026-01-01', 'infinity')",
    ] {
        lab.plain.execute_unprepared(sql).await.unwrap();
    }
    let read = "SELECT id AS n, until::text AS t FROM sub WHERE user_id = 3 AND until IS NOT NULL";
    let rows = async |db: &larder::CachedConnection<sea_orm::DatabaseConnection>| {
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, read);
        let rows = larder_tests::row::cached::<larder_tests::row::Row>(statement);
        format!("{:?}", rows.all(db).await.unwrap())
    };
    let first = rows(&lab.db).await;
    assert_eq!(rows(&lab.db).await, first);
    let update = "UPDATE sub SET until = '2027-01-01', since = '2027-01-01' WHERE id < 3";
    let done = lab.db.execute_unprepared(update).await.unwrap();
    assert_eq!(done.rows_affected(), 2);
    let second = rows(&lab.db).await;
    assert!(second != first && !second.contains("infinity"), "{second}");
    let transaction = lab.db.begin().await.unwrap();
    let back = "UPDATE sub SET until = 'infinity' WHERE id = 1 RETURNING *";
    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, back);
    assert_eq!(transaction.query_all_raw(statement).await.unwrap().len(), 1);
    transaction.commit().await.unwrap();
    assert!(rows(&lab.db).await.contains("infinity"));
}
