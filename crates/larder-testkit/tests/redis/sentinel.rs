use larder_testkit::server::{RedisSentinel, SentinelOptions};

#[test]
fn replica_takes_over_from_a_killed_master() {
    check_failover(&SentinelOptions::default());
}

#[test]
fn servers_and_sentinels_have_passwords_of_their_own() {
    let options = SentinelOptions {
        server_password: Some("server".to_owned()),
        sentinel_password: Some("sentinel".to_owned()),
    };
    let group = check_failover(&options);
    assert!(group.servers()[0].url().starts_with("redis://:server@"));
    assert!(group.sentinels()[0].url().starts_with("redis://:sentinel@"));
}

fn check_failover(options: &SentinelOptions) -> RedisSentinel {
    let mut group = RedisSentinel::start_with(options).unwrap();
    assert_eq!(group.sentinel_ports().len(), 3);
    let ports: Vec<u16> = group.servers().iter().map(|s| s.port()).collect();
    assert_eq!(group.master_port().unwrap(), ports[0]);
    assert_eq!(group.kill_master().unwrap(), ports[0]);
    assert_eq!(group.wait_for_failover().unwrap(), ports[1]);
    group.servers()[1].command(&["SET", "key", "x"]).unwrap();
    group.restart_as_replica().unwrap();
    assert_eq!(group.master_port().unwrap(), ports[1]);
    let returned = &group.servers()[0];
    assert_eq!(returned.info("role").unwrap(), "slave");
    assert_eq!(returned.command(&["GET", "key"]).unwrap(), "x");
    group
}
