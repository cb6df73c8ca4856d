//! TLS to the REST API: whom to trust, and what is offered.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{Error as PemError, PemObject};
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::setup_error::SetupError;

/// What the connections of a client share: whom they trust, and the sessions that they resume.
///
/// Trusted is the bundle in `ca_file`, or else what the system trusts.
pub(super) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, SetupError> {
    let provider = Arc::new(default_provider());
    let refused = |error: tokio_rustls::rustls::Error| SetupError::Tls {
        reason: error.to_string(),
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(refused)?;
    let mut config = match ca_file {
        Some(path) => builder
            .with_root_certificates(roots(path)?)
            .with_no_client_auth(),
        None => {
            let verifier = Arc::new(Verifier::new(provider).map_err(refused)?);
            // The library's word for every verifier but its own; this one asks the system's roots.
            let builder = builder.dangerous();
            builder
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(path: &Path) -> Result<RootCertStore, SetupError> {
    let fault = |reason: String| SetupError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let pem = fs::read(path).map_err(|error| fault(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| fault(words(&error)))?;
        let added = roots.add(certificate);
        added.map_err(|error| fault(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(fault("holds no certificate".into())),
        false => Ok(roots),
    }
}

/// The library shows bytes.
fn words(error: &PemError) -> String {
    match error {
        PemError::MissingSectionEnd { .. } => "a section has no end".to_owned(),
        error => error.to_string(),
    }
}
