//! What a request cost, as a header of its response.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::HeaderValue,
    middleware::Next,
    response::Response,
};
use larder::{Larder, ReadSummary};

/// The header.
pub(super) const HEADER: &str = "x-larder";

/// Answers the request, and says in a header what its reads came to.
pub(super) async fn summarized(
    State(larder): State<Larder>,
    request: Request,
    next: Next,
) -> Response {
    let (mut response, summary) = larder.recorded(next.run(request)).await;
    if let Ok(value) = HeaderValue::from_str(&Reads::of(&summary).to_header()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// What the reads of a request came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reads {
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) bypasses: u64,
    pub(super) saved: Duration,
}

impl Reads {
    fn of(summary: &ReadSummary) -> Self {
        Self {
            hits: summary.hits,
            misses: summary.misses,
            bypasses: summary.bypasses,
            saved: summary.saved,
        }
    }

    fn to_header(self) -> String {
        let Self {
            hits,
            misses,
            bypasses,
            saved,
        } = self;
        let saved = saved.as_micros();
        format!("hits={hits} misses={misses} bypasses={bypasses} saved_us={saved}")
    }

    /// The other way round; what is not there counts as 0.
    pub(super) fn from_header(header: &str) -> Self {
        let number = |name: &str| {
            let mut pairs = header.split(' ').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name);
            found.and_then(|(_, number)| number.parse().ok())
        };
        Self {
            hits: number("hits").unwrap_or_default(),
            misses: number("misses").unwrap_or_default(),
            bypasses: number("bypasses").unwrap_or_default(),
            saved: Duration::from_micros(number("saved_us").unwrap_or_default()),
        }
    }

    /// Whether there were reads, and none of them went to the database.
    pub(super) fn are_hits(self) -> bool {
        self.hits > 0 && self.misses == 0 && self.bypasses == 0
    }

    pub(super) fn add(&mut self, other: Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.bypasses += other.bypasses;
        self.saved += other.saved;
    }
}
