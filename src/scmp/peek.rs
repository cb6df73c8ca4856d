//! One field of a request whose charset is not known yet.

use super::grammar::{lines, pair};
use super::text::{fold_value, has_control};

/// The value of a field in bytes that are not decoded yet, such as `merchant_id`, whose
/// merchant then says which charset to decode with.
///
/// In each supported charset a byte below 0x40 stands for itself, so lines and the first `=` are
/// found without decoding. The name is compared without case and the last field of that name
/// counts, as in a parsed request. None if it is absent, empty, not ASCII or holds a control
/// character.
pub fn peek(bytes: &[u8], name: &str) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let named = |field: &[u8]| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
    let value = lines(bytes)
        .filter_map(|line| pair(line, b'='))
        .filter(|(field, _)| named(field))
        .last()
        .map(|(_, value)| value)?;
    let value = str::from_utf8(value)
        .ok()
        .filter(|value| value.is_ascii())?;
    if has_control(value) {
        return None;
    }
    let value = fold_value(value).into_owned();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ascii_value_is_found() {
        for (bytes, expected) in [
            (&b"merchant_id=shop\n"[..], Some("shop")),
            (b"a=1\r\nMerchant_ID =  my  shop \r\n", Some("my shop")),
            (b"\xef\xbb\xbfmerchant_id=shop", Some("shop")),
            (b"merchant_id=one\nmerchant_id=two", Some("two")),
            (b"merchant_id=one\nmerchant_id=", None),
            (
                b"bill_city=\x8b\x9e\x83\x5e\nmerchant_id=shop",
                Some("shop"),
            ),
            (b"merchant_id=\x83\x5e", None),
            (b"merchant_id=shop\0", None),
            (b"merchant_ids=shop", None),
            (b"", None),
        ] {
            assert_eq!(peek(bytes, "merchant_id").as_deref(), expected, "{bytes:?}");
        }
    }
}
