//! What goes over the wire.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

/// Any error of what the programs call.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a route answers.
pub type Answer<T> = Result<Json<T>, Failure>;

/// A post with its comments.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page<P, C> {
    /// The post.
    pub post: P,
    /// Its comments, the oldest first.
    pub comments: Vec<C>,
}

/// What to publish.
#[derive(Debug, Serialize, Deserialize)]
pub struct NewPost {
    /// Whose post it is.
    pub author_id: i32,
    /// Its title.
    pub title: String,
}

/// What to change of a post.
#[derive(Debug, Serialize, Deserialize)]
pub struct Edit {
    /// Its new title.
    pub title: String,
}

/// Whose posts the explained query asks for.
#[derive(Debug, Deserialize)]
pub struct Whose {
    /// The author.
    pub author: i32,
}

/// The whole blog at a glance. A memo, hence `Clone` and serde.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    /// How many posts there are.
    pub posts: u64,
    /// How many comments there are.
    pub comments: u64,
    /// The titles of the newest posts.
    pub newest: Vec<String>,
}

/// Why a route has no answer.
#[derive(Debug)]
pub enum Failure {
    /// There is no such post.
    NotFound,
    /// Something that the visitor need not know.
    Internal(BoxError),
}

impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::Internal(error) => {
                eprintln!("a request failed: {error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
