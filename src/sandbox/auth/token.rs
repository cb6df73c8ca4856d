//! A JSON Web Token, taken apart but not yet believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::Refusal;

/// A token in its three parts.
pub(super) struct Token<'a> {
    /// The first part.
    pub(super) header: Claims,
    /// The second part, to be read once the signature holds.
    claims: &'a str,
    /// What is signed.
    pub(super) signed: &'a str,
    /// The signature.
    pub(super) signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    pub(super) fn parse(text: &'a str) -> Result<Self, Refusal> {
        let three = || malformed("it has no three parts");
        let (signed, signature) = text.rsplit_once('.').ok_or_else(three)?;
        let (header, claims) = signed.split_once('.').ok_or_else(three)?;
        Ok(Self {
            header: Claims(decode(header, "header")?),
            claims,
            signed,
            signature: URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|_| malformed("the signature is not base64url"))?,
        })
    }

    /// The claims.
    pub(super) fn claims(&self) -> Result<Claims, Refusal> {
        decode(self.claims, "payload").map(Claims)
    }
}

pub(super) fn malformed(why: &str) -> Refusal {
    Refusal::Malformed {
        scheme: "JWT",
        why: why.to_owned(),
    }
}

fn decode(part: &str, what: &str) -> Result<Map<String, Value>, Refusal> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| malformed(&format!("the {what} is not base64url")))?;
    serde_json::from_slice(&bytes)
        .map_err(|_| malformed(&format!("the {what} is not a JSON object")))
}

/// The members of a token's header or payload.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn get(&self, name: &'static str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&str, Refusal> {
        let value = self.0.get(name).and_then(Value::as_str);
        value.ok_or(Refusal::ClaimAbsent(name))
    }

    pub(super) fn seconds(&self, name: &'static str) -> Result<i64, Refusal> {
        let value = self.0.get(name).and_then(Value::as_i64);
        value.ok_or(Refusal::ClaimAbsent(name))
    }

    pub(super) fn expect(&self, name: &'static str, expected: &str) -> Result<(), Refusal> {
        let claimed = self.text(name)?;
        if claimed == expected {
            Ok(())
        } else {
            Err(mismatch(name, claimed, expected))
        }
    }

    pub(super) fn expect_any_case(
        &self,
        name: &'static str,
        expected: &str,
    ) -> Result<(), Refusal> {
        let claimed = self.text(name)?;
        if claimed.eq_ignore_ascii_case(expected) {
            Ok(())
        } else {
            Err(mismatch(name, claimed, expected))
        }
    }
}

fn mismatch(name: &'static str, claimed: &str, expected: &str) -> Refusal {
    Refusal::ClaimMismatch {
        name,
        claimed: claimed.to_owned(),
        expected: expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[A-Za-z0-9._-]{0,60}|.{0,40}") {
            // What matters is that it ends with a word and not with a panic.
            if let Ok(token) = Token::parse(&text) {
                let _claims = token.claims().is_ok();
            }
        }
    }
}
