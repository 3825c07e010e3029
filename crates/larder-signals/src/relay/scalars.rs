//! Reads the images of the outbox: JSON objects whose members are all scalar. Anything else is no
//! image, which drops more.

/// One member of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
}

/// The members of an object, in order; `None` when the text is not just that.
pub(super) fn members(text: &str) -> Option<Vec<(String, Scalar)>> {
    if text.len() > IMAGE_BYTES_MAX {
        return None;
    }
    let mut reader = Reader { rest: text };
    let mut members = Vec::new();
    reader.sign('{')?;
    if reader.sign('}').is_none() {
        loop {
            reader.skip_spaces();
            let name = reader.string()?;
            reader.sign(':')?;
            members.push((name, reader.scalar()?));
            if reader.sign(',').is_none() {
                reader.sign('}')?;
                break;
            }
        }
    }
    reader.skip_spaces();
    reader.rest.is_empty().then_some(members)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn sign(&mut self, sign: char) -> Option<()> {
        self.skip_spaces();
        self.rest = self.rest.strip_prefix(sign)?;
        Some(())
    }

    fn scalar(&mut self) -> Option<Scalar> {
        self.skip_spaces();
        if self.rest.starts_with('"') {
            return self.string().map(Scalar::Text);
        }
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
        let end = self.rest.find(|letter| !is_part(letter))?;
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        match word {
            "null" => Some(Scalar::Null),
            "true" => Some(Scalar::Bool(true)),
            "false" => Some(Scalar::Bool(false)),
            _ if word.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
                Some(Scalar::Number(word.to_owned()))
            }
            _ => None,
        }
    }

    fn string(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix('"')?;
        let mut text = String::new();
        loop {
            let end = self.rest.find(['"', '\\'])?;
            let (plain, rest) = self.rest.split_at_checked(end)?;
            text.push_str(plain);
            let mut letters = rest.chars();
            let closes = letters.next()? == '"';
            self.rest = letters.as_str();
            if closes {
                return Some(text);
            }
            text.push(self.escaped()?);
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        self.rest = letters.as_str();
        Some(match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.code_point(),
            _ => return None,
        })
    }

    fn code_point(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.rest = self.rest.strip_prefix("\\u")?;
        let second = self.unit()?;
        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low)
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        let is_plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_plain.then(|| u32::from_str_radix(digits, 16).ok())?
    }
}

/// The triggers write no longer ones unless a table has very many columns.
const IMAGE_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_read_as_they_are_written() {
        let text =
            r#" { "a" : -1.50, "b":"x\"\\\u00e9\ud83d\ude00\n" , "c":null,"d":true,"":false}"#;
        let member = |name: &str, value| (name.to_owned(), value);
        assert_eq!(
            members(text).unwrap(),
            [
                member("a", Scalar::Number("-1.50".into())),
                member("b", Scalar::Text("x\"\\é😀\n".into())),
                member("c", Scalar::Null),
                member("d", Scalar::Bool(true)),
                member("", Scalar::Bool(false)),
            ]
        );
        assert_eq!(members("{}"), Some(Vec::new()));
    }

    #[test]
    fn whatever_else_is_no_image() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            "{}x",
            "{\"a\":1",
            "{\"a\"}",
            "{\"a\":1,}",
            "{\"a\":[]}",
            "{\"a\":{}}",
            "{\"a\":nul}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\ud800\\u0041\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u+123\"}",
            "{\"a\":\"x",
            "{a:1}",
            "{\"a\":}",
        ] {
            assert_eq!(members(text), None, "{text}");
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(IMAGE_BYTES_MAX));
        assert_eq!(members(&long), None);
    }
}
