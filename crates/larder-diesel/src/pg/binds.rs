//! The parameters of a query, in bytes.

use diesel::{
    QueryResult,
    pg::{Pg, PgTypeMetadata},
    query_builder::{QueryFragment, bind_collector::RawBytesBindCollector},
};
use larder_core::Param;

#[cfg(feature = "_async")]
use super::types::number;
use super::{decode, types::Types};
#[cfg(feature = "_async")]
use crate::backend::{TypeName, picked};

/// The parameters of a query, collected without the server: types of its own have numbers of ours.
#[derive(Debug)]
#[doc(hidden)]
pub struct Binds {
    metadata: Vec<PgTypeMetadata>,
    binds: Vec<Option<Vec<u8>>>,
    types: Types,
    /// Parameter and byte at which one of our numbers stands in a value.
    #[cfg(feature = "_async")]
    places: Vec<(usize, usize)>,
}

impl Binds {
    pub(super) fn collect<T: QueryFragment<Pg>>(query: &T) -> QueryResult<Self> {
        let mut types = Types::default();
        let mut collector = RawBytesBindCollector::<Pg>::new();
        query.collect_binds(&mut collector, &mut types, &Pg)?;
        let RawBytesBindCollector {
            metadata, binds, ..
        } = collector;
        #[cfg(feature = "_async")]
        let places = places(query, &binds, &types)?;
        Ok(Self {
            metadata,
            binds,
            types,
            #[cfg(feature = "_async")]
            places,
        })
    }

    /// In the order in which they are sent, and their types behind them: a result may depend on
    /// those, of which a value tells only the class.
    pub(super) fn params(&self) -> Vec<Param<'static>> {
        if self.binds.is_empty() {
            return Vec::new();
        }
        let mut params = Vec::with_capacity(self.binds.len() + 1);
        let mut sent = Vec::with_capacity(self.metadata.len() * 4);
        for (bind, kind) in self.binds.iter().zip(&self.metadata) {
            let oid = Types::oid(kind, &mut sent);
            params.push(match bind {
                None => Param::Null,
                Some(bytes) => decode::owned(oid, bytes),
            });
        }
        // Values hold numbers of ours, in the order of the names.
        self.types.write_names(&mut sent);
        params.push(Param::Other("types", sent.into()));
        params
    }
}

#[cfg(feature = "_async")]
impl Binds {
    /// The parameters at these positions.
    pub(super) fn part(&self, positions: &[usize]) -> QueryResult<Self> {
        let places = positions.iter().enumerate().flat_map(|(at, position)| {
            let own = self.places.iter().filter(move |(bind, _)| bind == position);
            own.map(move |(_, byte)| (at, *byte))
        });
        Ok(Self {
            metadata: picked(&self.metadata, positions)?,
            binds: picked(&self.binds, positions)?,
            types: self.types.clone(),
            places: places.collect(),
        })
    }

    /// The types that the server must be asked for.
    pub(super) fn names(&self) -> &[TypeName] {
        self.types.names()
    }

    /// The same with the server's numbers of those types and of their arrays, in that order.
    pub(super) fn resolved(&self, numbers: &[(u32, u32)]) -> RawBytesBindCollector<Pg> {
        let (mut metadata, mut binds) = (self.metadata.clone(), self.binds.clone());
        let known = |ours: u32| {
            let (at, is_array) = self.types.index(ours)?;
            let (oid, array) = *numbers.get(at)?;
            Some(if is_array { array } else { oid })
        };
        for kind in &mut metadata {
            let (Ok(oid), Ok(array)) = (kind.oid(), kind.array_oid()) else {
                continue;
            };
            // That of an array names no array of its own.
            *kind = PgTypeMetadata::new(known(oid).unwrap_or(oid), known(array).unwrap_or(array));
        }
        for (bind, byte) in &self.places {
            let value = binds.get_mut(*bind).and_then(Option::as_mut);
            let word = value.and_then(|value| value.get_mut(*byte..*byte + 4));
            if let Some(word) = word {
                let ours = word
                    .iter()
                    .fold(0, |number, byte| number << 8 | u32::from(*byte));
                if let Some(oid) = known(ours) {
                    word.copy_from_slice(&oid.to_be_bytes());
                }
            }
        }
        let mut collector = RawBytesBindCollector::new();
        collector.metadata = metadata;
        collector.binds = binds;
        collector
    }
}

/// Where numbers of ours stand in values (elements of arrays, fields of records): there, a second
/// collection with other numbers differs. diesel-async finds them in the same way.
#[cfg(feature = "_async")]
fn places<T: QueryFragment<Pg>>(
    query: &T,
    binds: &[Option<Vec<u8>>],
    types: &Types,
) -> QueryResult<Vec<(usize, usize)>> {
    let mut places = Vec::new();
    if types.names().is_empty() {
        return Ok(places);
    }
    let mut others = RawBytesBindCollector::<Pg>::new();
    query.collect_binds(&mut others, &mut Types::others(), &Pg)?;
    for (at, (bind, other)) in binds.iter().zip(&others.binds).enumerate() {
        let (Some(bind), Some(other)) = (bind, other) else {
            continue;
        };
        let differ = bind.iter().zip(other).enumerate();
        // Numbers of the two differ in their first byte alone.
        for (byte, _) in differ.filter(|(_, (a, b))| a != b) {
            if bind
                .get(byte..byte + 4)
                .is_some_and(|word| number(word).is_some())
            {
                places.push((at, byte));
            }
        }
    }
    Ok(places)
}
