//! A secret that shows itself only to who asks by name.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroize;

/// Secret bytes: printed as `***`, overwritten when dropped, read only through
/// [`expose`](Secret::expose), so that every reading place can be searched for.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// Why a text is no secret. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SecretError {
    /// The text is not standard base64.
    #[error("the shared secret is not base64: copy it again, whole, from the key's download")]
    NotBase64,
    /// The text is empty.
    #[error("the shared secret is empty: give the secret that belongs to the key id")]
    Empty,
}

impl Secret {
    /// Reads standard base64 with padding, as keys are handed out; white space around it (the
    /// last newline of a file) is ignored.
    ///
    /// # Errors
    ///
    /// When the text is empty or not base64.
    pub fn from_base64(text: &str) -> Result<Secret, SecretError> {
        let secret = STANDARD
            .decode(text.trim())
            .map_err(|_| SecretError::NotBase64)?;
        if secret.is_empty() {
            Err(SecretError::Empty)
        } else {
            Ok(Secret(secret))
        }
    }

    /// Bytes that are known already, such as those of the sandbox's public secret.
    pub fn from_bytes(bytes: Vec<u8>) -> Secret {
        Secret(bytes)
    }

    /// The bytes themselves, to make a key of; never to print.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_shows_nothing() {
        let secret = Secret::from_base64(" Y2FuYXJ5\n").unwrap();
        assert_eq!(secret.expose(), b"canary");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "*** *** Some(***)"
        );
    }

    #[test]
    fn refuses_what_is_no_key() {
        assert_eq!(Secret::from_base64("").unwrap_err(), SecretError::Empty);
        let error = Secret::from_base64("canary!").unwrap_err();
        assert_eq!(error, SecretError::NotBase64);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
