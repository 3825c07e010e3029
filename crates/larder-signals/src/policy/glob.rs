//! Names of tables with `*` and `?` in them.

/// Whether a name is a pattern.
pub(super) fn is_glob(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// How much a pattern says: its characters that are not `*`. Of two that match, the one that says
/// more counts.
pub(super) fn weight(pattern: &str) -> usize {
    pattern.chars().filter(|c| *c != '*').count()
}

/// Whether the whole name is as the pattern says. Takes at most pattern times name steps: of
/// several `*` only the last one is ever tried again.
pub(super) fn matches(pattern: &str, name: &str, ignore_case: bool) -> bool {
    let same = |a: char, b: char| a == b || (ignore_case && a.eq_ignore_ascii_case(&b));
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    // Behind the last `*`, with what of the name it has not swallowed.
    let mut retry = None;
    loop {
        let (before, mut ahead) = (name.clone(), pattern.clone());
        match (ahead.next(), name.next()) {
            (Some('*'), _) => {
                name = before.clone();
                retry = Some((ahead.clone(), before));
                pattern = ahead;
            }
            (None, None) => return true,
            (Some(p), Some(c)) if p == '?' || same(p, c) => pattern = ahead,
            _ => {
                let Some((after, mut rest)) = retry.take() else {
                    return false;
                };
                if rest.next().is_none() {
                    return false;
                }
                pattern = after.clone();
                name = rest.clone();
                retry = Some((after, rest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, name) in [
            ("auth_*", "auth_"),
            ("auth_*", "auth_user"),
            ("*", ""),
            ("*_log", "a_log_log"),
            ("a*b*c", "a1b2b3c"),
            ("t?", "t\u{e4}"),
            ("**x", "yx"),
        ] {
            assert!(matches(pattern, name, false), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("auth_*", "auth"),
            ("auth_*", "my_auth_user"),
            ("*_log", "log"),
            ("a*b*c", "a1b2b3"),
            ("t?", "t"),
            ("t?", "t12"),
            ("", "a"),
            ("Auth_*", "auth_user"),
        ] {
            assert!(!matches(pattern, name, false), "{pattern} {name}");
        }
        assert!(matches("Auth_*", "auth_USER", true));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let (pattern, name) = ("a*".repeat(200) + "b", "a".repeat(2_000));
        assert!(!matches(&pattern, &name, false));
    }
}
