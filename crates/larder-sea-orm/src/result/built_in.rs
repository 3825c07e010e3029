//! Result types that need no derive.

use std::{collections::BTreeMap, sync::Arc};

use larder_core::codec::{Reader, Unreadable, Unwritable, Writer};

use super::{CachedResult, combined_fingerprint};

/// Values that own nothing on the heap, written by serde or by what they are made of.
macro_rules! plain {
    ($($(#[$when:meta])? $kind:literal => $type:ty $(, $out:expr, $in:expr)?);* $(;)?) => {$(
        $(#[$when])?
        impl CachedResult for $type {
            const SCHEMA_FINGERPRINT: u64 = $kind;
            const STORABLE: bool = true;

            fn result_bytes(&self) -> usize {
                size_of::<Self>()
            }

            plain!(@write $($out, $in)?);
        }
    )*};
    (@write) => {
        fn write_result(&self, to: &mut Writer<'_>) -> Result<(), Unwritable> {
            to.serde(self)
        }

        fn read_result(from: &mut Reader<'_>) -> Result<Self, Unreadable> {
            from.serde()
        }
    };
    (@write $out:expr, $in:expr) => {
        fn write_result(&self, to: &mut Writer<'_>) -> Result<(), Unwritable> {
            to.serde(&$out(self))
        }

        fn read_result(from: &mut Reader<'_>) -> Result<Self, Unreadable> {
            from.serde().map($in)
        }
    };
}

// Whatever features of their own crates say: a decimal keeps its scale, a UUID is 16 bytes.
plain! {
    1 => (); 2 => bool; 3 => i8; 4 => i16; 5 => i32; 6 => i64;
    8 => u16; 9 => u32; 10 => u64; 11 => f32; 12 => f64; 13 => char;
    #[cfg(feature = "with-chrono")] 20 => sea_orm::prelude::ChronoDate;
    #[cfg(feature = "with-chrono")] 21 => sea_orm::prelude::ChronoTime;
    #[cfg(feature = "with-chrono")] 22 => sea_orm::prelude::ChronoDateTime;
    #[cfg(feature = "with-chrono")] 23 => sea_orm::prelude::ChronoDateTimeUtc;
    #[cfg(feature = "with-chrono")] 24 => sea_orm::prelude::ChronoDateTimeLocal;
    #[cfg(feature = "with-chrono")] 25 => sea_orm::prelude::ChronoDateTimeWithTimeZone;
    #[cfg(feature = "with-chrono")] 26 => sea_orm::prelude::ChronoUnixTimestamp,
        |it: &Self| it.0, Self;
    #[cfg(feature = "with-chrono")] 27 => sea_orm::prelude::ChronoUnixTimestampMillis,
        |it: &Self| it.0, Self;
    #[cfg(feature = "with-time")] 30 => sea_orm::prelude::TimeDate;
    #[cfg(feature = "with-time")] 31 => sea_orm::prelude::TimeTime;
    #[cfg(feature = "with-time")] 32 => sea_orm::prelude::TimeDateTime;
    #[cfg(feature = "with-time")] 33 => sea_orm::prelude::TimeDateTimeWithTimeZone;
    #[cfg(feature = "with-time")] 34 => sea_orm::prelude::TimeUnixTimestamp,
        |it: &Self| it.0, Self;
    #[cfg(feature = "with-time")] 35 => sea_orm::prelude::TimeUnixTimestampMillis,
        |it: &Self| it.0, Self;
    #[cfg(feature = "with-uuid")] 40 => sea_orm::prelude::Uuid,
        |it: &Self| *it.as_bytes(), Self::from_bytes;
    #[cfg(feature = "with-rust_decimal")] 41 => sea_orm::prelude::Decimal,
        |it: &Self| it.serialize(), Self::deserialize;
    #[cfg(feature = "with-uuid")] 42 => sea_orm::prelude::TextUuid,
        |it: &Self| *it.0.as_bytes(), |bytes| Self(sea_orm::prelude::Uuid::from_bytes(bytes));
}

/// A list of them is written as bytes.
impl CachedResult for u8 {
    const SCHEMA_FINGERPRINT: u64 = 7;
    const STORABLE: bool = true;

    fn result_bytes(&self) -> usize {
        size_of::<Self>()
    }

    plain!(@write);

    fn write_results(values: &[Self], to: &mut Writer<'_>) -> Result<(), Unwritable> {
        to.bytes(values)
    }

    fn read_results(from: &mut Reader<'_>) -> Result<Vec<Self>, Unreadable> {
        from.bytes()
    }
}

impl CachedResult for String {
    const SCHEMA_FINGERPRINT: u64 = 50;
    const STORABLE: bool = true;

    fn result_bytes(&self) -> usize {
        size_of::<Self>().saturating_add(self.len())
    }

    plain!(@write);
}

#[cfg(feature = "with-json")]
impl CachedResult for sea_orm::JsonValue {
    const SCHEMA_FINGERPRINT: u64 = 51;
    const STORABLE: bool = true;

    fn result_bytes(&self) -> usize {
        super::written_bytes(self).unwrap_or(usize::MAX)
    }

    plain!(@write);
}

impl<T: CachedResult> CachedResult for Option<T> {
    const SCHEMA_FINGERPRINT: u64 = combined_fingerprint(60, &[T::SCHEMA_FINGERPRINT]);
    const STORABLE: bool = T::STORABLE;

    fn result_bytes(&self) -> usize {
        let inner = self.as_ref().map_or(0, CachedResult::result_bytes);
        inner.max(size_of::<Self>())
    }

    /// As a list of none or one, so that an option in an option is not lost.
    fn write_result(&self, to: &mut Writer<'_>) -> Result<(), Unwritable> {
        to.list(usize::from(self.is_some()))?;
        self.iter().try_for_each(|value| value.write_result(to))
    }

    fn read_result(from: &mut Reader<'_>) -> Result<Self, Unreadable> {
        match from.list()? {
            0 => Ok(None),
            1 => T::read_result(from).map(Some),
            _ => Err(Unreadable),
        }
    }
}

impl<T: CachedResult> CachedResult for Vec<T> {
    const SCHEMA_FINGERPRINT: u64 = combined_fingerprint(61, &[T::SCHEMA_FINGERPRINT]);
    const STORABLE: bool = T::STORABLE;

    fn result_bytes(&self) -> usize {
        let own = size_of::<Self>();
        self.iter()
            .map(CachedResult::result_bytes)
            .fold(own, usize::saturating_add)
    }

    fn write_result(&self, to: &mut Writer<'_>) -> Result<(), Unwritable> {
        T::write_results(self, to)
    }

    fn read_result(from: &mut Reader<'_>) -> Result<Self, Unreadable> {
        T::read_results(from)
    }
}

impl<K: CachedResult + Ord, T: CachedResult> CachedResult for BTreeMap<K, T> {
    const SCHEMA_FINGERPRINT: u64 =
        combined_fingerprint(63, &[K::SCHEMA_FINGERPRINT, T::SCHEMA_FINGERPRINT]);
    const STORABLE: bool = K::STORABLE && T::STORABLE;

    fn result_bytes(&self) -> usize {
        self.iter()
            .map(|(key, value)| key.result_bytes().saturating_add(value.result_bytes()))
            .fold(size_of::<Self>(), usize::saturating_add)
    }

    fn write_result(&self, to: &mut Writer<'_>) -> Result<(), Unwritable> {
        to.list(self.len())?;
        self.iter().try_for_each(|(key, value)| {
            key.write_result(to)?;
            value.write_result(to)
        })
    }

    fn read_result(from: &mut Reader<'_>) -> Result<Self, Unreadable> {
        let len = from.list()?;
        (0..len)
            .map(|_| Ok((K::read_result(from)?, T::read_result(from)?)))
            .collect()
    }
}

/// What is boxed or shared is the same as what is owned.
macro_rules! pointer {
    ($($pointer:ident)+) => {$(
        impl<T: CachedResult> CachedResult for $pointer<T> {
            const SCHEMA_FINGERPRINT: u64 = T::SCHEMA_FINGERPRINT;
            const STORABLE: bool = T::STORABLE;

            fn result_bytes(&self) -> usize {
                T::result_bytes(self)
            }

            fn write_result(&self, to: &mut Writer<'_>) -> Result<(), Unwritable> {
                T::write_result(self, to)
            }

            fn read_result(from: &mut Reader<'_>) -> Result<Self, Unreadable> {
                T::read_result(from).map(Self::new)
            }
        }
    )+};
}

pointer!(Box Arc);

macro_rules! tuple {
    ($($part:ident)+) => {
        impl<$($part: CachedResult),+> CachedResult for ($($part,)+) {
            const SCHEMA_FINGERPRINT: u64 =
                combined_fingerprint(62, &[$($part::SCHEMA_FINGERPRINT),+]);
            const STORABLE: bool = $($part::STORABLE)&&+;

            #[expect(non_snake_case, reason = "each part is named as its type")]
            fn result_bytes(&self) -> usize {
                let ($($part,)+) = self;
                [$($part.result_bytes()),+]
                    .into_iter()
                    .fold(0, usize::saturating_add)
            }

            #[expect(non_snake_case, reason = "each part is named as its type")]
            fn write_result(&self, to: &mut Writer<'_>) -> Result<(), Unwritable> {
                let ($($part,)+) = self;
                to.list([$($part::STORABLE),+].len())?;
                $($part.write_result(to)?;)+
                Ok(())
            }

            fn read_result(from: &mut Reader<'_>) -> Result<Self, Unreadable> {
                if from.list()? != [$($part::STORABLE),+].len() {
                    return Err(Unreadable);
                }
                Ok(($($part::read_result(from)?,)+))
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
