//! Policies of row-level security: what lets a row through.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use sqlparser::{
    ast::{BinaryOperator, Expr, Visit, Visitor},
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use crate::introspect::answers::{Answers, CatalogError};

/// Longer conditions are not looked into.
const TEXT_MAX: usize = 16 << 10;

/// Deepest nesting that is followed.
const DEPTH_MAX: usize = 48;

/// The conditions of each relation that has some, joined; `None` = one of them rests on more than
/// the row and the session.
pub(super) fn read(answers: &Answers) -> Result<BTreeMap<&str, Option<Arc<str>>>, CatalogError> {
    let mut texts: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for row in answers.rows("policies")? {
        let condition = row.optional(1).unwrap_or("true");
        let known = texts
            .entry(row.text(0)?)
            .or_insert_with(|| Some(String::new()));
        match known {
            Some(text) if is_plain(condition) => {
                text.push_str(condition);
                text.push('\n');
                text.push_str(row.optional(2).unwrap_or_default());
                text.push('\n');
            }
            known => *known = None,
        }
    }
    let joined = texts
        .into_iter()
        .map(|(relation, text)| (relation, text.map(Arc::from)));
    Ok(joined.collect())
}

/// Whether a condition holds nothing but columns of the row, constants, settings of the session and
/// operators. Every kind of expression that is not listed counts as something else.
fn is_plain(condition: &str) -> bool {
    if condition.len() > TEXT_MAX {
        return false;
    }
    let parsed = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(DEPTH_MAX)
        .try_with_sql(condition)
        .and_then(|mut parser| {
            let expr = parser.parse_expr()?;
            parser.expect_token(&sqlparser::tokenizer::Token::EOF)?;
            Ok(expr)
        });
    parsed.is_ok_and(|expr| expr.visit(&mut Plain).is_continue())
}

struct Plain;

impl Visitor for Plain {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let plain = match expr {
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::Value(_)
            | Expr::Nested(_)
            | Expr::UnaryOp { .. }
            | Expr::Cast { .. }
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::InList { .. }
            | Expr::AnyOp { .. }
            | Expr::Array(_) => true,
            // Others are the user's.
            Expr::BinaryOp { op, .. } => !matches!(
                op,
                BinaryOperator::Custom(_) | BinaryOperator::PGCustomBinaryOperator(_)
            ),
            // The server prints the schema of a function that is not its own.
            Expr::Function(function) => {
                let name = function.name.to_string().to_ascii_lowercase();
                OF_THE_SESSION.contains(&name.as_str())
            }
            _ => false,
        };
        if plain {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

/// Functions that say what the session is, or choose among what they are given.
const OF_THE_SESSION: [&str; 7] = [
    "current_setting",
    "current_user",
    "session_user",
    "user",
    "current_role",
    "coalesce",
    "nullif",
];

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn condition_on_the_row_and_the_session_is_plain() {
        for condition in [
            "true",
            "(tenant_id = 7)",
            "(tenant_id = (current_setting('app.tenant'::text))::integer)",
            "((owner)::text = CURRENT_USER)",
            "(owner = (NULLIF(current_setting('app.user'::text, true), ''::text))::uuid)",
            "((NOT deleted) AND (kind = ANY (ARRAY['a'::text, 'b'::text])))",
        ] {
            assert!(is_plain(condition), "{condition}");
        }
    }

    #[test]
    fn condition_on_anything_else_is_not() {
        for condition in [
            "(EXISTS ( SELECT 1 FROM member m WHERE (m.post_id = post.id)))",
            "(tenant_id = ( SELECT tenant.id FROM tenant LIMIT 1))",
            "(tenant_id IN ( SELECT member.tenant_id FROM member))",
            "(auth.uid() = user_id)",
            "pg_has_role(CURRENT_USER, (owner)::name, 'member'::text)",
            "(published_at < now())",
            "(a = 1) or (",
            "",
            "a b",
        ] {
            assert!(!is_plain(condition), "{condition}");
        }
        assert!(!is_plain(&"(".repeat(1_000)));
        assert!(!is_plain(&format!("(a = '{}')", "x".repeat(20_000))));
    }
}
