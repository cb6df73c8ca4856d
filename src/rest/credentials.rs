//! What a merchant proves itself with.

use super::secret::Secret;
use super::setup_error::SetupError;

/// How requests are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// JSON Web Token, version 2, signed with the shared secret (HS256).
    Jwt,
    /// HTTP Signature (HMAC-SHA256), for accounts that have not moved to JWT yet.
    HttpSignature,
}

/// A merchant's REST credentials.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The transacting merchant.
    pub merchant_id: String,
    /// The id of the shared-secret key.
    pub key_id: String,
    /// The key itself, decoded.
    pub shared_secret: Secret,
    /// How to authenticate with it.
    pub scheme: Scheme,
    /// Set when the key is a meta key: the portfolio or account that owns the key.
    pub portfolio_id: Option<String>,
    /// The token profile for the `profile-id` header of TMS calls.
    pub profile_id: Option<String>,
}

impl Credentials {
    /// Whom the key belongs to: the portfolio for a meta key, else the merchant.
    pub(super) fn key_owner(&self) -> &str {
        self.portfolio_id.as_deref().unwrap_or(&self.merchant_id)
    }

    /// Refuses here, with the field's name, what would otherwise fail in each call.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let optional = [
            ("portfolio_id", &self.portfolio_id),
            ("profile_id", &self.profile_id),
        ];
        let fields = [
            ("merchant_id", self.merchant_id.as_str()),
            ("key_id", &self.key_id),
        ]
        .into_iter()
        .chain(
            optional
                .into_iter()
                .filter_map(|(name, v)| Some((name, v.as_deref()?))),
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
    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            merchant_id: "mid1234".into(),
            key_id: "08c94330-f618-42a3-b09d-e1e43be5efda".into(),
            shared_secret: Secret::from_base64("Y2FuYXJ5").unwrap(),
            scheme: Scheme::Jwt,
            portfolio_id: None,
            profile_id: None,
        }
    }

    #[test]
    fn names_the_field_that_cannot_be_sent() {
        assert_eq!(credentials().check(), Ok(()));
        let bad = [
            (
                Credentials {
                    merchant_id: "a\nb".into(),
                    ..credentials()
                },
                "merchant_id",
            ),
            (
                Credentials {
                    key_id: "a\"b".into(),
                    ..credentials()
                },
                "key_id",
            ),
            (
                Credentials {
                    portfolio_id: Some(String::new()),
                    ..credentials()
                },
                "portfolio_id",
            ),
            (
                Credentials {
                    profile_id: Some("é".into()),
                    ..credentials()
                },
                "profile_id",
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
        let shown = format!("{:?}", credentials());
        assert!(shown.contains("***") && !shown.contains("canary") && !shown.contains("Y2Fu"));
        assert!(!shown.contains("99, 97, 110"), "{shown}");
    }
}
