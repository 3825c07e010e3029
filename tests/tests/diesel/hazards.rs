//! What connections are put through that does not go by the book: transactions that are opened
//! inside, deadlocks, futures that are given up or awaited late; and values, byte by byte.

use diesel::{
    Connection, ExpressionMethods, MysqlConnection, QueryDsl, QueryableByName, SqliteConnection,
    connection::{AnsiTransactionManager, TransactionManager},
    sql_query,
    sql_types::Integer,
};
use larder::diesel::{CachedAsyncConnection, CachedConnection};
use larder_testkit::server::wait_until;

use crate::{
    lab::{Backend, Base, larder},
    model::schema::post,
};

mod blocking {
    use diesel::{OptionalExtension, RunQueryDsl};

    use super::*;

    macro_rules! title {
        ($c:expr, $id:expr) => {{
            let query = post::table.find($id).select(post::title);
            query.first::<String>($c).unwrap()
        }};
    }

    fn sqlite(base: &Base, larder: &larder::Larder) -> CachedConnection<SqliteConnection> {
        let inner = SqliteConnection::establish(&base.url).unwrap();
        CachedConnection::wrap(larder, inner, &base.config())
    }

    #[test]
    fn transaction_that_was_opened_inside_is_not_cached_from() {
        let (base, larder) = (Base::start(Backend::Sqlite), larder());
        let (mut a, mut b) = (sqlite(&base, &larder), sqlite(&base, &larder));
        assert_eq!(title!(&mut a, 5), "five");
        a.inner_mut_uncached().begin_test_transaction().unwrap();
        diesel::update(post::table.find(5))
            .set(post::title.eq("uncommitted"))
            .execute(&mut a)
            .unwrap();
        assert_eq!(title!(&mut a, 5), "uncommitted");
        assert_eq!(title!(&mut b, 5), "five");
    }

    #[test]
    fn transaction_that_was_opened_inside_invalidates_after_commit() {
        let (base, larder) = (Base::start(Backend::Sqlite), larder());
        let (mut a, mut b) = (sqlite(&base, &larder), sqlite(&base, &larder));
        assert_eq!(title!(&mut a, 5), "five");
        AnsiTransactionManager::begin_transaction_sql(a.inner_mut_uncached(), "BEGIN IMMEDIATE")
            .unwrap();
        diesel::update(post::table.find(5))
            .set(post::title.eq("committed"))
            .execute(&mut a)
            .unwrap();
        assert_eq!(title!(&mut b, 5), "five");
        <CachedConnection<SqliteConnection> as Connection>::TransactionManager::commit_transaction(
            &mut a,
        )
        .unwrap();
        assert_eq!(title!(&mut b, 5), "committed");
    }

    #[test]
    fn connection_that_is_taken_out_of_its_wrapper_may_still_commit() {
        let (base, larder) = (Base::start(Backend::Sqlite), larder());
        let (mut a, mut b) = (sqlite(&base, &larder), sqlite(&base, &larder));
        assert_eq!(title!(&mut a, 5), "five");
        <CachedConnection<SqliteConnection> as Connection>::TransactionManager::begin_transaction(
            &mut a,
        )
        .unwrap();
        diesel::update(post::table.find(5))
            .set(post::title.eq("committed"))
            .execute(&mut a)
            .unwrap();
        let mut inner = a.into_inner();
        assert_eq!(title!(&mut b, 5), "five");
        AnsiTransactionManager::commit_transaction(&mut inner).unwrap();
        assert_eq!(title!(&mut b, 5), "committed");
    }

    #[test]
    fn read_that_a_deadlock_ended_ends_the_transaction_on_mariadb() {
        let (base, larder) = (Base::start(Backend::MariaDb), larder());
        let connect = || {
            let inner = MysqlConnection::establish(&base.url).unwrap();
            CachedConnection::wrap(&larder, inner, &base.config())
        };
        let (mut a, mut b) = (connect(), connect());
        assert_eq!(title!(&mut b, 5), "five");
        let url = base.url.clone();
        let (locked, is_locked) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || {
            let mut c = MysqlConnection::establish(&url).unwrap();
            c.transaction(|c| {
                // Heavier than the other, which only reads.
                for id in [2, 3, 4] {
                    diesel::update(post::table.find(id))
                        .set(post::views.eq(post::views + 1))
                        .execute(c)?;
                }
                locked.send(()).unwrap();
                may_go.recv().unwrap();
                diesel::update(post::table.find(1))
                    .set(post::views.eq(post::views + 1))
                    .execute(c)
            })
            .unwrap();
        });
        is_locked.recv().unwrap();
        let result = a.transaction(|a| {
            let locked = |id: i32| post::table.find(id).select(post::title).for_update();
            locked(1).first::<String>(a)?;
            go.send(()).unwrap();
            // Both wait for each other once the other one is there.
            let waits = "SELECT CAST(variable_value AS SIGNED) AS n FROM information_schema.global_status \
                         WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'";
            let mut watcher = MysqlConnection::establish(&base.url).unwrap();
            wait_until("the other one waits for a lock", || {
                let waiting = sql_query(waits).get_result::<Count>(&mut watcher);
                Ok(waiting.unwrap().n > 0)
            })
            .unwrap();
            let error = locked(2).first::<String>(a).optional().unwrap_err();
            assert!(error.to_string().contains("Deadlock"), "{error}");
            // The server has rolled the transaction back: this commits by itself.
            diesel::update(post::table.find(5))
                .set(post::title.eq("committed"))
                .execute(a)?;
            Err::<(), _>(diesel::result::Error::RollbackTransaction)
        });
        assert_eq!(result, Err(diesel::result::Error::RollbackTransaction));
        other.join().unwrap();
        let truth = title!(&mut MysqlConnection::establish(&base.url).unwrap(), 5);
        assert_eq!(truth, "committed");
        assert_eq!(title!(&mut b, 5), "committed");
    }

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }

    /// An array with a lower bound of its own.
    #[derive(Debug)]
    struct Bounded {
        lower: i32,
        element: i32,
    }

    impl diesel::serialize::ToSql<diesel::sql_types::Array<Integer>, diesel::pg::Pg> for Bounded {
        fn to_sql<'b>(
            &'b self,
            out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
        ) -> diesel::serialize::Result {
            use std::io::Write;
            for word in [1, 0, 23, 1, self.lower, 4, self.element] {
                out.write_all(&i32::to_be_bytes(word))?;
            }
            Ok(diesel::serialize::IsNull::No)
        }
    }

    #[derive(Debug, PartialEq, QueryableByName)]
    struct Id {
        #[diesel(sql_type = Integer)]
        id: i32,
    }

    #[test]
    fn arrays_with_other_bounds_are_other_parameters_on_postgres() {
        let (base, larder) = (Base::start(Backend::Postgres), larder());
        let inner = diesel::PgConnection::establish(&base.url).unwrap();
        let mut a = CachedConnection::wrap(&larder, inner, &base.config());
        let mut ask = |lower: i32| {
            let query = sql_query("SELECT id FROM post WHERE id = ($1)[1]");
            let rows: Vec<Id> = query
                .bind::<diesel::sql_types::Array<Integer>, _>(Bounded { lower, element: 3 })
                .load(&mut a)
                .unwrap();
            rows.len()
        };
        assert_eq!((ask(1), ask(0)), (1, 0));
    }
}

mod by_tasks {
    use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

    use super::*;

    #[tokio::test]
    async fn read_that_is_awaited_later_is_answered_later() {
        let (base, larder) = (Base::start(Backend::Postgres), larder());
        let plain = || AsyncPgConnection::establish(&base.url);
        let config = base.config();
        let (mut a, mut b) = (
            CachedAsyncConnection::wrap(&larder, plain().await.unwrap(), &config),
            CachedAsyncConnection::wrap(&larder, plain().await.unwrap(), &config),
        );
        let mut uncached = plain().await.unwrap();
        let query = || post::table.find(5).select(post::title);
        assert_eq!(query().first::<String>(&mut a).await.unwrap(), "five");
        assert_eq!(query().first::<String>(&mut a).await.unwrap(), "five");
        let (truth, cached) = (
            query().first::<String>(&mut uncached),
            query().first::<String>(&mut a),
        );
        diesel::update(post::table.find(5))
            .set(post::title.eq("changed"))
            .execute(&mut b)
            .await
            .unwrap();
        assert_eq!(truth.await.unwrap(), "changed");
        assert_eq!(cached.await.unwrap(), "changed");
    }

    #[tokio::test]
    async fn write_after_a_cancelled_rollback_invalidates_at_once() {
        use diesel_async::TransactionManager as _;
        type Cached = CachedAsyncConnection<AsyncPgConnection>;
        type Manager = <Cached as AsyncConnection>::TransactionManager;

        let (base, larder) = (Base::start(Backend::Postgres), larder());
        let plain = || AsyncPgConnection::establish(&base.url);
        let config = base.config();
        let (mut a, mut b) = (
            CachedAsyncConnection::wrap(&larder, plain().await.unwrap(), &config),
            CachedAsyncConnection::wrap(&larder, plain().await.unwrap(), &config),
        );
        let mut uncached = plain().await.unwrap();
        let query = || post::table.find(5).select(post::title);
        assert_eq!(query().first::<String>(&mut a).await.unwrap(), "five");
        assert_eq!(query().first::<String>(&mut b).await.unwrap(), "five");
        Manager::begin_transaction(&mut a).await.unwrap();
        {
            let mut rollback = Box::pin(Manager::rollback_transaction(&mut a));
            // Sent, then given up.
            assert!(futures_util::poll!(&mut rollback).is_pending());
        }
        // What is sent next is answered after it.
        diesel::update(post::table.find(5))
            .set(post::title.eq("changed"))
            .execute(&mut a)
            .await
            .unwrap();
        assert_eq!(
            query().first::<String>(&mut uncached).await.unwrap(),
            "changed"
        );
        assert_eq!(query().first::<String>(&mut b).await.unwrap(), "changed");
    }

    #[tokio::test]
    async fn write_after_a_cancelled_commit_invalidates_at_once() {
        use diesel_async::TransactionManager as _;
        type Cached = CachedAsyncConnection<AsyncPgConnection>;
        type Manager = <Cached as AsyncConnection>::TransactionManager;

        let (base, larder) = (Base::start(Backend::Postgres), larder());
        let plain = || AsyncPgConnection::establish(&base.url);
        let config = base.config();
        let (mut a, mut b) = (
            CachedAsyncConnection::wrap(&larder, plain().await.unwrap(), &config),
            CachedAsyncConnection::wrap(&larder, plain().await.unwrap(), &config),
        );
        let query = || post::table.find(5).select(post::title);
        let set = |title| diesel::update(post::table.find(5)).set(post::title.eq(title));
        assert_eq!(query().first::<String>(&mut a).await.unwrap(), "five");
        Manager::begin_transaction(&mut a).await.unwrap();
        set("one").execute(&mut a).await.unwrap();
        {
            let mut commit = Box::pin(Manager::commit_transaction(&mut a));
            assert!(futures_util::poll!(&mut commit).is_pending());
        }
        // An answer proves that the COMMIT has ended: its tables are cached again.
        assert_eq!(query().first::<String>(&mut a).await.unwrap(), "one");
        larder
            .flush(std::time::Duration::from_secs(10))
            .await
            .unwrap();
        assert_eq!(query().first::<String>(&mut b).await.unwrap(), "one");
        assert_eq!(query().first::<String>(&mut b).await.unwrap(), "one");
        set("two").execute(&mut a).await.unwrap();
        assert_eq!(query().first::<String>(&mut b).await.unwrap(), "two");
    }
}

mod round_trip {
    //! Values read the same from the cache.

    use diesel::{
        PgConnection, RunQueryDsl,
        row::{Field, NamedRow, Row},
        sql_types::{Array, Text},
    };

    use super::*;

    #[derive(Debug, PartialEq, QueryableByName)]
    struct Said {
        #[diesel(sql_type = Text)]
        said: String,
    }

    #[derive(Debug, Clone, Copy, diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
    #[diesel(postgres_type(name = "post_status"))]
    struct PostStatus;

    #[derive(Debug, Clone, PartialEq, diesel::expression::AsExpression)]
    #[diesel(sql_type = PostStatus)]
    struct Status(&'static str);

    impl diesel::serialize::ToSql<PostStatus, diesel::pg::Pg> for Status {
        fn to_sql<'b>(
            &'b self,
            out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
        ) -> diesel::serialize::Result {
            use std::io::Write;
            out.write_all(self.0.as_bytes())?;
            Ok(diesel::serialize::IsNull::No)
        }
    }

    const ONE: &str = "SELECT title AS said FROM post WHERE status = $1 ORDER BY id";
    const ANY: &str = "SELECT title AS said FROM post WHERE status = ANY($1) ORDER BY id";
    const MOVE: &str = "UPDATE post SET status = $1 WHERE id = 5";

    fn titles(said: Vec<Said>) -> Vec<String> {
        said.into_iter().map(|it| it.said).collect()
    }

    #[test]
    fn enums_of_postgres() {
        let (base, larder) = (Base::start(Backend::Postgres), larder());
        let inner = PgConnection::establish(&base.url).unwrap();
        let mut a = CachedConnection::wrap(&larder, inner, &base.config());
        for status in ["published", "draft", "archived", "draft"] {
            sql_query(MOVE)
                .bind::<PostStatus, _>(Status(status))
                .execute(&mut a)
                .unwrap();
            let mut plain = PgConnection::establish(&base.url).unwrap();
            for status in ["published", "draft", "archived"] {
                let one = || sql_query(ONE).bind::<PostStatus, _>(Status(status));
                let any = || {
                    sql_query(ANY)
                        .bind::<Array<PostStatus>, _>(vec![Status(status), Status("draft")])
                };
                for _ in 0..2 {
                    assert_eq!(
                        titles(one().load(&mut a).unwrap()),
                        titles(one().load(&mut plain).unwrap())
                    );
                    assert_eq!(
                        titles(any().load(&mut a).unwrap()),
                        titles(any().load(&mut plain).unwrap())
                    );
                }
            }
        }
    }

    #[tokio::test]
    async fn enums_of_postgres_by_tasks() {
        use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl};
        let (base, larder) = (Base::start(Backend::Postgres), larder());
        let inner = AsyncPgConnection::establish(&base.url).await.unwrap();
        let mut a = CachedAsyncConnection::wrap(&larder, inner, &base.config());
        for status in ["published", "draft", "archived", "draft"] {
            let query = sql_query(MOVE).bind::<PostStatus, _>(Status(status));
            RunQueryDsl::execute(query, &mut a).await.unwrap();
            let mut plain = AsyncPgConnection::establish(&base.url).await.unwrap();
            for status in ["published", "draft", "archived"] {
                let one = || sql_query(ONE).bind::<PostStatus, _>(Status(status));
                let any = || {
                    sql_query(ANY)
                        .bind::<Array<PostStatus>, _>(vec![Status(status), Status("draft")])
                };
                for _ in 0..2 {
                    assert_eq!(
                        titles(RunQueryDsl::load(one(), &mut a).await.unwrap()),
                        titles(RunQueryDsl::load(one(), &mut plain).await.unwrap())
                    );
                    assert_eq!(
                        titles(RunQueryDsl::load(any(), &mut a).await.unwrap()),
                        titles(RunQueryDsl::load(any(), &mut plain).await.unwrap())
                    );
                }
            }
        }
    }

    /// A row of SQLite, storage class by storage class.
    #[derive(Debug, PartialEq)]
    struct Cells(Vec<String>);

    impl diesel::deserialize::QueryableByName<diesel::sqlite::Sqlite> for Cells {
        fn build<'a>(
            row: &impl NamedRow<'a, diesel::sqlite::Sqlite>,
        ) -> diesel::deserialize::Result<Self> {
            let cell = |index: usize| {
                let field = Row::get(row, index).unwrap();
                let name = field.field_name().unwrap_or("-").to_owned();
                let value = match field.value() {
                    None => "NULL".to_owned(),
                    Some(mut value) => {
                        let kind = format!("{:?}", value.value_type());
                        format!(
                            "{kind} {:?} {:?}",
                            value.read_blob().to_vec(),
                            value.read_double().to_bits()
                        )
                    }
                };
                format!("{name}: {value}")
            };
            Ok(Self((0..row.field_count()).map(cell).collect()))
        }
    }

    #[test]
    fn storage_classes_of_sqlite() {
        let base = Base::start(Backend::Sqlite);
        base.run([
            "CREATE TABLE odd (id INTEGER PRIMARY KEY, a, b, c)",
            "INSERT INTO odd VALUES (1, NULL, x'', ''), (2, 1, 1.0, '1'), (3, -0.0, 9e999, -9e999),
                (4, CAST(x'ff61' AS TEXT), x'ff61', CAST(x'610062' AS TEXT)),
                (5, 9223372036854775807, -9223372036854775808, char(65533)),
                (6, zeroblob(40), 'x', 0), (7, 'a', CAST(x'ff' AS TEXT), 1), (8, 2, 'b', 3)",
        ]);
        for text in [
            "SELECT * FROM odd ORDER BY id",
            "SELECT a, a, b AS a, c AS \"q\"\"q\", id + 1 FROM odd ORDER BY id",
            "SELECT * FROM odd AS x, odd AS y, odd AS z ORDER BY x.id, y.id, z.id",
            "SELECT * FROM odd WHERE id > 99",
        ] {
            let larder = larder();
            let inner = SqliteConnection::establish(&base.url).unwrap();
            let mut a = CachedConnection::wrap(&larder, inner, &base.config());
            let mut plain = SqliteConnection::establish(&base.url).unwrap();
            let truth: Vec<Cells> = sql_query(text).load(&mut plain).unwrap();
            for _ in 0..3 {
                let cached: Vec<Cells> = sql_query(text).load(&mut a).unwrap();
                assert_eq!(cached, truth, "{text}");
            }
        }
    }

    /// A row of MariaDB, byte by byte.
    #[derive(Debug, PartialEq)]
    struct Bytes(Vec<String>);

    impl diesel::deserialize::QueryableByName<diesel::mysql::Mysql> for Bytes {
        fn build<'a>(
            row: &impl NamedRow<'a, diesel::mysql::Mysql>,
        ) -> diesel::deserialize::Result<Self> {
            let cell = |index: usize| {
                let field = Row::get(row, index).unwrap();
                let name = field.field_name().unwrap_or("-").to_owned();
                let value = field
                    .value()
                    .map(|value| (value.value_type(), value.as_bytes().to_vec()));
                format!("{name}: {} {value:?}", field.is_null())
            };
            Ok(Self((0..row.field_count()).map(cell).collect()))
        }
    }

    const ODD: [&str; 2] = [
        "CREATE TABLE odd (id INT PRIMARY KEY, t TINYINT, ut TINYINT UNSIGNED, b BIGINT UNSIGNED,
            d DECIMAL(10,2), f FLOAT, g DOUBLE, s VARCHAR(300), x BLOB, j JSON, e ENUM('a','b'),
            q SET('a','b'), bits BIT(5), y YEAR, da DATE, ti TIME(6), dt DATETIME(6), ts TIMESTAMP NULL)",
        "INSERT INTO odd VALUES
            (1, -1, 255, 18446744073709551615, -1.50, 1.5, -0.0, REPEAT('x', 300), x'00ff', '{}', 'a',
                'a,b', b'10101', 2024, '2024-02-29', '-12:13:14.5', '2024-01-01 01:02:03.000004',
                '2024-01-01 00:00:00'),
            (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                NULL, NULL),
            (3, 0, 0, 0, 0, 0, 0, '', '', '[]', 'b', '', b'0', 1970, '1000-01-01', '838:59:59', '1000-01-01',
                NULL),
            (4, 0, 0, 0, 0, 0, 0, REPEAT('y', 200), REPEAT('z', 3000), '[]', 'b', '', b'0', 1970,
                '1000-01-01', '0:0:0', '1000-01-01', NULL)",
    ];

    #[test]
    fn bytes_of_mariadb() {
        let base = Base::start(Backend::MariaDb);
        base.run(ODD);
        let larder = larder();
        let inner = MysqlConnection::establish(&base.url).unwrap();
        let mut a = CachedConnection::wrap(&larder, inner, &base.config());
        let mut plain = MysqlConnection::establish(&base.url).unwrap();
        let text = "SELECT * FROM odd ORDER BY id";
        let truth: Vec<Bytes> = sql_query(text).load(&mut plain).unwrap();
        for _ in 0..3 {
            let cached: Vec<Bytes> = sql_query(text).load(&mut a).unwrap();
            assert_eq!(cached, truth);
        }
    }

    #[tokio::test]
    async fn bytes_of_mariadb_by_tasks() {
        use diesel_async::{AsyncConnection as _, AsyncMysqlConnection, RunQueryDsl};
        let base = Base::start(Backend::MariaDb);
        base.run(ODD);
        let larder = larder();
        let inner = AsyncMysqlConnection::establish(&base.url).await.unwrap();
        let mut a = CachedAsyncConnection::wrap(&larder, inner, &base.config());
        let mut plain = AsyncMysqlConnection::establish(&base.url).await.unwrap();
        let text = "SELECT * FROM odd ORDER BY id";
        let truth: Vec<Bytes> = RunQueryDsl::load(sql_query(text), &mut plain)
            .await
            .unwrap();
        for _ in 0..3 {
            let cached: Vec<Bytes> = RunQueryDsl::load(sql_query(text), &mut a).await.unwrap();
            assert_eq!(cached, truth);
        }
    }
}
