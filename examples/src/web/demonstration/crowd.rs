//! Many visitors at a time: whoever writes reads it at once.
#![expect(clippy::disallowed_methods, reason = "the account shows wall time")]

use std::time::Instant;

use super::{
    super::{BoxError, NewPost, client::Visitor, summary::Reads},
    ensure,
    known::{AUTHORS, Known, Post},
};

const VISITORS: i32 = 8;
const REQUESTS: i32 = 100;

/// Lets them come, and learns what they have written.
pub(super) async fn come(visitor: Visitor, known: &mut Known) -> Result<(), BoxError> {
    let begun = Instant::now();
    let crowd: Vec<_> = (0..VISITORS)
        .map(|number| tokio::spawn(visit(visitor, number)))
        .collect();
    let mut reads = Reads::default();
    let mut writes = 0;
    for visit in crowd {
        let (its_reads, posts) = visit.await??;
        reads.add(its_reads);
        writes += posts.len();
        posts.into_iter().for_each(|post| known.publish(post));
    }
    let Reads {
        hits,
        misses,
        bypasses,
        saved,
    } = reads;
    println!(
        "  {VISITORS} at a time, {REQUESTS} turns each, {writes} new posts: {hits} hits, \
         {misses} misses, {bypasses} bypasses, {} ms of queries saved, in {} ms",
        saved.as_millis(),
        begun.elapsed().as_millis()
    );
    Ok(())
}

async fn visit(visitor: Visitor, number: i32) -> Result<(Reads, Vec<Post>), BoxError> {
    let mut reads = Reads::default();
    let mut written = Vec::new();
    for turn in 0..REQUESTS {
        let author_id = (number + turn) % AUTHORS + 1;
        let mut at_least = 0;
        if turn % 20 == 19 {
            let title = format!("news of visitor {number}");
            let new = NewPost { author_id, title };
            let post: Post = visitor.sends("POST", "/posts", &new).await?.json()?;
            at_least = post.id;
            written.push(post);
        }
        let list = visitor
            .asks("GET", &format!("/authors/{author_id}/posts"))
            .await?;
        reads.add(list.reads);
        let list: Vec<Post> = list.json()?;
        let of_author = list.iter().all(|post| post.author_id == author_id);
        ensure(of_author, "a list has its author's posts")?;
        // Others may have published after it, so many that it is no longer on the list.
        let newest = list.iter().map(|post| post.id).max().unwrap_or_default();
        ensure(newest >= at_least, "whoever publishes reads it at once")?;
    }
    Ok((reads, written))
}
