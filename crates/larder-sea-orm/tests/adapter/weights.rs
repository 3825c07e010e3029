//! What results weigh: a store that is bounded in bytes must know.

use larder_sea_orm::{CacheLoader as _, CachedResult, LoaderTrait};

use crate::{entities::post, fixture::Fixture};

/// Parents and children, in SeaORM's dense format.
#[expect(unreachable_pub, reason = "the derives of SeaORM ask for `pub`")]
mod parent {
    use larder_sea_orm::{Cacheable, overlay as sea_orm};
    use sea_orm::entity::prelude::*;
    use serde::{Deserialize, Serialize};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
    #[sea_orm(table_name = "parent")]
    #[larder(ttl = "15m", crate = "larder_sea_orm")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub children: HasMany<super::child::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[expect(unreachable_pub, reason = "the derives of SeaORM ask for `pub`")]
mod child {
    use larder_sea_orm::{Cacheable, overlay as sea_orm};
    use sea_orm::entity::prelude::*;
    use serde::{Deserialize, Serialize};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
    #[sea_orm(table_name = "child")]
    #[larder(ttl = "15m", crate = "larder_sea_orm")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub parent_id: Option<i32>,
        pub body: String,
        #[sea_orm(belongs_to, from = "parent_id", to = "id")]
        pub parent: BelongsTo<Option<super::parent::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const SCHEMA: &str = "
    CREATE TABLE parent (id INTEGER PRIMARY KEY);
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER, body TEXT NOT NULL);
    INSERT INTO parent VALUES (1);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
        INSERT INTO child SELECT i, 1, printf('%0500d', i) FROM n;
";

#[tokio::test]
async fn a_nested_model_weighs_as_much_as_what_it_has_loaded() {
    let it = Fixture::with(SCHEMA).await;
    let parents = parent::Entity::load()
        .with(child::Entity)
        .cached()
        .all(&it.db);
    let texts = 200 * 500;
    let parents = parents.await.unwrap();
    assert_eq!(parents[0].children.len(), 200);
    assert!(parents.result_bytes() > texts);
    assert!(it.store.entry_bytes() > texts);
    let children = child::Entity::load()
        .with(parent::Entity)
        .cached()
        .all(&it.db);
    let children = children.await.unwrap();
    let with_parents = children[0].result_bytes();
    let mut alone = children[0].clone();
    alone.parent = Default::default();
    assert!(with_parents > alone.result_bytes());
}

/// SeaORM gives each parent a place, found or not.
#[tokio::test]
async fn what_was_not_found_weighs_what_its_place_takes() {
    let it = Fixture::with(SCHEMA).await;
    let orphan = |id| child::Model {
        id,
        parent_id: Some(9),
        body: String::new(),
    };
    let orphans: Vec<child::Model> = (0..10_000).map(orphan).collect();
    let parents = LoaderTrait::load_one(&orphans, parent::Entity, &it.db)
        .await
        .unwrap();
    let places = parents.len() * size_of::<Option<parent::Model>>();
    assert!(parents.result_bytes() >= places);
    let nothing: Vec<Option<post::Model>> = vec![None; 100];
    assert!(nothing.result_bytes() >= 100 * size_of::<post::Model>());
}

#[derive(Clone, Debug, CachedResult)]
#[larder(local, crate = "larder_sea_orm")]
struct Local {
    text: String,
    bytes: Option<Vec<u8>>,
    unknown: std::net::Ipv6Addr,
}

#[derive(Clone, Debug, CachedResult)]
#[larder(local, crate = "larder_sea_orm")]
enum Either {
    Local(Local),
}

#[test]
fn a_local_row_weighs_what_is_known_of_its_fields() {
    let row = |length| Local {
        text: "x".repeat(length),
        bytes: Some(vec![0; length]),
        unknown: std::net::Ipv6Addr::LOCALHOST,
    };
    assert!(row(0).result_bytes() >= size_of::<Local>());
    assert_eq!(row(1_000).result_bytes(), row(0).result_bytes() + 2_000);
    // Of an enum the size is all that is known, however much it owns.
    let either = Either::Local(row(1_000));
    let known = size_of::<Either>() * larder_sea_orm::LOCAL_FACTOR;
    let Either::Local(row) = &either;
    assert_eq!((either.result_bytes(), row.text.len()), (known, 1_000));
}

/// SeaORM's wrappers around a number, a moment or an id.
#[test]
fn values_that_own_nothing_weigh_their_size() {
    use sea_orm::prelude::{ChronoUnixTimestamp, ChronoUnixTimestampMillis, ChronoUtc, TextUuid};
    fn weighs_its_size<T: CachedResult>(value: T) {
        assert_eq!(value.result_bytes(), size_of::<T>());
    }
    weighs_its_size(ChronoUnixTimestamp(ChronoUtc::now()));
    weighs_its_size(ChronoUnixTimestampMillis(ChronoUtc::now()));
    weighs_its_size(TextUuid(Default::default()));
    weighs_its_size(Some(1_i64));
}
