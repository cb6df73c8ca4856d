//! The encryption of kept values: AES-256-GCM, each value bound to where it belongs.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use thiserror::Error;

use crate::rest::Secret;

/// The length of a key in bytes.
pub const KEY_BYTES: usize = 32;
/// The most characters in a key's id.
const ID_MAX: usize = 64;

/// Why keys cannot be used. Says nothing of a key but its id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// A key has the wrong length.
    #[error(
        "key \"{id}\" has {bytes} bytes; it must have {KEY_BYTES}: make one with `openssl rand -base64 32`"
    )]
    Length {
        /// The key's id.
        id: String,
        /// How many bytes it has.
        bytes: usize,
    },
    /// An id does not fit.
    #[error("key \"{id}\" needs an id of 1 to {ID_MAX} characters that no other key has")]
    Id {
        /// The id.
        id: String,
    },
}

/// Why a kept value cannot be read. Says nothing of the value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unsealable {
    /// Its key is not configured.
    #[error("it is encrypted with key \"{0}\", which is not in side_store.keys: add it again")]
    NoKey(String),
    /// It was changed, or belongs elsewhere, or a key of the same id is another one.
    #[error(
        "it does not fit key \"{0}\" or its place: the key was exchanged under its id, or the value was tampered with"
    )]
    Broken(String),
}

/// Where a value belongs: it can be read nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'b> {
    /// The merchant.
    pub merchant: &'b str,
    /// The path of the REST object, with the token's id.
    pub place: &'b str,
    /// The member of the object.
    pub member: &'b str,
    /// The value's reference.
    pub reference: &'b str,
}

/// The keys: the first encrypts, all decrypt. Cheap to clone.
#[derive(Clone, Default)]
pub struct Keys(Arc<[(String, RandomizedNonceKey)]>);

/// Shows ids only.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(id, _)| id))
            .finish()
    }
}

impl Keys {
    /// Keys by their ids.
    pub fn new(keys: Vec<(String, Secret)>) -> Result<Keys, KeyError> {
        let mut known: Vec<(String, RandomizedNonceKey)> = Vec::with_capacity(keys.len());
        for (id, secret) in keys {
            let fits = (1..=ID_MAX).contains(&id.chars().count());
            if !fits || known.iter().any(|(other, _)| *other == id) {
                return Err(KeyError::Id { id });
            }
            let bytes = secret.expose();
            let key =
                RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| KeyError::Length {
                    id: id.clone(),
                    bytes: bytes.len(),
                })?;
            known.push((id, key));
        }
        Ok(Keys(known.into()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Encrypts a value; the id of the key and the bytes. Nothing without a key.
    pub fn seal(&self, bound: Bound<'_>, text: &str) -> Option<(String, Vec<u8>)> {
        let (id, key) = self.0.first()?;
        let mut sealed = text.as_bytes().to_vec();
        let aad = Aad::from(bound.bytes());
        let nonce = key.seal_in_place_append_tag(aad, &mut sealed).ok()?;
        let mut bytes = nonce.as_ref().to_vec();
        bytes.append(&mut sealed);
        Some((id.clone(), bytes))
    }

    /// Decrypts a value.
    pub fn open(&self, bound: Bound<'_>, id: &str, sealed: &[u8]) -> Result<String, Unsealable> {
        let key = self.0.iter().find(|(known, _)| known == id);
        let (_, key) = key.ok_or_else(|| Unsealable::NoKey(id.to_owned()))?;
        let broken = || Unsealable::Broken(id.to_owned());
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut bytes = sealed.to_vec();
        let aad = Aad::from(bound.bytes());
        let text = key
            .open_in_place(nonce, aad, &mut bytes)
            .map_err(|_| broken())?;
        String::from_utf8(text.to_vec()).map_err(|_| broken())
    }
}

impl Bound<'_> {
    /// One text for one place: each part with its length before it.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"scmp-gateway side value 1".to_vec();
        for part in [self.merchant, self.place, self.member, self.reference] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HERE: Bound<'_> = Bound {
        merchant: "mid1",
        place: "/tms/v2/customers/T1",
        member: "list[name=a].value",
        reference: "1001",
    };

    fn key(id: &str, byte: u8) -> (String, Secret) {
        (id.to_owned(), Secret::from_bytes(vec![byte; KEY_BYTES]))
    }

    fn keys(keys: Vec<(String, Secret)>) -> Keys {
        Keys::new(keys).expect("good keys")
    }

    #[test]
    fn a_value_is_read_nowhere_else() {
        let keys = keys(vec![key("a", 1)]);
        let (id, sealed) = keys.seal(HERE, "secret").expect("sealed");
        assert_eq!(keys.open(HERE, &id, &sealed).as_deref(), Ok("secret"));
        let elsewhere = [
            Bound {
                merchant: "mid2",
                ..HERE
            },
            Bound {
                place: "/tms/v2/customers/T2",
                ..HERE
            },
            Bound {
                member: "list[name=b].value",
                ..HERE
            },
            Bound {
                reference: "1002",
                ..HERE
            },
            // The same letters, parted elsewhere.
            Bound {
                merchant: "mid1/",
                place: "tms/v2/customers/T1",
                ..HERE
            },
        ];
        for bound in elsewhere {
            let broken = Err(Unsealable::Broken("a".to_owned()));
            assert_eq!(keys.open(bound, &id, &sealed), broken, "{bound:?}");
        }
    }

    #[test]
    fn keys_take_turns() {
        let old = keys(vec![key("2025", 1)]);
        let (id, sealed) = old.seal(HERE, "old").expect("sealed");
        let both = keys(vec![key("2026", 2), key("2025", 1)]);
        assert_eq!(both.open(HERE, &id, &sealed).as_deref(), Ok("old"));
        let (id, sealed) = both.seal(HERE, "new").expect("sealed");
        assert_eq!(id, "2026");
        assert_eq!(old.open(HERE, &id, &sealed), Err(Unsealable::NoKey(id)));
        let exchanged = keys(vec![key("2026", 3)]);
        let broken = Err(Unsealable::Broken("2026".to_owned()));
        assert_eq!(exchanged.open(HERE, "2026", &sealed), broken);
        assert_eq!(Keys::default().seal(HERE, "x"), None);
    }

    #[test]
    fn wrong_keys_are_refused_and_not_shown() {
        let short = Secret::from_bytes(vec![7; 16]);
        let error = Keys::new(vec![("a".to_owned(), short)]).expect_err("too short");
        assert!(error.to_string().contains("16 bytes"), "{error}");
        for ids in [vec![key("a", 1), key("a", 2)], vec![key("", 1)]] {
            assert!(matches!(Keys::new(ids), Err(KeyError::Id { .. })));
        }
        let shown = format!("{:?}", keys(vec![key("2026", b'K')]));
        assert_eq!(shown, "[\"2026\"]");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_any_change_is_seen(text in any::<String>(), at in any::<prop::sample::Index>(), bit in 0..8) {
            let keys = keys(vec![key("a", 1)]);
            let (id, mut sealed) = keys.seal(HERE, &text).expect("sealed");
            prop_assert_eq!(keys.open(HERE, &id, &sealed), Ok(text));
            let at = at.index(sealed.len());
            sealed[at] ^= 1_u8 << bit;
            prop_assert!(keys.open(HERE, &id, &sealed).is_err());
            prop_assert!(keys.open(HERE, &id, &sealed[..at]).is_err());
        }
    }
}
