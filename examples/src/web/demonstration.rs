//! Visitors of a blog: they read everything, twice; they write, and read everything again. What
//! must be there is known, so a stale answer ends the program.

mod crowd;
mod known;

use serde::Serialize;

use self::known::Known;
use super::{
    BoxError, Edit, NewPost,
    client::{Reply, Visitor},
    summary::Reads,
};

/// Asks all that there is to ask, and prints it.
pub(super) async fn run(visitor: Visitor) -> Result<(), BoxError> {
    let mut known = Known::default();
    println!("The first visit. Nothing is cached yet:");
    tour(visitor, &known).await?;
    println!("\nThe second visit. The database is not asked:");
    let second = tour(visitor, &known).await?;
    ensure(
        second.are_hits(),
        "a second visit is answered from the cache",
    )?;

    println!("\nAuthor 1 publishes a post:");
    let (author_id, title) = (1, "news".into());
    let reply = write(visitor, "POST", "/posts", &NewPost { author_id, title }).await?;
    known.publish(reply.json()?);
    stays(visitor, &known, "/authors/2/posts").await?;
    tour(visitor, &known).await?;

    println!("\nAuthor 1 gives post 1 another title:");
    let title = "another title".into();
    let reply = write(visitor, "PUT", "/posts/1", &Edit { title }).await?;
    known.publish(reply.json()?);
    stays(visitor, &known, "/posts/2").await?;
    tour(visitor, &known).await?;

    println!("\nPost 1 goes, and its comments with it:");
    let reply = write(visitor, "DELETE", "/posts/1", &()).await?;
    reply.json::<()>()?;
    known.delete(1);
    stays(visitor, &known, "/posts/2").await?;
    tour(visitor, &known).await?;

    println!("\nA crowd of visitors, of whom some write:");
    crowd::come(visitor, &mut known).await?;
    tour(visitor, &known).await?;

    println!("\nWhy the list of an author is cached (GET /explain?author=2):\n");
    print!("{}", visitor.asks("GET", "/explain?author=2").await?.body);

    println!("\nWhat Prometheus is told (GET /metrics), in part:\n");
    let metrics = visitor.asks("GET", "/metrics").await?.body;
    let told = ["larder_hits", "larder_misses", "larder_invalidations"];
    let mut samples: Vec<_> = metrics
        .lines()
        .filter(|line| told.iter().any(|name| line.starts_with(name)) && !line.ends_with(" 0"))
        .collect();
    samples.sort_unstable();
    samples.iter().for_each(|sample| println!("{sample}"));
    ensure(samples.len() >= told.len(), "the metrics tell of all that")
}

/// Reads lists, pages and the dashboard.
async fn tour(visitor: Visitor, known: &Known) -> Result<Reads, BoxError> {
    let mut reads = Reads::default();
    for path in Known::PATHS {
        reads.add(read(visitor, known, path).await?.reads);
    }
    Ok(reads)
}

/// What a write did not change is still cached.
async fn stays(visitor: Visitor, known: &Known, path: &str) -> Result<(), BoxError> {
    let reads = read(visitor, known, path).await?.reads;
    ensure(reads.are_hits(), &format!("{path} is kept"))
}

/// Reads what must be what is known.
async fn read(visitor: Visitor, known: &Known, path: &str) -> Result<Reply, BoxError> {
    let reply = visitor.asks("GET", path).await?;
    print("GET", path, &reply);
    ensure(known.agrees(path, &reply)?, &format!("{path} is not stale"))?;
    Ok(reply)
}

async fn write(
    visitor: Visitor,
    method: &str,
    path: &str,
    content: &impl Serialize,
) -> Result<Reply, BoxError> {
    let reply = visitor.sends(method, path, content).await?;
    print(method, path, &reply);
    Ok(reply)
}

fn print(method: &str, path: &str, reply: &Reply) {
    let Reply {
        status,
        reads,
        took,
        ..
    } = reply;
    let (took, saved) = (took.as_micros(), reads.saved.as_micros());
    println!(
        "  {method:<6} {path:<16} {status}  hits {}  misses {}  {took:>6} us, {saved:>6} us saved",
        reads.hits, reads.misses
    );
}

fn ensure(holds: bool, claim: &str) -> Result<(), BoxError> {
    match holds {
        true => Ok(()),
        false => Err(format!("it does not hold that {claim}").into()),
    }
}
