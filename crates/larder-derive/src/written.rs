//! The written form of a row, for stores outside the process.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Fields, Member, Type};

use crate::attributes::Options;

/// How a type is written down.
pub(crate) enum Form<'a> {
    /// Not at all.
    None,
    /// Field by field, whatever serde is told of the row.
    Fields(&'a Fields),
    /// As a whole, by serde: an enum has no fields of its own, and of the fields of a generic type
    /// nothing is known.
    Serde,
}

impl<'a> Form<'a> {
    pub(crate) fn of(input: &'a DeriveInput, options: &Options) -> Self {
        let generic = input.generics.type_params().next().is_some();
        match &input.data {
            _ if options.local => Self::None,
            Data::Struct(data) if !generic => Self::Fields(&data.fields),
            // Something may be skipped, or written in another way than it is read.
            data if speaks_of_serde(&input.attrs) || any_speaks_of_serde(data) => Self::None,
            _ => Self::Serde,
        }
    }

    /// The rest of `CachedResult`. Nested rows may be local ones.
    pub(crate) fn written(&self, private: &TokenStream, nested: &[&Type]) -> TokenStream {
        let (write, read) = match self {
            Self::None => return TokenStream::new(),
            Self::Serde => (quote!(to.serde(self)), quote!(from.serde())),
            Self::Fields(fields) => by_field(fields, private),
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
        use #private::{WritesResult as _, WritesSerde as _};
        to.record(#count)?;
        #(
            to.name(#names)?;
            (&&#private::Part(&self.#members)).write(to)?;
        )*
        ::core::result::Result::Ok(())
    };
    let read = quote! {
        #[allow(unused_imports)]
        use #private::{ReadsResult as _, ReadsSerde as _};
        from.record(#count)?;
        ::core::result::Result::Ok(Self {
            #(
                #members: {
                    from.name(#names)?;
                    (&&#private::PartOf::<#types>(::core::marker::PhantomData)).read(from)?
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

fn any_speaks_of_serde(data: &Data) -> bool {
    let of_fields = |fields: &Fields| fields.iter().any(|field| speaks_of_serde(&field.attrs));
    match data {
        Data::Struct(data) => of_fields(&data.fields),
        Data::Enum(data) => data
            .variants
            .iter()
            .any(|variant| speaks_of_serde(&variant.attrs) || of_fields(&variant.fields)),
        Data::Union(_) => false,
    }
}

fn speaks_of_serde(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| it.path().is_ident("serde"))
}
