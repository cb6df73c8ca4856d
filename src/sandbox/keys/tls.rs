//! What https is served with: a certificate of one's own, or one of a private authority made here.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::KeyError;
use super::folder::{at, write_secret};

/// The names that the certificate is good for: where it listens, and the hosts it stands for.
const NAMES: &[&str] = &[
    "localhost",
    "127.0.0.1",
    "::1",
    "apitest.cybersource.com",
    "api.cybersource.com",
];

/// How https is served.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    authority_pem: Option<String>,
}

impl Tls {
    /// A private authority, kept in `folder` when there is one, and a certificate that it signs.
    ///
    /// # Errors
    ///
    /// When files cannot be read or written, or no key could be made.
    pub fn private(folder: Option<&Path>) -> Result<Self, KeyError> {
        let (authority_pem, authority) = authority(folder)?;
        let mut params = CertificateParams::new(
            NAMES
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )
        .map_err(making)?;
        valid_for_long(&mut params);
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(making)?;
        let certificate = params.signed_by(&key, &authority).map_err(making)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| KeyError::Making(error.to_owned()))?;
        let acceptor = acceptor(vec![certificate.der().clone()], key)?;
        Ok(Self {
            acceptor,
            authority_pem: Some(authority_pem),
        })
    }

    /// A certificate chain and its key, from PEM files.
    ///
    /// # Errors
    ///
    /// When they cannot be read or do not belong together.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, KeyError> {
        let broken = |path: &Path, why: String| KeyError::File {
            path: path.to_owned(),
            why,
        };
        let text = fs::read(chain).map_err(at(chain))?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let certificates = certificates.map_err(|error| broken(chain, error.to_string()))?;
        let text = fs::read(key).map_err(at(key))?;
        let private =
            PrivateKeyDer::from_pem_slice(&text).map_err(|error| broken(key, error.to_string()))?;
        let acceptor =
            acceptor(certificates, private).map_err(|error| broken(chain, error.to_string()))?;
        Ok(Self {
            acceptor,
            authority_pem: None,
        })
    }

    /// The private authority's certificate, which clients have to trust.
    pub fn authority_pem(&self) -> Option<&str> {
        self.authority_pem.as_deref()
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

fn making(error: rcgen::Error) -> KeyError {
    KeyError::Making(error.to_string())
}

fn valid_for_long(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params.distinguished_name.remove(DnType::CommonName);
}

fn authority(folder: Option<&Path>) -> Result<(String, Issuer<'static, KeyPair>), KeyError> {
    let files = folder.map(|folder| (folder.join("ca.pem"), folder.join("ca-key.pem")));
    if let Some((certificate, key)) = &files
        && certificate.exists()
    {
        let pem = fs::read_to_string(certificate).map_err(at(certificate))?;
        let key_pem = fs::read_to_string(key).map_err(at(key))?;
        let broken = |error: rcgen::Error| KeyError::File {
            path: certificate.clone(),
            why: error.to_string(),
        };
        let key = KeyPair::from_pem(&key_pem).map_err(broken)?;
        let issuer = Issuer::from_ca_cert_pem(&pem, key).map_err(broken)?;
        return Ok((pem, issuer));
    }
    let mut params = CertificateParams::default();
    valid_for_long(&mut params);
    let name = "scmp-gateway sandbox";
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(making)?;
    let pem = params.self_signed(&key).map_err(making)?.pem();
    if let (Some(folder), Some((certificate, secret))) = (folder, &files) {
        fs::create_dir_all(folder).map_err(at(folder))?;
        write_secret(certificate, pem.as_bytes())?;
        write_secret(secret, key.serialize_pem().as_bytes())?;
    }
    Ok((pem, Issuer::new(params, key)))
}

/// HTTP/2 is offered beside HTTP/1.1, as the real hosts do.
fn acceptor(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, KeyError> {
    let form = |error: tokio_rustls::rustls::Error| KeyError::Form(error.to_string());
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(form)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(form)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
