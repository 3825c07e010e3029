//! larder-signals.
