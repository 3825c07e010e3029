//! `numeric` in PostgreSQL's binary format: digits to the base of 10,000 with the weight of the
//! first, a sign, and how many decimals are shown.

/// Plain notation with the decimals that the server shows. NaN and the infinities have none.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let mut words = bytes.chunks_exact(2).map(|word| [word[0], word[1]]);
    let mut next = || words.next();
    let count = usize::from(u16::from_be_bytes(next()?));
    let weight = i16::from_be_bytes(next()?);
    let sign = u16::from_be_bytes(next()?);
    let decimals = usize::from(u16::from_be_bytes(next()?));
    (bytes.len() == 2 * (4 + count)).then_some(())?;
    // A few bytes may stand for a hundred thousand digits.
    (weight < GROUPS_MAX && decimals <= DECIMALS_MAX).then_some(())?;
    let digits: Vec<u16> = std::iter::from_fn(next).map(u16::from_be_bytes).collect();
    let negative = match sign {
        0 => false,
        0x4000 => true,
        _ => return None,
    };
    digits.iter().all(|digit| *digit < 10_000).then_some(())?;
    let digit = |at: i32| {
        usize::try_from(at)
            .ok()
            .and_then(|at| digits.get(at).copied())
            .unwrap_or(0)
    };
    let weight = i32::from(weight);
    let mut out = String::new();
    if negative {
        out.push('-');
    }
    match weight {
        0.. => {
            out.push_str(&digit(0).to_string());
            for at in 1..=weight {
                out.push_str(&format!("{:04}", digit(at)));
            }
        }
        _ => out.push('0'),
    }
    if decimals > 0 {
        let groups = i32::try_from(decimals.div_ceil(4)).ok()?;
        let fraction: String = (1..=groups)
            .map(|group| format!("{:04}", digit(weight + group)))
            .collect();
        out.push('.');
        out.push_str(fraction.get(..decimals)?);
    }
    Some(out)
}

/// Numbers that are longer narrow nothing.
const GROUPS_MAX: i16 = 32;
const DECIMALS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::text;

    fn bytes(words: &[i32]) -> Vec<u8> {
        let word = |word: &i32| u16::try_from(word & 0xffff).unwrap().to_be_bytes();
        words.iter().flat_map(word).collect()
    }

    #[test]
    fn numbers_read_in_plain_notation() {
        for (words, expected) in [
            (&[0, 0, 0, 0][..], "0"),
            (&[1, 0, 0, 0, 5], "5"),
            (&[2, 0, 0x4000, 2, 12, 5000], "-12.50"),
            (&[2, 1, 0, 0, 1, 2345], "12345"),
            (&[1, 1, 0, 0, 1], "10000"),
            // 0.0001 and 0.00000001.
            (&[1, -1, 0, 4, 1], "0.0001"),
            (&[1, -2, 0, 8, 1], "0.00000001"),
            (&[0, 0, 0, 2], "0.00"),
        ] {
            assert_eq!(text(&bytes(words)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_no_number_is_nothing() {
        for words in [
            // NaN, infinity, a digit too large, one too few, too long.
            &[0, 0, 0xc000, 0][..],
            &[0, 0, 0xd000, 0],
            &[1, 0, 0, 0, 10_000],
            &[2, 0, 0, 0, 1],
            &[1, 32_767, 0, 0, 1],
            &[1, 0, 0, 16_000, 1],
            &[0, 0],
        ] {
            assert_eq!(text(&bytes(words)), None);
        }
    }
}
