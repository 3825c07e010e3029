//! A text as it may be shown to people: without the values that an application wrote into it.

use sqlparser::tokenizer::{Token, Tokenizer};

use super::parser_dialect;
use crate::Dialect;

/// The text with `?` in place of every literal: texts and numbers. Of a text whose tokens are not
/// known, nothing is shown but its first word.
#[must_use]
pub fn without_literals(text: &str, dialect: Dialect) -> String {
    let tokens = Tokenizer::new(parser_dialect(dialect).as_ref(), text).tokenize();
    let Ok(tokens) = tokens else {
        let first = text.split_whitespace().next().unwrap_or_default();
        let word: String = first
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect();
        return format!("{word} ..");
    };
    let mut shown = String::with_capacity(text.len());
    for token in tokens {
        match token {
            // A text, where no column has that name.
            Token::Word(word) if dialect == Dialect::Sqlite && word.quote_style == Some('"') => {
                shown.push('?');
            }
            Token::Word(_)
            | Token::Whitespace(sqlparser::tokenizer::Whitespace::Space)
            | Token::Whitespace(sqlparser::tokenizer::Whitespace::Newline)
            | Token::Whitespace(sqlparser::tokenizer::Whitespace::Tab)
            | Token::Placeholder(_) => shown.push_str(&token.to_string()),
            // What an application writes into a comment may be a value as well.
            Token::Whitespace(_) => shown.push(' '),
            _ if is_literal(&token) => shown.push('?'),
            other => shown.push_str(&other.to_string()),
        }
    }
    shown
}

/// How many parameters a text takes: the highest number among its placeholders, or how many there
/// are where they bear none. `None` = its tokens are not known.
#[must_use]
pub fn parameters_of(text: &str, dialect: Dialect) -> Option<usize> {
    let tokens = Tokenizer::new(parser_dialect(dialect).as_ref(), text).tokenize();
    let (mut highest, mut unnumbered) = (0, 0);
    for token in tokens.ok()? {
        if let Token::Placeholder(placeholder) = token {
            match placeholder.get(1..).map(str::parse::<usize>) {
                Some(Ok(number)) => highest = highest.max(number),
                _ => unnumbered += 1,
            }
        }
    }
    Some(highest.saturating_add(unnumbered))
}

fn is_literal(token: &Token) -> bool {
    // The parser has some twenty kinds of quoted text, and may get more.
    let written = token.to_string();
    matches!(token, Token::Number(..)) || written.contains(['\'', '"', '$'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dialect: Dialect, text: &str, shown: &str) {
        assert_eq!(without_literals(text, dialect), shown);
    }

    #[test]
    fn literals_of_every_kind_are_left_out_and_names_stay() {
        check(
            Dialect::Postgres,
            r#"SELECT "a" FROM t WHERE b = $1 AND c = 'x''y' AND d = E'\x' AND e = $$z$$ AND f = 1.5"#,
            r#"SELECT "a" FROM t WHERE b = $1 AND c = ? AND d = ? AND e = ? AND f = ?"#,
        );
        check(
            Dialect::MySql,
            "SELECT `a` FROM t WHERE b = \"x\" AND c = 'it\\'s' AND d = 0x1f AND e = ?",
            "SELECT `a` FROM t WHERE b = ? AND c = ? AND d = ? AND e = ?",
        );
        check(
            Dialect::Sqlite,
            "SELECT a FROM t WHERE b = x'00' AND c = -3 LIMIT 5 /* Ann */ -- Bob\n",
            "SELECT a FROM t WHERE b = ? AND c = -? LIMIT ?    \n",
        );
        check(
            Dialect::Sqlite,
            r#"SELECT `a` FROM "t" WHERE b = "ann@example.org""#,
            "SELECT `a` FROM ? WHERE b = ?",
        );
    }

    #[test]
    fn parameters_are_counted_by_number_or_by_place() {
        let count = |dialect, text| parameters_of(text, dialect);
        assert_eq!(count(Dialect::Postgres, "SELECT $2, $1, $2, '$9'"), Some(2));
        assert_eq!(count(Dialect::MySql, "SELECT ?, ?, '?'"), Some(2));
        assert_eq!(count(Dialect::Sqlite, "SELECT ?2, ?1"), Some(2));
        assert_eq!(count(Dialect::Postgres, "SELECT 'never closed"), None);
    }

    #[test]
    fn of_a_text_without_known_tokens_the_first_word_is_shown() {
        check(Dialect::Postgres, "SELECT 'never closed", "SELECT ..");
    }
}
