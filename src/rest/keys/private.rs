//! A private RSA key.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use super::{BITS_MIN, KeyFault};

/// A private RSA key of 2048 bits or more. Its memory is overwritten when it is dropped; it prints nothing.
pub struct PrivateKey(KeyPair);

impl PrivateKey {
    /// Reads the first private key of a PEM text: PKCS#8 or PKCS#1, without a password.
    ///
    /// # Errors
    ///
    /// When there is none that can be used.
    pub fn from_pem(pem: &[u8]) -> Result<PrivateKey, KeyFault> {
        match PrivateKeyDer::from_pem_slice(pem) {
            Ok(PrivateKeyDer::Pkcs8(der)) => {
                let der = Zeroizing::new(der);
                PrivateKey::from_pkcs8(der.secret_pkcs8_der())
            }
            Ok(PrivateKeyDer::Pkcs1(der)) => {
                let der = Zeroizing::new(der);
                checked(KeyPair::from_der(der.secret_pkcs1_der()))
            }
            Ok(_) => Err(KeyFault::NotRsa),
            Err(_) if contains(pem, b"BEGIN ENCRYPTED PRIVATE KEY") => Err(KeyFault::Protected),
            Err(_) if contains(pem, b"Proc-Type: 4,ENCRYPTED") => Err(KeyFault::Protected),
            Err(_) if contains(pem, b"PRIVATE KEY-----") => Err(KeyFault::PrivateKey),
            Err(_) => Err(KeyFault::NoPrivateKey),
        }
    }

    /// Reads a private key from PKCS#8.
    ///
    /// # Errors
    ///
    /// When it cannot be used.
    pub fn from_pkcs8(der: &[u8]) -> Result<PrivateKey, KeyFault> {
        checked(KeyPair::from_pkcs8(der))
    }

    /// RSAPublicKey, DER.
    pub(super) fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// The key as PKCS#8, overwritten when dropped.
    pub(super) fn pkcs8(&self) -> Result<Pkcs8V1Der<'static>, KeyFault> {
        self.0.as_der().map_err(|_| KeyFault::PrivateKey)
    }

    pub(super) fn into_pair(self) -> KeyPair {
        self.0
    }
}

fn checked(key: Result<KeyPair, KeyRejected>) -> Result<PrivateKey, KeyFault> {
    // The library has no other way to tell its reasons apart than their names.
    let key = key.map_err(|rejected| match rejected.to_string().as_str() {
        "TooSmall" => KeyFault::TooShort,
        "TooLarge" => KeyFault::TooLong,
        "WrongAlgorithm" => KeyFault::NotRsa,
        _ => KeyFault::PrivateKey,
    })?;
    match key.public_modulus_len() * 8 < BITS_MIN {
        true => Err(KeyFault::TooShort),
        false => Ok(PrivateKey(key)),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// Prints nothing of the key.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::{CURVE, MERCHANT, SHORT};
    use super::*;

    const PKCS1: &str = include_str!("../../../tests/keys/merchant.pkcs1.pem");
    const PROTECTED: &str = include_str!("../../../tests/keys/merchant.protected.pem");

    #[test]
    fn both_forms_give_the_same_key() {
        let of = |pem: &str| PrivateKey::from_pem(pem.as_bytes()).unwrap();
        let (one, other) = (of(MERCHANT.private_key), of(PKCS1));
        assert_eq!(one.public_key(), other.public_key());
        assert_eq!(
            one.pkcs8().unwrap().as_ref(),
            other.pkcs8().unwrap().as_ref()
        );
    }

    #[test]
    fn each_unusable_key_is_told_apart() {
        let cut = &MERCHANT.private_key[..400];
        let garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (pem, fault) in [
            ("", KeyFault::NoPrivateKey),
            (MERCHANT.certificate, KeyFault::NoPrivateKey),
            (PROTECTED, KeyFault::Protected),
            (cut, KeyFault::PrivateKey),
            (garbage, KeyFault::PrivateKey),
            (SHORT.private_key, KeyFault::TooShort),
            (CURVE.private_key, KeyFault::NotRsa),
        ] {
            assert_eq!(PrivateKey::from_pem(pem.as_bytes()).unwrap_err(), fault);
        }
    }
}
