//! The code that the derive emits.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, Field, Fields, Ident, Result, Token, Type,
    parenthesized, parse_quote, token,
};

use crate::{attributes::Options, written::Form};

pub(crate) fn cacheable(input: &DeriveInput) -> Result<TokenStream> {
    // `#[sea_orm::model]` copies every derive to the nested model it makes, which is no entity.
    if input.ident == "ModelEx" {
        return nested_model(input);
    }
    named_fields(input)?;
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, NOT_A_MODEL));
    }
    let options = Options::of_model(input)?;
    let private = options.private();
    let model = &input.ident;
    let result = result(input, &options, None);
    let policy = policy(&options, &private);
    let finders = finders(model, &private);
    let overlaid = is_dense(input).then(|| overlaid(&private));
    Ok(quote! {
        #overlaid
        #finders

        #[automatically_derived]
        impl #private::CachedEntity for Entity {
            type Key = <PrimaryKey as #private::sea_orm::PrimaryKeyTrait>::ValueType;

            fn schema_name() -> ::core::option::Option<&'static str> {
                <Self as #private::sea_orm::EntityName>::schema_name(&Entity)
            }
            fn table_name() -> &'static str {
                <Self as #private::sea_orm::EntityName>::table_name(&Entity)
            }
            fn key_values(
                key: Self::Key,
            ) -> ::std::vec::Vec<(&'static str, #private::Param<'static>)> {
                #private::key_values::<Self>(key)
            }
            fn policy() -> #private::Policy {
                #policy
            }
        }

        #[automatically_derived]
        impl #private::CachedModel for #model {
            type Entity = Entity;

            fn column_values(
                &self,
            ) -> ::std::vec::Vec<(&'static str, #private::Param<'static>)> {
                #private::column_values(self)
            }
        }

        #[automatically_derived]
        impl #private::LoaderParent for #model {}

        #result

        #private::inventory::submit! { #private::DeclaredPolicy::of::<Entity>() }
    })
}

pub(crate) fn cached_result(input: &DeriveInput) -> Result<TokenStream> {
    if let Data::Union(_) = input.data {
        return Err(Error::new_spanned(&input.ident, NOT_A_RESULT));
    }
    Ok(result(input, &Options::of_result(input)?, None))
}

/// Relations that were not loaded and those without a row are one in serde, so a nested model is
/// never serialized.
fn nested_model(input: &DeriveInput) -> Result<TokenStream> {
    named_fields(input)?;
    let mut options = Options::of_nested_model(input)?;
    options.local = true;
    let model = parse_quote!(Model);
    let result = result(input, &options, Some(&model));
    let (private, name) = (options.private(), &input.ident);
    Ok(quote! {
        #result

        #[automatically_derived]
        impl #private::LoaderParent for #name {}
    })
}

/// Whether `#[sea_orm::model]` stands on the model: it leaves this mark.
fn is_dense(input: &DeriveInput) -> bool {
    sea_orm_says(&input.attrs, "model_ex")
}

/// SeaORM's generated code names `sea_orm::Select`; the error of a module in which that is not the
/// cached one should name the remedy.
fn overlaid(private: &TokenStream) -> TokenStream {
    quote! {
        const _: fn() = || {
            fn in_a_module_that_uses_larder_sea_orm<S: #private::OverlaidSelect>() {}
            in_a_module_that_uses_larder_sea_orm::<sea_orm::Select<Entity>>();
        };
    }
}

fn named_fields(input: &DeriveInput) -> Result<()> {
    match &input.data {
        Data::Struct(data) if matches!(data.fields, Fields::Named(_)) => Ok(()),
        _ => Err(Error::new_spanned(&input.ident, NOT_A_MODEL)),
    }
}

/// `CachedResult`; the fingerprint includes those of nested rows and of `base`.
fn result(input: &DeriveInput, options: &Options, base: Option<&Type>) -> TokenStream {
    let private = options.private();
    let name = &input.ident;
    let form = Form::of(input, options);
    let bytes = result_bytes(&input.data, &form, &private);
    let fingerprint = fingerprint(&input.data);
    let mut generics = input.generics.clone();
    let parameters: Vec<Ident> = generics.type_params().map(|p| p.ident.clone()).collect();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#private::CachedResult));
    }
    let (generics, _, wheres) = generics.split_for_impl();
    let (_, arguments, _) = input.generics.split_for_impl();
    let nested = all_fields(&input.data).filter(|field| is_nested(field));
    let parts: Vec<&Type> = nested.map(|field| &field.ty).chain(base).collect();
    let stored = form.written(&private, &parts);
    quote! {
        #[automatically_derived]
        impl #generics #private::CachedResult for #name #arguments #wheres {
            const SCHEMA_FINGERPRINT: u64 = #private::combined_fingerprint(#fingerprint, &[
                #(<#parameters as #private::CachedResult>::SCHEMA_FINGERPRINT,)*
                #(<#parts as #private::CachedResult>::SCHEMA_FINGERPRINT,)*
            ]);
            #bytes
            #stored
        }
    }
}

/// Whether SeaORM decodes the field as a row of its own.
fn is_nested(field: &Field) -> bool {
    sea_orm_says(&field.attrs, "nested")
}

/// Whether `#[sea_orm(..)]` holds this word.
fn sea_orm_says(attributes: &[Attribute], word: &str) -> bool {
    let mut said = false;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("sea_orm")) {
        // What SeaORM does not understand is SeaORM's to refuse.
        let _ = attribute.parse_nested_meta(|meta| {
            said |= meta.path.is_ident(word);
            if meta.input.peek(Token![=]) {
                meta.value()?.parse::<Expr>()?;
            } else if meta.input.peek(token::Paren) {
                let inside;
                parenthesized!(inside in meta.input);
                inside.parse::<TokenStream>()?;
            }
            Ok(())
        });
    }
    said
}

/// Inherent methods win over those of `EntityTrait`, so user code need not change.
fn finders(model: &Ident, private: &TokenStream) -> TokenStream {
    quote! {
        impl #model {
            /// A cache-aware select of the rows that are related to this one.
            pub fn find_related<R>(&self, related: R) -> #private::CachedSelect<R>
            where
                R: #private::sea_orm::EntityTrait,
                Entity: #private::sea_orm::Related<R>,
            {
                #private::CachedSelect::new(
                    #private::sea_orm::ModelTrait::find_related(self, related),
                )
            }

            /// A cache-aware select of the rows that a link leads to from this one.
            pub fn find_linked<L>(&self, linked: L) -> #private::CachedSelect<L::ToEntity>
            where
                L: #private::sea_orm::Linked<FromEntity = Entity>,
            {
                #private::CachedSelect::new(
                    #private::sea_orm::ModelTrait::find_linked(self, linked),
                )
            }
        }

        impl Entity {
            /// A cache-aware select of this entity.
            pub fn find() -> #private::CachedSelect<Entity> {
                #private::CachedSelect::new(<Entity as #private::sea_orm::EntityTrait>::find())
            }

            /// A cache-aware select of the row with this primary key.
            pub fn find_by_id<T>(values: T) -> #private::CachedSelect<Entity>
            where
                T: ::core::convert::Into<
                    <PrimaryKey as #private::sea_orm::PrimaryKeyTrait>::ValueType,
                >,
            {
                #private::CachedSelect::new(
                    <Entity as #private::sea_orm::EntityTrait>::find_by_id(values),
                )
            }
        }
    }
}

fn result_bytes(data: &Data, form: &Form<'_>, private: &TokenStream) -> TokenStream {
    let parts = match data {
        Data::Struct(data) => {
            let fields = data.fields.members();
            quote!(#((&&&&#private::Weigh(&self.#fields)).bytes()),*)
        }
        // As a whole, by its size alone.
        _ => quote!(<#private::Weigh<'_, Self> as #private::Weighs>::bytes(
            &#private::Weigh(self)
        )),
    };
    let local = quote! {
        {
            #[allow(unused_imports)]
            use #private::Weighs as _;
            #private::local_bytes(self, &[#parts])
        }
    };
    let bytes = match form.is_none() {
        true => local,
        // A part of it may have none after all.
        false => quote!(#private::written_bytes(self).unwrap_or_else(|| #local)),
    };
    quote! {
        fn result_bytes(&self) -> usize {
            #bytes
        }
    }
}

pub(crate) fn policy(options: &Options, private: &TokenStream) -> TokenStream {
    if options.never {
        return quote!(#private::Policy::never());
    }
    let ttl = options.ttl_ms.map(|milliseconds| {
        quote!(let policy = policy.with_ttl(::core::time::Duration::from_millis(#milliseconds));)
    });
    let operations = options.operations.as_ref().map(|operations| {
        quote!(let policy = policy.with_operations([#(#private::Operation::#operations),*]);)
    });
    let local = options.local.then(|| quote!(let policy = policy.local();));
    let shared = options
        .shared_flight
        .then(|| quote!(let policy = policy.shared_flight();));
    let early = options
        .early_refresh
        .then(|| quote!(let policy = policy.early_refresh();));
    let stale = options.allow_stale.map(|milliseconds| {
        quote!(let policy = policy.allow_stale(
            ::core::time::Duration::from_millis(#milliseconds)
        );)
    });
    quote! {
        let policy = #private::Policy::new();
        #ttl
        #operations
        #local
        #shared
        #early
        #stale
        policy
    }
}

/// FNV-1a over the variants and fields as written: results of a type that was changed get other
/// keys.
fn fingerprint(data: &Data) -> u64 {
    let written = match data {
        Data::Struct(data) => fields_written(&data.fields),
        Data::Enum(data) => {
            let variants = data.variants.iter().map(|variant| {
                let (name, attributes) = (&variant.ident, without_docs(&variant.attrs));
                let fields = fields_written(&variant.fields);
                quote!(#(#attributes)* #name { #fields })
            });
            quote!(#(#variants)*)
        }
        Data::Union(_) => TokenStream::new(),
    };
    written
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

fn fields_written(fields: &Fields) -> TokenStream {
    let fields = fields.iter().map(|field| {
        let (name, kind, attributes) = (&field.ident, &field.ty, without_docs(&field.attrs));
        quote!(#(#attributes)* #name: #kind,)
    });
    quote!(#(#fields)*)
}

fn without_docs(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| !attribute.path().is_ident("doc"))
}

fn all_fields(data: &Data) -> impl Iterator<Item = &Field> {
    let fields: Vec<&Fields> = match data {
        Data::Struct(data) => vec![&data.fields],
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|variant| &variant.fields)
            .collect(),
        Data::Union(_) => Vec::new(),
    };
    fields.into_iter().flatten()
}

const NOT_A_RESULT: &str = "`CachedResult` is derived on a struct or an enum";
const NOT_A_MODEL: &str =
    "`Cacheable` is derived on an entity's `Model`: a struct with named fields and no generics";
