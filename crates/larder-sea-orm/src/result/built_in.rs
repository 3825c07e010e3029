//! Result types that need no derive.

use std::sync::Arc;

use super::{CachedResult, combined_fingerprint};

/// Values that own nothing on the heap.
macro_rules! plain {
    ($($(#[$when:meta])? $kind:literal => $type:ty),* $(,)?) => {$(
        $(#[$when])?
        impl CachedResult for $type {
            const SCHEMA_FINGERPRINT: u64 = $kind;

            fn result_bytes(&self) -> usize {
                size_of::<Self>()
            }
        }
    )*};
}

plain! {
    1 => (), 2 => bool, 3 => i8, 4 => i16, 5 => i32, 6 => i64,
    7 => u8, 8 => u16, 9 => u32, 10 => u64, 11 => f32, 12 => f64, 13 => char,
    #[cfg(feature = "with-chrono")] 20 => sea_orm::prelude::ChronoDate,
    #[cfg(feature = "with-chrono")] 21 => sea_orm::prelude::ChronoTime,
    #[cfg(feature = "with-chrono")] 22 => sea_orm::prelude::ChronoDateTime,
    #[cfg(feature = "with-chrono")] 23 => sea_orm::prelude::ChronoDateTimeUtc,
    #[cfg(feature = "with-chrono")] 24 => sea_orm::prelude::ChronoDateTimeLocal,
    #[cfg(feature = "with-chrono")] 25 => sea_orm::prelude::ChronoDateTimeWithTimeZone,
    #[cfg(feature = "with-chrono")] 26 => sea_orm::prelude::ChronoUnixTimestamp,
    #[cfg(feature = "with-chrono")] 27 => sea_orm::prelude::ChronoUnixTimestampMillis,
    #[cfg(feature = "with-time")] 30 => sea_orm::prelude::TimeDate,
    #[cfg(feature = "with-time")] 31 => sea_orm::prelude::TimeTime,
    #[cfg(feature = "with-time")] 32 => sea_orm::prelude::TimeDateTime,
    #[cfg(feature = "with-time")] 33 => sea_orm::prelude::TimeDateTimeWithTimeZone,
    #[cfg(feature = "with-time")] 34 => sea_orm::prelude::TimeUnixTimestamp,
    #[cfg(feature = "with-time")] 35 => sea_orm::prelude::TimeUnixTimestampMillis,
    #[cfg(feature = "with-uuid")] 40 => sea_orm::prelude::Uuid,
    #[cfg(feature = "with-rust_decimal")] 41 => sea_orm::prelude::Decimal,
    #[cfg(feature = "with-uuid")] 42 => sea_orm::prelude::TextUuid,
}

impl CachedResult for String {
    const SCHEMA_FINGERPRINT: u64 = 50;

    fn result_bytes(&self) -> usize {
        size_of::<Self>().saturating_add(self.len())
    }
}

#[cfg(feature = "with-json")]
impl CachedResult for sea_orm::JsonValue {
    const SCHEMA_FINGERPRINT: u64 = 51;

    fn result_bytes(&self) -> usize {
        super::serialized_bytes(self)
    }
}

impl<T: CachedResult> CachedResult for Option<T> {
    const SCHEMA_FINGERPRINT: u64 = combined_fingerprint(60, &[T::SCHEMA_FINGERPRINT]);

    fn result_bytes(&self) -> usize {
        let inner = self.as_ref().map_or(0, CachedResult::result_bytes);
        inner.max(size_of::<Self>())
    }
}

impl<T: CachedResult> CachedResult for Vec<T> {
    const SCHEMA_FINGERPRINT: u64 = combined_fingerprint(61, &[T::SCHEMA_FINGERPRINT]);

    fn result_bytes(&self) -> usize {
        let own = size_of::<Self>();
        self.iter()
            .map(CachedResult::result_bytes)
            .fold(own, usize::saturating_add)
    }
}

/// What is shared is the same as what is owned.
impl<T: CachedResult> CachedResult for Arc<T> {
    const SCHEMA_FINGERPRINT: u64 = T::SCHEMA_FINGERPRINT;

    fn result_bytes(&self) -> usize {
        T::result_bytes(self)
    }
}

macro_rules! tuple {
    ($($part:ident)+) => {
        impl<$($part: CachedResult),+> CachedResult for ($($part,)+) {
            const SCHEMA_FINGERPRINT: u64 =
                combined_fingerprint(62, &[$($part::SCHEMA_FINGERPRINT),+]);

            #[expect(non_snake_case, reason = "each part is named as its type")]
            fn result_bytes(&self) -> usize {
                let ($($part,)+) = self;
                [$($part.result_bytes()),+]
                    .into_iter()
                    .fold(0, usize::saturating_add)
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
tuple!(A B C D E F G H I);
tuple!(A B C D E F G H I J);
tuple!(A B C D E F G H I J K);
tuple!(A B C D E F G H I J K L);
