//! A certificate: a public RSA key, the id that the API knows it by, and its last day.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::oid_registry::{OID_X509_COMMON_NAME, OID_X509_SERIALNUMBER};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Name;

use super::{BITS_MIN, KeyFault, PrivateKey};

/// The common name of the provider's certificate for sealed requests.
pub(super) const PROVIDER: &str = "CyberSource_SJC_US";

/// A certificate with an RSA key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    key_id: Option<String>,
    common_name: Option<String>,
    expires: SystemTime,
    /// SubjectPublicKeyInfo, DER.
    spki: Vec<u8>,
    /// RSAPublicKey, DER.
    public_key: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate from DER.
    ///
    /// # Errors
    ///
    /// When it is none, or its key is not RSA of 2048 bits or more.
    pub fn from_der(der: &[u8]) -> Result<Certificate, KeyFault> {
        let (_, read) = X509Certificate::from_der(der).map_err(|_| KeyFault::Certificate)?;
        let spki = read.public_key();
        match spki.parsed() {
            Ok(PublicKey::RSA(key)) if key.key_size() < BITS_MIN => return Err(KeyFault::TooShort),
            Ok(PublicKey::RSA(_)) => {}
            _ => return Err(KeyFault::NotRsa),
        }
        let last = u64::try_from(read.validity().not_after.timestamp()).unwrap_or(0);
        Ok(Certificate {
            key_id: attribute(read.subject(), &OID_X509_SERIALNUMBER),
            common_name: attribute(read.subject(), &OID_X509_COMMON_NAME),
            expires: UNIX_EPOCH + Duration::from_secs(last),
            spki: spki.raw.to_vec(),
            public_key: spki.subject_public_key.data.to_vec(),
        })
    }

    /// Reads the certificates of a PEM text, whatever stands around them.
    ///
    /// # Errors
    ///
    /// When there is none, or one cannot be read. A certificate of another kind of key is passed over as long as one with
    /// an RSA key is there.
    pub fn from_pem(pem: &[u8]) -> Result<Vec<Certificate>, KeyFault> {
        let mut found = Vec::new();
        let mut fault = KeyFault::NoCertificate;
        for der in CertificateDer::pem_slice_iter(pem) {
            let der = der.map_err(|_| KeyFault::Certificate)?;
            match Certificate::from_der(&der) {
                Ok(certificate) => found.push(certificate),
                Err(KeyFault::Certificate) => return Err(KeyFault::Certificate),
                Err(other) => fault = other,
            }
        }
        if found.is_empty() {
            Err(fault)
        } else {
            Ok(found)
        }
    }

    /// The provider's certificate among several; one alone is taken whatever its name.
    ///
    /// # Errors
    ///
    /// When there is none to choose.
    pub fn provider(mut several: Vec<Certificate>) -> Result<Certificate, KeyFault> {
        if several.len() == 1 {
            return Ok(several.remove(0));
        }
        // The one that lasts longest: files may hold the former one too.
        let named = several.into_iter().filter(Certificate::is_provider);
        named
            .max_by_key(|certificate| certificate.expires)
            .ok_or(KeyFault::Ambiguous)
    }

    /// Whether it bears the name of the provider's certificate for sealed requests.
    pub fn is_provider(&self) -> bool {
        self.common_name.as_deref() == Some(PROVIDER)
    }

    /// The id that the API knows the key by: the attribute serialNumber of the subject (not the certificate's own serial
    /// number).
    ///
    /// # Errors
    ///
    /// When the subject has none.
    pub fn key_id(&self) -> Result<&str, KeyFault> {
        self.key_id.as_deref().ok_or(KeyFault::NoKeyId)
    }

    /// The last moment at which it is good.
    pub fn expires(&self) -> SystemTime {
        self.expires
    }

    /// Whether it is the certificate of a private key.
    pub fn belongs_to(&self, key: &PrivateKey) -> bool {
        self.public_key == key.public_key()
    }

    /// SubjectPublicKeyInfo, DER.
    pub(super) fn spki(&self) -> &[u8] {
        &self.spki
    }
}

/// The first attribute of this kind, if it is visible ASCII: it is to stand in headers and errors.
fn attribute(subject: &X509Name<'_>, kind: &x509_parser::der_parser::Oid<'_>) -> Option<String> {
    let text = subject.iter_by_oid(kind).next()?.as_str().ok()?;
    let visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    visible.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::{self, MERCHANT, OTHER};
    use super::*;

    #[test]
    fn the_key_id_is_the_subjects_serial_number() {
        let own = test_keys::certificate(MERCHANT);
        assert_eq!(own.key_id(), Ok("7000000000000000001"));
        assert!(!own.is_provider());
        let nameless = test_keys::certificate(test_keys::NAMELESS);
        assert_eq!(nameless.key_id(), Err(KeyFault::NoKeyId));
    }

    #[test]
    fn the_last_day_is_read() {
        let seconds = test_keys::certificate(MERCHANT)
            .expires()
            .duration_since(UNIX_EPOCH)
            .unwrap();
        assert_eq!(seconds.as_secs(), test_keys::MERCHANT_EXPIRES);
    }

    #[test]
    fn the_provider_is_found_among_several() {
        let all = format!("{}\n{}", MERCHANT.certificate, OTHER.certificate);
        let several = Certificate::from_pem(all.as_bytes()).unwrap();
        let provider = Certificate::provider(several).unwrap();
        assert_eq!(provider.key_id(), test_keys::certificate(OTHER).key_id());
        let twice = MERCHANT.certificate.repeat(2);
        let several = Certificate::from_pem(twice.as_bytes()).unwrap();
        assert_eq!(Certificate::provider(several), Err(KeyFault::Ambiguous));
        let alone = vec![test_keys::certificate(MERCHANT)];
        assert!(Certificate::provider(alone).is_ok());
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let of = |pem: &str| Certificate::from_pem(pem.as_bytes()).unwrap_err();
        assert_eq!(of(""), KeyFault::NoCertificate);
        assert_eq!(of(MERCHANT.private_key), KeyFault::NoCertificate);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(of(broken), KeyFault::Certificate);
        assert_eq!(of(&MERCHANT.certificate[..300]), KeyFault::Certificate);
        assert_eq!(of(test_keys::SHORT.certificate), KeyFault::TooShort);
        assert_eq!(of(test_keys::CURVE.certificate), KeyFault::NotRsa);
    }
}
