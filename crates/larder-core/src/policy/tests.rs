use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn minutes(minutes: u32) -> Policy {
    Policy::new().with_ttl(MINUTE * minutes)
}

fn compose(tables: &[Option<&Policy>], default: Option<&Policy>) -> Result<Duration, String> {
    ask(tables, default, None)
}

fn ask(
    tables: &[Option<&Policy>],
    default: Option<&Policy>,
    asked: Option<Duration>,
) -> Result<Duration, String> {
    effective_policy(tables.iter().copied(), default, Operation::Fetch)
        .map_err(BypassReason::Uncacheable)
        .and_then(|policy| policy.ttl(asked))
        .map_err(|reason| reason.to_string())
}

#[test]
fn without_a_policy_on_the_first_table_nothing_is_cached() {
    let other = minutes(5);
    let nobody = Err("no policy caches this operation".into());
    assert_eq!(compose(&[], None), nobody);
    assert_eq!(compose(&[None, Some(&other)], None), nobody);
}

#[test]
fn the_smallest_ttl_of_the_tables_policies_counts() {
    let (first, second) = (minutes(15), minutes(2));
    assert_eq!(
        compose(&[Some(&first), Some(&second)], None),
        Ok(MINUTE * 2)
    );
    assert_eq!(
        compose(&[Some(&second), Some(&first)], None),
        Ok(MINUTE * 2)
    );
}

#[test]
fn a_table_without_policy_neither_forbids_nor_shortens() {
    let first = minutes(15);
    assert_eq!(compose(&[Some(&first), None, None], None), Ok(MINUTE * 15));
}

#[test]
fn the_default_policy_stands_for_every_table_without_its_own() {
    let (default, own) = (minutes(3), minutes(15));
    assert_eq!(compose(&[None], Some(&default)), Ok(MINUTE * 3));
    assert_eq!(compose(&[Some(&own), None], Some(&default)), Ok(MINUTE * 3));
    assert_eq!(compose(&[Some(&own)], Some(&default)), Ok(MINUTE * 15));
    assert_eq!(
        compose(&[Some(&Policy::new())], Some(&default)),
        Ok(MINUTE * 3)
    );
}

#[test]
fn never_on_any_table_forbids() {
    let (first, never) = (minutes(15), Policy::never());
    assert_eq!(
        compose(&[Some(&first), Some(&never)], None),
        Err("policy says never".into())
    );
    assert_eq!(
        compose(&[Some(&never)], Some(&first)),
        Err("policy says never".into())
    );
    assert_eq!(
        compose(&[Some(&never)], None),
        Err("policy says never".into())
    );
}

#[test]
fn a_ttl_must_come_from_somewhere_and_zero_caches_nothing() {
    let zero = minutes(0);
    assert_eq!(
        compose(&[Some(&Policy::new())], None),
        Err("policy without a ttl".into())
    );
    assert_eq!(compose(&[Some(&zero)], None), Err("ttl is zero".into()));
}

#[test]
fn a_query_that_names_its_ttl_needs_no_policy_but_never_stays_never() {
    let asked = Some(MINUTE);
    let (long, never) = (minutes(15), Policy::never());
    assert_eq!(ask(&[None], None, asked), Ok(MINUTE));
    assert_eq!(ask(&[None, Some(&long)], None, asked), Ok(MINUTE));
    assert_eq!(ask(&[Some(&Policy::new())], None, asked), Ok(MINUTE));
    assert_eq!(ask(&[Some(&minutes(0))], None, asked), Ok(MINUTE));
    assert_eq!(
        ask(&[None, Some(&never)], None, asked),
        Err("policy says never".into())
    );
    assert_eq!(
        ask(&[Some(&long)], None, Some(Duration::ZERO)),
        Err("ttl is zero".into())
    );
}

/// A later statement of an operation.
#[test]
fn a_part_is_as_short_lived_as_any_of_its_tables() {
    let (long, short) = (minutes(15), minutes(2));
    let counts = minutes(1).with_operations([Operation::Count]);
    let part = |tables: &[Option<&Policy>], asked| {
        effective_policy(tables.iter().copied(), None, Operation::Fetch).map(|policy| {
            policy
                .ttl_of_part(asked)
                .map_err(|reason| reason.to_string())
        })
    };
    assert_eq!(part(&[None], None), Ok(Ok(Duration::MAX)));
    assert_eq!(
        part(&[None, Some(&long), Some(&short)], None),
        Ok(Ok(MINUTE * 2))
    );
    assert_eq!(part(&[Some(&long), None], None), Ok(Ok(MINUTE * 15)));
    assert_eq!(part(&[Some(&short)], Some(MINUTE * 9)), Ok(Ok(MINUTE * 9)));
    // Its first statement is what the caller asked for.
    assert_eq!(part(&[Some(&counts)], None), Ok(Ok(MINUTE)));
    assert_eq!(
        part(&[Some(&minutes(0))], None),
        Ok(Err("ttl is zero".into()))
    );
    assert!(part(&[None, Some(&Policy::never())], None).is_err());
}

#[test]
fn the_first_table_governs_the_operations() {
    let counts = minutes(1).with_operations([Operation::Count]);
    let open = minutes(1);
    let compose = |first, second, operation| {
        effective_policy([Some(first), Some(second)], None, operation)
            .is_ok_and(|policy| policy.ttl(None).is_ok())
    };
    assert!(compose(&counts, &open, Operation::Count));
    assert!(!compose(&counts, &open, Operation::Get));
    assert!(compose(&open, &counts, Operation::Get));
}

#[test]
fn one_local_table_keeps_the_result_in_this_process() {
    let (local, open) = (minutes(1).local(), minutes(1));
    let is_local = |tables: [&Policy; 2]| {
        effective_policy(tables.map(Some), None, Operation::Get).is_ok_and(|policy| policy.local)
    };
    assert!(is_local([&local, &open]));
    assert!(is_local([&open, &local]));
    assert!(!is_local([&open, &open]));
}

#[test]
fn the_first_table_shares_flights_and_every_table_must_allow_stale_results() {
    let second = Duration::from_secs(1);
    let leeway = |tables: &[Option<&Policy>], default: Option<&Policy>| {
        effective_policy(tables.iter().copied(), default, Operation::Fetch)
            .expect("nothing forbids it")
            .leeway
    };
    let eager = Policy::new()
        .shared_flight()
        .early_refresh()
        .allow_stale(second * 9);
    let stale = Policy::new().allow_stale(second * 3);
    let plain = Policy::new();
    let one = leeway(&[Some(&eager), Some(&stale)], None);
    assert!(one.shared_flight && one.early_refresh);
    assert_eq!(one.allow_stale, second * 3);
    let other = leeway(&[Some(&stale), Some(&eager)], None);
    assert!(!other.shared_flight && !other.early_refresh);
    assert_eq!(other.allow_stale, second * 3);
    for tables in [[Some(&eager), Some(&plain)], [Some(&eager), None]] {
        assert_eq!(leeway(&tables, None).allow_stale, Duration::ZERO);
    }
    assert_eq!(leeway(&[None, None], Some(&stale)).allow_stale, second * 3);
    assert_eq!(leeway(&[None], None), Leeway::default());
}
