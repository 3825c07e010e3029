//! Explores interleavings of the real machines.
//!
//! A world is a reference store, a database row per author, some readers and some writers. Every
//! store operation, every query and every commit is one step; keys may vanish between any two.
//! [`explore`] visits every reachable world once, [`wander`] takes seeded random paths through
//! larger ones. The oracle is G1: a read that starts after a write was acknowledged is not
//! answered from before it; and once all is quiet, the store answers nothing old.

mod actor;
mod fnv;
mod world;

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

pub use world::{Rules, Scenario};

use world::World;

/// What an exploration found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Distinct worlds visited.
    pub worlds: usize,
    /// Ends that were reached.
    pub ends: usize,
    /// Reads that were answered from the store or by another reader.
    pub hits: usize,
    /// The first violation: the steps that lead to it.
    pub violation: Option<Vec<String>>,
}

/// Visits every world that the scenario can reach, and stops at a violation.
///
/// # Panics
/// When there are more worlds than `worlds_max`.
pub fn explore(scenario: &Scenario, worlds_max: usize) -> Findings {
    let hasher = RandomState::new();
    let mut seen = HashSet::new();
    let mut findings = Findings::default();
    let mut stack = vec![(World::new(scenario), Vec::<usize>::new())];
    while let Some((world, path)) = stack.pop() {
        findings.worlds += 1;
        assert!(
            findings.worlds <= worlds_max,
            "more than {worlds_max} worlds"
        );
        let moves = world.moves();
        findings.ends += usize::from(moves.is_empty());
        for (number, choice) in moves.into_iter().enumerate() {
            let mut next = world.clone();
            next.take(choice);
            if !seen.insert(fingerprint(&hasher, &next)) {
                continue;
            }
            let path: Vec<usize> = path.iter().copied().chain([number]).collect();
            if let Some(violation) = next.violation() {
                findings.violation = Some(retell(scenario, &path, violation));
                return findings;
            }
            findings.hits = findings.hits.max(next.hits());
            stack.push((next, path));
        }
    }
    findings
}

/// Takes one random path through the scenario for each seed.
pub fn wander(scenario: &Scenario, seeds: impl Iterator<Item = u64>) -> Findings {
    let mut findings = Findings::default();
    for seed in seeds {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new(scenario);
        let mut path = Vec::new();
        loop {
            let moves = world.moves();
            if moves.is_empty() {
                break;
            }
            let number = random.usize(..moves.len());
            path.push(number);
            moves
                .into_iter()
                .nth(number)
                .into_iter()
                .for_each(|choice| world.take(choice));
            findings.worlds += 1;
            if let Some(violation) = world.violation() {
                let violation = format!("seed {seed}: {violation}");
                findings.violation = Some(retell(scenario, &path, violation));
                return findings;
            }
        }
        findings.ends += 1;
        findings.hits = findings.hits.max(world.hits());
    }
    findings
}

/// The steps of a path in words.
fn retell(scenario: &Scenario, path: &[usize], violation: String) -> Vec<String> {
    let mut world = World::new(scenario);
    let mut told = Vec::new();
    for number in path {
        if let Some(choice) = world.moves().into_iter().nth(*number) {
            told.push(world.describe(&choice));
            world.take(choice);
        }
    }
    told.push(violation);
    told
}

fn fingerprint(hasher: &RandomState, world: &World<'_>) -> u64 {
    hasher.hash_one(world)
}
