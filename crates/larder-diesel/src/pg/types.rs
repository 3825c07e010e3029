//! The types of parameters, without asking the server for what it calls them.

use diesel::pg::{PgMetadataLookup, PgTypeMetadata};

/// Stands in for the server: types of its own get numbers of ours, by name, so that the key of a
/// query needs no question and is the same on every copy of a database.
#[derive(Debug, Default)]
pub(super) struct Types {
    names: Vec<Box<str>>,
}

/// Types that come with the server have numbers below; those of ours begin here.
const FIRST: u32 = 0x8000_0000;

/// Whether this is the number of an array, of those that [`Types`] gives.
pub(super) fn is_array(oid: u32) -> bool {
    oid >= FIRST && (oid - FIRST) % 2 == 1
}

impl Types {
    /// The type's number, and its name appended to `sent` in a form that no other type has.
    pub(super) fn oid(&self, kind: &PgTypeMetadata, sent: &mut Vec<u8>) -> u32 {
        let oid = kind.oid().unwrap_or(0);
        match self.name(oid) {
            Some(name) => {
                sent.extend(u32::MAX.to_be_bytes());
                sent.extend((name.len() as u64).to_be_bytes());
                sent.extend(name.as_bytes());
            }
            None => sent.extend(oid.to_be_bytes()),
        }
        oid
    }

    fn name(&self, oid: u32) -> Option<&str> {
        let at = usize::try_from(oid.checked_sub(FIRST)?).ok()?;
        // A type and its array: two numbers for each name.
        self.names.get(at / 2).map(|name| &**name)
    }
}

impl PgMetadataLookup for Types {
    fn lookup_type(&mut self, type_name: &str, schema: Option<&str>) -> PgTypeMetadata {
        let name: Box<str> = match schema {
            Some(schema) => format!("{schema}\0{type_name}").into(),
            None => type_name.into(),
        };
        let known = self.names.iter().position(|it| *it == name);
        let at = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        let oid = u32::try_from(at)
            .ok()
            .and_then(|at| FIRST.checked_add(at.checked_mul(2)?))
            .unwrap_or(u32::MAX);
        PgTypeMetadata::new(oid, oid.saturating_add(1))
    }
}
