//! A PKCS#12 file: a private key and certificates, behind a password.

use p12_keystore::{Pkcs12Archive, error::Error};

use super::{Certificate, KeyFault, PrivateKey};

/// What a PKCS#12 file holds.
#[derive(Debug)]
pub struct Bundle {
    /// The private key.
    pub key: PrivateKey,
    /// All certificates with RSA keys, the merchant's own and others.
    pub certificates: Vec<Certificate>,
}

impl Bundle {
    /// Opens a PKCS#12 file. Of several private keys the first that can be used is taken.
    ///
    /// # Errors
    ///
    /// When it cannot be read, the password is not the right one, or there is no RSA key in it.
    pub fn from_pkcs12(der: &[u8], password: &str) -> Result<Bundle, KeyFault> {
        let archive = Pkcs12Archive::from_pkcs12(der, password).map_err(fault)?;
        let mut key = Err(KeyFault::NoPrivateKey);
        for bag in &archive.keys {
            if key.is_err() {
                key = PrivateKey::from_pkcs8(bag.key.as_der());
            }
        }
        let read = archive
            .certs
            .iter()
            .filter_map(|bag| Certificate::from_der(bag.cert.as_der()).ok());
        Ok(Bundle {
            key: key?,
            certificates: read.collect(),
        })
    }
}

fn fault(error: Error) -> KeyFault {
    match error {
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => KeyFault::Password,
        other => KeyFault::Bundle {
            reason: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::keys::test_keys::{MERCHANT, private_key};

    const MODERN: &[u8] = include_bytes!("../../../tests/keys/merchant.p12");
    const LEGACY: &[u8] = include_bytes!("../../../tests/keys/merchant.legacy.p12");

    #[test]
    fn key_and_all_certificates_are_found_in_old_and_new_files() {
        for file in [MODERN, LEGACY] {
            let bundle = Bundle::from_pkcs12(file, "mid1234").unwrap();
            let same = private_key(MERCHANT);
            assert_eq!(bundle.key.public_key(), same.public_key());
            assert_eq!(bundle.certificates.len(), 2);
            let provider = Certificate::provider(bundle.certificates).unwrap();
            assert_eq!(provider.key_id(), Ok("7000000000000000002"));
        }
    }

    #[test]
    fn a_wrong_password_is_told_from_a_wrong_file() {
        for file in [MODERN, LEGACY] {
            let wrong = Bundle::from_pkcs12(file, "canary").unwrap_err();
            assert_eq!(wrong, KeyFault::Password);
            assert!(matches!(
                Bundle::from_pkcs12(&file[..file.len() / 2], "mid1234"),
                Err(KeyFault::Bundle { .. })
            ));
        }
        let pem = MERCHANT.certificate.as_bytes();
        let wrong = Bundle::from_pkcs12(pem, "mid1234").unwrap_err();
        assert!(matches!(wrong, KeyFault::Bundle { .. }), "{wrong}");
    }
}
