//! Who may call, and with which keys.

use std::fmt;

use crate::sandbox::keys::Certificate;

/// A merchant, or a portfolio that merchants belong to.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// The merchant id, as in the header or claim `v-c-merchant-id`.
    pub id: String,
    /// The portfolio whose keys are good for this merchant too ("metakeys").
    pub portfolio: Option<String>,
    /// What requests can be signed with.
    pub keys: Vec<Key>,
    /// What replies can be sealed with, as the claim `v-c-response-mle-kid` names it.
    pub reply_certificates: Vec<Certificate>,
}

/// What a merchant signs requests with.
#[derive(Clone)]
pub enum Key {
    /// A shared secret: HTTP Signature, and JWT with HS256.
    Shared {
        /// `keyid` of a signature, `kid` of a JWT.
        id: String,
        /// The secret, decoded from its base64 form.
        secret: Vec<u8>,
    },
    /// A certificate whose private key the merchant has: JWT with RS256.
    Certificate(Certificate),
}

impl Key {
    /// What requests name it by.
    pub fn id(&self) -> &str {
        match self {
            Self::Shared { id, .. } => id,
            Self::Certificate(certificate) => certificate.kid(),
        }
    }
}

impl fmt::Debug for Key {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.id()).finish()
    }
}

impl Merchant {
    /// A merchant with one shared secret.
    pub fn with_secret(id: &str, key_id: &str, secret: Vec<u8>) -> Self {
        Self {
            id: id.to_owned(),
            portfolio: None,
            keys: vec![Key::Shared {
                id: key_id.to_owned(),
                secret,
            }],
            reply_certificates: Vec::new(),
        }
    }
}

/// All of them, each id once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Merchants(Vec<Merchant>);

impl Merchants {
    /// Joins entries of the same id: they are one merchant with several keys.
    pub(crate) fn new(entries: Vec<Merchant>) -> Self {
        let mut merchants: Vec<Merchant> = Vec::new();
        for entry in entries {
            match merchants.iter_mut().find(|known| known.id == entry.id) {
                Some(known) => {
                    known.portfolio = known.portfolio.take().or(entry.portfolio);
                    known.keys.extend(entry.keys);
                    known.reply_certificates.extend(entry.reply_certificates);
                }
                None => merchants.push(entry),
            }
        }
        Self(merchants)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Merchant> {
        self.0.iter()
    }

    /// A key by its id, with whose it is.
    pub(crate) fn key(&self, id: &str) -> Option<(&Merchant, &Key)> {
        self.pairs().find(|(_, key)| key.id() == id)
    }

    /// The key of a certificate, by its public key.
    pub(crate) fn key_of(&self, certificate: &Certificate) -> Option<(&Merchant, &Certificate)> {
        self.pairs().find_map(|(owner, key)| match key {
            Key::Certificate(known) if known.public_key() == certificate.public_key() => {
                Some((owner, known))
            }
            _ => None,
        })
    }

    /// The merchant `named` in a request that `owner`'s key signed; `None` when that key is not
    /// good for it.
    pub(crate) fn acting(&self, owner: &Merchant, named: &str) -> Option<&Merchant> {
        let found = self.0.iter().find(|merchant| merchant.id == named)?;
        let is_good = found.id == owner.id || found.portfolio.as_deref() == Some(&owner.id);
        is_good.then_some(found)
    }

    fn pairs(&self) -> impl Iterator<Item = (&Merchant, &Key)> {
        let of = |merchant| Merchant::keys_of(merchant);
        self.0.iter().flat_map(of)
    }
}

impl Merchant {
    fn keys_of(merchant: &Self) -> impl Iterator<Item = (&Self, &Key)> {
        merchant.keys.iter().map(move |key| (merchant, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_one_id_are_one_merchant() {
        let entry = |key: &str| Merchant::with_secret("mid", key, vec![1]);
        let merchants = Merchants::new(vec![entry("one"), entry("two")]);
        assert_eq!(merchants.iter().count(), 1);
        assert!(merchants.key("one").is_some() && merchants.key("two").is_some());
        assert!(merchants.key("three").is_none());
    }

    #[test]
    fn a_portfolios_key_is_good_for_its_members_and_not_the_reverse() {
        let mut member = Merchant::with_secret("shop", "k1", vec![1]);
        member.portfolio = Some("chain".to_owned());
        let entries = vec![
            member,
            Merchant::with_secret("chain", "k2", vec![2]),
            Merchant::with_secret("other", "k3", vec![3]),
        ];
        let merchants = Merchants::new(entries);
        let owner = |key: &str| merchants.key(key).unwrap().0;
        let acts = |key: &str, named: &str| merchants.acting(owner(key), named).is_some();
        assert!(acts("k2", "shop") && acts("k2", "chain") && acts("k1", "shop"));
        assert!(!acts("k1", "chain") && !acts("k3", "shop") && !acts("k2", "other"));
    }

    #[test]
    fn debug_leaves_the_secret_out() {
        let text = format!("{:?}", Merchant::with_secret("mid", "key", vec![77, 78]));
        assert!(text.contains("mid") && text.contains("key"));
        assert!(!text.contains("77"), "{text}");
    }
}
