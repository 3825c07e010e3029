//! Narrow entities without `Cacheable`, for selects of many at a time: their rows are cached
//! results, and the query says for how long.

macro_rules! entity {
    (
        $name:ident, $table:literal, { $($(#[$attribute:meta])* $column:ident: $type:ty),* },
        { $($relation:ident => $related:ident ($($how:tt)*)),* }
    ) => {
        pub mod $name {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, larder::CachedResult)]
            #[sea_orm(table_name = $table)]
            #[larder(local)]
            pub struct Model {
                $($(#[$attribute])* pub $column: $type,)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {
                $(#[sea_orm($($how)*)] $relation,)*
            }

            $(impl Related<super::$related::Entity> for Entity {
                fn to() -> RelationDef {
                    Relation::$relation.def()
                }
            })*

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

entity!(line, "order_line", { #[sea_orm(primary_key)] id: i64, order_id: i64, product_id: i32 }, {
    Order => order (
        belongs_to = "super::order::Entity", from = "Column::OrderId", to = "super::order::Column::Id"
    ),
    Product => product (
        belongs_to = "super::product::Entity",
        from = "Column::ProductId", to = "super::product::Column::Id"
    )
});
entity!(order, "order", { #[sea_orm(primary_key)] id: i64, customer_id: i32 }, {
    Customer => customer (
        belongs_to = "super::customer::Entity",
        from = "Column::CustomerId", to = "super::customer::Column::Id"
    )
});
entity!(product, "product", { #[sea_orm(primary_key)] id: i32, name: String }, {});
entity!(customer, "customer", { #[sea_orm(primary_key)] id: i32, name: String }, {
    Friendship => friendship (has_many = "super::friendship::Entity")
});
entity!(friendship, "friendship", {
    #[sea_orm(primary_key, auto_increment = false)] customer_id: i32,
    #[sea_orm(primary_key, auto_increment = false)] friend_id: i32
}, {
    Customer => customer (
        belongs_to = "super::customer::Entity",
        from = "Column::CustomerId", to = "super::customer::Column::Id"
    ),
    Author => author (
        belongs_to = "super::author::Entity",
        from = "Column::FriendId", to = "super::author::Column::Id"
    )
});
entity!(author, "author", { #[sea_orm(primary_key)] id: i32, name: String }, {});
