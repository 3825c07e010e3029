//! What the database must hold, by what was written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::{BoxError, Dashboard, Page, client::Reply};

/// What the demonstration looks at in a post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Post {
    pub(super) id: i32,
    pub(super) author_id: i32,
    title: String,
}

#[derive(Debug, Deserialize)]
struct Comment {
    post_id: i32,
}

/// The posts that are there, with the number of their comments.
#[derive(Debug)]
pub(super) struct Known {
    posts: BTreeMap<i32, (Post, usize)>,
}

impl Default for Known {
    /// What `SETUP` creates.
    fn default() -> Self {
        let post = |id| Post {
            id,
            author_id: (id - 1) % AUTHORS + 1,
            title: format!("post {id}"),
        };
        let posts = (1..=10).map(|id| (id, (post(id), 2))).collect();
        Self { posts }
    }
}

impl Known {
    /// What a tour looks at.
    pub(super) const PATHS: [&str; 5] = [
        "/authors/1/posts",
        "/authors/2/posts",
        "/posts/1",
        "/posts/2",
        "/dashboard",
    ];

    /// A post is new, or has changed.
    pub(super) fn publish(&mut self, post: Post) {
        let comments = self
            .posts
            .get(&post.id)
            .map_or(0, |(_, comments)| *comments);
        self.posts.insert(post.id, (post, comments));
    }

    pub(super) fn delete(&mut self, id: i32) {
        self.posts.remove(&id);
    }

    /// Whether the answer is that of a database which holds what is known.
    pub(super) fn agrees(&self, path: &str, reply: &Reply) -> Result<bool, BoxError> {
        let number = path.split('/').nth(2).map(str::parse).transpose()?;
        Ok(match number {
            None => reply.json::<Dashboard>()? == self.dashboard(),
            Some(author) if path.starts_with("/authors/") => {
                reply.json::<Vec<Post>>()? == self.list(author)
            }
            Some(id) => match self.posts.get(&id) {
                None => reply.status == 404,
                Some((post, comments)) => {
                    let page: Page<Post, Comment> = reply.json()?;
                    let of_post = page.comments.iter().filter(|it| it.post_id == id).count();
                    page.post == *post && (of_post, page.comments.len()) == (*comments, *comments)
                }
            },
        })
    }

    fn list(&self, author: i32) -> Vec<Post> {
        let newest_first = self.posts.values().rev().map(|(post, _)| post);
        let of_author = newest_first.filter(|post| post.author_id == author);
        of_author.take(10).cloned().collect()
    }

    fn dashboard(&self) -> Dashboard {
        let newest = self.posts.values().rev().take(3);
        Dashboard {
            posts: self.posts.len() as u64,
            comments: self.posts.values().map(|(_, count)| *count as u64).sum(),
            newest: newest.map(|(post, _)| post.title.clone()).collect(),
        }
    }
}

pub(super) const AUTHORS: i32 = 5;
