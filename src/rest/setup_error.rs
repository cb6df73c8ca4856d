//! What is wrong with the settings, found before the first call.

use std::path::PathBuf;

use thiserror::Error;

/// Settings with which no client or merchant can be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SetupError {
    /// The address of the REST API cannot be used.
    #[error("rest.base_url {url}: {reason}; write it like https://apitest.cybersource.com")]
    BaseUrl {
        /// The address as given, without any user name and password.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file of trusted certificates cannot be used.
    #[error(
        "rest.ca_file {}: {reason}; give a PEM file with the certificates to trust",
        path.display()
    )]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A limit that would refuse every call.
    #[error("rest.{setting} is zero, so that every call would fail; give a positive value")]
    ZeroLimit {
        /// The setting's name.
        setting: &'static str,
    },
    /// The merchant's credentials cannot be sent.
    #[error(
        "merchants.{merchant_id}: {field} {reason}; copy it again from the account's key management"
    )]
    Credential {
        /// The merchant, with whatever is unprintable escaped.
        merchant_id: String,
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The TLS library refuses to start.
    #[error(
        "cannot start the HTTPS client: {reason}; check the system's trusted roots or set \
         rest.ca_file"
    )]
    Tls {
        /// The library's error.
        reason: String,
    },
}
