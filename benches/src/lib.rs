//! larder benches.
