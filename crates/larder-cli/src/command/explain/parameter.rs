//! Parameters as they are written on the command line.

use larder_core::Param;

use crate::exit::Failure;

/// `3`, `null`, `true`, `word`, or `kind:value`.
pub(super) fn read(text: &str) -> Result<Param<'_>, Failure> {
    let wrong = |what: &str| Failure::usage(format!("--param {text}: {what}"));
    let kind = text.split_once(':');
    Ok(match kind {
        Some(("int", value)) => Param::Int(value.parse().map_err(|_| wrong("no whole number"))?),
        Some(("text", value)) => Param::Text(value.into()),
        Some(("label", value)) => Param::Label(value.into()),
        Some(("decimal", value)) => match is_decimal(value) {
            true => Param::Decimal(value.into()),
            false => return Err(wrong("no decimal number, as -12.50 is one")),
        },
        Some(("bytes", value)) => Param::Bytes(
            hex(value)
                .ok_or_else(|| wrong("no pairs of hex digits"))?
                .into(),
        ),
        Some(("uuid", value)) => {
            let digits = value.replace('-', "");
            let bytes = hex(&digits).and_then(|bytes| bytes.try_into().ok());
            Param::Uuid(bytes.ok_or_else(|| wrong("no uuid"))?)
        }
        _ => match text {
            "null" => Param::Null,
            "true" => Param::Bool(true),
            "false" => Param::Bool(false),
            text => match text.parse() {
                Ok(number) => Param::Int(number),
                Err(_) => Param::Text(text.into()),
            },
        },
    })
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all(whole) && all(fraction)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| {
            let pair = std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_what_it_looks_like_unless_its_kind_is_named() {
        for (text, param) in [
            ("3", Param::Int(3)),
            ("-3", Param::Int(-3)),
            ("null", Param::Null),
            ("true", Param::Bool(true)),
            ("a word", Param::Text("a word".into())),
            ("12:30", Param::Text("12:30".into())),
            ("text:3", Param::Text("3".into())),
            ("text:int:3", Param::Text("int:3".into())),
            ("label:draft", Param::Label("draft".into())),
            ("decimal:-12.50", Param::Decimal("-12.50".into())),
            ("bytes:00ff", Param::Bytes(vec![0, 255].into())),
            ("uuid:00000000-0000-0000-0000-0000000000ff", {
                let mut bytes = [0; 16];
                bytes[15] = 255;
                Param::Uuid(bytes)
            }),
        ] {
            assert_eq!(read(text).ok(), Some(param), "{text}");
        }
        for wrong in [
            "int:x",
            "decimal:1e3",
            "decimal:.5",
            "bytes:0",
            "bytes:xy",
            "uuid:12",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
