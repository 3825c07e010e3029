//! The referee: knows of every row what no read may fall behind.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    thread,
};

use crate::{
    item::ROWS,
    trial::WORKERS,
    wire::{Floor, Hello, Word, from_line, to_line},
};

pub struct Referee {
    pub port: u16,
    book: Arc<Book>,
    workers: mpsc::Receiver<(usize, BufReader<TcpStream>)>,
}

#[derive(Default)]
struct Book {
    rows: [Row; ROWS.end as usize],
    /// How often the players of each worker have asked.
    asked: [AtomicU64; WORKERS],
}

#[derive(Default)]
struct Row {
    acknowledged: AtomicI64,
    returned: AtomicI64,
}

impl Referee {
    /// Waits for so many connections.
    pub fn start(connections: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let book = Arc::new(Book::default());
        let (worker, workers) = mpsc::channel();
        let shared = book.clone();
        thread::spawn(move || {
            for _ in 0..connections {
                let (stream, _) = listener.accept().unwrap();
                stream.set_nodelay(true).unwrap();
                let (book, worker) = (shared.clone(), worker.clone());
                thread::spawn(move || greet(&book, BufReader::new(stream), &worker));
            }
        });
        Self {
            port,
            book,
            workers,
        }
    }

    /// The connection of the next worker that has come, if there is one.
    pub fn next_worker(&self) -> Option<(usize, BufReader<TcpStream>)> {
        self.workers.try_recv().ok()
    }

    /// How many reads each worker has begun.
    pub fn reads(&self) -> [u64; WORKERS] {
        self.book.asked.each_ref().map(|asked| asked.load(SeqCst))
    }
}

impl Book {
    fn floor(&self, row: i32) -> Floor {
        let row = &self.rows[row as usize];
        Floor {
            acknowledged: row.acknowledged.load(SeqCst),
            returned: row.returned.load(SeqCst),
        }
    }

    /// The answer, where there is one.
    fn hear(&self, worker: usize, word: Word) -> Option<Vec<Floor>> {
        match word {
            Word::Ask { rows } => {
                self.asked[worker].fetch_add(1, SeqCst);
                Some(rows.into_iter().map(|row| self.floor(row)).collect())
            }
            Word::Tell {
                row,
                version,
                acknowledged,
            } => {
                let row = &self.rows[row as usize];
                row.returned.fetch_max(version, SeqCst);
                if acknowledged {
                    row.acknowledged.fetch_max(version, SeqCst);
                }
                None
            }
        }
    }
}

fn greet(
    book: &Book,
    mut stream: BufReader<TcpStream>,
    workers: &mpsc::Sender<(usize, BufReader<TcpStream>)>,
) {
    let mut line = String::new();
    match stream.read_line(&mut line) {
        Ok(1..) => {}
        _ => return,
    }
    match from_line(&line) {
        Hello::Worker(worker) => drop(workers.send((worker, stream))),
        Hello::Player(worker) => serve(book, worker, stream),
    }
}

/// Until the player is gone.
fn serve(book: &Book, worker: usize, mut stream: BufReader<TcpStream>) {
    let mut line = String::new();
    while let Ok(1..) = stream.read_line(&mut line) {
        if let Some(floors) = book.hear(worker, from_line(&line)) {
            let answer = to_line(&floors);
            if stream.get_mut().write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
        line.clear();
    }
}
