//! The types of parameters, without asking the server for what it calls them.

use std::any::Any;

use diesel::pg::{PgMetadataLookup, PgTypeMetadata};

use crate::backend::TypeName;

/// Stands in for the server: types of its own get numbers of ours, by name, so that the key of a
/// query needs no question and is the same on every copy of a database.
#[derive(Clone, Debug)]
pub(super) struct Types {
    first: u32,
    names: Vec<TypeName>,
}

/// Types that come with the server have numbers below; those of ours begin here.
const FIRST: u32 = 0x8000_0000;

/// Other numbers for the same, which differ in the first byte.
#[cfg(feature = "_async")]
const FIRST_OF_OTHERS: u32 = 0x9000_0000;

/// Types of its own that one query names; beyond, a number would not fit below the first byte.
const NAMES_MAX: usize = 1 << 20;

impl Default for Types {
    fn default() -> Self {
        Self {
            first: FIRST,
            names: Vec::new(),
        }
    }
}

/// Whether this is the number of an array, of those that [`Types`] gives.
pub(super) fn is_array(oid: u32) -> bool {
    oid >= FIRST && (oid - FIRST) % 2 == 1
}

impl Types {
    /// The type's number, appended to `sent`; what numbers of ours mean say the names.
    pub(super) fn oid(kind: &PgTypeMetadata, sent: &mut Vec<u8>) -> u32 {
        let oid = kind.oid().unwrap_or(0);
        sent.extend(oid.to_be_bytes());
        oid
    }

    /// Appends the names in the order of their numbers.
    pub(super) fn write_names(&self, sent: &mut Vec<u8>) {
        for name in &self.names {
            sent.push(u8::from(name.schema.is_some()));
            for part in [name.schema.as_deref().unwrap_or_default(), &name.name] {
                sent.extend((part.len() as u64).to_be_bytes());
                sent.extend(part.as_bytes());
            }
        }
    }

    /// Which name a number of ours stands for, and whether for the array of that type.
    #[cfg(feature = "_async")]
    pub(super) fn index(&self, oid: u32) -> Option<(usize, bool)> {
        let offset = oid.checked_sub(self.first)?;
        let at = usize::try_from(offset / 2).ok()?;
        (at < self.names.len()).then_some((at, offset % 2 == 1))
    }
}

#[cfg(feature = "_async")]
impl Types {
    /// One that gives other numbers.
    pub(super) fn others() -> Self {
        Self {
            first: FIRST_OF_OTHERS,
            names: Vec::new(),
        }
    }

    pub(super) fn names(&self) -> &[TypeName] {
        &self.names
    }
}

/// The number of ours that these bytes begin with.
#[cfg(feature = "_async")]
pub(super) fn number(bytes: &[u8]) -> Option<u32> {
    let number = u32::from_be_bytes(*bytes.first_chunk()?);
    (FIRST..FIRST_OF_OTHERS).contains(&number).then_some(number)
}

impl PgMetadataLookup for Types {
    fn lookup_type(&mut self, type_name: &str, schema: Option<&str>) -> PgTypeMetadata {
        let name = TypeName {
            schema: schema.map(Box::from),
            name: type_name.into(),
        };
        let known = self.names.iter().position(|it| *it == name);
        let at = known.unwrap_or_else(|| {
            if self.names.len() < NAMES_MAX {
                self.names.push(name);
            }
            self.names.len() - 1
        });
        let oid = u32::try_from(at).map_or(u32::MAX, |at| self.first + 2 * at);
        PgTypeMetadata::new(oid, oid.saturating_add(1))
    }

    // Connections of several backends hand their lookup on without its type.
    fn as_any<'a>(&mut self) -> &mut (dyn Any + 'a)
    where
        Self: 'a,
    {
        self
    }
}
