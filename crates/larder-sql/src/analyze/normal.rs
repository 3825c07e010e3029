//! The normalized text of a statement: part of the key of its entries, so that comments, white
//! space, keyword case and the style of placeholders do not matter.
//!
//! Two different queries must never render to one text. The rendering is used only when its tokens
//! are those of the text, but for the case of keywords; a construct that the parser renders
//! otherwise, or forgets, keeps the text as it was sent.

use std::{ops::ControlFlow, sync::Arc};

use sqlparser::{
    ast::{Expr, Select, SelectItem, Statement, Visit, Visitor},
    tokenizer::{Token, TokenWithSpan, Tokenizer},
};

use super::{Analysis, parser_dialect, text::Text};
use crate::Dialect;

/// Renders the statements of a text.
pub(super) fn render(text: &Text, statements: &[Statement], cx: &Analysis<'_>) -> Arc<str> {
    rendered(text, statements, cx).unwrap_or_else(|| Arc::from(cx.text))
}

fn rendered(text: &Text, statements: &[Statement], cx: &Analysis<'_>) -> Option<Arc<str>> {
    // Only reads have entries.
    let [statement @ Statement::Query(_)] = statements else {
        return None;
    };
    if cx.quirk.is_some() || !cx.strings_exact || !cx.parameters_numbered {
        return None;
    }
    // MySQL and SQLite call a column without an alias by its expression as it was written.
    if cx.dialect != Dialect::Postgres && statement.visit(&mut NamedByText).is_break() {
        return None;
    }
    let rendered = statement.to_string();
    let dialect = parser_dialect(cx.dialect);
    let mut tokens = Tokenizer::new(dialect.as_ref(), &rendered)
        .tokenize_with_location()
        .ok()?;
    tokens.retain(|token| is_significant(&token.token));
    let sent = significant(&text.tokens)?;
    let equal = sent.len() == tokens.len()
        && sent
            .iter()
            .zip(&tokens)
            .all(|(sent, rendered)| is_same(&sent.token, &rendered.token));
    equal.then(|| Arc::from(rendered))
}

/// Breaks at a selected expression without an alias that is not a column.
struct NamedByText;

impl Visitor for NamedByText {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let by_text = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(expr) => {
                !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
            }
            _ => false,
        };
        if select.projection.iter().any(by_text) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// The tokens of a text without white space and final semicolons; `None` when two operators touch,
/// which the server may read as one, or when a word looks like a rendered parameter.
fn significant(tokens: &[TokenWithSpan]) -> Option<Vec<&TokenWithSpan>> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut operator_before = false;
    for token in tokens {
        let operator = is_operator(&token.token);
        if operator && operator_before || is_dollar_word(&token.token) {
            return None;
        }
        operator_before = operator;
        if is_significant(&token.token) {
            kept.push(token);
        }
    }
    while kept
        .last()
        .is_some_and(|token| token.token == Token::SemiColon)
    {
        kept.pop();
    }
    Some(kept)
}

fn is_dollar_word(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.starts_with('$'))
}

fn is_significant(token: &Token) -> bool {
    !matches!(token, Token::Whitespace(_) | Token::EOF)
}

fn is_operator(token: &Token) -> bool {
    !matches!(
        token,
        Token::Whitespace(_)
            | Token::EOF
            | Token::Word(_)
            | Token::Number(..)
            | Token::Placeholder(_)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::DollarQuotedString(_)
            | Token::Comma
            | Token::Period
            | Token::LParen
            | Token::RParen
            | Token::LBracket
            | Token::RBracket
            | Token::SemiColon
    )
}

/// A word that differs in case must be one that the rendering took for a keyword: those are
/// written in capitals, while identifiers keep their letters.
fn is_same(sent: &Token, rendered: &Token) -> bool {
    match (sent, rendered) {
        (Token::Word(a), Token::Word(b)) => {
            a.quote_style == b.quote_style
                && (a.value == b.value
                    || a.quote_style.is_none()
                        && a.value.eq_ignore_ascii_case(&b.value)
                        && !b.value.bytes().any(|byte| byte.is_ascii_lowercase()))
        }
        // MySQL's identifiers may begin with a dollar sign; `significant` let none through.
        (Token::Placeholder(a), Token::Word(b)) => b.quote_style.is_none() && *a == b.value,
        (a, b) => a == b,
    }
}
