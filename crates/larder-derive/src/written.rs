//! The written form of a row, for stores outside the process.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DataEnum, DeriveInput, Fields, Member, Type};

use crate::attributes::Options;

/// How a type is written down.
pub(crate) enum Form<'a> {
    /// Not at all: it is local, or generic, so that nothing is known of its fields.
    None,
    /// Field by field, whatever serde is told of the row.
    Fields(&'a Fields),
    /// By the name of the variant, and its fields.
    Variants(&'a DataEnum),
}

impl<'a> Form<'a> {
    pub(crate) fn of(input: &'a DeriveInput, options: &Options) -> Self {
        let generic = input.generics.type_params().next().is_some();
        match &input.data {
            _ if options.local || generic => Self::None,
            Data::Struct(data) => Self::Fields(&data.fields),
            Data::Enum(data) => Self::Variants(data),
            Data::Union(_) => Self::None,
        }
    }

    /// Whether there is a form at all.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The rest of `CachedResult`. Nested rows may be local ones.
    pub(crate) fn written(&self, private: &TokenStream, nested: &[&Type]) -> TokenStream {
        let (write, read) = match self {
            Self::None => return TokenStream::new(),
            Self::Fields(fields) => by_field(fields, private),
            Self::Variants(data) => by_variant(data, private),
        };
        quote! {
            const STORABLE: bool =
                true #(&& <#nested as #private::CachedResult>::STORABLE)*;

            fn write_result(
                &self,
                to: &mut #private::Writer<'_>,
            ) -> ::core::result::Result<(), #private::Unwritable> {
                #write
            }

            fn read_result(
                from: &mut #private::Reader<'_>,
            ) -> ::core::result::Result<Self, #private::Unreadable> {
                #read
            }
        }
    }
}

fn by_field(fields: &Fields, private: &TokenStream) -> (TokenStream, TokenStream) {
    let count = fields.len();
    let members: Vec<Member> = fields.members().collect();
    let names: Vec<String> = members.iter().map(name).collect();
    let types = fields.iter().map(|field| &field.ty);
    let write = quote! {
        #[allow(unused_imports)]
        use #private::{WritesOption as _, WritesResult as _, WritesSerde as _};
        to.record(#count)?;
        #(
            to.name(#names)?;
            (&&&#private::Part(&self.#members)).write(to)?;
        )*
        ::core::result::Result::Ok(())
    };
    let read = quote! {
        #[allow(unused_imports)]
        use #private::{ReadsOption as _, ReadsResult as _, ReadsSerde as _};
        from.record(#count)?;
        ::core::result::Result::Ok(Self {
            #(
                #members: {
                    from.name(#names)?;
                    (&&&#private::PartOf::<#types>(::core::marker::PhantomData)).read(from)?
                },
            )*
        })
    };
    (write, read)
}

fn name(member: &Member) -> String {
    match member {
        Member::Named(name) => name.to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}

fn by_variant(data: &DataEnum, private: &TokenStream) -> (TokenStream, TokenStream) {
    let writes = data.variants.iter().map(|variant| {
        let (ident, count) = (&variant.ident, variant.fields.len());
        let label = ident.to_string();
        let members: Vec<Member> = variant.fields.members().collect();
        let bound: Vec<_> = (0..count).map(|at| format_ident!("field_{at}")).collect();
        quote! {
            Self::#ident { #(#members: #bound),* } => {
                to.list(1 + #count)?;
                to.serde(#label)?;
                #((&&&#private::Part(#bound)).write(to)?;)*
            }
        }
    });
    let reads = data.variants.iter().map(|variant| {
        let (ident, count) = (&variant.ident, variant.fields.len());
        let label = ident.to_string();
        let members = variant.fields.members();
        let types = variant.fields.iter().map(|field| &field.ty);
        quote! {
            #label if len == 1 + #count => Self::#ident {
                #(#members: (&&&#private::PartOf::<#types>(::core::marker::PhantomData))
                    .read(from)?),*
            },
        }
    });
    let write = quote! {
        #[allow(unused_imports)]
        use #private::{WritesOption as _, WritesResult as _, WritesSerde as _};
        match self {
            #(#writes)*
            // Of an enum without variants there is no value.
            #[allow(unreachable_patterns)]
            _ => return ::core::result::Result::Err(#private::Unwritable),
        }
        ::core::result::Result::Ok(())
    };
    let read = quote! {
        #[allow(unused_imports)]
        use #private::{ReadsOption as _, ReadsResult as _, ReadsSerde as _};
        let len = from.list()?;
        let label: ::std::string::String = from.serde()?;
        ::core::result::Result::Ok(match label.as_str() {
            #(#reads)*
            _ => return ::core::result::Result::Err(#private::Unreadable),
        })
    };
    (write, read)
}
