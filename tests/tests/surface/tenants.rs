//! Row-level security: results are kept for each tenant apart, and for nobody who names none.

use larder::{CachedConnection, Larder};
use larder_tests::lab::{self, Backend, Lab};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, Database, DatabaseConnection};

mod note {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, larder::Cacheable)]
    #[sea_orm(table_name = "note")]
    #[larder(ttl = "10m")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub tenant_id: i32,
        pub body: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

type Db = CachedConnection<DatabaseConnection>;

/// A database whose notes are guarded, with a handle for each of two tenants.
struct Tenants {
    lab: Lab,
    larder: Larder,
    one: Db,
    two: Db,
}

/// Roles are of the whole server.
fn role(lab: &Lab) -> String {
    let database = lab.url.rsplit('/').next().unwrap();
    format!("tenant_of_{database}")
}

impl Tenants {
    async fn start(policy: &str) -> Self {
        let lab = Lab::start_empty(Backend::Postgres).await;
        let role = role(&lab);
        for sql in [
            "CREATE TABLE note (id int PRIMARY KEY, tenant_id int NOT NULL, body text NOT NULL)",
            "CREATE TABLE member (tenant_id int NOT NULL, name text NOT NULL)",
            "INSERT INTO note VALUES (1, 1, 'of one'), (2, 2, 'of two'), (3, 1, 'of one')",
            "ALTER TABLE note ENABLE ROW LEVEL SECURITY",
            &format!("CREATE POLICY p ON note USING ({policy})"),
            &format!("CREATE ROLE {role} LOGIN"),
            &format!("GRANT ALL ON note, member TO {role}"),
        ] {
            lab.plain.execute_unprepared(sql).await.unwrap();
        }
        let larder = lab::builder().build().unwrap();
        let one = Self::connect(&lab, &larder, 1).await;
        let two = Self::connect(&lab, &larder, 2).await;
        Self {
            lab,
            larder,
            one,
            two,
        }
    }

    /// Sessions that see the rows of one tenant.
    async fn connect(lab: &Lab, larder: &Larder, tenant: i32) -> Db {
        let (_, server) = lab.url.split_once('@').unwrap();
        let role = role(lab);
        let url = format!("postgres://{role}@{server}?options[app.tenant]={tenant}");
        larder.wrap(Database::connect(url).await.unwrap())
    }

    /// Past every cache.
    async fn behind(&self, sql: &str) {
        self.lab.plain.execute_unprepared(sql).await.unwrap();
    }
}

async fn bodies(db: &Db) -> Vec<String> {
    let mut notes = note::Entity::find().all(db).await.unwrap();
    notes.sort_by_key(|note| note.id);
    notes.into_iter().map(|note| note.body).collect()
}

async fn body(db: &Db, id: i32) -> Option<String> {
    let note = note::Entity::find_by_id(id).one(db).await.unwrap();
    note.map(|note| note.body)
}

const BY_SETTING: &str = "tenant_id = current_setting('app.tenant')::int";

#[tokio::test]
async fn tenants_see_their_own_rows_from_the_cache_and_no_others() {
    let it = Tenants::start(BY_SETTING).await;
    let (one, two) = (it.one.scope("tenant-1"), it.two.scope("tenant-2"));
    for _ in 0..2 {
        assert_eq!(bodies(&one).await, ["of one", "of one"]);
        assert_eq!(bodies(&two).await, ["of two"]);
        assert_eq!(body(&one, 2).await, None);
        assert_eq!(body(&two, 2).await.as_deref(), Some("of two"));
    }
    it.behind("UPDATE note SET body = 'unseen'").await;
    assert_eq!(bodies(&one).await, ["of one", "of one"]);
    assert_eq!(bodies(&two).await, ["of two"]);
    // A write of one of them drops what either has of the row.
    let row = note::ActiveModel {
        id: Set(3),
        tenant_id: Set(1),
        body: Set("new".to_owned()),
    };
    row.update(&one).await.unwrap();
    assert_eq!(bodies(&one).await, ["unseen", "new"]);
    assert_eq!(bodies(&two).await, ["unseen"]);
}

#[tokio::test]
async fn row_that_moves_from_tenant_to_tenant_goes_and_comes() {
    let it = Tenants::start(BY_SETTING).await;
    let (one, two) = (it.one.scope("tenant-1"), it.two.scope("tenant-2"));
    let all = it.larder.wrap(it.lab.plain.clone());
    // No read names the column that decides.
    let count = async |db: &Db| note::Entity::find_by_id(1).count(db).await.unwrap();
    for _ in 0..2 {
        assert_eq!((count(&one).await, count(&two).await), (1, 0));
    }
    all.execute_unprepared("UPDATE note SET tenant_id = 2 WHERE id = 1")
        .await
        .unwrap();
    assert_eq!((count(&one).await, count(&two).await), (0, 1));
}

#[tokio::test]
async fn forgotten_scope_caches_nothing_and_leaks_nothing() {
    let it = Tenants::start(BY_SETTING).await;
    let scoped = it.one.scope("tenant-1");
    assert_eq!(bodies(&scoped).await, ["of one", "of one"]);
    assert_eq!(bodies(&scoped).await, ["of one", "of one"]);
    for _ in 0..2 {
        assert_eq!(bodies(&it.two).await, ["of two"]);
        assert_eq!(bodies(&it.one).await, ["of one", "of one"]);
    }
    it.behind("UPDATE note SET body = 'seen at once'").await;
    assert_eq!(bodies(&it.two).await, ["seen at once"]);
    assert_eq!(bodies(&it.one).await, ["seen at once", "seen at once"]);
}

#[tokio::test]
async fn policy_that_asks_another_table_is_not_cached_under_any_scope() {
    let policy = "EXISTS (SELECT FROM member m WHERE m.tenant_id = note.tenant_id \
                  AND m.name = current_user)";
    let it = Tenants::start(policy).await;
    let scoped = it.one.scope("tenant-1");
    for _ in 0..2 {
        assert!(bodies(&scoped).await.is_empty());
    }
    it.behind(&format!(
        "INSERT INTO member VALUES (2, '{}')",
        role(&it.lab)
    ))
    .await;
    assert_eq!(bodies(&scoped).await, ["of two"]);
}

#[tokio::test]
async fn policy_that_changes_is_believed_at_once() {
    let it = Tenants::start(BY_SETTING).await;
    let scoped = it.one.scope("tenant-1");
    for _ in 0..2 {
        assert_eq!(bodies(&scoped).await, ["of one", "of one"]);
    }
    let all = it.larder.wrap(it.lab.plain.clone());
    all.execute_unprepared("ALTER POLICY p ON note USING (id = 3)")
        .await
        .unwrap();
    assert_eq!(bodies(&scoped).await, ["of one"]);
}
