//! Diesel, on SQLite: the same words from another adapter.

use ::diesel::{
    Connection, ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, RunQueryDsl as _,
    SqliteConnection,
    connection::SimpleConnection as _,
    dsl::{count_star, exists},
    select, sql_query,
};
use larder::{Larder, MemoryStore, Policy, diesel::CachedConnection};
use larder_sql::Dialect;
use larder_testkit::schema;

use super::Answers;

::diesel::table! {
    post (id) {
        id -> Integer,
        author_id -> Integer,
        title -> Text,
        views -> Integer,
    }
}

::diesel::table! {
    comment (id) {
        id -> Integer,
        post_id -> Integer,
        body -> Text,
    }
}

::diesel::table! {
    note (id) {
        id -> Integer,
        word -> Text,
    }
}

::diesel::joinable!(comment -> post (post_id));
::diesel::allow_tables_to_appear_in_same_query!(post, comment);

#[test]
fn answers_about_queries_of_diesel_read_like_answers() {
    let (_, mut db) = db();
    let mut answers = Answers::default();
    macro_rules! explain {
        ($question:literal, $query:expr) => {
            answers.add($question, db.explain(&$query).unwrap())
        };
    }
    explain!("a row by its key", post::table.find(1));
    explain!(
        "a list by a column",
        post::table.filter(post::author_id.eq(3)).order(post::id)
    );
    explain!(
        "a list of values",
        post::table.filter(post::author_id.eq_any([3, 4]))
    );
    explain!(
        "a count",
        post::table
            .filter(post::author_id.eq(3))
            .select(count_star())
    );
    explain!(
        "exists",
        select(exists(post::table.filter(post::author_id.eq(3))))
    );
    explain!(
        "a join",
        post::table
            .inner_join(comment::table.on(comment::post_id.eq(post::id)))
            .filter(post::id.eq(1))
            .select((post::title, comment::body))
    );
    explain!(
        "a table that nobody caches",
        note::table.filter(note::word.eq("Tea"))
    );
    explain!(
        "text",
        sql_query("SELECT title FROM post WHERE title = 'x'")
    );
    let outside = db.uncached(|db| db.explain(&post::table.find(1)).unwrap());
    answers.add("inside uncached", outside);
    let inside = db.transaction(|db| db.explain(&post::table.find(1)));
    answers.add("inside a transaction", inside.unwrap());

    let _: Vec<i32> = post::table
        .filter(post::author_id.eq(3))
        .select(post::id)
        .load(&mut db)
        .unwrap();
    explain!(
        "an update by key",
        ::diesel::update(post::table.find(1)).set(post::title.eq("x"))
    );
    explain!(
        "an insert",
        ::diesel::insert_into(post::table).values((post::author_id.eq(3), post::title.eq("x")))
    );
    explain!("a delete", ::diesel::delete(post::table.find(1)));
    answers.check("diesel.txt");
}

/// A database with the common schema, whose table `post` alone has a policy.
pub(crate) fn db() -> (Larder, CachedConnection<SqliteConnection>) {
    let larder = Larder::builder()
        .namespace("explain")
        .store(MemoryStore::with_capacity_bytes(1 << 20))
        .policy(
            "post",
            Policy::new().with_ttl(std::time::Duration::from_secs(60)),
        )
        .build()
        .unwrap();
    let mut plain = SqliteConnection::establish(":memory:").unwrap();
    for statement in schema::statements(Dialect::Sqlite) {
        plain.batch_execute(statement).unwrap();
    }
    let nobodys = "CREATE TABLE note (id INTEGER PRIMARY KEY, word TEXT NOT NULL COLLATE NOCASE)";
    plain.batch_execute(nobodys).unwrap();
    let db = larder.wrap(plain);
    (larder, db)
}
