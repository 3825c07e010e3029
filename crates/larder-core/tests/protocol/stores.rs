use std::sync::Arc;

use larder_core::{
    BlockingStore, DependencyKey, Digest, EntryKey, MemoryStore, Moment,
    entry::{Content, Entry, Payload},
    store::{Registration, Request},
};
use larder_testkit::{conformance, fixture::Posts, model::ModelStore};

#[test]
fn the_memory_store_is_a_store() {
    conformance::check(|| MemoryStore::with_capacity_bytes(1 << 20));
}

#[test]
fn the_reference_store_is_a_store() {
    conformance::check(ModelStore::default);
}

#[test]
fn the_memory_store_stays_within_its_bounds() {
    let store = MemoryStore::with_bounds(64 << 10, 100, 32);
    for n in 0..2_000_u32 {
        let table = Posts::named(&format!("t{n}")).key;
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b9).to_le_bytes());
        let key = EntryKey {
            table: table.clone(),
            digest: Digest(bytes),
        };
        let dependency = DependencyKey {
            value: Some(Digest(bytes)),
            ..DependencyKey::any_row(table)
        };
        let stamp = larder_core::Stamp([n.to_le_bytes()[0]; 16]);
        let registration = Registration {
            dependency: dependency.clone(),
            shape: Some(stamp),
            value: Some(stamp),
        };
        let entry = Entry {
            content: Content::Decoded(Payload {
                value: Arc::new(n),
                bytes: 1_000,
            }),
            dependencies: Arc::new([]),
            stamps: Arc::new([]),
            created: Moment(0),
            expires: Moment(u64::MAX),
            cost: std::time::Duration::ZERO,
            call: Default::default(),
            extended: false,
            validated: Default::default(),
        };
        let batch = [
            Request::Register {
                registrations: vec![registration],
                ttl: std::time::Duration::from_secs(60),
            },
            Request::Put {
                key: &key,
                entry: Arc::new(entry),
                dependencies: &[dependency],
            },
        ];
        assert!(store.exec_blocking(Moment(1), &batch).is_ok());
    }
    let (entries, stamps, records) = store.counts();
    assert!(
        store.entry_bytes() <= 64 << 10,
        "{} bytes",
        store.entry_bytes()
    );
    assert!(entries > 20, "{entries} entries");
    assert!(stamps <= 100 && stamps > 20, "{stamps} stamps");
    assert!(records <= 32 && records > 8, "{records} records");
}

#[test]
fn payloads_never_push_out_records_or_stamps() {
    let store = MemoryStore::with_bounds(16 << 10, 100, 32);
    let query = Posts::default().by_author(1);
    let registration = Registration {
        dependency: query.dependencies[0].clone(),
        shape: Some(larder_core::Stamp([1; 16])),
        value: Some(larder_core::Stamp([2; 16])),
    };
    let ttl = std::time::Duration::from_secs(60);
    let register = Request::Register {
        registrations: vec![registration],
        ttl,
    };
    assert!(store.exec_blocking(Moment(0), &[register]).is_ok());
    for n in 0..100 {
        let entry = Entry {
            content: Content::Decoded(Payload {
                value: Arc::new(n),
                bytes: 4_000,
            }),
            dependencies: Arc::new([]),
            stamps: Arc::new([]),
            created: Moment(0),
            expires: Moment(u64::MAX),
            cost: std::time::Duration::ZERO,
            call: Default::default(),
            extended: false,
            validated: Default::default(),
        };
        let key = EntryKey {
            digest: Digest([n; 32]),
            ..query.entry.clone()
        };
        let put = Request::Put {
            key: &key,
            entry: Arc::new(entry),
            dependencies: &[],
        };
        assert!(store.exec_blocking(Moment(0), &[put]).is_ok());
    }
    let (entries, stamps, records) = store.counts();
    assert!(entries < 5);
    assert_eq!((stamps, records), (1, 1));
}
