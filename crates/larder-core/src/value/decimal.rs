//! Exact decimals: sign, digits before and after the point, nothing superfluous.

use std::fmt;

use crate::key::Fields;

/// More digits than this are left alone: MySQL rounds longer ones, and nobody looks them up.
const DIGITS_MAX: usize = 65;
/// MySQL's largest scale.
const SCALE_MAX: usize = 30;

/// A decimal in canonical form, borrowed from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DecimalParts<'a> {
    negative: bool,
    /// Without leading zeros; empty for 0.
    integer: &'a str,
    /// Without trailing zeros.
    fraction: &'a str,
}

impl<'a> DecimalParts<'a> {
    /// Reads plain notation (`-012.50`): an optional sign, digits, and perhaps a point and digits.
    /// Exponents, NaN and infinities have no canonical form here.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (integer, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if integer.is_empty() || !all_digits(integer) || !all_digits(fraction) {
            return None;
        }
        let integer = integer.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        if integer.len() + fraction.len() > DIGITS_MAX || fraction.len() > SCALE_MAX {
            return None;
        }
        let is_zero = integer.is_empty() && fraction.is_empty();
        Some(Self {
            negative: negative && !is_zero,
            integer,
            fraction,
        })
    }

    /// Whether a column of this precision and scale stores it unrounded.
    pub(crate) fn fits(self, precision: Option<u32>, scale: Option<u32>) -> bool {
        let (Some(precision), scale) = (precision, scale.unwrap_or(0)) else {
            return scale.is_none_or(|scale| self.fraction.len() <= scale as usize);
        };
        // `scale > precision` (PostgreSQL) leaves no digit before the point.
        self.fraction.len() <= scale as usize
            && self.integer.len() <= precision.saturating_sub(scale) as usize
            && scale <= precision
    }

    pub(crate) fn feed(self, fields: &mut Fields) {
        fields.tag(u8::from(self.negative));
        fields.text(self.integer);
        fields.text(self.fraction);
    }
}

impl fmt::Display for DecimalParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        f.write_str(if self.integer.is_empty() {
            "0"
        } else {
            self.integer
        })?;
        if !self.fraction.is_empty() {
            write!(f, ".{}", self.fraction)?;
        }
        Ok(())
    }
}
