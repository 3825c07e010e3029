//! larder tests.
