//! TLS: whom to trust, who we are, and which files are none.

use std::{fs, path::PathBuf};

use larder_redis::{HostPort, RedisConfig, SentinelConfig, TlsConfig};
use larder_testkit::server::{RedisOptions, RedisServer, RedisTls};

use super::{connect, refuse, small_cluster, small_sentinel};
use crate::{
    faces::{Tasks, check, has, put, runtime},
    urls::{address, patient},
};

const UNKNOWN_AUTHORITY: &str = "the certificate of the redis server is signed by no authority \
                                 that is trusted: set ca_file to that of its own";
const NOT_TRUSTED: &str = "the redis server asks for a client certificate that it trusts: set \
                           client_cert_file and client_key_file (in a URL cert_file and key_file)";

fn start(settings: &[(&str, &str)]) -> RedisServer {
    RedisServer::start_with(&RedisOptions::default().tls().settings(settings)).unwrap()
}

fn files(server: &RedisServer) -> &RedisTls {
    server.tls().unwrap()
}

/// With these settings of TLS instead of those of the URL.
fn config(url: &str, tls: TlsConfig) -> RedisConfig {
    patient(url).with_tls(tls)
}

/// Trusts the authority of this server.
fn trusting(server: &RedisServer) -> TlsConfig {
    TlsConfig::new().with_ca_file(files(server).ca_pem())
}

fn ours(server: &RedisServer, tls: TlsConfig) -> TlsConfig {
    let files = files(server);
    tls.with_client_files(files.client_cert_pem(), files.client_key_pem())
}

#[test]
fn a_server_whose_authority_is_known_is_reached_by_name_and_by_address() {
    let server = start(&[]);
    let ca_file = files(&server).ca_pem().display().to_string();
    let port = server.port();
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("rediss://{host}:{port}/2?ca_file={ca_file}");
        check(&connect(patient(&url)));
    }
}

#[test]
fn a_certificate_of_ours_is_shown_where_it_is_asked_for() {
    // Both of them, since they refuse at different moments.
    for protocol in ["TLSv1.2", "TLSv1.3"] {
        let server = start(&[("tls-auth-clients", "yes"), ("tls-protocols", protocol)]);
        let tls = trusting(&server);
        refuse(&config(&server.url(), tls.clone()), NOT_TRUSTED);
        let tls = ours(&server, tls);
        check(&connect(config(&server.url(), tls.clone())));
        let stranger = start(&[]);
        let strange = ours(&stranger, trusting(&server));
        refuse(&config(&server.url(), strange), NOT_TRUSTED);
    }
}

#[test]
fn an_authority_that_is_not_the_servers_is_a_wrong_setting() {
    let (server, other) = (start(&[]), start(&[]));
    // The second: those of the system.
    for tls in [trusting(&other), TlsConfig::new()] {
        refuse(&config(&server.url(), tls), UNKNOWN_AUTHORITY);
    }
}

#[test]
fn a_host_that_the_certificate_does_not_name_is_a_wrong_setting() {
    let server = start(&[("bind", "127.0.0.1 127.0.0.2")]);
    let url = format!("rediss://127.0.0.2:{}", server.port());
    refuse(
        &config(&url, trusting(&server)),
        "the certificate of the redis server is for another host: write a host that it names, or \
         set server_name to one",
    );
}

#[test]
fn a_server_that_is_reached_by_another_name_is_told_by_the_one_that_it_bears() {
    let server = start(&[("bind", "127.0.0.1 127.0.0.2")]);
    let url = format!("rediss://127.0.0.2:{}", server.port());
    for name in ["localhost", "127.0.0.1"] {
        let tls = trusting(&server).with_server_name(name);
        check(&connect(config(&url, tls)));
        let ca_file = files(&server).ca_pem().display().to_string();
        let url = format!("{url}?ca_file={ca_file}&server_name={name}");
        check(&connect(patient(&url)));
    }
    // And by no other, where the host would do.
    refuse(
        &config(&server.url(), trusting(&server).with_server_name("cache")),
        "the certificate of the redis server is for another host: write a host that it names, or \
         set server_name to one",
    );
    refuse(
        &config(&server.url(), trusting(&server).with_server_name("no name")),
        "server_name is no host name and no address: write the name that the certificate of the \
         redis servers bears",
    );
}

#[test]
fn connections_that_were_cut_are_made_anew() {
    let server = start(&[]);
    let store = connect(config(&server.url(), trusting(&server)));
    let runtime = runtime();
    let tasks = Tasks(store.clone(), &runtime);
    put(&store);
    for _ in 0..3 {
        assert!(has(&store) && has(&tasks));
        let cut = ["CLIENT", "KILL", "TYPE", "normal"];
        server.command(&cut).unwrap();
    }
}

#[test]
fn sentinels_have_the_tls_of_the_servers_or_none() {
    let server = start(&[]);
    let watching = RedisOptions::sentinel()
        .tls()
        .settings(&[("tls-replication", "yes")]);
    // Its authority is another, so the file holds both.
    let sentinel = small_sentinel(&server, watching);
    let both = files(&server).ca_pem().with_file_name("both.pem");
    let pem = |server| fs::read_to_string(files(server).ca_pem()).unwrap();
    fs::write(&both, pem(&server) + &pem(&sentinel)).unwrap();
    let url = format!("rediss+sentinel://{}/larder", address(&sentinel));
    check(&connect(config(&url, TlsConfig::new().with_ca_file(both))));

    let plain = small_sentinel(&server, RedisOptions::sentinel());
    let sentinels = [HostPort::new("127.0.0.1", plain.port())];
    let servers = SentinelConfig::new(sentinels, "larder").without_tls();
    let mut config = config("rediss://localhost", trusting(&server));
    config.servers = servers.into();
    check(&connect(config));
}

#[test]
fn nodes_of_a_cluster_are_reached_by_the_name_that_they_announce() {
    let settings = [
        ("tls-cluster", "yes"),
        ("cluster-announce-hostname", "localhost"),
        ("cluster-preferred-endpoint-type", "hostname"),
    ];
    let node = small_cluster(RedisOptions::default().tls().settings(&settings));
    let slots = node.command(&["CLUSTER", "SLOTS"]).unwrap();
    assert!(slots.contains("localhost"), "{slots}");
    let url = format!("rediss+cluster://{}", address(&node));
    check(&connect(config(&url, trusting(&node))));
}

#[test]
fn files_that_are_missing_or_hold_something_else_are_named() {
    let server = start(&[]);
    let (files, nowhere) = (files(&server), PathBuf::from("/nowhere/at.pem"));
    let (certificate, key) = (files.client_cert_pem(), files.client_key_pem());
    let text = files.ca_pem().with_file_name("notes.txt");
    fs::write(&text, "no PEM at all").unwrap();
    let broken = files.ca_pem().with_file_name("broken.pem");
    fs::write(
        &broken,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let refuse = |tls, expected| refuse(&config(&server.url(), tls), expected);
    let ca = |file: &PathBuf| TlsConfig::new().with_ca_file(file);
    let client =
        |certificate: &PathBuf, key: &PathBuf| TlsConfig::new().with_client_files(certificate, key);
    refuse(ca(&nowhere), "the file of ca_file cannot be read");
    for file in [&text, &broken, &key] {
        refuse(
            ca(file),
            "the file of ca_file holds no certificate in PEM: take that of the authority that \
             signed the server's",
        );
    }
    refuse(
        client(&nowhere, &key),
        "the file of client_cert_file cannot be read",
    );
    refuse(
        client(&certificate, &nowhere),
        "the file of client_key_file cannot be read",
    );
    refuse(
        client(&text, &key),
        "the file of client_cert_file holds no certificate in PEM",
    );
    refuse(
        client(&certificate, &text),
        "the file of client_key_file holds no private key in PEM",
    );
    let other = start(&[]);
    refuse(
        client(&certificate, &other.tls().unwrap().client_key_pem()),
        "the key of client_key_file does not belong to the certificate of client_cert_file, or is \
         of a kind that cannot be used",
    );
}
