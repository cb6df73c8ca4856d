//! The pooled HTTP client that all merchants share.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::base_url::BaseUrl;
use super::connect::Connector;
use super::credentials::Credentials;
use super::exchange::Limits;
use super::merchant::{Merchant, Shared};
use super::pool::Host;
use super::rsa_pool::RsaPool;
use super::setup_error::SetupError;
use super::tls;

/// Where the REST API is and how long to wait for it.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// `https://host[:port]`, or `http://` to a loopback host.
    pub base_url: String,
    /// Limit for name resolution, TCP and TLS together. Keep it below `timeout`, so that it can pass
    /// first and what failed is told.
    pub connect_timeout: Duration,
    /// Limit for the whole call, from connecting to the last byte of the reply.
    pub timeout: Duration,
    /// A PEM bundle to trust instead of the system's roots.
    pub ca_file: Option<PathBuf>,
    /// The longest reply body that is read, in bytes.
    pub max_reply_bytes: usize,
}

impl ClientSettings {
    /// Settings with the default limits: 6 s to connect (3 s for TCP, 3 s for TLS), 85 s in all
    /// (5 s less than the old toolkits wait), replies up to 1 MiB, the system's roots.
    pub fn new(base_url: impl Into<String>) -> ClientSettings {
        ClientSettings {
            base_url: base_url.into(),
            connect_timeout: Duration::from_secs(6),
            timeout: Duration::from_secs(85),
            ca_file: None,
            max_reply_bytes: 1 << 20,
        }
    }
}

/// The connections to each host, for all merchants, and one pool of threads for their private keys.
#[derive(Clone)]
pub struct Client {
    base: BaseUrl,
    limits: Limits,
    connector: Arc<Connector>,
    hosts: Arc<Mutex<HashMap<BaseUrl, Arc<Host>>>>,
    keys: RsaPool,
}

impl Client {
    /// Reads whom to trust; connects nowhere yet.
    ///
    /// # Errors
    ///
    /// When the address, a limit or the CA file cannot be used.
    pub fn new(settings: &ClientSettings) -> Result<Client, SetupError> {
        let base = BaseUrl::parse(&settings.base_url)?;
        let limits = limits(settings)?;
        let tls = tls::connector(settings.ca_file.as_deref())?;
        let connector = Connector::new(tls, settings.connect_timeout);
        Ok(Client {
            base,
            limits,
            connector: Arc::new(connector),
            hosts: Arc::default(),
            keys: RsaPool::new(),
        })
    }

    /// A merchant's access through these connections, to the client's address or to one of its own.
    ///
    /// # Errors
    ///
    /// When the credentials cannot stand in headers or the address cannot be used.
    pub fn merchant(
        &self,
        credentials: Credentials,
        base_url: Option<&str>,
    ) -> Result<Merchant, SetupError> {
        let base = match base_url {
            Some(url) => BaseUrl::parse(url)?,
            None => self.base.clone(),
        };
        let shared = Shared {
            host: self.host(base)?,
            limits: self.limits,
            lane: self.keys.lane(),
        };
        Merchant::new(shared, credentials)
    }

    /// The one host of this address.
    fn host(&self, base: BaseUrl) -> Result<Arc<Host>, SetupError> {
        // Nothing that can panic leaves it half changed.
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(&base) {
            return Ok(Arc::clone(host));
        }
        let host = Arc::new(Host::new(base.clone(), Arc::clone(&self.connector))?);
        hosts.insert(base, Arc::clone(&host));
        Ok(host)
    }
}

/// Prints where to.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

fn limits(settings: &ClientSettings) -> Result<Limits, SetupError> {
    let zero = |setting| Err(SetupError::ZeroLimit { setting });
    if settings.connect_timeout.is_zero() {
        return zero("connect_timeout");
    }
    if settings.timeout.is_zero() {
        return zero("timeout");
    }
    if settings.max_reply_bytes == 0 {
        return zero("max_reply_bytes");
    }
    Ok(Limits {
        timeout: settings.timeout,
        max_reply_bytes: settings.max_reply_bytes,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::rest::{Authentication, Secret};

    /// A self-signed certificate for localhost; its key is thrown away.
    const CERTIFICATE: &str = "\
        -----BEGIN CERTIFICATE-----\n\
        MIIBlTCCATugAwIBAgIUfSNyUfwAUfPEPINV+rulA8XLYOswCgYIKoZIzj0EAwIw\n\
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTAxMTk0NFoYDzIxMjYxMDI4\n\
        MDExOTQ0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n\
        PQMBBwNCAASznlEnjp6dP/DJNeIGHaWT6+zAKLVqc+QaXf28oRXZzfzrsj6X5Va1\n\
        Go7lDPp3/luCiNyEnMyqCe5Wo/jGCK9Eo2kwZzAdBgNVHQ4EFgQUtAeO8EZozTG6\n\
        S8V4K9DjkwfZYsowHwYDVR0jBBgwFoAUtAeO8EZozTG6S8V4K9DjkwfZYsowDwYD\n\
        VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID\n\
        SAAwRQIhANiVI3vhajucJqiJ+dhWfEOTQBf2FRkz9IDB2qTCadGLAiB+eaUzgzqI\n\
        uQDHsAONuvIYuZKmfPqTpBZksnRSPtDWYA==\n\
        -----END CERTIFICATE-----\n";

    fn with_ca(pem: &str) -> Result<Client, SetupError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(pem.as_bytes()).unwrap();
        let ca_file = Some(file.path().to_owned());
        Client::new(&ClientSettings {
            ca_file,
            ..ClientSettings::new("https://example.com")
        })
    }

    #[test]
    fn takes_a_bundle_and_names_a_file_that_is_none() {
        with_ca(CERTIFICATE).unwrap();
        with_ca(&CERTIFICATE.repeat(2)).unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let cut = &CERTIFICATE[..200];
        for pem in ["", "no PEM", broken, cut] {
            let error = with_ca(pem).unwrap_err();
            assert!(matches!(error, SetupError::CaFile { .. }), "{error}");
        }
        let ca_file = Some(PathBuf::from("/nonexistent/ca.pem"));
        let settings = ClientSettings {
            ca_file,
            ..ClientSettings::new("https://example.com")
        };
        let error = Client::new(&settings).unwrap_err().to_string();
        assert!(
            error.contains("/nonexistent/ca.pem") && error.contains("No such file"),
            "{error}"
        );
    }

    #[test]
    fn refuses_clear_text_and_limits_of_zero() {
        let settings = ClientSettings::new("http://apitest.cybersource.com");
        assert!(matches!(
            Client::new(&settings),
            Err(SetupError::BaseUrl { .. })
        ));

        let good = ClientSettings::new("https://example.com");
        for bad in [
            ClientSettings {
                connect_timeout: Duration::ZERO,
                ..good.clone()
            },
            ClientSettings {
                timeout: Duration::ZERO,
                ..good.clone()
            },
            ClientSettings {
                max_reply_bytes: 0,
                ..good.clone()
            },
        ] {
            assert!(matches!(
                Client::new(&bad),
                Err(SetupError::ZeroLimit { .. })
            ));
        }
    }

    #[test]
    fn a_merchant_is_checked_too() {
        let client = Client::new(&ClientSettings::new("https://example.com")).unwrap();
        let credentials = Credentials {
            merchant_id: "mid1234".into(),
            authentication: Authentication::shared_secret(
                "key",
                Secret::from_base64("Y2FuYXJ5").unwrap(),
            ),
            response_key: None,
            portfolio_id: None,
            profile_id: None,
        };
        let refused = client.merchant(credentials.clone(), Some("http://example.com"));
        assert!(matches!(refused, Err(SetupError::BaseUrl { .. })));
        let merchant = client
            .merchant(credentials, Some("https://other.example"))
            .unwrap();
        let shown = format!("{client:?} {merchant:?}");
        assert!(
            shown.contains("other.example") && shown.contains("mid1234"),
            "{shown}"
        );
        assert!(
            !shown.contains("canary") && !shown.contains("99, 97"),
            "{shown}"
        );
    }
}
