//! Paired measurements: ratios of one run.
//!
//! Machines are shared and noisy, so a figure alone says little. Here the contenders take turns in
//! short rounds, and what is reported is the median over the rounds of each contender and the
//! median of the per-round ratios to the first one.

#![expect(clippy::disallowed_methods, reason = "wall time is what is measured")]

use std::{
    fmt::Write as _,
    future::Future,
    time::{Duration, Instant},
};

/// One thing to time: a name and the mean time of one call in each round.
#[derive(Debug)]
pub struct Contender {
    name: String,
    rounds: Vec<f64>,
}

/// A group of contenders that take turns.
#[derive(Debug)]
pub struct Group {
    title: String,
    contenders: Vec<Contender>,
    calls: u32,
}

impl Group {
    /// A group whose rounds make `calls` calls of each contender.
    #[must_use]
    pub fn new(title: &str, calls: u32) -> Self {
        Self {
            title: title.to_owned(),
            contenders: Vec::new(),
            calls,
        }
    }

    /// Times one round of `call`; the first argument names the contender.
    pub fn round<T>(&mut self, name: &str, mut call: impl FnMut() -> T) {
        let start = Instant::now();
        for _ in 0..self.calls {
            std::hint::black_box(call());
        }
        self.record(name, start.elapsed());
    }

    /// Times one round of an async `call`.
    pub async fn round_async<T, F: Future<Output = T>>(
        &mut self,
        name: &str,
        mut call: impl FnMut() -> F,
    ) {
        let start = Instant::now();
        for _ in 0..self.calls {
            std::hint::black_box(call().await);
        }
        self.record(name, start.elapsed());
    }

    /// As [`round_async`](Self::round_async), of a call that lends its future what it works on.
    /// Stays on its thread: the compiler cannot tell that such a future may be sent.
    pub async fn round_lent<T>(&mut self, name: &str, mut call: impl AsyncFnMut() -> T) {
        let start = Instant::now();
        for _ in 0..self.calls {
            std::hint::black_box(call().await);
        }
        self.record(name, start.elapsed());
    }

    fn record(&mut self, name: &str, elapsed: Duration) {
        let nanoseconds = elapsed.as_secs_f64() * 1e9 / f64::from(self.calls);
        match self
            .contenders
            .iter_mut()
            .find(|contender| contender.name == name)
        {
            Some(contender) => contender.rounds.push(nanoseconds),
            None => self.contenders.push(Contender {
                name: name.to_owned(),
                rounds: vec![nanoseconds],
            }),
        }
    }

    /// The median over the rounds of the ratio of `name` to `base`.
    ///
    /// # Panics
    ///
    /// When one of them has not run.
    #[must_use]
    pub fn ratio(&self, name: &str, base: &str) -> f64 {
        let find = |wanted: &str| {
            let found = self
                .contenders
                .iter()
                .find(|contender| contender.name == wanted);
            &found
                .unwrap_or_else(|| panic!("{wanted} has not run"))
                .rounds
        };
        median(
            find(name)
                .iter()
                .zip(find(base))
                .map(|(left, right)| left / right)
                .collect(),
        )
    }

    /// A table: microseconds per call and the ratio to the first contender.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = format!("{}\n", self.title);
        let Some(first) = self.contenders.first() else {
            return text;
        };
        for contender in &self.contenders {
            let _ = writeln!(
                text,
                "  {:<44} {:>10.2} us  {:>6.2} x",
                contender.name,
                median(contender.rounds.clone()) / 1e3,
                self.ratio(&contender.name, &first.name),
            );
        }
        text
    }
}

/// How many calls per second a `call` makes that makes this many.
pub fn per_second<T>(calls: u32, call: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    std::hint::black_box(call());
    f64::from(calls) / start.elapsed().as_secs_f64()
}

/// The commands that an invalidation of a row sends to Redis, of nothing: what any round trip for it
/// takes.
#[must_use]
pub fn commands_of_an_invalidation() -> redis::Pipeline {
    let mut commands = redis::pipe();
    commands
        .cmd("HKEYS")
        .arg("{bare:AAAAAAAAAAA}:t:orders@10%2E0%2E0%2E5%3A5432:public.product");
    commands
        .cmd("UNLINK")
        .arg("{bare:AAAAAAAAAAA}:d:AAAAAAAAAAAAAAAA");
    commands.cmd("WAIT").arg(0).arg(0);
    commands
}

/// The machine, in a line.
#[must_use]
pub fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {count} cores", model.unwrap_or("unknown processor"))
}

/// The middle one.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_is_the_median_of_the_rounds() {
        let contender = |name: &str, rounds: &[f64]| Contender {
            name: name.to_owned(),
            rounds: rounds.to_vec(),
        };
        let group = Group {
            title: "t".into(),
            calls: 1,
            contenders: vec![
                contender("base", &[10.0, 10.0, 20.0]),
                contender("other", &[20.0, 90.0, 50.0]),
            ],
        };
        assert!((group.ratio("other", "base") - 2.5).abs() < 1e-9);
        assert!(group.report().contains("2.50 x"));
    }
}
