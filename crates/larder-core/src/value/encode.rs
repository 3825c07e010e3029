//! Parameters in the key of an entry: every class apart, every length in front.

use super::Param;
use crate::key::Fields;

/// Arrays in arrays in arrays: deeper ones are not cached, so that encoding is bounded.
const DEPTH_MAX: usize = 8;

/// Writes the parameters; `None` when they are nested too deep to be written.
///
/// Injective over the *classes*, not over what they mean: `1` and `1.0` may be one value to the
/// server and two results to the client.
pub(crate) fn feed_params(params: &[Param<'_>], fields: &mut Fields) -> Option<()> {
    feed_all(params, DEPTH_MAX, fields)
}

fn feed_all(params: &[Param<'_>], depth: usize, fields: &mut Fields) -> Option<()> {
    fields.number(params.len() as u64);
    params
        .iter()
        .try_for_each(|param| feed(param, depth, fields))
}

fn feed(param: &Param<'_>, depth: usize, fields: &mut Fields) -> Option<()> {
    match param {
        Param::Null => fields.tag(0),
        Param::Bool(value) => {
            fields.tag(1);
            fields.tag(u8::from(*value));
        }
        // Nearly all of them are short, and a short key costs one block of the hash.
        Param::Int(value) => match i64::try_from(*value) {
            Ok(value) => feed_number(2, value, fields),
            Err(_) => {
                fields.tag(16);
                fields.raw(&value.to_le_bytes());
            }
        },
        // By bits: NaN is one key per payload, and -0.0 is not 0.0.
        Param::Float(value) => {
            fields.tag(3);
            fields.raw(&value.to_bits().to_le_bytes());
        }
        Param::Float32(value) => {
            fields.tag(4);
            fields.raw(&value.to_bits().to_le_bytes());
        }
        Param::Text(value) => {
            fields.tag(5);
            fields.text(value);
        }
        Param::Bytes(value) => {
            fields.tag(6);
            fields.bytes(value);
        }
        Param::Uuid(value) => {
            fields.tag(7);
            fields.raw(value);
        }
        Param::Date(value) => feed_number(8, *value, fields),
        Param::Time(value) => feed_number(9, *value, fields),
        Param::Timestamp(value) => feed_number(10, *value, fields),
        Param::TimestampTz(value) => feed_number(11, *value, fields),
        Param::Decimal(value) => {
            fields.tag(12);
            fields.text(value);
        }
        Param::Json(value) => {
            fields.tag(13);
            fields.text(value);
        }
        Param::Array(element, values) => {
            fields.tag(14);
            fields.text(element);
            feed_all(values, depth.checked_sub(1)?, fields)?;
        }
        Param::Label(value) => {
            fields.tag(17);
            fields.text(value);
        }
        Param::Other(class, value) => {
            fields.tag(15);
            fields.text(class);
            fields.bytes(value);
        }
    }
    Some(())
}

fn feed_number(tag: u8, number: i64, fields: &mut Fields) {
    fields.tag(tag);
    fields.raw(&number.to_le_bytes());
}
