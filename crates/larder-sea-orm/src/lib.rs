//! larder-sea-orm.
