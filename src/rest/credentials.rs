//! What a merchant proves itself with, and how its messages are sealed.

use std::sync::Arc;

use super::keys::{OpeningKey, SealingKey, SigningKey};
use super::secret::Secret;
use super::setup_error::SetupError;

/// How requests are authenticated. Only JWT can carry sealed messages.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// JSON Web Token, version 2.
    Jwt {
        /// What signs it.
        key: JwtKey,
        /// Whether messages are sealed.
        mle: Mle,
    },
    /// HTTP Signature (HMAC-SHA256), for accounts that have not moved to JWT yet.
    HttpSignature(SharedSecret),
}

/// What signs a JSON Web Token.
#[derive(Debug, Clone)]
pub enum JwtKey {
    /// A shared secret: HS256.
    Secret(SharedSecret),
    /// A private key with a certificate: RS256.
    Certificate(Arc<SigningKey>),
}

/// Message-level encryption.
#[derive(Debug, Clone)]
pub enum Mle {
    /// None.
    Off,
    /// Requests are sealed.
    Request(Arc<SealingKey>),
    /// Requests are sealed, and sealed replies are asked for.
    Both(Arc<SealingKey>, Arc<OpeningKey>),
}

/// A shared secret and its id.
#[derive(Debug, Clone)]
pub struct SharedSecret {
    /// The id of the key.
    pub key_id: String,
    /// The key itself, decoded.
    pub secret: Secret,
}

/// A merchant's REST credentials.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The transacting merchant.
    pub merchant_id: String,
    /// How it proves itself.
    pub authentication: Authentication,
    /// What opens replies that come sealed: those to sealed requests, and unmasked ones.
    pub response_key: Option<Arc<OpeningKey>>,
    /// Set when the key is a meta key: the portfolio or account that owns the key.
    pub portfolio_id: Option<String>,
    /// The token profile for the `profile-id` header of TMS calls.
    pub profile_id: Option<String>,
}

impl Authentication {
    /// JWT with a shared secret, nothing sealed: what an account begins with.
    pub fn shared_secret(key_id: impl Into<String>, secret: Secret) -> Authentication {
        let key_id = key_id.into();
        Authentication::Jwt {
            key: JwtKey::Secret(SharedSecret { key_id, secret }),
            mle: Mle::Off,
        }
    }
}

impl Credentials {
    /// The shared secret, unless the merchant proves itself by certificate.
    pub fn shared_secret(&self) -> Option<&SharedSecret> {
        match &self.authentication {
            Authentication::Jwt {
                key: JwtKey::Secret(secret),
                ..
            }
            | Authentication::HttpSignature(secret) => Some(secret),
            Authentication::Jwt { .. } => None,
        }
    }

    /// A secret that follows from the merchant's key alone: all gateways that have the key have it too.
    pub fn root(&self) -> &Secret {
        match &self.authentication {
            Authentication::Jwt {
                key: JwtKey::Certificate(key),
                ..
            } => key.root(),
            Authentication::Jwt {
                key: JwtKey::Secret(secret),
                ..
            }
            | Authentication::HttpSignature(secret) => &secret.secret,
        }
    }

    /// Whether and how messages are sealed.
    pub(super) fn mle(&self) -> &Mle {
        match &self.authentication {
            Authentication::Jwt { mle, .. } => mle,
            Authentication::HttpSignature(_) => &Mle::Off,
        }
    }

    /// The id of the key that signs.
    fn key_id(&self) -> &str {
        match &self.authentication {
            Authentication::Jwt {
                key: JwtKey::Certificate(key),
                ..
            } => key.key_id(),
            Authentication::Jwt {
                key: JwtKey::Secret(secret),
                ..
            }
            | Authentication::HttpSignature(secret) => &secret.key_id,
        }
    }

    /// Whom the key belongs to: the portfolio for a meta key, else the merchant.
    pub(super) fn key_owner(&self) -> &str {
        self.portfolio_id.as_deref().unwrap_or(&self.merchant_id)
    }

    /// Refuses here, with the field's name, what would otherwise fail in each call.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let response_key = self.response_key.as_ref().map(|key| key.key_id());
        let optional = [
            ("portfolio_id", self.portfolio_id.as_deref()),
            ("profile_id", self.profile_id.as_deref()),
            ("mle_response_key_id", response_key),
        ];
        let fields = [
            ("merchant_id", self.merchant_id.as_str()),
            ("key_id", self.key_id()),
        ]
        .into_iter()
        .chain(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        for (field, value) in fields {
            if let Some(reason) = fault(value) {
                let merchant_id = self.merchant_id.escape_debug().to_string();
                return Err(SetupError::Credential {
                    merchant_id,
                    field,
                    reason,
                });
            }
        }
        Ok(())
    }
}

/// Ids stand in headers and, in HTTP Signature, between quotes and on lines of their own.
fn fault(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        Some("is empty")
    } else if id
        .bytes()
        .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    {
        None
    } else {
        Some("holds a space, a quote, a backslash or a character outside visible ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::test_keys::{RESPONSE, private_key};
    use super::*;

    fn credentials(key_id: &str) -> Credentials {
        Credentials {
            merchant_id: "mid1234".into(),
            authentication: Authentication::shared_secret(
                key_id,
                Secret::from_base64("Y2FuYXJ5").unwrap(),
            ),
            response_key: None,
            portfolio_id: None,
            profile_id: None,
        }
    }

    #[test]
    fn names_the_field_that_cannot_be_sent() {
        let good = credentials("08c94330-f618-42a3-b09d-e1e43be5efda");
        assert_eq!(good.check(), Ok(()));
        let response_key = OpeningKey::new(&private_key(RESPONSE), "a b").unwrap();
        let bad = [
            (
                Credentials {
                    merchant_id: "a\nb".into(),
                    ..good.clone()
                },
                "merchant_id",
            ),
            (credentials("a\"b"), "key_id"),
            (
                Credentials {
                    portfolio_id: Some(String::new()),
                    ..good.clone()
                },
                "portfolio_id",
            ),
            (
                Credentials {
                    profile_id: Some("é".into()),
                    ..good.clone()
                },
                "profile_id",
            ),
            (
                Credentials {
                    response_key: Some(Arc::new(response_key)),
                    ..good
                },
                "mle_response_key_id",
            ),
        ];
        for (credentials, name) in bad {
            let error = credentials.check().unwrap_err();
            assert!(
                matches!(error, SetupError::Credential { field, .. } if field == name),
                "{error}"
            );
            assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn debug_hides_the_secret() {
        let shown = format!("{:?}", credentials("key"));
        assert!(shown.contains("***") && !shown.contains("canary") && !shown.contains("Y2Fu"));
        assert!(!shown.contains("99, 97, 110"), "{shown}");
    }
}
