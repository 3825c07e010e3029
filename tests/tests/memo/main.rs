//! Memos: results of the application's own functions, dropped with what was read inside.

mod bench;
mod by_diesel;
mod by_tasks;
mod ends;
mod sharing;
mod tracked;
mod untracked;
