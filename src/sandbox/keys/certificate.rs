//! A certificate, as far as it matters here: a public key with a name.

use std::fmt;

use x509_parser::oid_registry::OID_X509_SERIALNUMBER;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::KeyError;

/// An RSA certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    kid: String,
    public_key: Vec<u8>,
    der: Vec<u8>,
}

impl Certificate {
    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    ///
    /// When there is none, or it is none of an RSA key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        for block in Pem::iter_from_buffer(pem.as_bytes()) {
            let block = block.map_err(|error| KeyError::Form(error.to_string()))?;
            if block.label == "CERTIFICATE" {
                return Self::from_der(&block.contents);
            }
        }
        Err(KeyError::Form("it has no BEGIN CERTIFICATE".to_owned()))
    }

    /// Reads a certificate in its binary form.
    ///
    /// # Errors
    ///
    /// When it is none, or none of an RSA key.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let (_, parsed) =
            X509Certificate::from_der(der).map_err(|error| KeyError::Form(error.to_string()))?;
        let info = parsed.public_key();
        let is_rsa = matches!(
            info.parsed(),
            Ok(x509_parser::public_key::PublicKey::RSA(_))
        );
        if !is_rsa {
            return Err(KeyError::Form("its key is no RSA key".to_owned()));
        }
        // The SDKs name a certificate by the serialNumber of its subject; the certificate's own
        // serial number is for those without.
        let named = parsed.subject().iter_by_oid(&OID_X509_SERIALNUMBER).next();
        let kid = match named.and_then(|attribute| attribute.as_str().ok()) {
            Some(kid) => kid.to_owned(),
            None => parsed.raw_serial_as_string().replace(':', ""),
        };
        Ok(Self {
            kid,
            public_key: info.raw.to_vec(),
            der: der.to_vec(),
        })
    }

    /// What a JWT or JWE names it by: the `serialNumber` of its subject.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The certificate in its binary form.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its public key: `SubjectPublicKeyInfo` in DER.
    pub(crate) fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.kid).finish()
    }
}
