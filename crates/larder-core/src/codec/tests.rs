use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Detail {
    label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, i64>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    id: i64,
    details: Vec<Detail>,
}

static ROW: ResultCodec = ResultCodec {
    fingerprint: 7,
    write: |value, to| {
        let row = value.downcast_ref::<Row>().ok_or(Unwritable)?;
        to.record(2)?;
        to.name("id")?;
        to.serde(&row.id)?;
        to.name("details")?;
        to.list(row.details.len())?;
        row.details.iter().try_for_each(|detail| to.serde(detail))
    },
    read: |from| {
        from.record(2)?;
        from.name("id")?;
        let id = from.serde()?;
        from.name("details")?;
        let len = from.list()?;
        let mut details = from.room(len);
        for _ in 0..len {
            details.push(from.serde()?);
        }
        Ok(Arc::new(Row { id, details }))
    },
};

fn row() -> Row {
    let rest = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), -2)]);
    let detail = Detail {
        label: "é".into(),
        note: None,
        rest,
    };
    Row {
        id: i64::MIN,
        details: vec![detail, Detail::default()],
    }
}

fn decoded(encoded: &Encoded) -> Option<Row> {
    let payload = ROW.decode(encoded).ok()?;
    payload.value.downcast_ref::<Row>().cloned()
}

#[test]
fn what_is_written_is_read_back() {
    let encoded = ROW.encode(&row(), Codec::MessagePack).unwrap();
    assert_eq!(decoded(&encoded), Some(row()));
    // The names are in it, for whoever looks at an entry from outside.
    assert!(encoded.bytes.windows(7).any(|bytes| bytes == b"details"));
}

#[test]
fn a_type_of_another_fingerprint_is_not_read() {
    let encoded = ROW.encode(&row(), Codec::MessagePack).unwrap();
    let other = Encoded {
        fingerprint: 8,
        ..encoded
    };
    assert!(ROW.decode(&other).is_err());
}

#[test]
fn bytes_after_the_end_are_an_error() {
    let encoded = ROW.encode(&row(), Codec::MessagePack).unwrap();
    let longer = Encoded {
        bytes: [&encoded.bytes[..], &[0xc0]].concat().into(),
        ..encoded
    };
    assert!(ROW.decode(&longer).is_err());
}

#[test]
fn a_value_of_another_type_is_not_written() {
    assert!(ROW.encode(&"no row", Codec::MessagePack).is_err());
}

#[test]
fn every_codec_is_found_by_its_number() {
    assert_eq!(
        Codec::of_id(Codec::MessagePack.id()),
        Some(Codec::MessagePack)
    );
    assert_eq!(Codec::of_id(0), None);
    assert_eq!(Codec::of_id(99), None);
}

#[cfg(feature = "bincode")]
#[test]
fn bincode_refuses_at_the_fill_what_it_could_not_read_back() {
    assert_eq!(
        ROW.encode(&row(), Codec::Bincode).unwrap_err(),
        Unwritable,
        "flatten needs a format that describes itself"
    );
    let plain = Row {
        details: Vec::new(),
        ..row()
    };
    let encoded = ROW.encode(&plain, Codec::Bincode).unwrap();
    assert_eq!(decoded(&encoded), Some(plain));
    assert_eq!(Codec::of_id(Codec::Bincode.id()), Some(Codec::Bincode));
}

proptest! {
    #[test]
    fn damaged_bytes_are_read_as_something_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        cut in 0..64_usize,
    ) {
        let whole = ROW.encode(&row(), Codec::MessagePack).unwrap();
        let cut = &whole.bytes[..cut.min(whole.bytes.len() - 1)];
        for damaged in [bytes.as_slice(), cut] {
            let encoded = Encoded { bytes: damaged.into(), ..whole.clone() };
            let _ = ROW.decode(&encoded);
        }
        let short = Encoded { bytes: cut.into(), ..whole.clone() };
        prop_assert!(ROW.decode(&short).is_err());
    }
}
