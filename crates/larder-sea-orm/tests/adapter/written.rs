//! The written form of rows, for stores outside the process.

use std::{collections::BTreeMap, fmt::Debug};

use larder_core::{
    Codec,
    codec::{Reader, Writer},
};
use larder_sea_orm::CachedResult;
use sea_orm::{JsonValue, prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Sized { width: u8 },
}

/// Nothing of what it tells serde matters: a stored row must not lose a field that the
/// application's own JSON hides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CachedResult)]
#[larder(crate = "larder_sea_orm")]
#[serde(rename_all = "camelCase")]
struct Account {
    id: i64,
    #[serde(skip)]
    password_hash: String,
    #[serde(skip_serializing)]
    secret: Option<Vec<u8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Option<String>>,
    kind: Kind,
}

/// It needs no serde of its own.
#[derive(Clone, Debug, PartialEq, CachedResult)]
#[larder(crate = "larder_sea_orm")]
struct Everything {
    numbers: (i8, i16, i32, u16, u32, u64, bool, char),
    floats: (f32, f64),
    uuid: Uuid,
    decimal: Decimal,
    json: JsonValue,
    day: Date,
    time: Time,
    at: DateTimeWithTimeZone,
    at_time: TimeDateTimeWithTimeZone,
    lists: Vec<Vec<String>>,
    bytes: Vec<u8>,
    map: BTreeMap<String, Kind>,
}

#[derive(Clone, Debug, PartialEq, CachedResult)]
#[larder(crate = "larder_sea_orm")]
struct Pair(i32, Account);

#[derive(Clone, Debug, PartialEq, CachedResult)]
#[larder(local, crate = "larder_sea_orm")]
struct Handle {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CachedResult)]
#[larder(crate = "larder_sea_orm")]
struct Boxed<T> {
    inner: T,
}

/// What rows hide from the application's JSON is in their variants, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CachedResult)]
#[larder(crate = "larder_sea_orm")]
#[serde(rename_all = "lowercase")]
enum Found {
    Nobody,
    One(Account),
    Many { accounts: Vec<Account>, more: bool },
}

/// In serde, `Some(Settings(null))` is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settings(JsonValue);

#[derive(Clone, Debug, PartialEq, CachedResult)]
#[larder(crate = "larder_sea_orm")]
struct Nested {
    boxed: Box<Account>,
    by_name: BTreeMap<String, Account>,
    settings: Option<Settings>,
    found: Found,
}

fn account() -> Account {
    Account {
        id: -1,
        password_hash: "hash".into(),
        secret: Some(vec![0, 255]),
        note: Some(None),
        kind: Kind::Sized { width: 9 },
    }
}

fn written<T: CachedResult>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(Codec::MessagePack, &mut bytes);
    value.write_result(&mut writer).unwrap();
    bytes
}

fn comes_back<T: CachedResult + PartialEq + Debug>(value: &T) {
    let bytes = written(value);
    let back = T::read_result(&mut Reader::new(Codec::MessagePack, &bytes)).unwrap();
    assert_eq!(back, *value);
    for cut in 0..bytes.len() {
        let mut short = Reader::new(Codec::MessagePack, &bytes[..cut]);
        assert!(T::read_result(&mut short).is_err(), "{cut} bytes");
    }
}

#[test]
fn a_row_keeps_what_its_serde_attributes_hide() {
    comes_back(&account());
    comes_back(&Account {
        note: None,
        secret: None,
        kind: Kind::Plain,
        ..account()
    });
    comes_back(&Pair(7, account()));
    comes_back(&vec![account(), account()]);
    comes_back(&(account(), Some(account()), None::<Account>));
    comes_back(&Found::Nobody);
    comes_back(&Found::One(account()));
    let many = Found::Many {
        accounts: vec![account()],
        more: true,
    };
    comes_back(&many);
    comes_back(&Nested {
        boxed: Box::new(account()),
        by_name: BTreeMap::from([("a".to_owned(), account())]),
        settings: Some(Settings(JsonValue::Null)),
        found: many,
    });
}

#[test]
fn every_built_in_type_comes_back_exactly() {
    let at = DateTimeWithTimeZone::parse_from_rfc3339("2026-02-28T23:59:59.123456789+05:30");
    let at = at.unwrap();
    comes_back(&Everything {
        numbers: (i8::MIN, i16::MAX, -7, 9, u32::MAX, u64::MAX, true, 'é'),
        floats: (f32::MIN_POSITIVE, -0.0),
        uuid: Uuid::from_u128(u128::MAX / 3),
        decimal: Decimal::new(1_100, 3),
        json: r#"{"a": [1, -1, 1.5, null, {"b": "c"}], "z": 18446744073709551615}"#
            .parse()
            .unwrap(),
        day: at.date_naive(),
        time: at.time(),
        at,
        at_time: TimeDateTimeWithTimeZone::UNIX_EPOCH,
        lists: vec![vec![], vec!["a".into(), String::new()]],
        bytes: (0..=255).collect(),
        map: BTreeMap::from([("k".to_owned(), Kind::Plain)]),
    });
    // Equal to 1.1, but not the same.
    let decimal = Decimal::new(1_100, 3);
    let bytes = written(&decimal);
    let back = Decimal::read_result(&mut Reader::new(Codec::MessagePack, &bytes)).unwrap();
    assert_eq!(back.to_string(), "1.100");
    let zero = f64::read_result(&mut Reader::new(Codec::MessagePack, &written(&-0.0_f64)));
    assert!(zero.unwrap().is_sign_negative());
}

#[test]
fn bytes_are_written_as_bytes() {
    let blob = vec![200_u8; 1_000];
    assert_eq!(written(&blob).len(), 1_003);
}

#[test]
fn what_may_lose_something_has_no_written_form_and_weighs_as_it_is() {
    const {
        assert!(Account::STORABLE && Everything::STORABLE && Found::STORABLE);
        assert!(!Handle::STORABLE && !Boxed::<i32>::STORABLE);
        assert!(!<Vec<Handle>>::STORABLE && !<(i32, Option<Handle>)>::STORABLE);
    }
    let mut bytes = Vec::new();
    let mut writer = Writer::new(Codec::MessagePack, &mut bytes);
    let (handle, boxed) = (Handle { name: "a".into() }, Boxed { inner: account() });
    assert!(handle.write_result(&mut writer).is_err());
    assert!(boxed.write_result(&mut writer).is_err());
    // It is kept in the process, and must not seem too large for that.
    assert!((24..200).contains(&handle.result_bytes()));
    assert!((64..2_000).contains(&boxed.result_bytes()));
}
