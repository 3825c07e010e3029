//! What may stand in `#[larder(..)]`.

use proc_macro2::Span;
use syn::{
    Attribute, Error, Ident, LitStr, Path, Result, Token, meta::ParseNestedMeta, parenthesized,
    punctuated::Punctuated,
};

/// The operations that `ops(..)` names, with their variants in `larder_sql::plan::Operation`.
pub(crate) const OPERATIONS: [(&str, &str); 5] = [
    ("get", "Get"),
    ("fetch", "Fetch"),
    ("count", "Count"),
    ("aggregate", "Aggregate"),
    ("exists", "Exists"),
];

/// The options of one model.
#[derive(Default)]
pub(crate) struct Options {
    /// Time to live in milliseconds.
    pub(crate) ttl_ms: Option<u64>,
    /// Variant names of the cached operations; `None` = all.
    pub(crate) operations: Option<Vec<Ident>>,
    /// Nothing that names this table is cached.
    pub(crate) never: bool,
    /// Results have no serialized form.
    pub(crate) local: bool,
    /// Path of the adapter.
    pub(crate) root: Option<Path>,
}

impl Options {
    /// Reads every `#[larder(..)]` of the model.
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        let mut never_at: Option<Span> = None;
        for attribute in attributes.iter().filter(|a| a.path().is_ident("larder")) {
            attribute.parse_nested_meta(|meta| {
                let name = option_name(&meta)?;
                if seen.contains(&name) {
                    return Err(meta.error(format!("`{name}` is given twice")));
                }
                if name == "never" {
                    never_at = meta.path.get_ident().map(Ident::span);
                }
                options.read(&name, &meta)?;
                seen.push(name);
                Ok(())
            })?;
        }
        match never_at {
            Some(span) if options.ttl_ms.is_some() || options.operations.is_some() => {
                Err(Error::new(
                    span,
                    "`never` caches nothing, so `ttl` and `ops` cannot stand beside it",
                ))
            }
            _ => Ok(options),
        }
    }

    fn read(&mut self, name: &str, meta: &ParseNestedMeta<'_>) -> Result<()> {
        match name {
            "ttl" => self.ttl_ms = Some(ttl(&meta.value()?.parse()?)?),
            "ops" => self.operations = Some(operations(meta)?),
            "never" => self.never = true,
            "local" => self.local = true,
            "crate" => self.root = Some(meta.value()?.parse::<LitStr>()?.parse()?),
            _ => return Err(meta.error(UNKNOWN)),
        }
        Ok(())
    }
}

/// The name before `=`, `(` or `,`.
fn option_name(meta: &ParseNestedMeta<'_>) -> Result<String> {
    meta.path
        .get_ident()
        .map(ToString::to_string)
        .ok_or_else(|| meta.error(UNKNOWN))
}

fn operations(meta: &ParseNestedMeta<'_>) -> Result<Vec<Ident>> {
    let content;
    parenthesized!(content in meta.input);
    let names = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?;
    if names.is_empty() {
        return Err(meta.error(format!(
            "`ops` needs {NAMES}; for none of them write `never`"
        )));
    }
    names.iter().map(operation).collect()
}

fn operation(name: &Ident) -> Result<Ident> {
    OPERATIONS
        .iter()
        .find(|(written, _)| name == written)
        .map(|(_, variant)| Ident::new(variant, name.span()))
        .ok_or_else(|| {
            Error::new(
                name.span(),
                format!("`{name}` is no operation: `ops` takes {NAMES}"),
            )
        })
}

/// Milliseconds of `"15m"`.
fn ttl(literal: &LitStr) -> Result<u64> {
    let text = literal.value();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let milliseconds = number
        .parse::<u64>()
        .ok()
        .zip(scale)
        .and_then(|(n, by)| n.checked_mul(by));
    match milliseconds {
        Some(0) => Err(Error::new(literal.span(), ZERO_TTL)),
        Some(milliseconds) => Ok(milliseconds),
        None => Err(Error::new(literal.span(), WRONG_TTL)),
    }
}

const UNKNOWN: &str = "unknown option: larder takes `ttl = \"15m\"`, `ops(..)`, `never`, `local` and `crate = \"..\"`";
const NAMES: &str = "one or more of get, fetch, count, aggregate, exists";
const WRONG_TTL: &str =
    "`ttl` takes a whole number with one of the units ms, s, m, h, d, such as \"15m\"";
const ZERO_TTL: &str = "a `ttl` of zero caches nothing; write `never`";
