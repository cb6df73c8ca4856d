//! A private key with its certificate.

use p12_keystore::{
    Certificate as P12Certificate, KeyStore, KeyStoreEntry, LocalKeyId, PrivateKey, PrivateKeyChain,
};
use rcgen::{
    CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, PublicKeyData as _, RsaKeySize,
    date_time_ymd,
};

use super::{Certificate, KeyError};

/// Digits of a certificate's name.
const KID_DIGITS: usize = 22;

/// An RSA private key with its certificate. Deliberately without `Debug`.
#[derive(Clone)]
pub struct Pair {
    certificate: Certificate,
    certificate_pem: String,
    key_pem: String,
    key_der: Vec<u8>,
}

impl Pair {
    /// Makes a pair whose certificate has this common name and a random `serialNumber`.
    ///
    /// # Errors
    ///
    /// When the system gives no entropy.
    pub fn make(name: &str) -> Result<Self, KeyError> {
        let making = |error: rcgen::Error| KeyError::Making(error.to_string());
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(making)?;
        let mut params = CertificateParams::default();
        // The dates of rcgen's default are 1975 and 4096, which some parsers refuse.
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2049, 12, 31);
        params.distinguished_name.remove(DnType::CommonName);
        let subject = &mut params.distinguished_name;
        subject.push(DnType::CommonName, name);
        subject.push(DnType::CustomDnType(vec![2, 5, 4, 5]), kid()?);
        let certificate = params.self_signed(&key).map_err(making)?;
        Ok(Self {
            certificate: Certificate::from_der(certificate.der())?,
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            key_der: key.serialize_der(),
        })
    }

    /// Reads a pair out of two PEM texts.
    ///
    /// # Errors
    ///
    /// When one of them is no such thing, or they do not belong together.
    pub fn read(certificate_pem: &str, key_pem: &str) -> Result<Self, KeyError> {
        let certificate = Certificate::from_pem(certificate_pem)?;
        let key = KeyPair::from_pem(key_pem)
            .map_err(|_| KeyError::Form("the key is no private key in PEM".to_owned()))?;
        if key.subject_public_key_info() != certificate.public_key() {
            let why = "the private key is not that of the certificate";
            return Err(KeyError::Form(why.to_owned()));
        }
        Ok(Self {
            certificate,
            certificate_pem: certificate_pem.to_owned(),
            key_der: key.serialize_der(),
            key_pem: key.serialize_pem(),
        })
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificate as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key as PEM (PKCS #8).
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The private key as PKCS #8.
    pub(crate) fn key_der(&self) -> &[u8] {
        &self.key_der
    }

    /// The pair as a P12 file, with further certificates by their names.
    pub(crate) fn p12(
        &self,
        alias: &str,
        others: &[(&str, &Certificate)],
        password: &str,
    ) -> Result<Vec<u8>, KeyError> {
        let making = |error: p12_keystore::error::Error| KeyError::Making(error.to_string());
        let read = |certificate: &Certificate| P12Certificate::from_der(certificate.der());
        let chain = PrivateKeyChain::new(
            LocalKeyId(self.certificate.kid().as_bytes().to_vec()),
            PrivateKey::from_der(&self.key_der).map_err(making)?,
            [read(&self.certificate).map_err(making)?],
        );
        let mut store = KeyStore::new();
        store.add_entry(alias, KeyStoreEntry::PrivateKeyChain(chain));
        for (name, certificate) in others {
            let certificate = read(certificate).map_err(making)?;
            store.add_entry(name, KeyStoreEntry::Certificate(certificate));
        }
        store.writer(password).write().map_err(making)
    }
}

/// A name for a certificate: digits, as the provider's are.
fn kid() -> Result<String, KeyError> {
    let mut bytes = [0; KID_DIGITS];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| KeyError::Making("the system gave no entropy".to_owned()))?;
    let digits = bytes.iter().map(|byte| char::from(b'0' + byte % 10));
    Ok(std::iter::once('1').chain(digits.skip(1)).collect())
}

/// Two pairs for tests: making one takes a moment.
#[cfg(test)]
pub(crate) mod ready {
    use std::sync::LazyLock;

    use super::Pair;

    /// One of them.
    pub(crate) static ONE: LazyLock<Pair> = LazyLock::new(|| Pair::make("one").unwrap());
    /// The other.
    pub(crate) static OTHER: LazyLock<Pair> = LazyLock::new(|| Pair::make("other").unwrap());
}

#[cfg(test)]
mod tests {
    use super::ready::{ONE, OTHER};
    use super::*;

    #[test]
    fn a_pair_is_read_back_from_its_texts_and_only_whole() {
        let made = &*ONE;
        assert_eq!(made.certificate().kid().len(), KID_DIGITS);
        let read = Pair::read(made.certificate_pem(), made.key_pem()).unwrap();
        assert!(read.certificate() == made.certificate());
        let other = &*OTHER;
        assert!(Pair::read(made.certificate_pem(), other.key_pem()).is_err());
        assert!(Pair::read(made.key_pem(), made.key_pem()).is_err());
        assert!(Pair::read(made.certificate_pem(), "x").is_err());
    }
}
