//! larder examples.
