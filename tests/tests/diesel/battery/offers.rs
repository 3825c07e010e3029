//! What some connections have and others do not. The code of the others is not even compiled.

/// Code for some databases alone.
macro_rules! only {
    (Sqlite, [Sqlite $($more:ident)*], $code:block) => { $code };
    (Postgres, [Postgres $($more:ident)*], $code:block) => { $code };
    (MariaDb, [MariaDb $($more:ident)*], $code:block) => { $code };
    ($backend:ident, [$other:ident $($more:ident)*], $code:block) => {
        only!($backend, [$($more)*], $code)
    };
    ($backend:ident, [], $code:block) => {
        unreachable!("{BACKEND:?} does not have this write")
    };
}

/// [`only!`], for connections that block.
macro_rules! only_blocking {
    ($backend:ident, [], [$($on:ident)*], $code:block) => { only!($backend, [$($on)*], $code) };
    ($backend:ident, [async], [$($on:ident)*], $code:block) => {
        unreachable!("diesel-async does not have this write")
    };
}

/// diesel-async has no batches for SQLite.
macro_rules! insert_all {
    (Sqlite, [async], $rows:expr, $c:ident, [$($aw:tt)*]) => {
        for row in $rows {
            diesel::insert_into(post::table).values(row).execute($c)$($aw)*?;
        }
    };
    ($backend:ident, [$($as:tt)?], $rows:expr, $c:ident, [$($aw:tt)*]) => {
        diesel::insert_into(post::table).values(&$rows[..]).execute($c)$($aw)*?;
    };
}

/// MySQL's upsert is about any key.
macro_rules! on_conflict {
    (MariaDb, $insert:expr, $target:expr) => {
        $insert.on_conflict(diesel::dsl::DuplicatedKeys)
    };
    ($backend:ident, $insert:expr, $target:expr) => {
        $insert.on_conflict($target)
    };
}

/// A transaction of another kind than the default.
macro_rules! built {
    (Sqlite, $c:ident, $work:expr) => {
        $c.immediate_transaction($work)
    };
    (Postgres, $c:ident, $work:expr) => {
        $c.build_transaction().serializable().run($work)
    };
}
