//! What `#[derive(Cacheable)]` makes of a struct of Diesel's.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Error, Field, Fields, Ident, LitStr, Path, Result, Token, Type,
    meta::ParseNestedMeta, parenthesized, punctuated::Punctuated,
};

use crate::{attributes::Options, expand};

/// What `#[diesel(..)]` says of a struct, as far as it matters here.
#[derive(Default)]
struct Said {
    table: Option<Path>,
    primary_key: Option<Vec<Ident>>,
}

/// Whether the struct is one of Diesel's.
pub(crate) fn is_meant(input: &DeriveInput) -> bool {
    said(&input.attrs).is_ok_and(|said| said.table.is_some())
}

/// Whether it can only be one, and does not say of which table: a model of SeaORM's is a `Model`, or
/// speaks of SeaORM.
pub(crate) fn lacks_table(input: &DeriveInput) -> bool {
    let Data::Struct(data) = &input.data else {
        return false;
    };
    let speaks_of = |name: &str| {
        let of_fields = data.fields.iter().flat_map(|field| &field.attrs);
        (input.attrs.iter().chain(of_fields)).any(|attribute| attribute.path().is_ident(name))
    };
    speaks_of("diesel") || (input.ident != "Model" && !speaks_of("sea_orm"))
}

pub(crate) fn cacheable(input: &DeriveInput) -> Result<TokenStream> {
    let said = said(&input.attrs)?;
    let Some(table) = &said.table else {
        return Err(Error::new_spanned(&input.ident, NO_TABLE));
    };
    let columns = columns(input)?;
    let options = Options::of_model(input)?;
    let private = options.private_of_diesel();
    let model = &input.ident;
    let (generics, types, wheres) = input.generics.split_for_impl();
    if input.generics.type_params().next().is_some() {
        return Err(Error::new_spanned(&input.generics, TYPE_PARAMETERS));
    }
    let policy = expand::policy(&options, &private);
    let id = vec![Ident::new("id", model.span())];
    let key = Key::of(said.primary_key.as_ref().unwrap_or(&id), &columns);
    let (key_type, key_values) = key.tokens(&private);
    let names = columns.iter().map(|column| &column.name);
    let fields = columns.iter().map(|column| &column.field);
    // Policies are the program's, so that a type is meant, not one for each lifetime.
    let anonymous = input.generics.lifetimes().map(|_| quote!('static));
    let entity = match input.generics.lifetimes().next() {
        Some(_) => quote!(#model<#(#anonymous),*>),
        None => quote!(#model),
    };
    Ok(quote! {
        #[automatically_derived]
        impl #generics #private::CachedEntity for #model #types #wheres {
            type Key = #key_type;

            fn schema_name() -> ::core::option::Option<&'static str> {
                static NAME: #private::TableName = #private::TableName::new();
                NAME.of::<#table::table>().0
            }
            fn table_name() -> &'static str {
                static NAME: #private::TableName = #private::TableName::new();
                NAME.of::<#table::table>().1
            }
            fn key_values(
                key: Self::Key,
            ) -> ::std::vec::Vec<(&'static str, #private::Param<'static>)> {
                #key_values
            }
            fn policy() -> #private::Policy {
                #policy
            }
        }

        #[automatically_derived]
        impl #generics #private::CachedModel for #model #types #wheres {
            type Entity = Self;

            fn column_values(
                &self,
            ) -> ::std::vec::Vec<(&'static str, #private::Param<'static>)> {
                use #private::GivenValue as _;
                ::std::vec![#((#names, (&&#private::Given(&self.#fields)).param())),*]
            }
        }

        #private::inventory::submit! { #private::DeclaredPolicy::of::<#entity>() }
    })
}

/// A field that is a column.
struct Column<'a> {
    name: String,
    field: &'a Ident,
    kind: &'a Type,
}

/// The primary key as the fields tell it.
enum Key<'a> {
    Fields(Vec<&'a Column<'a>>),
    /// The struct has it not, or not whole.
    Unknown,
}

impl<'a> Key<'a> {
    fn of(names: &[Ident], columns: &'a [Column<'a>]) -> Self {
        let find = |name: &Ident| columns.iter().find(|column| *name == column.name);
        let fields: Option<Vec<_>> = names.iter().map(find).collect();
        fields.map_or(Self::Unknown, Self::Fields)
    }

    /// Its type, and the code that makes named values of it.
    fn tokens(&self, private: &TokenStream) -> (TokenStream, TokenStream) {
        let given =
            |name: &str, value: TokenStream| quote!((#name, (&&#private::Given(&#value)).param()));
        match self {
            Self::Fields(fields) => match fields.as_slice() {
                [column] => {
                    let (kind, value) = (column.kind, given(&column.name, quote!(key)));
                    let values = quote! { use #private::GivenValue as _; ::std::vec![#value] };
                    (quote!(#kind), values)
                }
                columns => {
                    let kinds = columns.iter().map(|column| column.kind);
                    let values = columns.iter().enumerate().map(|(at, column)| {
                        let at = syn::Index::from(at);
                        given(&column.name, quote!(key.#at))
                    });
                    let values =
                        quote! { use #private::GivenValue as _; ::std::vec![#(#values),*] };
                    (quote!((#(#kinds),*)), values)
                }
            },
            Self::Unknown => (quote!(::core::convert::Infallible), quote!(match key {})),
        }
    }
}

fn columns(input: &DeriveInput) -> Result<Vec<Column<'_>>> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, NOT_A_ROW));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(&input.ident, NOT_A_ROW));
    };
    let columns = fields.named.iter().map(column);
    columns.filter_map(Result::transpose).collect()
}

/// `None` for a field that stands for several columns, or for none.
fn column(field: &Field) -> Result<Option<Column<'_>>> {
    let Some(ident) = &field.ident else {
        return Ok(None);
    };
    let (mut name, mut is_column) = (unraw(ident), true);
    for attribute in of_diesel(&field.attrs) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("column_name") {
                name = column_name(&meta)?;
            } else if meta.path.is_ident("embed")
                || meta.path.is_ident("skip_insertion")
                || meta.path.is_ident("select_expression")
            {
                is_column = false;
                skip(&meta)?;
            } else {
                skip(&meta)?;
            }
            Ok(())
        })?;
    }
    let kind = &field.ty;
    Ok(is_column.then_some(Column {
        name,
        field: ident,
        kind,
    }))
}

/// `column_name = title`, or in quotes as of old.
fn column_name(meta: &ParseNestedMeta<'_>) -> Result<String> {
    let value = meta.value()?;
    if value.peek(LitStr) {
        return Ok(value.parse::<LitStr>()?.value());
    }
    Ok(unraw(&value.parse::<Ident>()?))
}

fn said(attributes: &[Attribute]) -> Result<Said> {
    let mut said = Said::default();
    for attribute in of_diesel(attributes) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("table_name") {
                said.table = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("primary_key") {
                let content;
                parenthesized!(content in meta.input);
                let names = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?;
                said.primary_key = Some(names.into_iter().collect());
            } else {
                skip(&meta)?;
            }
            Ok(())
        })?;
    }
    Ok(said)
}

fn of_diesel(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("diesel"))
}

/// Passes over what an option holds, up to the comma after it.
fn skip(meta: &ParseNestedMeta<'_>) -> Result<()> {
    while !meta.input.is_empty() && !meta.input.peek(Token![,]) {
        meta.input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

fn unraw(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

const NO_TABLE: &str = "no table: write `#[diesel(table_name = ..)]` on the struct; on an entity of \
                        SeaORM's, the derive stands on its `Model`";
const NOT_A_ROW: &str = "`Cacheable` stands on a struct with named fields, one for each column";
const TYPE_PARAMETERS: &str =
    "a policy is that of one table: the struct cannot have type parameters";
