//! Entities with columns of every kind: what comes back from a hit is what went in.

use larder::{CacheQuery, CachedResult};
use larder_tests::lab::{Backend, Lab};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DerivePartialModel, EntityTrait,
    FromQueryResult, QueryFilter, QuerySelect, Schema, entity::prelude::ColumnTrait,
};
use serde::{Deserialize, Serialize};

/// One row of many types, under another name than its fields', in a table of another name.
mod thing {
    use larder::{Cacheable, CachedResult};
    use sea_orm::{FromJsonQueryResult, entity::prelude::*};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
    #[sea_orm(table_name = "odd thing")]
    #[larder(ttl = "15m")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        #[sea_orm(column_name = "the_name")]
        pub name: Name,
        pub kind: Kind,
        pub level: Level,
        pub small: i16,
        pub big: i64,
        pub ratio: f64,
        #[sea_orm(column_type = "Decimal(Some((12, 3)))")]
        pub price: Decimal,
        pub flag: bool,
        pub bytes: Vec<u8>,
        pub born: Date,
        pub at: DateTimeUtc,
        pub local: DateTime,
        pub tags: Json,
        #[sea_orm(column_type = "Json", nullable)]
        pub detail: Option<Detail>,
        pub nothing: Option<i32>,
    }

    #[derive(
        Clone, Debug, PartialEq, Eq, DeriveValueType, Serialize, Deserialize, CachedResult,
    )]
    pub struct Name(pub String);

    #[derive(
        Clone,
        Copy,
        Debug,
        PartialEq,
        Eq,
        EnumIter,
        DeriveActiveEnum,
        Serialize,
        Deserialize,
        CachedResult,
    )]
    #[sea_orm(rs_type = "String", db_type = "String(StringLen::N(8))")]
    pub enum Kind {
        #[sea_orm(string_value = "plain")]
        Plain,
        #[sea_orm(string_value = "fancy")]
        Fancy,
    }

    #[derive(
        Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
    )]
    #[sea_orm(rs_type = "i32", db_type = "Integer")]
    pub enum Level {
        #[sea_orm(num_value = 1)]
        Low,
        #[sea_orm(num_value = 9)]
        High,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Detail {
        pub color: String,
        pub sizes: Vec<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A table in a schema of its own, with arrays.
mod labelled {
    use larder::Cacheable;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Cacheable)]
    #[sea_orm(table_name = "labelled", schema_name = "attic")]
    #[larder(ttl = "15m", local)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub shelf: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub place: String,
        pub labels: Vec<String>,
        pub counts: Option<Vec<i32>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

fn thing(id: u128, kind: thing::Kind) -> thing::Model {
    let instant = sea_orm::prelude::DateTimeUtc::from_timestamp_micros(1_790_000_000_000_000);
    let instant = instant.unwrap();
    thing::Model {
        id: sea_orm::prelude::Uuid::from_u128(id),
        name: thing::Name("Æon 'quoted'".into()),
        kind,
        level: thing::Level::High,
        small: -3,
        big: i64::MAX,
        ratio: 0.25,
        price: sea_orm::prelude::Decimal::new(1_234_500, 3),
        flag: true,
        bytes: vec![0, 1, 255],
        born: instant.date_naive(),
        at: instant,
        local: instant.naive_utc(),
        tags: sea_orm::JsonValue::from(vec!["a", "b"]),
        detail: Some(thing::Detail {
            color: "red".into(),
            sizes: vec![1, 2],
        }),
        nothing: None,
    }
}

async fn lab_with_things(backend: Backend) -> Lab {
    let lab = Lab::start_empty(backend).await;
    let create =
        Schema::new(lab.plain.get_database_backend()).create_table_from_entity(thing::Entity);
    lab.plain.execute(&create).await.unwrap();
    for (id, kind) in [(1, thing::Kind::Plain), (2, thing::Kind::Fancy)] {
        let row: thing::ActiveModel = thing(id, kind).into();
        thing::Entity::insert(row.reset_all())
            .exec_without_returning(&lab.plain)
            .await
            .unwrap();
    }
    lab
}

async fn models_of_every_type_come_back_equal(backend: Backend) {
    let lab = lab_with_things(backend).await;
    let by_id = || thing::Entity::find_by_id(sea_orm::prelude::Uuid::from_u128(1));
    let truth = by_id().one(&lab.plain).await.unwrap().unwrap();
    for _ in 0..2 {
        assert_eq!(by_id().one(&lab.db).await.unwrap().as_ref(), Some(&truth));
    }
    let before = lab.selects();
    by_id().one(&lab.db).await.unwrap();
    assert_eq!(lab.selects(), before);
    let mut row: thing::ActiveModel = truth.into();
    row.detail = Set(None);
    row.level = Set(thing::Level::Low);
    row.update(&lab.db).await.unwrap();
    let now = by_id().one(&lab.db).await.unwrap().unwrap();
    assert_eq!((now.detail, now.level), (None, thing::Level::Low));
}

async fn conditions_on_enums_newtypes_and_renamed_columns_stay_fresh(backend: Backend) {
    let lab = lab_with_things(backend).await;
    let fancy = || thing::Entity::find().filter(thing::Column::Kind.eq(thing::Kind::Fancy));
    let named = || {
        let name = thing::Name("other".into());
        thing::Entity::find().filter(thing::Column::Name.eq(name))
    };
    for _ in 0..2 {
        assert_eq!(fancy().count(&lab.db).await.unwrap(), 1);
        assert_eq!(named().count(&lab.db).await.unwrap(), 0);
    }
    let row = thing::ActiveModel {
        id: Set(sea_orm::prelude::Uuid::from_u128(1)),
        kind: Set(thing::Kind::Fancy),
        name: Set(thing::Name("other".into())),
        ..Default::default()
    };
    row.update_without_returning(&lab.db).await.unwrap();
    assert_eq!(fancy().count(&lab.db).await.unwrap(), 2);
    assert_eq!(named().count(&lab.db).await.unwrap(), 1);
}

#[derive(Clone, Debug, PartialEq, DerivePartialModel, Serialize, Deserialize, CachedResult)]
#[sea_orm(entity = "thing::Entity")]
struct Tagged {
    kind: thing::Kind,
    #[sea_orm(from_col = "name")]
    called: thing::Name,
    detail: Option<thing::Detail>,
}

/// Generic over a part of it.
#[derive(Clone, Debug, PartialEq, FromQueryResult, Serialize, Deserialize, CachedResult)]
struct Pair<T: FromQueryResultPart> {
    big: i64,
    small: T,
}

trait FromQueryResultPart: sea_orm::TryGetable {}
impl FromQueryResultPart for i16 {}

async fn rows_of_other_shapes_come_back_equal(backend: Backend) {
    let lab = lab_with_things(backend).await;
    let things = || thing::Entity::find().order_by_id_asc();
    let partial = |db| async move {
        things()
            .into_partial_model::<Tagged>()
            .all(db)
            .await
            .unwrap()
    };
    let pairs = |db| async move { things().into_model::<Pair<i16>>().all(db).await.unwrap() };
    let tuples = |db| async move {
        let tuples = things()
            .select_only()
            .column(thing::Column::Kind)
            .column(thing::Column::Name)
            .column(thing::Column::At)
            .column(thing::Column::Price)
            .column(thing::Column::Nothing);
        type Columns = (
            thing::Kind,
            thing::Name,
            sea_orm::prelude::DateTimeUtc,
            sea_orm::prelude::Decimal,
            Option<i32>,
        );
        tuples.into_tuple::<Columns>().all(db).await.unwrap()
    };
    let wrapped = lab.larder.wrap(lab.plain.clone());
    let plain = (
        partial(&wrapped).await,
        pairs(&wrapped).await,
        tuples(&wrapped).await,
    );
    for _ in 0..2 {
        assert_eq!(partial(&lab.db).await, plain.0);
        assert_eq!(pairs(&lab.db).await, plain.1);
        assert_eq!(tuples(&lab.db).await, plain.2);
    }
}

#[tokio::test]
async fn arrays_schemas_and_composite_keys_come_back_equal() {
    let lab = Lab::start_empty(Backend::Postgres).await;
    for sql in [
        "CREATE SCHEMA attic",
        "CREATE TABLE attic.labelled (shelf integer, place text, labels text[] NOT NULL, \
         counts integer[], PRIMARY KEY (shelf, place))",
    ] {
        lab.plain.execute_unprepared(sql).await.unwrap();
    }
    let row = |place: &str| labelled::ActiveModel {
        shelf: Set(1),
        place: Set(place.to_owned()),
        labels: Set(vec!["a".into(), "b".into()]),
        counts: Set(Some(vec![1, 2])),
    };
    for place in ["left", "right"] {
        row(place).insert(&lab.plain).await.unwrap();
    }
    let by_key = |place: &str| labelled::Entity::find_by_id((1, place.to_owned()));
    let any = || {
        let labels = labelled::Entity::find().cached();
        labels.filter(labelled::Column::Labels.eq(vec!["a".to_owned(), "b".to_owned()]))
    };
    for place in ["left", "right"] {
        let truth = by_key(place).one(&lab.plain).await.unwrap();
        for _ in 0..2 {
            assert_eq!(by_key(place).one(&lab.db).await.unwrap(), truth);
            assert_eq!(any().count(&lab.db).await.unwrap(), 2);
        }
    }
    let mut changed = row("left");
    changed.labels = Set(vec!["c".into()]);
    changed.update(&lab.db).await.unwrap();
    let before = lab.selects();
    by_key("right").one(&lab.db).await.unwrap();
    assert_eq!(lab.selects(), before, "the other row was not touched");
    let left = by_key("left").one(&lab.db).await.unwrap().unwrap();
    assert_eq!(left.labels, ["c"]);
    assert_eq!(any().count(&lab.db).await.unwrap(), 1);
}

crate::on_all!(
    models_of_every_type_come_back_equal,
    conditions_on_enums_newtypes_and_renamed_columns_stay_fresh,
    rows_of_other_shapes_come_back_equal,
);
