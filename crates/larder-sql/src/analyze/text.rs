//! The token pass: bounds, numbered parameters, and text whose meaning depends on the server (R12).

use sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace},
};

use super::parser_dialect;
use crate::{Catalog, Dialect, plan::Reason};

/// Longer texts are not analysed.
pub(super) const TEXT_BYTES_MAX: usize = 1 << 20;

/// Deepest nesting of parentheses and of the parser's own recursion.
pub(super) const DEPTH_MAX: usize = 48;

/// Longest chain of operators and keywords that may nest in each other. Chains such as
/// `a AND b AND ..` become trees as deep as they are long, and trees are walked by recursion.
const CHAIN_MAX: usize = 600;

/// A text as tokens, its parameters rewritten to `$1`, `$2` .. in the order of the driver.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) tokens: Vec<TokenWithSpan>,
    pub(super) quirk: Option<Quirk>,
    pub(super) parameters_numbered: bool,
    pub(super) strings_exact: bool,
}

/// Why the parser's reading of a text may not be the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Quirk {
    /// Operators may bind or mean otherwise; tables and columns are as read.
    Operators(Reason),
    /// Even strings and identifiers may begin and end elsewhere.
    Lexing(Reason),
}

impl Quirk {
    /// The reason, for people.
    pub(crate) fn reason(&self) -> &Reason {
        match self {
            Self::Operators(reason) | Self::Lexing(reason) => reason,
        }
    }
}

/// Reads a text into tokens.
pub(super) fn read(sql: &str, catalog: &Catalog) -> Result<Text, Reason> {
    if sql.len() > TEXT_BYTES_MAX {
        return Err(Reason::new("the text is longer than 1 MiB"));
    }
    let dialect = parser_dialect(catalog.dialect);
    let mut tokens = Tokenizer::new(dialect.as_ref(), sql)
        .tokenize_with_location()
        .map_err(|_| Reason::new("the text could not be read into tokens"))?;
    check_depth(&tokens)?;
    let parameters_numbered = number_parameters(&mut tokens, catalog.dialect);
    Ok(Text {
        quirk: lexing_quirk(sql, &tokens, catalog).or_else(|| operator_quirk(&tokens, catalog)),
        strings_exact: catalog.dialect != Dialect::MySql || !sql.contains('\\'),
        parameters_numbered,
        tokens,
    })
}

/// Bounds the depth of the tree that the tokens can become: every level of it needs an operator, a
/// keyword or a parenthesis. Commas separate siblings; set operations chain across them.
fn check_depth(tokens: &[TokenWithSpan]) -> Result<(), Reason> {
    let mut open = vec![Group::default()];
    for token in tokens {
        let Some(group) = open.last_mut() else { break };
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                group.chain += 1;
                open.push(Group::default());
                if open.len() > DEPTH_MAX {
                    return Err(Reason::new("the statement nests too deeply"));
                }
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                let depth = group.depth();
                if open.len() > 1 {
                    open.pop();
                }
                if let Some(outer) = open.last_mut() {
                    outer.below = outer.below.max(depth);
                }
            }
            Token::Comma => group.next_sibling(),
            Token::SemiColon => open = vec![Group::default()],
            token if is_set_operator(token) => group.set_operations += 1,
            token if may_nest(token) => group.chain += 1,
            _ => {}
        }
        let depth: usize = open.iter().map(Group::depth).sum();
        if depth > CHAIN_MAX {
            return Err(Reason::new("the statement chains too many operators"));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Group {
    chain: usize,
    longest: usize,
    below: usize,
    set_operations: usize,
}

impl Group {
    fn next_sibling(&mut self) {
        self.longest = self.longest.max(self.chain);
        self.chain = 0;
    }

    fn depth(&self) -> usize {
        self.longest.max(self.chain) + self.below + self.set_operations
    }
}

fn is_set_operator(token: &Token) -> bool {
    matches!(token, Token::Word(word) if matches!(
        word.keyword,
        Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS
    ))
}

fn may_nest(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.quote_style.is_none(),
        Token::Whitespace(_)
        | Token::Period
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Placeholder(_)
        | Token::EOF => false,
        _ => true,
    }
}

/// Rewrites placeholders to `$n` in textual order; false when a position is not certain.
fn number_parameters(tokens: &mut [TokenWithSpan], dialect: Dialect) -> bool {
    let mut largest = 0_usize;
    let mut certain = true;
    let (mut plain, mut numbered) = (false, false);
    for token in tokens {
        let Token::Placeholder(name) = &mut token.token else {
            // `:name` and `@name` are numbered among the others by SQLite.
            certain &=
                dialect != Dialect::Sqlite || !matches!(token.token, Token::Colon | Token::AtSign);
            continue;
        };
        let is_plain = name == "?";
        plain |= is_plain;
        numbered |= !is_plain;
        let explicit = match (dialect, name.as_bytes().first(), name.get(1..)) {
            (Dialect::MySql | Dialect::Sqlite, Some(b'?'), Some("")) => Some(largest + 1),
            (Dialect::Postgres, Some(b'$'), Some(digits))
            | (Dialect::Sqlite, Some(b'?'), Some(digits)) => number(digits),
            _ => None,
        };
        match explicit {
            Some(n) => {
                largest = largest.max(n);
                *name = format!("${n}");
            }
            None => {
                certain = false;
                // Never to be mistaken for a numbered one.
                *name = format!("?{name}");
            }
        }
    }
    // SQLite numbers `?` after the largest `?n`, some of its drivers after the last `?`.
    certain && !(plain && numbered)
}

fn number(digits: &str) -> Option<usize> {
    let plain = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    digits
        .parse()
        .ok()
        .filter(|n| plain && (1..=65_535).contains(n))
}

/// What makes strings, identifiers and comments uncertain.
fn lexing_quirk(sql: &str, tokens: &[TokenWithSpan], catalog: &Catalog) -> Option<Quirk> {
    if let Some(setting) = catalog.text_is_misread() {
        return Some(Quirk::Lexing(Reason::new(setting)));
    }
    let quirk = |text: &str| Some(Quirk::Lexing(Reason::new(text)));
    if has_wide_space(sql, tokens) {
        return quirk("the text holds white space that may be part of a name");
    }
    match catalog.dialect {
        // `/*!` and `/*M!` hold code that the server's version switches on (R12).
        Dialect::MySql if sql.contains("/*!") || sql.contains("/*M!") => {
            quirk("the text holds an executable comment")
        }
        Dialect::MySql if catalog.session_setting("sql_mode").is_none() => {
            let quoted = sql.contains('\\')
                || tokens
                    .iter()
                    .any(|t| matches!(t.token, Token::DoubleQuotedString(_)));
            quoted
                .then(|| Reason::new("quotes depend on a sql_mode that is not known"))
                .map(Quirk::Lexing)
        }
        Dialect::Postgres
            if sql.contains('\\')
                && catalog
                    .session_setting("standard_conforming_strings")
                    .is_none() =>
        {
            quirk("a backslash depends on standard_conforming_strings")
        }
        _ => None,
    }
}

/// Whether white space outside ASCII separates tokens: for the parser it does, for a server it may
/// be a letter like others.
fn has_wide_space(sql: &str, tokens: &[TokenWithSpan]) -> bool {
    let count = |text: &str| {
        text.chars()
            .filter(|c| c.is_whitespace() && !c.is_ascii())
            .count()
    };
    let all = count(sql);
    let inside = || -> usize {
        let kept = tokens.iter().map(|token| match &token.token {
            Token::Whitespace(Whitespace::Space | Whitespace::Newline | Whitespace::Tab) => 0,
            token => count(&token.to_string()),
        });
        kept.sum()
    };
    all > 0 && all != inside()
}

/// MySQL operators whose meaning or precedence depends on the server's mode (R12).
fn operator_quirk(tokens: &[TokenWithSpan], catalog: &Catalog) -> Option<Quirk> {
    if catalog.dialect != Dialect::MySql {
        return None;
    }
    let name = tokens.iter().find_map(|token| match &token.token {
        Token::StringConcat => Some("||"),
        Token::Overlap => Some("&&"),
        Token::ExclamationMark | Token::DoubleExclamationMark => Some("!"),
        Token::Assignment => Some(":="),
        Token::Word(word) if word.keyword == Keyword::XOR && word.quote_style.is_none() => {
            Some("xor")
        }
        _ => None,
    })?;
    let text = format!("the meaning of {name} depends on sql_mode");
    Some(Quirk::Operators(Reason::new(text)))
}
