//! Every type that a row may hold comes back from a hit as it came from the database, by any type
//! that may be asked for it.

mod mariadb;
mod postgres;
mod sqlite;

/// Loads through the cache twice and past it once: all three are one, and the second costs no
/// statement.
macro_rules! same {
    ($cached:expr, $plain:expr, $counter:expr, $query:expr, $type:ty) => {{
        let first: $type = $query.load(&mut $cached).unwrap();
        let before = $counter.count();
        let second: $type = $query.load(&mut $cached).unwrap();
        assert_eq!($counter.count(), before, "no hit: {}", stringify!($query));
        let truth: $type = $query.load(&mut $plain).unwrap();
        // NaN is not itself.
        assert_eq!(format!("{first:?}"), format!("{truth:?}"));
        assert_eq!(format!("{second:?}"), format!("{truth:?}"));
        second
    }};
}
pub(crate) use same;
