//! Wrong settings: what a server objects to is an error of connecting, in words that name the
//! setting.

use larder_testkit::server::{RedisOptions, RedisSentinel, RedisServer, SentinelOptions};

use super::{SECRET, connect, refuse, small_cluster, small_sentinel};
use crate::{
    faces::check,
    urls::{address, patient, sentinel_url},
};

#[test]
fn a_login_that_the_server_refuses_is_a_wrong_setting() {
    let options = RedisOptions::default().settings(&[("requirepass", "right")]);
    let server = RedisServer::start_with(&options).unwrap();
    let password = format!(">{SECRET}");
    let off = ["ACL", "SETUSER", "gone", "off", "~*", "+@all", &password];
    server.command(&off).unwrap();
    let at = address(&server);
    for user in ["", "default", "nobody", "gone"] {
        // The second also chooses a database: that is refused as well, and not the reason.
        for path in ["", "/5"] {
            refuse(
                &patient(&format!("redis://{user}:{SECRET}@{at}{path}")),
                "the redis server refuses username and password: they are wrong, or the user is \
                 switched off",
            );
        }
    }
    for path in ["", "/5"] {
        refuse(
            &patient(&format!("redis://{at}{path}")),
            "the redis server asks for a password: set password, and username where the server \
             has ACL users",
        );
    }
}

#[test]
fn a_password_for_a_server_without_one_is_a_wrong_setting() {
    let server = RedisServer::start().unwrap();
    refuse(
        &patient(&format!("redis://:{SECRET}@{}", address(&server))),
        "the redis server has no password: leave password away, or set username where the server \
         has ACL users",
    );
}

#[test]
fn a_database_that_the_server_has_not_is_a_wrong_setting() {
    let options = RedisOptions::default().settings(&[("databases", "2")]);
    let server = RedisServer::start_with(&options).unwrap();
    for database in [2, u32::MAX] {
        refuse(
            &patient(&format!("redis://{}/{database}", address(&server))),
            "the redis server has no database of that number: lower database, or raise databases \
             in the server's configuration",
        );
    }
    check(&connect(patient(&format!(
        "redis://{}/1",
        address(&server)
    ))));
}

#[test]
fn a_server_of_another_kind_than_the_url_says_is_a_wrong_setting() {
    let server = RedisServer::start().unwrap();
    let sentinel = small_sentinel(&server, RedisOptions::sentinel());
    let node = small_cluster(RedisOptions::default());
    let [server, sentinel, node] = [&server, &sentinel, &node].map(address);
    refuse(
        &patient(&format!("redis+cluster://{server}")),
        "the redis server is no node of a cluster: write redis:// instead of redis+cluster://",
    );
    for path in ["", "/3"] {
        refuse(
            &patient(&format!("redis://{node}{path}")),
            "the redis server is a node of a cluster: write redis+cluster:// instead of redis://",
        );
    }
    refuse(
        &patient(&format!("redis://{sentinel}/3")),
        "the redis server is a sentinel: write redis+sentinel:// and the name of its service",
    );
    for other in [server, node] {
        refuse(
            &patient(&format!("redis+sentinel://{other}/larder")),
            "the redis server is no sentinel: name the sentinels, or write redis:// instead of \
             redis+sentinel://",
        );
    }
}

#[test]
fn sentinels_and_servers_have_passwords_of_their_own() {
    let options = SentinelOptions {
        server_password: Some(format!("{SECRET}-server")),
        sentinel_password: Some(format!("{SECRET}-sentinel")),
    };
    let service = RedisSentinel::start_with(&options).unwrap();
    let url = sentinel_url(&service).replace("://", &format!("://:{SECRET}-server@"));
    let config = |parameters: &str| patient(&format!("{url}{parameters}"));
    let store = connect(config(&format!("?sentinel_password={SECRET}-sentinel")));
    check(&store);
    assert!(!format!("{store:?} {store:#?}").contains(SECRET));

    refuse(
        &config(&format!("?sentinel_password={SECRET}-server")),
        "the sentinels refuse their username and password: they are wrong, or the user is \
         switched off",
    );
    refuse(
        &config(""),
        "the sentinels ask for a password: set that of the sentinels (in a URL \
         ?sentinel_password=..), and their username where they have ACL users",
    );
    let unknown = url.replace(RedisSentinel::SERVICE, "lardre");
    refuse(
        &patient(&format!("{unknown}?sentinel_password={SECRET}-sentinel")),
        "the sentinels do not know the service: write the name that their configuration monitors",
    );
    let other = url.replace(&format!("{SECRET}-server"), SECRET);
    refuse(
        &patient(&format!("{other}?sentinel_password={SECRET}-sentinel")),
        "the redis server refuses username and password: they are wrong, or the user is switched \
         off",
    );
}

#[test]
fn a_password_for_sentinels_without_one_is_a_wrong_setting() {
    let server = RedisServer::start().unwrap();
    let sentinel = small_sentinel(&server, RedisOptions::sentinel());
    let url = format!("redis+sentinel://{}/larder", address(&sentinel));
    refuse(
        &patient(&format!("{url}?sentinel_password={SECRET}")),
        "the sentinels have no password: leave that of the sentinels away, or set their username \
         where they have ACL users",
    );
}

#[cfg(not(feature = "tls"))]
#[test]
fn tls_without_the_feature_is_a_wrong_setting() {
    for (scheme, path) in [
        ("rediss", "/"),
        ("rediss+sentinel", "/larder"),
        ("rediss+cluster", "/"),
    ] {
        refuse(
            &patient(&format!("{scheme}://:{SECRET}@127.0.0.1:1{path}")),
            "TLS needs larder's feature redis-tls: switch it on, or write redis instead of rediss",
        );
    }
}
