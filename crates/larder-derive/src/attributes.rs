//! What may stand in `#[larder(..)]`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, DeriveInput, Error, Ident, LitStr, Path, Result, Token, meta::ParseNestedMeta,
    parenthesized, punctuated::Punctuated,
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
    /// The time to live comes from the builder, or from each query.
    pub(crate) default_ttl: bool,
    /// Nothing that names this table is cached.
    pub(crate) never: bool,
    /// Results have no written form.
    pub(crate) local: bool,
    pub(crate) shared_flight: bool,
    pub(crate) early_refresh: bool,
    /// In milliseconds.
    pub(crate) allow_stale: Option<u64>,
    /// Path of the adapter.
    pub(crate) root: Option<Path>,
}

impl Options {
    /// Reads every `#[larder(..)]` of a model, which must say where its TTL comes from.
    pub(crate) fn of_model(input: &DeriveInput) -> Result<Self> {
        let options = Self::parse(&input.attrs, MODEL)?;
        if options.ttl_ms.is_none() && !options.default_ttl && !options.never {
            return Err(Error::new_spanned(&input.ident, NO_TTL));
        }
        Ok(options)
    }

    /// Reads every `#[larder(..)]` of a result type that is no model.
    pub(crate) fn of_result(input: &DeriveInput) -> Result<Self> {
        Self::parse(&input.attrs, RESULT)
    }

    /// Reads what `#[sea_orm::model]` has copied from a model.
    pub(crate) fn of_nested_model(input: &DeriveInput) -> Result<Self> {
        Self::parse(&input.attrs, MODEL)
    }

    fn parse(attributes: &[Attribute], known: Known) -> Result<Self> {
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        let mut never_at: Option<Span> = None;
        for attribute in attributes.iter().filter(|a| a.path().is_ident("larder")) {
            attribute.parse_nested_meta(|meta| {
                let name = option_name(&meta).ok_or_else(|| meta.error(known.refusal))?;
                if !known.options.contains(&name.as_str()) {
                    return Err(meta.error(known.refusal));
                }
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
        options.consistent(never_at).map(|()| options)
    }

    fn consistent(&self, never_at: Option<Span>) -> Result<()> {
        let cached = self.ttl_ms.is_some() || self.operations.is_some() || self.default_ttl;
        match never_at {
            Some(span) if cached => Err(Error::new(span, NEVER_STANDS_ALONE)),
            _ if self.default_ttl && self.ttl_ms.is_some() => {
                Err(Error::new(Span::call_site(), TWO_TTLS))
            }
            _ => Ok(()),
        }
    }

    /// The path to what the derives expand to.
    pub(crate) fn private(&self) -> TokenStream {
        match &self.root {
            Some(root) => quote!(#root::__private),
            None => quote!(::larder::__private),
        }
    }

    /// [`private`](Self::private) of Diesel's adapter.
    pub(crate) fn private_of_diesel(&self) -> TokenStream {
        match &self.root {
            Some(root) => quote!(#root::__private),
            None => quote!(::larder::diesel::__private),
        }
    }

    fn read(&mut self, name: &str, meta: &ParseNestedMeta<'_>) -> Result<()> {
        match name {
            "ttl" => self.ttl_ms = Some(ttl(&meta.value()?.parse()?)?),
            "allow_stale" => self.allow_stale = Some(stale(&meta.value()?.parse()?)?),
            "shared_flight" => self.shared_flight = true,
            "early_refresh" => self.early_refresh = true,
            "default_ttl" => self.default_ttl = true,
            "ops" => self.operations = Some(operations(meta)?),
            "never" => self.never = true,
            "local" => self.local = true,
            // The names are checked before.
            _ => self.root = Some(meta.value()?.parse::<LitStr>()?.parse()?),
        }
        Ok(())
    }
}

/// The name before `=`, `(` or `,`.
fn option_name(meta: &ParseNestedMeta<'_>) -> Option<String> {
    meta.path.get_ident().map(ToString::to_string)
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

fn ttl(literal: &LitStr) -> Result<u64> {
    match milliseconds(literal) {
        Some(0) => Err(Error::new(literal.span(), ZERO_TTL)),
        Some(milliseconds) => Ok(milliseconds),
        None => Err(Error::new(literal.span(), WRONG_TTL)),
    }
}

fn stale(literal: &LitStr) -> Result<u64> {
    milliseconds(literal).ok_or_else(|| Error::new(literal.span(), WRONG_STALE))
}

/// Those of `"15m"`.
fn milliseconds(literal: &LitStr) -> Option<u64> {
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
    let number = number.parse::<u64>().ok()?;
    number.checked_mul(scale?)
}

/// The options that a derive knows.
#[derive(Clone, Copy)]
struct Known {
    options: &'static [&'static str],
    refusal: &'static str,
}

const MODEL: Known = Known {
    options: &[
        "ttl",
        "default_ttl",
        "ops",
        "never",
        "local",
        "shared_flight",
        "early_refresh",
        "allow_stale",
        "crate",
    ],
    refusal: "unknown option: larder takes `ttl = \"15m\"`, `default_ttl`, `ops(..)`, `never`, `local`, `shared_flight`, `early_refresh`, `allow_stale = \"10s\"` and `crate = \"..\"`",
};
const RESULT: Known = Known {
    options: &["local", "crate"],
    refusal: "unknown option: a cached result takes `local` and `crate = \"..\"`",
};
const NO_TTL: &str = "no `ttl`: write `#[larder(ttl = \"15m\")]`, or `#[larder(default_ttl)]` where the builder's default policy or each query gives it, or `#[larder(never)]`";
const NEVER_STANDS_ALONE: &str =
    "`never` caches nothing, so `ttl`, `default_ttl` and `ops` cannot stand beside it";
const TWO_TTLS: &str = "`ttl` and `default_ttl` exclude each other";
const NAMES: &str = "one or more of get, fetch, count, aggregate, exists";
const WRONG_TTL: &str =
    "`ttl` takes a whole number with one of the units ms, s, m, h, d, such as \"15m\"";
const WRONG_STALE: &str =
    "`allow_stale` takes a whole number with one of the units ms, s, m, h, d, such as \"10s\"";
const ZERO_TTL: &str = "a `ttl` of zero caches nothing; write `never`";
