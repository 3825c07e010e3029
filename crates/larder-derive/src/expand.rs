//! The code that the derive emits.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Path, Result, parse_quote};

use crate::attributes::Options;

pub(crate) fn cacheable(input: &DeriveInput) -> Result<TokenStream> {
    // `#[sea_orm::model]` copies every derive to the nested model it makes; that one is no entity.
    if input.ident == "ModelEx" {
        return Ok(TokenStream::new());
    }
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, NOT_A_MODEL));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(&input.ident, NOT_A_MODEL));
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, NOT_A_MODEL));
    }
    let options = Options::parse(&input.attrs)?;
    let root: Path = options
        .root
        .clone()
        .unwrap_or_else(|| parse_quote!(::larder));
    let private = quote!(#root::__private);
    let model = &input.ident;
    let fingerprint = fingerprint(fields);
    let bytes = result_bytes(&options, &private);
    let policy = policy(&options, &private);
    let finders = finders(&private);
    Ok(quote! {
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
        impl #private::CachedResult for #model {
            const SCHEMA_FINGERPRINT: u64 = #fingerprint;
            #bytes
        }

        #private::inventory::submit! { #private::DeclaredPolicy::of::<Entity>() }
    })
}

/// Inherent methods win over those of `EntityTrait`, so user code need not change.
fn finders(private: &TokenStream) -> TokenStream {
    quote! {
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

fn result_bytes(options: &Options, private: &TokenStream) -> TokenStream {
    if options.local {
        return quote! {
            fn result_bytes(&self) -> usize {
                #private::local_bytes(self)
            }
        };
    }
    quote! {
        fn result_bytes(&self) -> usize {
            // `Deserialize` is asked for as well: an entry that cannot be read back is no entry.
            #private::serialized_bytes(self)
        }
    }
}

fn policy(options: &Options, private: &TokenStream) -> TokenStream {
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
    quote! {
        let policy = #private::Policy::new();
        #ttl
        #operations
        #local
        policy
    }
}

/// FNV-1a over the fields as written: results of a model that was changed get other keys.
fn fingerprint(fields: &syn::FieldsNamed) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for field in &fields.named {
        let (name, kind) = (&field.ident, &field.ty);
        let attributes = field.attrs.iter().filter(|a| !a.path().is_ident("doc"));
        for byte in quote!(#(#attributes)* #name: #kind,).to_string().bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

const NOT_A_MODEL: &str =
    "`Cacheable` is derived on an entity's `Model`: a struct with named fields and no generics";
