//! Rows as larder-core stores them: of no known type.

use std::{
    any::{Any, TypeId},
    sync::Arc,
};

use larder_core::{
    ResultIdentity,
    codec::{Reader, Unreadable, Unwritable, Writer},
};

use larder_sql::Dialect;

use crate::{backend::CachedBackend, rows::Rows, session::KeptAs};

pub(crate) fn write(
    value: &(dyn Any + Send + Sync),
    out: &mut Writer<'_>,
) -> Result<(), Unwritable> {
    value.downcast_ref::<Rows>().ok_or(Unwritable)?.write(out)
}

pub(crate) fn read(from: &mut Reader<'_>) -> Result<Arc<dyn Any + Send + Sync>, Unreadable> {
    Ok(Arc::new(Rows::read(from)?))
}

/// What all results of a backend are kept as, by drivers that lay rows out alike. MySQL's do not:
/// `row` is the name of the driver's own type.
pub(crate) fn kept_as<DB: CachedBackend>(adapter: &'static str, row: &'static str) -> KeptAs {
    KeptAs {
        identity: ResultIdentity {
            adapter,
            terminal: "rows",
            type_id: TypeId::of::<Rows>(),
            type_name: match DB::DIALECT {
                Dialect::MySql => row,
                _ => "rows",
            },
            schema_fingerprint: DB::CODEC.fingerprint,
        },
        form: None,
        codec: DB::CODEC,
    }
}
