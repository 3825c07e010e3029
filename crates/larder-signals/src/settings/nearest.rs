//! What somebody may have meant.

use std::mem;

/// The known name that is nearest to this one, if it is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    // No known name is longer: the bound keeps the work small for any input.
    if name.len() > NAME_MAX {
        return None;
    }
    let measured = known.map(|known| (distance(&name, &known.to_ascii_lowercase()), known));
    let near = measured.filter(|(edits, known)| *edits <= allowed(known));
    near.min().map(|(_, known)| known)
}

/// A short name must keep most of itself.
fn allowed(known: &str) -> usize {
    (known.len() / 3).clamp(1, 3)
}

/// How many characters must be put in, taken out, exchanged, or swapped with their neighbour
/// (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut before = None;
    for (line, a) in from.chars().enumerate() {
        let mut next = vec![line + 1];
        let mut left = line + 1;
        for (column, b) in to.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let exchanged = cell(&row, column) + usize::from(a != *b);
            left = exchanged.min(left + 1).min(cell(&row, column + 1) + 1);
            let last = column.checked_sub(1);
            if let Some(last) = last.filter(|last| before == Some(*b) && to.get(*last) == Some(&a))
            {
                left = left.min(cell(&above, last) + 1);
            }
            next.push(left);
        }
        above = mem::replace(&mut row, next);
        before = Some(a);
    }
    row.last().copied().unwrap_or_default()
}

const NAME_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_and_a_swap_is_one() {
        for (from, to, edits) in [
            ("ttl", "ttl", 0),
            ("tll", "ttl", 1),
            ("tlt", "ttl", 1),
            ("", "ttl", 3),
            ("ttl", "", 3),
            ("wait", "wait_max", 4),
        ] {
            assert_eq!(distance(from, to), edits, "{from} {to}");
        }
    }

    #[test]
    fn what_is_far_from_everything_has_no_neighbour() {
        let known = ["ttl", "ops", "never"];
        assert_eq!(nearest("tlt", known.into_iter()), Some("ttl"));
        assert_eq!(nearest("Never", known.into_iter()), Some("never"));
        assert_eq!(nearest("timeout", known.into_iter()), None);
        assert_eq!(nearest(&"t".repeat(10_000), known.into_iter()), None);
    }
}
