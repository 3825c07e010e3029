use std::time::Duration;

use proptest::prelude::*;

use crate::{HostPort, RedisConfig, SentinelConfig, TlsConfig, Topology};

fn server(host: &str, port: u16) -> RedisConfig {
    RedisConfig::new(Topology::standalone(host, port))
}

fn socket(path: &str) -> RedisConfig {
    RedisConfig::new(Topology::unix(path))
}

fn sentinels(sentinels: &[(&str, u16)]) -> SentinelConfig {
    let hosts = sentinels.iter();
    SentinelConfig::new(
        hosts.map(|(host, port)| HostPort::new(*host, *port)),
        "main",
    )
}

fn cluster(nodes: &[(&str, u16)]) -> RedisConfig {
    let nodes = nodes.iter();
    let nodes = nodes.map(|(host, port)| HostPort::new(*host, *port));
    RedisConfig::new(Topology::cluster(nodes))
}

fn check(table: &[(&str, RedisConfig)]) {
    for (url, expected) in table {
        let read = RedisConfig::from_url(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(&read, expected, "{url}");
    }
}

fn refuse(table: &[(&str, &str)]) {
    for (url, expected) in table {
        match RedisConfig::from_url(url) {
            Ok(read) => panic!("{url} is read as {read:?}"),
            Err(error) => assert_eq!(error.to_string(), *expected, "{url}"),
        }
    }
}

#[test]
fn a_server_has_a_host_and_may_have_the_rest() {
    let ours = || server("cache", 6379);
    check(&[
        ("redis://cache", ours()),
        ("redis://cache/", ours()),
        ("REDIS://cache?", ours()),
        ("redis://@cache/0", ours()),
        (
            "redis://cache:7000/3",
            server("cache", 7000).with_database(3),
        ),
        ("redis://[::1]", server("::1", 6379)),
        ("redis://[2001:db8::7]:7000", server("2001:db8::7", 7000)),
        ("redis://ca%63he", ours()),
        ("redis://redis_1.example:1", server("redis_1.example", 1)),
        ("redis://:pw@cache", ours().with_password("pw")),
        (
            "redis://app:pw@cache",
            ours().with_username("app").with_password("pw"),
        ),
        ("rediss://cache", ours().with_tls(TlsConfig::new())),
    ]);
}

#[test]
fn user_and_password_are_percent_decoded_and_a_plus_is_a_plus() {
    let ours = |user, password| {
        let config = server("cache", 6379).with_username(user);
        config.with_password(password)
    };
    check(&[
        (
            "redis://a%40b:p%2Fw%3f%23%25%40@cache",
            ours("a@b", "p/w?#%@"),
        ),
        ("redis://app:p:w+1@cache", ours("app", "p:w+1")),
        ("redis://%C3%A4:%E2%82%AC@cache", ours("ä", "€")),
    ]);
}

#[test]
fn a_socket_has_a_path_and_the_rest_as_parameters() {
    check(&[
        ("unix:///run/redis.sock", socket("/run/redis.sock")),
        ("redis+unix:///run/my%20redis%3D", socket("/run/my redis=")),
        (
            "unix:///s?db=1&user=app&pass=p@=/%23+",
            socket("/s")
                .with_database(1)
                .with_username("app")
                .with_password("p@=/#+"),
        ),
    ]);
}

#[test]
fn sentinels_have_a_port_of_their_own_and_a_service() {
    let ours = || sentinels(&[("a", 26379), ("b", 7000), ("::1", 26379)]);
    let config = |sentinels: SentinelConfig| RedisConfig::new(sentinels);
    let with_password = ours().with_username("watch").with_password("p");
    check(&[
        ("redis+sentinel://a,b:7000,[::1]/main", config(ours())),
        ("redis+sentinel://a,b:7000,[::1]/main/", config(ours())),
        (
            "redis+sentinel://a,b:7000,[::1]/m%61in/2",
            config(ours()).with_database(2),
        ),
        (
            "rediss+sentinel://app:pw@a,b:7000,[::1]/main?sentinel_username=watch&sentinel_password=p",
            config(with_password)
                .with_username("app")
                .with_password("pw")
                .with_tls(TlsConfig::new()),
        ),
    ]);
}

#[test]
fn a_cluster_has_nodes_and_no_database() {
    let ours = || cluster(&[("a", 6379), ("b", 7000)]);
    check(&[
        ("redis+cluster://a,b:7000", ours()),
        ("redis+cluster://:pw@a,b:7000/", ours().with_password("pw")),
        (
            "rediss+cluster://a,b:7000/0",
            ours().with_tls(TlsConfig::new()),
        ),
    ]);
}

#[test]
fn every_parameter_sets_its_field() {
    let tls = TlsConfig::new()
        .with_ca_file("/ca.pem")
        .with_client_files("/c.pem", "/k.pem")
        .with_server_name("shop");
    check(&[
        (
            "redis://cache?client_name=app-1&connect_timeout=2s&response_timeout=1m&hit_timeout=1h\
             &table_shards=8&compress_above=4096",
            server("cache", 6379)
                .with_client_name("app-1")
                .with_connect_timeout(Duration::from_secs(2))
                .with_response_timeout(Duration::from_secs(60))
                .with_hit_timeout(Duration::from_secs(3600))
                .with_table_shards(8)
                .with_compress_above(4096),
        ),
        (
            "redis://cache/?compress_above=0",
            server("cache", 6379).with_compress_above(None),
        ),
        (
            "rediss://cache?ca_file=/ca.pem&cert_file=/c.pem&key_file=%2Fk.pem&server_name=shop",
            server("cache", 6379).with_tls(tls),
        ),
    ]);
}

#[test]
fn a_scheme_that_is_not_known_is_refused_with_those_that_are() {
    for url in [
        "",
        "cache",
        "cache:6379",
        "redis:cache",
        "://cache",
        "http://cache",
        "redis ://h",
    ] {
        refuse(&[(url, super::UNKNOWN_SCHEME)]);
    }
}

#[test]
fn a_wrong_host_or_port_is_refused_without_being_repeated() {
    let empty = "a host is empty: write host or host:port";
    let port = "a port is not a number from 1 to 65535: write host:port, or host alone for the \
                usual port";
    let ipv6 = "a host with several : is no IPv6 address in brackets: write [::1]:6379";
    let character = "a host has a character that no host has: write host or host:port, with \
                     commas between several";
    refuse(&[
        ("redis://", empty),
        ("redis:///1", empty),
        ("redis://:6379", empty),
        ("redis://app:pw@", empty),
        ("redis+cluster://a,,b", empty),
        ("redis+sentinel://a,/main", empty),
        ("redis://cache:", port),
        ("redis://cache:0", port),
        ("redis://cache:65536", port),
        ("redis://cache:+1", port),
        ("redis://app:secret", port),
        ("redis://::1", ipv6),
        ("redis://[::1", ipv6),
        ("redis://[::1]6379", ipv6),
        ("redis://[::g]", ipv6),
        ("redis://[cache]:1", ipv6),
        ("redis://ca che", character),
        ("redis://ca%00che", character),
        ("redis://ca%che", character),
        ("redis+cluster://a, b", character),
    ]);
    refuse(&[(
        "redis://a,b",
        "a redis:// URL has one host: begin with redis+sentinel:// or redis+cluster:// for several",
    )]);
}

#[test]
fn a_character_that_should_have_been_encoded_is_named_with_its_code() {
    for url in [
        "redis://:pa@ss@cache",
        "redis://:pa/ss@cache",
        "redis://:pa?ss@cache",
        "redis://:pa#ss@cache",
        "redis://app:12/34@cache/1",
        "rediss+sentinel://:pa/ss@cache/main",
        "redis+cluster://:pw@a,:pw@b",
        "redis://cache?client_name=a@b",
    ] {
        refuse(&[(
            url,
            "the redis URL has an @ where none can be: inside the user name, the password and \
             every other part write @ / ? # as %40 %2F %3F %23",
        )]);
    }
    refuse(&[
        ("redis://cache/#1", "the redis URL has a #: write it as %23"),
        (
            "unix:///s?pass=a#b",
            "the redis URL has a #: write it as %23",
        ),
        (
            "redis://:100%sure@cache",
            "the password of the redis URL is not well percent-encoded: write % itself as %25",
        ),
        (
            "redis://a%:pw@cache",
            "the user name of the redis URL is not well percent-encoded: write % itself as %25",
        ),
        (
            "redis+sentinel://a/%FF",
            "the service of the redis URL is not well percent-encoded: write % itself as %25",
        ),
        (
            "unix:///%é",
            "the path of the redis URL is not well percent-encoded: write % itself as %25",
        ),
        (
            "unix:///s?pass=%2",
            "parameter pass of the redis URL is not well percent-encoded: write % itself as %25",
        ),
    ]);
}

#[test]
fn a_wrong_path_is_refused() {
    let database =
        "the database of the redis URL is not a number from 0: write it after the last /";
    let service = "no sentinel service is given: name the one that the sentinels watch, in a URL \
                   as redis+sentinel://host/service";
    let before = "the URL of a unix socket has something before its path: begin it with unix:/// \
                  and give the user name and password as ?user=..&pass=..";
    let socket = "the redis URL names no socket: write unix:///path/to/redis.sock";
    refuse(&[
        ("redis://cache/-1", database),
        ("redis://cache/+1", database),
        ("redis://cache/main", database),
        ("redis://cache/1/2", database),
        ("redis://cache/1/", database),
        ("redis://cache/4294967296", database),
        ("redis+sentinel://a/main/x", database),
        ("redis+cluster://a/x", database),
        (
            "redis+cluster://a/1",
            "a cluster has only database 0: leave the database away, and keep applications apart \
             by their namespaces",
        ),
        ("redis+sentinel://a", service),
        ("redis+sentinel://a/", service),
        ("redis+sentinel://a//1", service),
        ("unix://run/redis.sock", before),
        ("unix://app:pw@/run/redis.sock", before),
        ("unix://", socket),
        ("unix:///?db=1", socket),
        (
            "unix:///s&pass=secret",
            "the path of the unix socket has a & or =: begin the parameters with ?, or write & = \
             as %26 %3D",
        ),
    ]);
}

#[test]
fn half_a_login_is_refused() {
    let alone = "the user name has no password: give both, or the password alone for the default \
                 user (:password@ in a URL)";
    let empty = "the password is empty: leave it away, or set the variable that it comes from";
    refuse(&[
        ("redis://secret@cache", alone),
        ("unix:///s?user=app", alone),
        ("redis://:@cache", empty),
        ("redis://app:@cache", empty),
        (
            "redis+sentinel://a/main?sentinel_username=app",
            "the sentinel user name has no password: give both, or the password alone for the \
             default user (:password@ in a URL)",
        ),
    ]);
}

#[test]
fn a_wrong_parameter_is_refused_by_its_name() {
    refuse(&[
        (
            "redis://cache?hit_timeout=100",
            "parameter hit_timeout of the redis URL is no whole number with ms, s, m or h: write \
             it as 500ms",
        ),
        (
            "redis://cache?hit_timeout=0ms",
            "hit_timeout is not between 1ms and 1h: take a time in between",
        ),
        (
            "redis://cache?table_shards=65536",
            "parameter table_shards of the redis URL is not a whole number, or too large: write \
             digits alone",
        ),
        (
            "redis://cache?table_shards=1&table_shards=2",
            "parameter table_shards of the redis URL is given twice: keep one",
        ),
        (
            "redis://cache?client_name",
            "parameter client_name of the redis URL has no value: give it one, or leave it away",
        ),
        (
            "redis://cache?client_name=my%20app",
            "client_name is empty or has a character that redis forbids: take visible ASCII \
             without spaces",
        ),
        (
            "redis://cache?ca_file=/ca.pem",
            "parameter ca_file of the redis URL is about TLS: begin the URL with rediss, or leave \
             it away",
        ),
        (
            "rediss://cache?cert_file=/c.pem",
            "tls has a client certificate without its key, or a key without its certificate: give \
             both files or neither",
        ),
        (
            "redis://cache?sentinel_password=secret",
            "parameter sentinel_password of the redis URL is about sentinels: begin the URL with \
             redis+sentinel, or leave it away",
        ),
        (
            "redis://cache?db=1",
            "parameter db of the redis URL is about unix sockets: write user:password@ before the \
             host and the database after the last /",
        ),
    ]);
}

#[test]
fn an_unknown_parameter_is_not_repeated_and_a_near_name_is_offered() {
    let far = |position| {
        format!(
            "parameter {position} of the redis URL is unknown: known are client_name, \
             connect_timeout, response_timeout, hit_timeout, table_shards, compress_above, \
             ca_file, cert_file, key_file, server_name, sentinel_username, sentinel_password, db, \
             user, pass; in a value & is written %26"
        )
    };
    let near = |name| format!("parameter 1 of the redis URL is unknown: did you mean {name}?");
    refuse(&[
        ("redis://cache?protocol=3", &far(1)),
        ("redis://cache?=1", &far(1)),
        ("redis://cache?xy=1", &far(1)),
        ("unix:///s?pass=sec&retword", &far(2)),
        (
            "redis://cache?connect_timeouts=1s",
            &near("connect_timeout"),
        ),
        ("redis://cache?hit-timeout=1s", &near("hit_timeout")),
        ("redis://cache?Client-name=a", &near("client_name")),
        ("redis://cache?table-shard=2", &near("table_shards")),
        ("unix:///s?password=a", &far(1)),
        ("unix:///s?dbs=1", &near("db")),
    ]);
}

/// What tears a URL apart where it is not encoded.
const TEARING: &str = "-@/?#:%&=+,\\[\\] é";

/// Where passwords stand in URLs.
const PLACES: [(&str, &str); 7] = [
    ("redis://:", "@cache:6379/1?client_name=app"),
    ("rediss://app:", "@[::1]/1"),
    ("redis+sentinel://:", "@a:1,b/main/2?sentinel_password=p"),
    ("redis+cluster://app:", "@a,b:2"),
    (
        "redis+sentinel://a/main?client_name=b&sentinel_password=",
        "",
    ),
    ("unix:///run/redis.sock?pass=", "&db=1"),
    ("unix:///run/redis.sock?db=1&user=app&pass=", ""),
];

/// Passwords whose pieces appear in no text of ours and are no ports, with one of `between` after
/// each at most.
fn password(between: &str) -> impl Strategy<Value = Vec<String>> + use<> {
    let piece = format!("([A-Z]{{6}}|[0-9]{{6}})[{between}]?");
    let piece = proptest::string::string_regex(&piece).unwrap();
    prop::collection::vec(piece, 1..4)
}

/// Nothing that is said about the URL contains a piece of the password.
fn hides(url: &str, pieces: &[String]) -> Result<(), TestCaseError> {
    let said = match RedisConfig::from_url(url) {
        Ok(config) => format!("{config:?} {config:#?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    for piece in pieces {
        let piece: String = piece.chars().take(6).collect();
        prop_assert!(!said.contains(&piece), "{} shows {}", said, piece);
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_text_is_read_with_a_panic(text in any::<String>(), place in 0..PLACES.len()) {
        let (before, after) = PLACES[place];
        let (scheme, _) = before.split_once("://").unwrap();
        for url in [text.clone(), format!("{scheme}://{text}"), format!("{before}{text}{after}")] {
            let _ = RedisConfig::from_url(&url);
        }
    }

    #[test]
    fn no_password_is_shown_however_it_is_written(pieces in password(TEARING)) {
        let password = pieces.concat();
        for (before, after) in PLACES {
            hides(&format!("{before}{password}{after}"), &pieces)?;
        }
    }

    #[test]
    fn no_password_is_shown_when_a_character_before_the_host_is_wrong(
        // A second @ would make a host of what follows it, and a host may be shown.
        pieces in password(&TEARING.replace('@', "")),
        place in 0..4_usize,
        at in any::<prop::sample::Index>(),
        instead in "[-@/?#:%&=+, a]?",
    ) {
        let (before, after) = PLACES[place];
        // Up to the @, which is the one behind the password.
        let mut head: Vec<String> = format!("{before}{}@", pieces.concat())
            .chars()
            .map(String::from)
            .collect();
        // Inside a piece the piece itself would be another one.
        let is_piece = |text: &str| text.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
        let places: Vec<usize> = (0..head.len()).filter(|at| !is_piece(&head[*at])).collect();
        let at = *at.get(&places);
        head[at] = instead;
        hides(&format!("{}{}", head.concat(), &after[1..]), &pieces)?;
    }

    #[test]
    fn an_encoded_password_is_read_as_it_is(password in "\\PC{1,20}") {
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for (before, after) in PLACES {
            let config = RedisConfig::from_url(&format!("{before}{encoded}{after}")).unwrap();
            let own = config.password.as_ref();
            let sentinels = match &config.servers {
                Topology::Sentinel(sentinels) => sentinels.password.as_ref(),
                _ => None,
            };
            let found = own.or(sentinels).map(|secret| secret.expose());
            prop_assert_eq!(found, Some(&*password));
        }
    }
}
