//! Writers that cannot wrap their connection: SeaORM's `ActiveModelBehavior` invalidates for them, as
//! docs/sea-orm.md shows it.

use std::sync::OnceLock;

use larder::Larder;
use larder_tests::lab::{self, Backend, Lab};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, IntoActiveModel, ModelTrait};

mod note {
    use sea_orm::{ConnectionTrait, entity::prelude::*};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, larder::Cacheable)]
    #[sea_orm(table_name = "note")]
    #[larder(ttl = "10m")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub kind: i32,
        pub body: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    #[async_trait::async_trait]
    impl ActiveModelBehavior for ActiveModel {
        async fn after_save<C: ConnectionTrait>(
            model: Model,
            _db: &C,
            _insert: bool,
        ) -> Result<Model, DbErr> {
            // What it was before is not known here, so the key has to do.
            super::larder().invalidate_row::<Entity>(model.id).await;
            Ok(model)
        }

        async fn after_delete<C: ConnectionTrait>(self, _db: &C) -> Result<Self, DbErr> {
            if let Some(id) = self.id.try_as_ref() {
                super::larder().invalidate_row::<Entity>(*id).await;
            }
            Ok(self)
        }
    }
}

fn larder() -> &'static Larder {
    static LARDER: OnceLock<Larder> = OnceLock::new();
    LARDER.get_or_init(|| lab::builder().build().unwrap())
}

#[tokio::test]
async fn behavior_of_the_models_invalidates_for_a_connection_that_is_not_wrapped() {
    let lab = Lab::start_empty(Backend::Sqlite).await;
    for sql in [
        "CREATE TABLE note (id INTEGER PRIMARY KEY, kind INT NOT NULL, body TEXT NOT NULL)",
        "INSERT INTO note VALUES (1, 3, 'old'), (2, 4, 'other')",
    ] {
        lab.plain.execute_unprepared(sql).await.unwrap();
    }
    let db = lab::wrap(larder(), lab.plain.clone(), &lab.url);
    let body = async |id: i32| {
        let note = note::Entity::find_by_id(id).one(&db).await.unwrap();
        note.map(|note| note.body)
    };
    for _ in 0..2 {
        assert_eq!(body(1).await.as_deref(), Some("old"));
        assert_eq!(body(2).await.as_deref(), Some("other"));
    }
    let row = note::Entity::find_by_id(1).one(&db).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.body = Set("new".to_owned());
    let row = row.update(&lab.plain).await.unwrap();
    assert_eq!(body(1).await.as_deref(), Some("new"));
    // Another row's results by key are not concerned.
    let unseen = "UPDATE note SET body = 'unseen' WHERE id = 2";
    lab.plain.execute_unprepared(unseen).await.unwrap();
    assert_eq!(body(2).await.as_deref(), Some("other"));
    row.delete(&lab.plain).await.unwrap();
    assert_eq!(body(1).await, None);
}
