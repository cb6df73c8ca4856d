//! Keys for one purpose each.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use zeroize::Zeroizing;

use super::{Certificate, KeyFault, PrivateKey};
use crate::rest::Secret;

/// Proves who calls: signs tokens with RS256.
pub struct SigningKey {
    pair: KeyPair,
    key_id: String,
    root: Secret,
}

impl SigningKey {
    /// From a private key and the certificate among `certificates` that belongs to it.
    ///
    /// # Errors
    ///
    /// When none belongs to it, or it names no key id.
    pub fn new(key: PrivateKey, certificates: &[Certificate]) -> Result<SigningKey, KeyFault> {
        let key_id = belonging(&key, certificates)?.key_id()?.to_owned();
        let root = Secret::from_bytes(digest(&SHA256, key.pkcs8()?.as_ref()).as_ref().to_vec());
        Ok(SigningKey {
            pair: key.into_pair(),
            key_id,
            root,
        })
    }

    /// The id that the API knows the key by.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// A secret that whoever has the private key has too, and nobody else.
    pub(in crate::rest) fn root(&self) -> &Secret {
        &self.root
    }

    /// The RS256 signature: some 0.65 ms of work with 2048 bits. `None` when the library refuses.
    pub(in crate::rest) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        // The library takes a source of randomness and does not use it.
        let random = SystemRandom::new();
        self.pair
            .sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
            .ok()?;
        Some(signature)
    }
}

/// Seals requests, so that only the provider can open them.
pub struct SealingKey {
    key: OaepPublicEncryptingKey,
    key_id: String,
}

impl SealingKey {
    /// From the provider's certificate for message-level encryption.
    ///
    /// # Errors
    ///
    /// When it names no key id.
    pub fn new(certificate: &Certificate) -> Result<SealingKey, KeyFault> {
        let key =
            PublicEncryptingKey::from_der(certificate.spki()).map_err(|_| KeyFault::Certificate)?;
        Ok(SealingKey {
            key: OaepPublicEncryptingKey::new(key).map_err(|_| KeyFault::Certificate)?,
            key_id: certificate.key_id()?.to_owned(),
        })
    }

    /// The id that the API knows the key by.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Wraps the key of one message by RSA-OAEP-256. `None` when the library refuses.
    pub(in crate::rest) fn wrap(&self, message_key: &[u8]) -> Option<Vec<u8>> {
        let mut wrapped = vec![0; self.key.ciphertext_size()];
        let used = self
            .key
            .encrypt(&OAEP_SHA256_MGF1SHA256, message_key, &mut wrapped, None)
            .ok()?
            .len();
        wrapped.truncate(used);
        Some(wrapped)
    }
}

/// Opens replies that were sealed for the merchant.
pub struct OpeningKey {
    key: OaepPrivateDecryptingKey,
    key_id: String,
}

impl OpeningKey {
    /// From a private key and the id by which the API knows it.
    ///
    /// # Errors
    ///
    /// When the library refuses the key.
    pub fn new(key: &PrivateKey, key_id: impl Into<String>) -> Result<OpeningKey, KeyFault> {
        let der = key.pkcs8()?;
        let key =
            PrivateDecryptingKey::from_pkcs8(der.as_ref()).map_err(|_| KeyFault::PrivateKey)?;
        Ok(OpeningKey {
            key: OaepPrivateDecryptingKey::new(key).map_err(|_| KeyFault::PrivateKey)?,
            key_id: key_id.into(),
        })
    }

    /// From a private key and the certificate among `certificates` that belongs to it.
    ///
    /// # Errors
    ///
    /// When none belongs to it, or it names no key id.
    pub fn with_certificate(
        key: &PrivateKey,
        certificates: &[Certificate],
    ) -> Result<OpeningKey, KeyFault> {
        let key_id = belonging(key, certificates)?.key_id()?.to_owned();
        OpeningKey::new(key, key_id)
    }

    /// The id that the API knows the key by.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Takes the key of one message out by RSA-OAEP-256: some 0.65 ms of work with 2048 bits. `None` when it was not
    /// wrapped for this key.
    pub(in crate::rest) fn unwrap_key(&self, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut message_key = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let used = self
            .key
            .decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut message_key, None)
            .ok()?
            .len();
        message_key.truncate(used);
        Some(message_key)
    }
}

/// The certificate that a private key belongs to.
fn belonging<'c>(
    key: &PrivateKey,
    certificates: &'c [Certificate],
) -> Result<&'c Certificate, KeyFault> {
    certificates
        .iter()
        .find(|certificate| certificate.belongs_to(key))
        .ok_or(KeyFault::Mismatch)
}

/// They print the key's id and nothing else.
macro_rules! debug_with_key_id {
    ($($key:ident),*) => {$(
        impl fmt::Debug for $key {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($key)).field("key_id", &self.key_id).finish_non_exhaustive()
            }
        }
    )*};
}

debug_with_key_id!(SigningKey, SealingKey, OpeningKey);

#[cfg(test)]
mod tests {
    use super::super::test_keys::{MERCHANT, NAMELESS, OTHER, certificate, private_key};
    use super::*;

    #[test]
    fn a_key_takes_its_own_certificate_and_no_other() {
        let both = [certificate(OTHER), certificate(MERCHANT)];
        let signing = SigningKey::new(private_key(MERCHANT), &both).unwrap();
        assert_eq!(signing.key_id(), "7000000000000000001");
        let opening = OpeningKey::with_certificate(&private_key(OTHER), &both).unwrap();
        assert_eq!(opening.key_id(), "7000000000000000002");
        let refused = SigningKey::new(private_key(MERCHANT), &both[..1]);
        assert_eq!(refused.unwrap_err(), KeyFault::Mismatch);
        let nameless = SigningKey::new(private_key(NAMELESS), &[certificate(NAMELESS)]);
        assert_eq!(nameless.unwrap_err(), KeyFault::NoKeyId);
    }

    #[test]
    fn what_was_wrapped_is_unwrapped_by_its_own_key_only() {
        let sealing = SealingKey::new(&certificate(OTHER)).unwrap();
        let wrapped = sealing.wrap(b"key of a message").unwrap();
        let opening = |pair| OpeningKey::new(&private_key(pair), "any").unwrap();
        let unwrapped = opening(OTHER).unwrap_key(&wrapped).unwrap();
        assert_eq!(unwrapped.as_slice(), b"key of a message");
        assert!(opening(MERCHANT).unwrap_key(&wrapped).is_none());
        assert!(opening(OTHER).unwrap_key(b"").is_none());
    }

    #[test]
    fn debug_shows_the_id_only() {
        let signing = SigningKey::new(private_key(MERCHANT), &[certificate(MERCHANT)]).unwrap();
        let shown = format!("{signing:?} {:?}", private_key(MERCHANT));
        assert_eq!(
            shown,
            "SigningKey { key_id: \"7000000000000000001\", .. } PrivateKey(***)"
        );
    }
}
