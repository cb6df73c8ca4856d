//! JSON Web Encryption in compact form (RFC 7516), as far as the API uses it: RSA-OAEP-256 and A256GCM.
//!
//! `header.wrapped key.nonce.text.tag`, each in base64url; the first part is authenticated with the text.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use super::keys::{OpeningKey, SealingKey};

const ALG: &str = "RSA-OAEP-256";
const ENC: &str = "A256GCM";

/// The length of a message's key in bytes.
const KEY_LEN: usize = 32;

/// The length of the tag in bytes.
const TAG_LEN: usize = 16;

/// The standard has no padding; what has some all the same is taken.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Serialize)]
struct SealedHeader<'h> {
    alg: &'h str,
    enc: &'h str,
    kid: &'h str,
    iat: u64,
}

#[derive(Deserialize)]
struct OpenedHeader {
    alg: String,
    enc: String,
    kid: Option<String>,
    zip: Option<serde_json::Value>,
    crit: Option<serde_json::Value>,
}

/// Why a message could not be opened. Shows nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum OpenError {
    #[error("it is not of the form of a JWE")]
    Form,
    #[error("it is sealed in another way than RSA-OAEP-256 with A256GCM")]
    Algorithm,
    #[error("it is sealed for another key than the merchant's response key")]
    OtherKey,
    #[error("the merchant's response key does not open it, although it bears that key's id")]
    Key,
    #[error("its text was changed on the way")]
    Changed,
}

/// Seals a text for the holder of a key; `at` is the time in seconds since 1970. `None` when the library refuses.
pub(super) fn seal(key: &SealingKey, text: &[u8], at: u64) -> Option<String> {
    let header = SealedHeader {
        alg: ALG,
        enc: ENC,
        kid: key.key_id(),
        iat: at,
    };
    let mut message_key = Zeroizing::new([0; KEY_LEN]);
    let mut nonce = [0; NONCE_LEN];
    rand::fill(message_key.as_mut_slice()).ok()?;
    rand::fill(&mut nonce).ok()?;

    let wrapped = key.wrap(message_key.as_slice())?;
    let mut sealed = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).ok()?);
    let mut text = text.to_vec();
    let tag = cipher(message_key.as_slice())?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(sealed.as_bytes()),
            &mut text,
        )
        .ok()?;
    sealed.reserve(16 + (wrapped.len() + text.len() + NONCE_LEN + TAG_LEN) * 4 / 3);
    for part in [wrapped.as_slice(), &nonce, &text, tag.as_ref()] {
        sealed.push('.');
        URL_SAFE_NO_PAD.encode_string(part, &mut sealed);
    }
    Some(sealed)
}

/// Opens a message that was sealed for a key.
pub(super) fn open(key: &OpeningKey, sealed: &str) -> Result<Vec<u8>, OpenError> {
    let parts: Vec<&str> = sealed.trim().split('.').take(6).collect();
    let [header, wrapped, nonce, text, tag] = parts[..] else {
        return Err(OpenError::Form);
    };
    let decoded = |part: &str| LENIENT.decode(part).map_err(|_| OpenError::Form);
    let read: OpenedHeader =
        serde_json::from_slice(&decoded(header)?).map_err(|_| OpenError::Form)?;
    if read.alg != ALG || read.enc != ENC || read.zip.is_some() || read.crit.is_some() {
        return Err(OpenError::Algorithm);
    }
    let nonce = Nonce::try_assume_unique_for_key(&decoded(nonce)?).map_err(|_| OpenError::Form)?;
    let tag = decoded(tag)?;
    if tag.len() != TAG_LEN {
        return Err(OpenError::Form);
    }
    let mut text = decoded(text)?;
    // What the key opens is the merchant's, however its id is written.
    let known = read.kid.is_none_or(|kid| kid == key.key_id());
    let fault = if known {
        OpenError::Key
    } else {
        OpenError::OtherKey
    };
    let message_key = key.unwrap_key(&decoded(wrapped)?).ok_or(fault)?;
    let cipher = cipher(&message_key).ok_or(OpenError::Algorithm)?;
    text.extend_from_slice(&tag);
    let length = cipher
        .open_in_place(nonce, Aad::from(header.as_bytes()), &mut text)
        .map_err(|_| OpenError::Changed)?
        .len();
    text.truncate(length);
    Ok(text)
}

/// Whether a text has the form of a JWE: cheap, and no JSON has it.
pub(super) fn looks_sealed(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.starts_with(b"ey")
        && text.iter().filter(|byte| **byte == b'.').count() == 4
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.=".contains(byte))
}

fn cipher(message_key: &[u8]) -> Option<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, message_key).ok()?;
    Some(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::keys::test_keys::{MERCHANT, RESPONSE, certificate, private_key};
    use super::*;

    fn sealing() -> SealingKey {
        SealingKey::new(&certificate(RESPONSE)).unwrap()
    }

    fn opening() -> OpeningKey {
        OpeningKey::with_certificate(&private_key(RESPONSE), &[certificate(RESPONSE)]).unwrap()
    }

    /// Sealed apart from this code, with Python's jwcrypto, for the response key of the tests; the header is that of the
    /// provider's guide.
    const FOREIGN: &str = include_str!("../../tests/keys/foreign.jwe");

    #[test]
    fn what_others_sealed_is_opened() {
        let text = open(&opening(), FOREIGN).unwrap();
        assert_eq!(text, "{\"name\":\"Ærøskøbing\"}".as_bytes());
    }

    #[test]
    fn the_header_names_algorithms_key_and_time() {
        let sealed = seal(&sealing(), b"{}", 1_776_766_530).unwrap();
        let header = URL_SAFE_NO_PAD
            .decode(sealed.split('.').next().unwrap())
            .unwrap();
        assert_eq!(
            String::from_utf8(header).unwrap(),
            r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"7000000000000000003","iat":1776766530}"#
        );
    }

    #[test]
    fn no_two_are_alike() {
        let sealed = |_| seal(&sealing(), b"{}", 1).unwrap();
        let [one, other] = [(); 2].map(sealed);
        for part in 1..5 {
            assert_ne!(one.split('.').nth(part), other.split('.').nth(part));
        }
    }

    /// A message with one part exchanged.
    fn with(part: usize, by: &str) -> String {
        let sealed = seal(&sealing(), b"canary", 1).unwrap();
        let mut parts: Vec<&str> = sealed.split('.').collect();
        parts[part] = by;
        parts.join(".")
    }

    fn with_header(header: &str) -> String {
        with(0, &URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn each_fault_is_told() {
        let opening = opening();
        let of = |text: &str| open(&opening, text).unwrap_err();
        for text in ["", "a.b.c.d", "a.b.c.d.e.f", "....", "!.!.!.!.!"] {
            assert_eq!(of(text), OpenError::Form, "{text}");
        }
        assert_eq!(of(&with_header("[]")), OpenError::Form);
        for header in [
            r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
            r#"{"alg":"RSA1_5","enc":"A256GCM"}"#,
            r#"{"alg":"dir","enc":"A256GCM"}"#,
            r#"{"alg":"RSA-OAEP-256","enc":"A128CBC-HS256"}"#,
            r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}"#,
            r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":["b64"]}"#,
        ] {
            assert_eq!(of(&with_header(header)), OpenError::Algorithm, "{header}");
        }
        let same = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#;
        assert_eq!(of(&with_header(same)), OpenError::Changed);
        assert_eq!(of(&with(1, "AAAA")), OpenError::Key);
        assert_eq!(of(&with(2, "AAAA")), OpenError::Form);
        assert_eq!(of(&with(2, "AAAAAAAAAAAAAAAA")), OpenError::Changed);
        assert_eq!(of(&with(3, "AAAA")), OpenError::Changed);
        assert_eq!(of(&with(4, "AAAA")), OpenError::Form);
        assert_eq!(of(&with(4, "AAAAAAAAAAAAAAAAAAAAAA")), OpenError::Changed);

        let other = SealingKey::new(&certificate(MERCHANT)).unwrap();
        let elsewhere = seal(&other, b"canary", 1).unwrap();
        assert_eq!(of(&elsewhere), OpenError::OtherKey);
    }

    #[test]
    fn an_id_that_is_written_differently_does_not_matter() {
        let named = OpeningKey::new(&private_key(RESPONSE), "another spelling").unwrap();
        assert!(open(&named, FOREIGN).is_ok());
        let padded: Vec<String> = FOREIGN
            .trim()
            .split('.')
            .map(|part| part.to_owned() + &"=".repeat((4 - part.len() % 4) % 4))
            .collect();
        // The header is authenticated as it stands, so only the parts after it may differ.
        let padded = [
            &[FOREIGN.split('.').next().unwrap().to_owned()],
            &padded[1..],
        ]
        .concat();
        assert!(open(&named, &padded.join(".")).is_ok());
    }

    #[test]
    fn sealed_text_is_told_from_json() {
        assert!(looks_sealed(FOREIGN.as_bytes()));
        for plain in [
            "",
            "{}",
            "{\"a\":\"ey.a.b.c.d\"}",
            "eye",
            "ey.a.b.c",
            "ey.a b.c.d.e",
        ] {
            assert!(!looks_sealed(plain.as_bytes()), "{plain}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_sealed_is_opened(text in prop::collection::vec(any::<u8>(), 0..2000), at: u64) {
            let sealed = seal(&sealing(), &text, at).unwrap();
            prop_assert!(looks_sealed(sealed.as_bytes()));
            prop_assert_eq!(open(&opening(), &sealed).unwrap(), text);
        }

        #[test]
        fn anything_else_is_an_error_and_no_panic(text in "[A-Za-z0-9_.=-]{0,200}|.{0,50}") {
            prop_assert!(open(&opening(), &text).is_err());
        }

        #[test]
        fn any_change_is_noticed(at in 0usize..600, by in "[A-Za-z0-9_-]") {
            let sealed = seal(&sealing(), b"{\"amount\":\"1.00\"}", 1).unwrap();
            let at = at % sealed.len();
            let mut changed = sealed.clone();
            changed.replace_range(at..=at, &by);
            // The last letter of a part may stand for bits that are not used; those must be nought.
            prop_assert!(changed == sealed || open(&opening(), &changed).is_err());
        }
    }
}
