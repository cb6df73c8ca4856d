//! JSON Web Encryption in its compact form: RSA-OAEP-256 for the key, A256GCM for the content.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::Certificate;

/// The length of a content key.
const KEY_BYTES: usize = 32;
/// The length of A256GCM's tag.
const TAG_BYTES: usize = 16;

/// Why a sealed text cannot be opened; for the log.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// It has not the form of a compact JWE.
    #[error("it is no compact JWE: {0}")]
    Form(&'static str),
    /// It is sealed by other means.
    #[error("{name} is {found:?} where {expected:?} is taken")]
    Other {
        name: &'static str,
        found: String,
        expected: String,
    },
    /// The content key does not open with the private key.
    #[error("the content key was not made for this certificate")]
    Key,
    /// The content does not open.
    #[error("the content was changed on the way")]
    Content,
}

/// The parts of a compact JWE, before any secret is used.
pub(crate) struct Sealed {
    header: String,
    key: Vec<u8>,
    nonce: [u8; NONCE_LEN],
    content: Vec<u8>,
}

impl Sealed {
    /// Reads the five parts, and checks that they were made for `kid`.
    pub(crate) fn parse(text: &str, kid: &str) -> Result<Self, OpenError> {
        let parts: Vec<&str> = text.split('.').collect();
        let [header, key, nonce, content, tag] = parts[..] else {
            return Err(OpenError::Form("it has not five parts"));
        };
        check_header(&decode(header)?, kid)?;
        let nonce = decode(nonce)?;
        let nonce = nonce.try_into();
        let nonce = nonce.map_err(|_| OpenError::Form("its vector has not 12 bytes"))?;
        let (mut content, tag) = (decode(content)?, decode(tag)?);
        if tag.len() != TAG_BYTES {
            return Err(OpenError::Form("its tag has not 16 bytes"));
        }
        content.extend(tag);
        Ok(Self {
            header: header.to_owned(),
            key: decode(key)?,
            nonce,
            content,
        })
    }

    /// Opens it; takes most of a millisecond.
    pub(crate) fn open(mut self, key: &OaepPrivateDecryptingKey) -> Result<Vec<u8>, OpenError> {
        let mut room = vec![0; key.min_output_size()];
        let content_key = key
            .decrypt(&OAEP_SHA256_MGF1SHA256, &self.key, &mut room, None)
            .map_err(|_| OpenError::Key)?;
        let content_key = UnboundKey::new(&AES_256_GCM, content_key).map_err(|_| OpenError::Key)?;
        let opened = LessSafeKey::new(content_key).open_in_place(
            Nonce::assume_unique_for_key(self.nonce),
            Aad::from(self.header.as_bytes()),
            &mut self.content,
        );
        let length = opened.map_err(|_| OpenError::Content)?.len();
        self.content.truncate(length);
        Ok(self.content)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, OpenError> {
    let decoded = URL_SAFE_NO_PAD.decode(part);
    decoded.map_err(|_| OpenError::Form("a part is not base64url"))
}

fn check_header(header: &[u8], kid: &str) -> Result<(), OpenError> {
    let header: Value = serde_json::from_slice(header)
        .map_err(|_| OpenError::Form("its header is no JSON object"))?;
    for (name, expected) in [("alg", "RSA-OAEP-256"), ("enc", "A256GCM"), ("kid", kid)] {
        let found = header[name].as_str().unwrap_or("");
        if found != expected {
            return Err(OpenError::Other {
                name,
                found: found.to_owned(),
                expected: expected.to_owned(),
            });
        }
    }
    Ok(())
}

/// The system gave no entropy, or the key cannot encrypt.
#[derive(Debug, thiserror::Error)]
#[error("the reply could not be sealed")]
pub(crate) struct SealError;

impl From<aws_lc_rs::error::Unspecified> for SealError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

/// Seals `content` for the owner of `certificate`; `header` lacks `alg`, `enc` and `kid`.
pub(crate) fn seal(
    content: &[u8],
    certificate: &Certificate,
    mut header: Value,
) -> Result<String, SealError> {
    header["alg"] = "RSA-OAEP-256".into();
    header["enc"] = "A256GCM".into();
    header["kid"] = certificate.kid().into();
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let (mut key, mut nonce) = ([0; KEY_BYTES], [0; NONCE_LEN]);
    rand::fill(&mut key)?;
    rand::fill(&mut nonce)?;
    let public = PublicEncryptingKey::from_der(certificate.public_key()).map_err(|_| SealError)?;
    let public = OaepPublicEncryptingKey::new(public)?;
    let mut room = vec![0; public.ciphertext_size()];
    let sealed_key = public.encrypt(&OAEP_SHA256_MGF1SHA256, &key, &mut room, None)?;
    let mut sealed = content.to_vec();
    let tag = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key)?).seal_in_place_separate_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(header.as_bytes()),
        &mut sealed,
    )?;
    let parts = [sealed_key, nonce.as_slice(), &sealed, tag.as_ref()];
    Ok(parts.iter().fold(header, |text, part| {
        text + "." + &URL_SAFE_NO_PAD.encode(part)
    }))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::PrivateDecryptingKey;
    use proptest::prelude::*;

    use super::*;
    use crate::sandbox::keys::ready::ONE;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn whatever_is_sealed_opens_again(content in prop::collection::vec(any::<u8>(), 0..5000)) {
            let certificate = ONE.certificate();
            let sealed = seal(&content, certificate, serde_json::json!({"iat": 1})).unwrap();
            let key = PrivateDecryptingKey::from_pkcs8(ONE.key_der()).unwrap();
            let key = OaepPrivateDecryptingKey::new(key).unwrap();
            let parsed = Sealed::parse(&sealed, certificate.kid()).unwrap();
            prop_assert_eq!(parsed.open(&key).unwrap(), content);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[A-Za-z0-9._-]{0,60}|.{0,40}") {
            // What matters is that it ends with a word and not with a panic.
            let _parsed = Sealed::parse(&text, "1").is_ok();
        }
    }
}
