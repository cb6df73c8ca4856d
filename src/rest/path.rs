//! Ids as path segments: text from outside that must not steer a call to another resource.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use crate::telemetry::{CARD, scrub};

/// All but the unreserved characters of RFC 3986, section 2.3.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Why an id cannot stand in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnsafeId {
    /// An empty segment names the collection, not one of its members.
    #[error("an id in a REST path is empty: the request must name the resource")]
    Empty,
    /// `.` and `..` are steps in a path even percent-encoded (WHATWG URL, "double-dot segment").
    #[error("an id in a REST path consists of dots only: correct the id in the request")]
    Dots,
}

/// Encodes one id as exactly one path segment: `/`, `?`, `#` and `%` lose their meaning.
///
/// # Errors
///
/// An empty id, `.` and `..` have no safe form and are refused.
pub fn path_segment(id: &str) -> Result<String, UnsafeId> {
    match id {
        "" => Err(UnsafeId::Empty),
        "." | ".." => Err(UnsafeId::Dots),
        _ => Ok(utf8_percent_encode(id, NOT_UNRESERVED).to_string()),
    }
}

/// Whether a path, or an id, holds nothing but what ids are made of, and nothing that may be a card number: what a host
/// sends in an id's place could be anything. A token's 32 hexadecimal digits are no card number, whatever stands in them.
pub fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    let (mut plain, mut digits) = (true, 0);
    for byte in bytes {
        plain &= byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'_' | b'/');
        digits += usize::from(byte.is_ascii_digit());
    }
    // Most have too few digits for a card number.
    if !plain || digits < *CARD.start() {
        return plain;
    }
    let is_token =
        |segment: &[u8]| segment.len() == 32 && segment.iter().all(u8::is_ascii_hexdigit);
    let has_card = |segment: &[u8]| {
        // All of it is ASCII.
        let text = str::from_utf8(segment).unwrap_or_default();
        matches!(scrub(text), Cow::Owned(_))
    };
    let mut segments = bytes.split(|byte| *byte == b'/');
    segments.all(|segment| segment.len() < *CARD.start() || is_token(segment) || !has_card(segment))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::Url;

    use super::*;

    #[test]
    fn real_ids_stay_as_they_are() {
        for id in [
            "7012345678901234567890",
            "F4D5E715F7BC8C2EE0531A588D0A7C2D",
            "a-b_c.d~e",
        ] {
            assert_eq!(path_segment(id).as_deref(), Ok(id));
        }
    }

    #[test]
    fn separators_are_encoded_and_dots_refused() {
        assert_eq!(
            path_segment("../x?y#z%2f").as_deref(),
            Ok("..%2Fx%3Fy%23z%252f")
        );
        assert_eq!(path_segment("é\n").as_deref(), Ok("%C3%A9%0A"));
        assert_eq!(path_segment("%2e%2E").as_deref(), Ok("%252e%252E"));
        assert_eq!(path_segment("."), Err(UnsafeId::Dots));
        assert_eq!(path_segment(".."), Err(UnsafeId::Dots));
        assert_eq!(path_segment(""), Err(UnsafeId::Empty));
    }

    proptest! {
        #[test]
        fn any_id_is_one_segment_that_url_parsing_keeps(id in ".*") {
            prop_assume!(!matches!(id.as_str(), "" | "." | ".."));
            let segment = path_segment(&id).unwrap();
            let path = format!("/tms/v2/customers/{segment}/payment-instruments");
            let url = Url::parse(&format!("https://example.com{path}")).unwrap();
            prop_assert_eq!(url.path(), path.as_str());
            prop_assert_eq!(url.path_segments().unwrap().count(), 5);
            prop_assert!(url.query().is_none() && url.fragment().is_none());
        }
    }

    #[test]
    fn ids_are_plain_and_card_numbers_are_not() {
        // Sixteen digits in a row whose last is the right check digit, as one token in some thousands has.
        let token = "2D3E54A3784364635339175D169BA661";
        for plain in [token, "7010000000016241112", "7958361234567890123456", ""] {
            assert!(is_plain(plain), "{plain}");
            assert!(is_plain(&format!("/tms/v2/customers/{plain}")), "{plain}");
        }
        for other in [
            "4111111111111111",
            "a4111111111111111",
            "a b",
            "a.b",
            "a%2F",
            "\u{e9}",
        ] {
            assert!(!is_plain(&format!("/tms/v2/customers/{other}")), "{other}");
        }
    }
}
