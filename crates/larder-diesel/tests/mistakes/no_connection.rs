//! Something that is no connection, one that is only borrowed, and one that is wrapped already.

use diesel::SqliteConnection;
use larder_diesel::CachedConnection;
use larder_signals::Larder;

fn url(larder: &Larder) {
    let _ = larder.wrap("posts.db");
}

fn borrowed(larder: &Larder, connection: &mut SqliteConnection) {
    let _ = larder.wrap(connection);
}

fn twice(larder: &Larder, connection: CachedConnection<SqliteConnection>) {
    let _ = larder.wrap(connection);
}

fn main() {}
