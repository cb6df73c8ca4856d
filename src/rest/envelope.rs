//! Message-level encryption as the API writes it: a JWE as the only member of a JSON object.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;
use serde_json::Value;

use super::jwe;
use super::keys::SealingKey;

/// Finds the member of a sealed reply.
static ENVELOPE: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new(b"\"encryptedResponse\""));

/// The sealed body of a request; `at` is the time in seconds since 1970. `None` when the library refuses.
pub(super) fn seal(key: &SealingKey, body: &[u8], at: u64) -> Option<Bytes> {
    let sealed = jwe::seal(key, body, at)?;
    // The letters of a JWE need no escapes.
    Some(format!("{{\"encryptedRequest\":\"{sealed}\"}}").into())
}

/// The JWE of a reply, if it is sealed: in its envelope, or bare, as unmasked objects come. Something else in an envelope
/// is a JWE too, though one that cannot be opened.
pub(super) fn sealed(body: &[u8]) -> Option<String> {
    if jwe::looks_sealed(body) {
        return String::from_utf8(body.to_vec()).ok();
    }
    // No other reply has the word, so that only these are read twice.
    ENVELOPE.find(body)?;
    let envelope: Value = serde_json::from_slice(body).ok()?;
    let sealed = envelope.as_object()?.get("encryptedResponse")?;
    Some(sealed.as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::keys::OpeningKey;
    use crate::rest::keys::test_keys::{RESPONSE, certificate, private_key};

    #[test]
    fn a_request_is_an_object_of_one_member() {
        let key = SealingKey::new(&certificate(RESPONSE)).unwrap();
        let body: Value = serde_json::from_slice(&seal(&key, b"{}", 1).unwrap()).unwrap();
        let members = body.as_object().unwrap();
        assert_eq!(members.len(), 1);
        let opening = OpeningKey::new(&private_key(RESPONSE), "key").unwrap();
        let sealed = members["encryptedRequest"].as_str().unwrap();
        assert_eq!(jwe::open(&opening, sealed).unwrap(), b"{}");
    }

    #[test]
    fn sealed_replies_are_told_from_others() {
        let of = |body: &str| sealed(body.as_bytes());
        assert_eq!(
            of("{\"encryptedResponse\":\"a.b\"}").as_deref(),
            Some("a.b")
        );
        assert_eq!(
            of(" { \"encryptedResponse\" : \"a\" }\n").as_deref(),
            Some("a")
        );
        assert_eq!(of("ey.a.b.c.d").as_deref(), Some("ey.a.b.c.d"));
        assert_eq!(of("{\"encryptedResponse\":null}").as_deref(), Some(""));
        for plain in [
            "",
            "{}",
            "<html>\"encryptedResponse\"",
            "{\"a\":{\"encryptedResponse\":\"a\"}}",
            "{\"note\":\"\\\"encryptedResponse\\\"\"}",
            "[\"encryptedResponse\"]",
        ] {
            assert_eq!(of(plain), None, "{plain}");
        }
    }
}
