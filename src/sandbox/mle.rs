//! Message-level encryption: requests sealed for the host, replies sealed for the merchant.
//!
//! A sealed request is `{"encryptedRequest":"<compact JWE>"}` and its digest is over these bytes;
//! a sealed reply is `{"encryptedResponse":"<compact JWE>"}` and nothing else (SDK). Only requests
//! with a JWT can be sealed. What a client hears of a request that cannot be opened is a choice.

use std::sync::Arc;

use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use crate::sandbox::keys::jwe::{self, OpenError, Sealed};
use crate::sandbox::keys::{Certificate, KeyError, Pair};

const REQUEST: &str = "encryptedRequest";
const RESPONSE: &str = "encryptedResponse";

/// Why a sealed request was not opened; for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unopened {
    /// The sandbox has no key.
    #[error("this sandbox has no key for sealed requests: start it with --mle")]
    NoKey,
    /// It came without a JWT.
    #[error("sealed requests need a JWT")]
    NoToken,
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The sandbox is ending.
    #[error("the sandbox is ending")]
    Ending,
}

/// The host's private key, and the few threads that it is used on.
pub(crate) struct Opener {
    kid: String,
    key: Arc<OaepPrivateDecryptingKey>,
    /// How many requests are opened at once: RSA is work for cores, which it must not take all.
    turns: Arc<Semaphore>,
}

impl Opener {
    /// Prepares the host's key.
    pub(crate) fn new(host: &Pair) -> Result<Self, KeyError> {
        let unfit = |_| KeyError::Form("the host's key cannot decrypt".to_owned());
        let key = PrivateDecryptingKey::from_pkcs8(host.key_der());
        let key = key.map_err(|error| KeyError::Form(error.to_string()))?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(unfit)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            kid: host.certificate().kid().to_owned(),
            key: Arc::new(key),
            turns: Arc::new(Semaphore::new(cores)),
        })
    }

    /// Opens a request, off the threads that do I/O.
    async fn open(&self, sealed: &str) -> Result<Vec<u8>, Unopened> {
        let sealed = Sealed::parse(sealed, &self.kid)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Unopened::Ending)?;
        let key = Arc::clone(&self.key);
        let opened = tokio::task::spawn_blocking(move || {
            let opened = sealed.open(&key);
            drop(turn);
            opened
        });
        Ok(opened.await.map_err(|_| Unopened::Ending)??)
    }
}

/// The JWE of a sealed request; `None` when the body is none.
fn sealed_request(body: &[u8]) -> Option<String> {
    // Most bodies are not sealed and need not be parsed here.
    let is_likely = body.len() > REQUEST.len() && body.starts_with(b"{");
    if !is_likely || !contains(&body[..body.len().min(64)], REQUEST.as_bytes()) {
        return None;
    }
    let mut object: Map<String, Value> = serde_json::from_slice(body).ok()?;
    match (object.len(), object.remove(REQUEST)) {
        (1, Some(Value::String(sealed))) => Some(sealed),
        _ => None,
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}

/// The body of a request as it was before it was sealed; `None` when it was not sealed.
pub(crate) async fn open(
    body: &[u8],
    by_token: bool,
    opener: Option<&Opener>,
) -> Result<Option<Vec<u8>>, Unopened> {
    let Some(sealed) = sealed_request(body) else {
        return Ok(None);
    };
    let opener = opener.ok_or(Unopened::NoKey)?;
    if !by_token {
        return Err(Unopened::NoToken);
    }
    opener.open(&sealed).await.map(Some)
}

/// A reply's body, sealed for the merchant.
pub(crate) fn seal(body: &str, certificate: &Certificate, iat: u64) -> Option<String> {
    let sealed = jwe::seal(body.as_bytes(), certificate, json!({"iat": iat}));
    match sealed {
        Ok(sealed) => Some(json!({RESPONSE: sealed}).to_string()),
        Err(error) => {
            tracing::error!(%error, kid = certificate.kid(), "no sealed reply");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::keys::ready::{ONE, OTHER};

    #[tokio::test]
    async fn what_is_sealed_for_the_host_opens_and_nothing_else_does() {
        let (host, other) = (&*ONE, &*OTHER);
        let opener = Opener::new(host).unwrap();
        let seal = |pair: &Pair| {
            let sealed = jwe::seal(b"{\"a\":1}", pair.certificate(), json!({"iat": 1}));
            sealed.unwrap()
        };
        let good = seal(host);
        assert_eq!(opener.open(&good).await.unwrap(), b"{\"a\":1}");
        let unopened = opener.open(&seal(other)).await.unwrap_err();
        assert!(unopened.to_string().contains("kid"), "{unopened}");

        let parts: Vec<&str> = good.split('.').collect();
        let foreign = seal(other);
        let foreign: Vec<&str> = foreign.split('.').collect();
        for (at, part, reason) in [
            (1, foreign[1], "not made for"),
            (3, foreign[3], "changed"),
            (4, foreign[4], "changed"),
            (2, "AAAA", "12 bytes"),
            (4, "AAAA", "16 bytes"),
            (0, "e30", "alg"),
            (0, "!", "base64url"),
        ] {
            let mut parts = parts.clone();
            parts[at] = part;
            let unopened = opener.open(&parts.join(".")).await.unwrap_err();
            assert!(unopened.to_string().contains(reason), "{unopened}");
        }
        assert!(opener.open("a.b.c").await.is_err());
    }

    #[tokio::test]
    async fn only_sealed_bodies_are_opened_and_only_with_key_and_token() {
        for body in [
            "",
            "{}",
            "[\"encryptedRequest\"]",
            r#"{"encryptedRequest":1}"#,
        ] {
            assert!(open(body.as_bytes(), true, None).await.unwrap().is_none());
        }
        let sealed = br#"{"encryptedRequest":"a.b.c.d.e"}"#;
        assert!(matches!(
            open(sealed, true, None).await,
            Err(Unopened::NoKey)
        ));
        let opener = Opener::new(&ONE).unwrap();
        let refused = open(sealed, false, Some(&opener)).await;
        assert!(matches!(refused, Err(Unopened::NoToken)));
    }
}
