//! Where a command ends.

use std::fmt;

/// A command as a client sent it: an array of words.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Command {
    words: Vec<Vec<u8>>,
}

impl Command {
    /// Takes the first command off what a client has sent. `None` = it is not complete.
    pub(super) fn take(bytes: &mut Vec<u8>) -> Option<(Self, Vec<u8>)> {
        let mut input = Input(bytes);
        let count = input.number(b'*')?;
        let words = (0..count).map(|_| {
            let length = input.number(b'$')?;
            let word = input.take(length)?.to_vec();
            input.take(2).map(|_| word)
        });
        let words = words.collect::<Option<_>>()?;
        let left = input.0.len();
        let rest = bytes.split_off(bytes.len() - left);
        let raw = std::mem::replace(bytes, rest);
        Some((Self { words }, raw))
    }

    /// Whether it is this one: the name in capitals.
    pub fn is(&self, name: &str) -> bool {
        self.words
            .first()
            .is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The word at this position; the name is at 0.
    pub fn word(&self, at: usize) -> Option<&[u8]> {
        self.words.get(at).map(Vec::as_slice)
    }

    /// Whether any word is this one.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|it| it == word.as_bytes())
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.words.iter().map(|word| word.escape_ascii());
        f.debug_list()
            .entries(words.map(|word| word.to_string()))
            .finish()
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The number of a line that begins with this byte.
    fn number(&mut self, kind: u8) -> Option<usize> {
        let end = self.0.windows(2).position(|pair| pair == b"\r\n")?;
        let line = self.take(end)?;
        self.take(2)?;
        let digits = line.strip_prefix(&[kind])?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn commands_are_taken_apart_and_half_ones_stay() {
        let mut bytes =
            b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nget\r\n$4\r\na\r\nb\r\n*1\r\n$4\r\nPI".to_vec();
        let (ping, raw) = Command::take(&mut bytes).unwrap();
        assert!(ping.is("PING") && raw == b"*1\r\n$4\r\nPING\r\n");
        let (get, _) = Command::take(&mut bytes).unwrap();
        assert!(get.is("GET") && get.has("a\r\nb"));
        assert_eq!(format!("{get:?}"), r#"["get", "a\\r\\nb"]"#);
        assert!(Command::take(&mut bytes).is_none());
        assert_eq!(bytes, b"*1\r\n$4\r\nPI");
    }
}
