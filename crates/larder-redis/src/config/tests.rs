use serde_json::{Value, from_str, from_value, json, to_value};

use super::*;

fn read(table: Value) -> Result<RedisConfig, String> {
    from_value(table).map_err(|error| error.to_string())
}

fn hosts(hosts: &[(&str, u16)]) -> Vec<HostPort> {
    let hosts = hosts.iter();
    hosts
        .map(|(host, port)| HostPort::new(*host, *port))
        .collect()
}

/// Every setting with another value than its default.
fn full() -> RedisConfig {
    let sentinels = SentinelConfig::new(hosts(&[("a", 26379), ("::1", 7)]), "main")
        .with_username("watcher-user")
        .with_password("watcher-password")
        .without_tls();
    let tls = TlsConfig::new()
        .with_ca_file("/ca.pem")
        .with_client_files("/c.pem", "/k.pem")
        .with_server_name("cache");
    let acknowledge = AcknowledgeReplicas::new(2, Duration::from_millis(50));
    RedisConfig::new(sentinels)
        .with_username("server-user")
        .with_password("server-password")
        .with_database(3)
        .with_client_name("app-1")
        .with_tls(tls)
        .with_connect_timeout(Duration::from_secs(2))
        .with_response_timeout(Duration::from_millis(1500))
        .with_hit_timeout(Duration::from_secs(120))
        .with_table_shards(16)
        .with_also_invalidate_shards([1, 4])
        .with_acknowledge_replicas(acknowledge)
        .with_compress_above(None)
        .with_blocking_connections_max(2)
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let config = RedisConfig::default();
    assert_eq!(config.servers, Topology::standalone("127.0.0.1", 6379));
    assert_eq!(config.connect_timeout, Duration::from_millis(500));
    assert_eq!(config.response_timeout, Duration::from_millis(500));
    assert_eq!(config.hit_timeout, Duration::from_millis(100));
    assert_eq!(
        (config.table_shards, config.compress_above),
        (1, Some(1024))
    );
    assert_eq!(config.blocking_connections_max, 8);
    config.validate().unwrap();
    full().validate().unwrap();
    assert_eq!(read(json!({})).unwrap(), config);
}

#[test]
fn debug_shows_neither_passwords_nor_user_names() {
    for shown in [format!("{:?}", full()), format!("{:#?}", full())] {
        for secret in [
            "server-user",
            "server-password",
            "watcher-user",
            "watcher-password",
        ] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("/ca.pem"), "{shown}");
    }
    assert_eq!(format!("{:?}", Secret::from("p")), "Secret(..)");
}

#[test]
fn settings_are_written_without_passwords_and_read_back() {
    let written = to_value(full()).unwrap();
    assert_eq!(
        written,
        json!({
            "servers": { "sentinel": {
                "sentinels": ["a:26379", "[::1]:7"],
                "service": "main",
                "username": "watcher-user",
                "tls": false,
            } },
            "username": "server-user",
            "database": 3,
            "client_name": "app-1",
            "tls": {
                "ca_file": "/ca.pem",
                "client_cert_file": "/c.pem",
                "client_key_file": "/k.pem",
                "server_name": "cache",
            },
            "connect_timeout": "2s",
            "response_timeout": "1500ms",
            "hit_timeout": "2m",
            "table_shards": 16,
            "also_invalidate_shards": [1, 4],
            "acknowledge_replicas": { "replicas": 2, "timeout": "50ms" },
            "compress_above": 0,
            "blocking_connections_max": 2,
        })
    );
    let mut without = full();
    without.password = None;
    if let Topology::Sentinel(sentinels) = &mut without.servers {
        sentinels.password = None;
    }
    assert_eq!(read(written).unwrap(), without);
}

#[test]
fn every_topology_is_read_back() {
    for servers in [
        Topology::standalone("cache", 1),
        Topology::standalone("2001:db8::7", 6379),
        Topology::unix("/run/redis.sock"),
        Topology::cluster(hosts(&[("a", 1), ("b", 2)])),
    ] {
        let config = RedisConfig::new(servers);
        assert_eq!(read(to_value(&config).unwrap()).unwrap(), config);
    }
}

#[test]
fn hosts_are_a_list_or_a_text_with_commas_and_have_their_usual_port() {
    let nodes = RedisConfig::new(Topology::cluster(hosts(&[("a", 6379), ("b", 7)])));
    for list in [json!(["a", "b:7"]), json!("a,b:7")] {
        let table = json!({ "servers": { "cluster": { "nodes": list } } });
        assert_eq!(read(table).unwrap(), nodes);
    }
    let table = json!({ "servers": { "sentinel": { "sentinels": "a", "service": "main" } } });
    let sentinels = SentinelConfig::new(hosts(&[("a", 26379)]), "main");
    assert_eq!(read(table).unwrap(), RedisConfig::new(sentinels));
}

#[test]
fn a_url_stands_for_the_whole_table() {
    let url = "redis://:pw@cache/1";
    assert_eq!(
        read(json!(url)).unwrap(),
        RedisConfig::from_url(url).unwrap()
    );
    let error = read(json!("redis://:pw@cache/x")).unwrap_err();
    assert!(
        error.starts_with("the database of the redis URL"),
        "{error}"
    );
    let all: [Result<RedisConfig, Error>; 3] =
        [url.parse(), url.try_into(), url.to_owned().try_into()];
    for read in all {
        assert_eq!(read.unwrap(), RedisConfig::from_url(url).unwrap());
    }
}

#[test]
fn unknown_settings_are_refused_at_every_level() {
    for table in [
        json!({ "hit_time": "1s" }),
        json!({ "tls": { "hit_time": 1 } }),
        json!({ "acknowledge_replicas": { "hit_time": 1 } }),
        json!({ "servers": { "sentinel": { "hit_time": 1 } } }),
        json!({ "servers": { "cluster": { "hit_time": 1 } } }),
    ] {
        let error = read(table).unwrap_err();
        assert!(
            error.starts_with("unknown field `hit_time`, expected"),
            "{error}"
        );
    }
}

#[test]
fn a_url_or_password_in_the_wrong_place_is_not_repeated() {
    let url = json!("redis://:secret@cache");
    for table in [
        json!({ "servers": url }),
        json!({ "servers": { "standalone": url } }),
        json!({ "servers": { "sentinel": url } }),
        json!({ "servers": { "sentinel": { "sentinels": url } } }),
        json!({ "servers": { "cluster": url } }),
        json!({ "servers": { "cluster": { "nodes": [url] } } }),
        json!({ "servers": { "cluster": { "nodes": ["app:secret@cache"] } } }),
        json!({ "tls": url }),
        json!({ "database": url }),
    ] {
        let error = read(table).unwrap_err();
        assert!(
            error.contains("own setting") && !error.contains("secret"),
            "{error}"
        );
    }
    for number in [
        "4711",
        "-4711",
        "4711.5",
        "true",
        "471147114711471147114711",
    ] {
        let error = from_str::<RedisConfig>(&format!("{{ \"password\": {number} }}")).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("a password is not text: put it in quotes"),
            "{error}"
        );
        assert!(!error.contains(number), "{error}");
    }
}

#[test]
fn durations_are_whole_numbers_with_a_unit() {
    for (text, milliseconds) in [("0ms", 0), ("500ms", 500), ("2s", 2000), ("15m", 900_000)] {
        let duration = Duration::from_millis(milliseconds);
        assert_eq!(text::duration(text), Some(duration));
        assert_eq!(text::duration_text(duration).as_deref(), Some(text));
    }
    assert_eq!(text::duration("90m"), text::duration("5400s"));
    assert_eq!(
        text::duration_text(Duration::from_secs(7200)).as_deref(),
        Some("2h")
    );
    for text in [
        "",
        "5",
        "ms",
        "-5ms",
        "+5s",
        "1.5s",
        "5 s",
        "5S",
        "5d",
        "5124095576031h",
    ] {
        assert_eq!(text::duration(text), None, "{text}");
    }
    assert_eq!(text::duration_text(Duration::from_micros(1500)), None);
    assert_eq!(text::duration_text(Duration::MAX), None);
    let error = read(json!({ "hit_timeout": "5" })).unwrap_err();
    assert_eq!(
        error,
        "a duration is no whole number with ms, s, m or h: write it as 500ms"
    );
}

fn refuse(config: &RedisConfig, expected: &str) {
    assert_eq!(config.validate().unwrap_err().to_string(), expected);
}

#[test]
fn times_of_zero_or_without_end_are_refused_by_name() {
    for time in [Duration::ZERO, Duration::from_micros(999), Duration::MAX] {
        let config = RedisConfig::default;
        let acknowledge = AcknowledgeReplicas::new(1, time);
        for (name, config) in [
            ("connect_timeout", config().with_connect_timeout(time)),
            ("response_timeout", config().with_response_timeout(time)),
            ("hit_timeout", config().with_hit_timeout(time)),
            (
                "acknowledge_replicas.timeout",
                config().with_acknowledge_replicas(acknowledge),
            ),
        ] {
            let expected = format!("{name} is not between 1ms and 1h: take a time in between");
            refuse(&config, &expected);
        }
    }
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    let config = RedisConfig::default;
    for shards in [0, 1025] {
        refuse(
            &config().with_table_shards(shards),
            "table_shards is not between 1 and 1024: take 1 unless a table is too busy for one \
             server",
        );
    }
    for also in [vec![1, 0], vec![1025], vec![1; 9]] {
        refuse(
            &config().with_also_invalidate_shards(also),
            "also_invalidate_shards is not a list of at most 8 numbers from 1 to 1024: name the \
             table_shards of the deploy that is going away",
        );
    }
    refuse(
        &config().with_acknowledge_replicas(AcknowledgeReplicas::new(0, TIMEOUT)),
        "acknowledge_replicas.replicas is zero: take at least 1, or leave acknowledge_replicas away",
    );
}

#[test]
fn servers_that_cannot_be_are_refused() {
    let refuse = |servers: Topology, expected| refuse(&RedisConfig::new(servers), expected);
    let a = || hosts(&[("a", 1)]);
    refuse(
        Topology::unix("redis.sock"),
        "the path of the unix socket is not absolute: begin it with /",
    );
    refuse(
        Topology::cluster([]),
        "no node of the cluster is given: name at least one as host:port",
    );
    refuse(
        SentinelConfig::new([], "main").into(),
        "no sentinel is given: name at least one as host:port",
    );
    refuse(
        SentinelConfig::new(a(), "my main").into(),
        "the sentinel service has a space or a control character: give the name that the \
         sentinels have",
    );
    refuse(
        SentinelConfig::new(a(), "main").with_password("").into(),
        "the sentinel password is empty: leave it away, or set the variable that it comes from",
    );
    refuse(
        Topology::standalone("[::1]", 1),
        "a host with several : is no IPv6 address in brackets: write [::1]:6379",
    );
    for everywhere in ["0.0.0.0", "::"] {
        refuse(
            Topology::standalone(everywhere, 1),
            "a host is 0.0.0.0 or ::, where servers listen and nobody connects: write 127.0.0.1, \
             or where the server is",
        );
    }
    refuse(
        Topology::cluster(hosts(&[("a", 1), ("b", 0)])),
        "a port is not a number from 1 to 65535: write host:port, or host alone for the usual port",
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let nodes = Topology::cluster(hosts(&[("a", 1)]));
    refuse(
        &RedisConfig::new(nodes).with_database(1),
        "a cluster has only database 0: leave the database away, and keep applications apart by \
         their namespaces",
    );
    refuse(
        &RedisConfig::new(Topology::unix("/s")).with_tls(TlsConfig::new()),
        "tls does not go with a unix socket: leave tls away",
    );
    let half = TlsConfig {
        client_key_file: Some("/k.pem".into()),
        ..TlsConfig::new()
    };
    refuse(
        &RedisConfig::default().with_tls(half),
        "tls has a client certificate without its key, or a key without its certificate: give \
         both files or neither",
    );
    refuse(
        &RedisConfig::default().with_username("").with_password("p"),
        "the user name is empty: leave it away for the default user",
    );
}
