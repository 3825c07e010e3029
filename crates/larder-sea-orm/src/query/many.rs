//! Queries whose rows SeaORM consolidates: cached after that.

use std::future::Future;

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, SelectFourMany, SelectThreeMany, SelectTwoMany,
    TopologyChain, TopologyStar,
};

use super::rows::{Rows, Sealed};

macro_rules! many {
    ([$($generics:tt)*] $query:ty => $row:ty) => {
        impl<$($generics)*> Sealed for $query {}

        impl<$($generics)*> Rows for $query {
            type Row = $row;
            type Decoder = Self;
            type Plain = Self;

            fn plain(self) -> Self {
                self
            }

            fn all<C: ConnectionTrait>(
                self,
                db: &C,
            ) -> impl Future<Output = Result<Vec<$row>, DbErr>> + Send {
                // SeaORM's own: inherent methods win.
                self.all(db)
            }
        }
    };
}

many! {
    [E: EntityTrait<Model: Send + Sync>, F: EntityTrait<Model: Send + Sync>]
    SelectTwoMany<E, F> => (E::Model, Vec<F::Model>)
}

many! {
    [
        E: EntityTrait<Model: Send + Sync>, F: EntityTrait<Model: Send + Sync>,
        G: EntityTrait<Model: Send + Sync>
    ]
    SelectThreeMany<E, F, G, TopologyStar> => (E::Model, Vec<F::Model>, Vec<G::Model>)
}

many! {
    [
        E: EntityTrait<Model: Send + Sync>, F: EntityTrait<Model: Send + Sync>,
        G: EntityTrait<Model: Send + Sync>
    ]
    SelectThreeMany<E, F, G, TopologyChain> => (E::Model, Vec<(F::Model, Vec<G::Model>)>)
}

many! {
    [
        E: EntityTrait<Model: Send + Sync>, F: EntityTrait<Model: Send + Sync>,
        G: EntityTrait<Model: Send + Sync>, H: EntityTrait<Model: Send + Sync>
    ]
    SelectFourMany<E, F, G, H, TopologyStar>
        => (E::Model, Vec<F::Model>, Vec<G::Model>, Vec<H::Model>)
}
