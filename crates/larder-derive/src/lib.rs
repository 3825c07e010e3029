//! larder-derive.
