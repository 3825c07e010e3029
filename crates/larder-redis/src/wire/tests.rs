use larder_testkit::fixture::Posts;
use proptest::prelude::*;

use super::*;

fn issued(number: u8, value: bool, widened: bool) -> Issued {
    Issued {
        incarnation: Incarnation(u128::from(number % 2) << 100),
        shape: Stamp([number; 16]),
        value: value.then_some(Stamp([number + 1; 16])),
        widened,
    }
}

fn made(payload: &[u8], dependencies: &[DependencyKey], extended: bool) -> Entry {
    let stamps = dependencies
        .iter()
        .zip(1..)
        .map(|(it, n)| issued(n, it.value.is_some(), false))
        .collect();
    Entry {
        content: Content::Encoded(Encoded {
            codec: Codec::MessagePack,
            fingerprint: u64::MAX - 7,
            bytes: payload.into(),
        }),
        dependencies: dependencies.into(),
        stamps,
        created: Moment(1_000),
        expires: Moment(u64::MAX),
        cost: Duration::from_micros(77),
        call: CallDigest([1, 2, 3, 4, 5, 6, 7, 8]),
        extended,
        validated: Default::default(),
    }
}

fn dependencies() -> Vec<DependencyKey> {
    let posts = Posts::default();
    let mut dependencies = posts.by_author(1).dependencies;
    dependencies.extend(Posts::named("tag").by_author(2).dependencies);
    dependencies.push(DependencyKey::any_row(posts.key));
    dependencies
}

fn same(found: Found, entry: &Entry) {
    let Found::Entry(found) = found else {
        panic!("no entry: {found:?}")
    };
    assert_eq!(found.stamps, entry.stamps);
    assert_eq!(found.dependencies, entry.dependencies);
    assert_eq!(
        (found.created, found.expires, found.cost, found.extended),
        (entry.created, entry.expires, entry.cost, entry.extended)
    );
    assert_eq!(found.call, entry.call);
    match (&found.content, &entry.content) {
        (Content::Encoded(found), Content::Encoded(entry)) => {
            assert_eq!(found.bytes, entry.bytes);
            assert_eq!(found.fingerprint, entry.fingerprint);
        }
        other => panic!("not encoded: {other:?}"),
    }
}

#[test]
fn what_is_written_is_read_back_compressed_or_not() {
    let text = b"the same words, ".repeat(200);
    let entry = made(&text, &dependencies(), false);
    let plain = write(&entry, None).unwrap();
    let small = write(&entry, Some(1_024)).unwrap();
    assert!(small.len() < plain.len() / 5);
    same(read(&plain, &dependencies()), &entry);
    same(read(&small, &dependencies()), &entry);
    assert_eq!(created(&small[..AGE_BYTES]), Some(Moment(1_000)));
    // Zero is "never", as in a configuration file.
    assert_eq!(write(&entry, Some(0)).unwrap(), plain);
}

#[test]
fn an_operation_says_itself_what_it_rests_on() {
    let entry = made(b"x", &dependencies(), true);
    let bytes = write(&entry, None).unwrap();
    same(read(&bytes, &[]), &entry);
}

#[test]
fn a_widened_dependency_is_read_as_what_it_was_widened_to() {
    let mut entry = made(b"x", &dependencies()[..1], false);
    entry.stamps = [issued(1, false, true)].into();
    let bytes = write(&entry, None).unwrap();
    let Found::Entry(found) = read(&bytes, &dependencies()[..1]) else {
        panic!("no entry")
    };
    assert_eq!(*found.dependencies, [dependencies()[0].widened()]);
}

#[test]
fn what_another_version_wrote_is_left_to_it() {
    let mut bytes = write(&made(b"x", &dependencies(), false), None).unwrap();
    for other in [1, FORMAT + 1] {
        bytes[3] = other;
        assert!(matches!(read(&bytes, &dependencies()), Found::Foreign));
        assert_eq!(created(&bytes), None);
    }
    // A codec that this build does not have.
    let mut bytes = write(&made(b"x", &dependencies(), false), None).unwrap();
    bytes[4] = 99;
    let sum = checksum(&bytes).unwrap().to_le_bytes();
    bytes[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&sum);
    assert!(matches!(read(&bytes, &dependencies()), Found::Foreign));
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let entry = made(&b"payload ".repeat(300), &dependencies(), true);
    let bytes = write(&entry, Some(1_024)).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let found = read(&damaged, &dependencies());
        assert!(!matches!(found, Found::Entry(_)), "byte {at}");
        assert!(matches!(
            read(&bytes[..at], &dependencies()),
            Found::Damaged
        ));
    }
}

#[test]
fn a_get_by_key_carries_103_bytes_beside_its_payload() {
    let entry = made(b"", &dependencies()[..1], false);
    assert_eq!(write(&entry, None).unwrap().len(), 103);
}

proptest! {
    #[test]
    fn any_bytes_are_something_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, &dependencies());
        // With a checksum that fits, the rest must hold as well.
        let mut fitting = [b"lrd\x02", bytes.as_slice()].concat();
        if let Some(sum) = checksum(&fitting) {
            fitting[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&sum.to_le_bytes());
        }
        let _ = read(&fitting, &dependencies());
        let _ = created(&bytes);
    }
}

#[test]
fn the_first_bytes_say_what_people_ask_of_an_entry() {
    let text = b"the same words, ".repeat(200);
    let entry = made(&text, &dependencies(), false);
    let written = write(&entry, Some(1_024)).unwrap();
    let said = header(&written[..HEADER_BYTES]).unwrap();
    assert_eq!(
        (said.created, said.expires, said.cost),
        (entry.created, entry.expires, entry.cost)
    );
    assert_eq!(said.result_bytes, 3_200);
    assert_eq!(said.dependencies, entry.stamps.len());
    assert_eq!(header(&written[..HEADER_BYTES - 5]), None);
    let mut foreign = written;
    foreign[3] += 1;
    assert_eq!(header(&foreign), None);
}
