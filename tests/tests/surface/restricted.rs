//! Role-based access control around the wrapper: results are shared, permissions are not.

use larder::{CacheLoader, CachedRestrictedConnection, CachedRestrictedTransaction};
use larder_examples::entity::{comment, post};
use larder_tests::{
    dense,
    lab::{Backend, Lab},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, QueryFilter, Statement, TransactionTrait,
    rbac::{Action, RbacContext, RbacUserId, Table, schema},
};

/// An editor reads everything and updates posts; a reader reads posts alone.
struct Office {
    lab: Lab,
    editor: CachedRestrictedConnection,
    reader: CachedRestrictedConnection,
}

impl Office {
    async fn open(backend: Backend) -> Self {
        let lab = Lab::start(backend).await;
        let plain = lab.db.inner();
        schema::create_tables(plain, Default::default())
            .await
            .unwrap();
        let mut context = RbacContext::load(plain).await.unwrap();
        context
            .add_tables(plain, &["post", "comment", "*"])
            .await
            .unwrap();
        context.add_crud_permissions(plain).await.unwrap();
        context
            .add_roles(plain, &["editor", "reader"])
            .await
            .unwrap();
        let roles = [(1, "editor"), (2, "reader")];
        context.assign_user_role(plain, &roles).await.unwrap();
        for (role, actions, tables) in [
            ("editor", &["select"], &["*"]),
            ("editor", &["update"], &["post"]),
            ("reader", &["select"], &["post"]),
        ] {
            let granted = context.add_role_permissions(plain, role, actions, tables);
            granted.await.unwrap();
        }
        plain.load_rbac().await.unwrap();
        lab.db.refresh_catalog().await;
        let user = |id: i64| lab.db.restricted_for(RbacUserId(id)).unwrap();
        Self {
            editor: user(1),
            reader: user(2),
            lab,
        }
    }
}

async fn results_are_shared_between_users_who_may_see_them(backend: Backend) {
    let office = Office::open(backend).await;
    let read = |db| async move { post::Entity::find_by_id(1).one(db).await.unwrap().unwrap() };
    let first = read(&office.editor).await;
    let before = office.lab.selects();
    assert_eq!(read(&office.reader).await, first);
    assert_eq!(office.lab.selects(), before, "a hit for the other user");
    let row = post::ActiveModel {
        id: Set(1),
        title: Set("edited".into()),
        ..Default::default()
    };
    row.update(&office.editor).await.unwrap();
    assert_eq!(read(&office.reader).await.title, "edited");
}

async fn what_is_cached_is_refused_to_those_who_may_not_see_it(backend: Backend) {
    let office = Office::open(backend).await;
    let comments = || comment::Entity::find().filter(comment::Column::PostId.eq(1));
    let seen = comments().all(&office.editor).await.unwrap();
    assert_eq!(seen.len(), 2);
    let refused = comments().all(&office.reader).await;
    assert!(
        matches!(refused, Err(DbErr::AccessDenied { .. })),
        "{refused:?}"
    );
    let row = post::ActiveModel {
        id: Set(1),
        title: Set("by a reader".into()),
        ..Default::default()
    };
    let refused = row.update(&office.reader).await;
    assert!(
        matches!(refused, Err(DbErr::AccessDenied { .. })),
        "{refused:?}"
    );
}

/// A hit of an operation would spare its later statements the check.
async fn operations_are_checked_statement_by_statement(backend: Backend) {
    let office = Office::open(backend).await;
    let load = || {
        let posts = dense::post::Entity::load().with(dense::comment::Entity);
        posts.filter(dense::post::Column::Id.eq(1)).cached()
    };
    // Through the wrapper itself the operation is stored.
    assert_eq!(load().all(&office.lab.db).await.unwrap().len(), 1);
    assert_eq!(load().all(&office.editor).await.unwrap().len(), 1);
    let refused = load().all(&office.reader).await;
    assert!(
        matches!(refused, Err(DbErr::AccessDenied { .. })),
        "{refused:?}"
    );
}

async fn text_is_refused_as_sea_orm_refuses_it(backend: Backend) {
    let office = Office::open(backend).await;
    let text = "SELECT id FROM post";
    let refused = office.editor.execute_unprepared(text).await;
    let own = office.editor.restricted().execute_unprepared(text).await;
    assert_eq!(refused.unwrap_err(), own.unwrap_err());
    let statement = || Statement::from_string(office.editor.get_database_backend(), text);
    let rows = || post::Entity::find().from_raw_sql(statement());
    let guard = office.editor.restricted();
    let refused = rows().all(&office.editor).await.unwrap_err();
    assert_eq!(refused, rows().uncached().all(guard).await.unwrap_err());
    let transaction = office.editor.begin().await.unwrap();
    let refused = rows().one(&transaction).await.unwrap_err();
    assert_eq!(refused, rows().uncached().one(guard).await.unwrap_err());
    transaction.rollback().await.unwrap();
    let unknown = office.lab.larder.wrap(office.lab.plain.clone());
    assert!(
        unknown.restricted_for(RbacUserId(1)).is_err(),
        "no rules were loaded there"
    );
}

async fn transactions_are_checked_and_invalidate(backend: Backend) {
    let office = Office::open(backend).await;
    let read = |db| async move { post::Entity::find_by_id(1).one(db).await.unwrap().unwrap() };
    read(&office.reader).await;
    let transaction = office.editor.begin().await.unwrap();
    let row = post::ActiveModel {
        id: Set(1),
        title: Set("inside".into()),
        ..Default::default()
    };
    row.clone().update(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(read(&office.reader).await.title, "inside");
    let refused = office
        .reader
        .transaction::<_, _, DbErr>(|transaction| Box::pin(row.update(transaction)))
        .await;
    assert!(refused.is_err());
    let rename = async |transaction: &CachedRestrictedTransaction| {
        let change = post::ActiveModel {
            id: Set(1),
            title: Set("by callback".into()),
            ..Default::default()
        };
        change.update(transaction).await.map(|_| ())
    };
    let level = Some(sea_orm::IsolationLevel::Serializable);
    let renamed = office
        .editor
        .transaction_with_config_async(rename, level, None);
    renamed.await.unwrap();
    assert_eq!(read(&office.reader).await.title, "by callback");
    // A savepoint inside, taken back.
    let transaction = office.editor.begin().await.unwrap();
    transaction.transaction_async(rename).await.unwrap();
    assert_eq!(transaction.user_id(), RbacUserId(1));
    assert!(
        !transaction
            .user_can(Action("delete"), Table("post"))
            .unwrap()
    );
    assert!(
        office
            .editor
            .user_can(Action("update"), Table("post"))
            .unwrap()
    );
    transaction.rollback().await.unwrap();
    let refused = office.reader.transaction_async(rename).await;
    assert!(refused.is_err());
    assert_eq!(read(&office.reader).await.title, "by callback");
}

crate::on_all!(
    results_are_shared_between_users_who_may_see_them,
    what_is_cached_is_refused_to_those_who_may_not_see_it,
    operations_are_checked_statement_by_statement,
    text_is_refused_as_sea_orm_refuses_it,
    transactions_are_checked_and_invalidate,
);
