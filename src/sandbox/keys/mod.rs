//! RSA keys and certificates: the host's for sealed requests, and those that a merchant would get
//! from the provider's portal, made here so that its SDKs have something to be set up with.
//!
//! | file | what | who needs it |
//! |---|---|---|
//! | `mle.pem` | the host's certificate, `CN=CyberSource_SJC_US` | clients that seal requests |
//! | `ID.p12` | the merchant's key and certificate, and the host's certificate; the password is the merchant id | clients that sign JWTs with it |
//! | `ID.pem`, `ID-key.pem` | the same key and certificate as text | |
//! | `ID-reply.pem`, `ID-reply-key.pem` | the key that sealed replies are opened with | clients that ask for them |
//! | `mle-key.pem` | the host's own | nobody else |

mod certificate;
mod folder;
pub(crate) mod jwe;
mod pair;
mod tls;

use std::path::PathBuf;

pub use certificate::Certificate;
pub use pair::Pair;
pub use tls::Tls;

#[cfg(test)]
pub(crate) use pair::ready;

/// The name of the host's certificate for sealed requests, by which SDKs find it in a P12 file.
const HOST_NAME: &str = "CyberSource_SJC_US";
/// The name of the host's files.
const HOST_FILE: &str = "mle";

/// Why a key cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is not what it should be.
    #[error("{0}")]
    Form(String),
    /// The same, with the file.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// No key could be made.
    #[error("no key could be made: {0}")]
    Making(String),
    /// A merchant's id cannot be the name of a file.
    #[error("merchant id {0:?} cannot name a file: letters, digits, '-', '_' and '.' can")]
    Name(String),
}

/// The keys of a sandbox and of its merchants.
#[derive(Clone)]
pub struct Keys {
    host: Pair,
    merchants: Vec<MerchantKeys>,
}

/// What a merchant would get from the portal.
#[derive(Clone)]
pub struct MerchantKeys {
    /// The merchant id.
    pub merchant: String,
    /// What it signs JWTs with.
    pub signing: Pair,
    /// What it opens replies with.
    pub reply: Pair,
}

/// A file for clients.
pub struct KeyFile {
    /// Its name, without a folder.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
    /// Whether it is the host's own secret, which no client needs.
    pub is_hosts_own: bool,
}

impl Keys {
    /// Makes keys for the host and for each of `merchants`: some tenths of a second for each.
    ///
    /// # Errors
    ///
    /// When the system gives no entropy, or a merchant's id cannot name a file.
    pub fn make(merchants: &[String]) -> Result<Self, KeyError> {
        Self::collect(merchants, &mut |_, name| Pair::make(name))
    }

    /// Takes each key pair from `find`, which is given a file name and a common name.
    fn collect(
        merchants: &[String],
        find: &mut dyn FnMut(&str, &str) -> Result<Pair, KeyError>,
    ) -> Result<Self, KeyError> {
        let host = find(HOST_FILE, HOST_NAME)?;
        let mut keys = Vec::new();
        for merchant in merchants {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            if merchant.is_empty() || merchant.starts_with('.') || !merchant.bytes().all(is_name) {
                return Err(KeyError::Name(merchant.clone()));
            }
            keys.push(MerchantKeys {
                merchant: merchant.clone(),
                signing: find(merchant, merchant)?,
                reply: find(&format!("{merchant}-reply"), merchant)?,
            });
        }
        Ok(Self {
            host,
            merchants: keys,
        })
    }

    /// The host's key pair, whose certificate clients seal requests for.
    pub fn host(&self) -> &Pair {
        &self.host
    }

    /// The merchants' keys.
    pub fn merchants(&self) -> &[MerchantKeys] {
        &self.merchants
    }

    /// All of them as files.
    ///
    /// # Errors
    ///
    /// When a P12 file cannot be made.
    pub fn files(&self) -> Result<Vec<KeyFile>, KeyError> {
        let mut files = Vec::new();
        let mut add = |name: String, content: Vec<u8>, is_hosts_own| {
            files.push(KeyFile {
                name,
                content,
                is_hosts_own,
            });
        };
        let mut add_pair = |name: &str, pair: &Pair, is_hosts_own| {
            add(format!("{name}.pem"), pair.certificate_pem().into(), false);
            add(
                format!("{name}-key.pem"),
                pair.key_pem().into(),
                is_hosts_own,
            );
        };
        add_pair(HOST_FILE, &self.host, true);
        for keys in &self.merchants {
            add_pair(&keys.merchant, &keys.signing, false);
            add_pair(&format!("{}-reply", keys.merchant), &keys.reply, false);
        }
        for keys in &self.merchants {
            add(format!("{}.p12", keys.merchant), self.p12(keys)?, false);
        }
        Ok(files)
    }

    /// A merchant's key and certificate, with the host's certificate, as a P12 file; its password
    /// is the merchant id, as the SDKs assume.
    ///
    /// # Errors
    ///
    /// When it cannot be encoded.
    pub fn p12(&self, keys: &MerchantKeys) -> Result<Vec<u8>, KeyError> {
        let host = self.host.certificate();
        keys.signing
            .p12(&keys.merchant, &[(HOST_NAME, host)], &keys.merchant)
    }
}
