//! What is wrong with a key or a certificate.

use thiserror::Error;

/// Why a key or certificate cannot be used, and what to do. Shows nothing of a key; whoever read it adds the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// There is no certificate in a PEM text.
    #[error(
        "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); export the certificate as PEM"
    )]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("holds a certificate that cannot be read; export it again as PEM")]
    Certificate,
    /// There is no private key in a PEM text.
    #[error(
        "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----); export the private key as PEM"
    )]
    NoPrivateKey,
    /// The private key of a PEM text is protected by a password.
    #[error(
        "holds a private key that is protected by a password; take it out with `openssl pkey -in FILE -out NEW`, or give \
         the P12 file instead"
    )]
    Protected,
    /// The private key cannot be read.
    #[error("holds a private key that cannot be read; export it again, as PKCS#8 or PKCS#1")]
    PrivateKey,
    /// A PKCS#12 file cannot be read.
    #[error("is no P12 file that can be read ({reason}); download it again, whole")]
    Bundle {
        /// What the library says.
        reason: String,
    },
    /// The password of a PKCS#12 file does not open it.
    #[error("is not opened by its password; give the one that was chosen when the file was made")]
    Password,
    /// A key is not of the kind that the API takes.
    #[error("holds a key that is not RSA; the REST API takes RSA keys only, so make a new one")]
    NotRsa,
    /// A key is too short.
    #[error("holds an RSA key of less than 2048 bits; make a new one")]
    TooShort,
    /// A key is of a length that the library does not take.
    #[error("holds an RSA key of more than 8192 bits; make one of 2048 to 4096")]
    TooLong,
    /// No certificate at hand belongs to the private key.
    #[error(
        "holds no certificate that belongs to the private key; give the two that were made together"
    )]
    Mismatch,
    /// Several certificates, and none is the provider's for message-level encryption.
    #[error(
        "holds several certificates, none of them with the name {}; give a file with the one to seal requests for",
        super::certificate::PROVIDER
    )]
    Ambiguous,
    /// The certificate's subject names no key.
    #[error(
        "holds a certificate whose subject has no serialNumber, which is the key's id; give the certificate that the \
         Business Center made for the key"
    )]
    NoKeyId,
    /// The certificate's subject names another key than was expected.
    #[error(
        "holds a certificate whose subject has the serialNumber \"{found}\", not \"{expected}\"; correct the key id, or \
         give the file that belongs to it"
    )]
    OtherKeyId {
        /// What the settings say.
        expected: String,
        /// What the certificate says.
        found: String,
    },
}
