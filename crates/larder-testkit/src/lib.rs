//! larder-testkit.
