//! What a sandbox is started with.

use std::fmt;
use std::time::Duration;

/// How long after it was done a transaction can be voided, unless settings say otherwise.
const SETTLEMENT: Duration = Duration::from_secs(24 * 60 * 60);

/// One key of a merchant.
///
/// A merchant with several keys is several entries of the same `id`: they see the same tokens.
#[derive(Clone)]
pub struct Merchant {
    /// The merchant id, as in the header or claim `v-c-merchant-id`.
    pub id: String,
    /// The id of the shared-secret key: `keyid` of a signature, `kid` of a JWT.
    pub key_id: String,
    /// The shared secret, decoded from its base64 form.
    pub secret: Vec<u8>,
}

impl fmt::Debug for Merchant {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merchant")
            .field("id", &self.id)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// How captures, refunds and reversals are held against what was paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balances {
    /// As at the real test host: a sale can be refunded twice, and a capture can exceed its
    /// authorization.
    #[default]
    Lenient,
    /// As in live operation: no more is captured than was authorized, no more refunded than was
    /// captured, and a reversal carries the authorized amount.
    Strict,
}

/// What a sandbox is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The keys that are accepted.
    pub merchants: Vec<Merchant>,
    /// Makes ids and ETags reproducible for the same order of requests; `None` draws a seed
    /// from the operating system.
    pub seed: Option<u64>,
    /// How amounts of follow-on transactions are checked.
    pub balances: Balances,
    /// How long captures, refunds and credits can be voided; the real host submits them once a
    /// day.
    pub settlement: Duration,
}

impl Settings {
    /// One merchant, `mid1234`, whose secret is public: the bytes 0 to 31.
    ///
    /// For tests and demonstrations on a local machine.
    pub fn builtin() -> Self {
        Self {
            merchants: vec![Merchant {
                id: "mid1234".to_owned(),
                key_id: "08c94330-f618-42a3-b09d-e1e43be5efda".to_owned(),
                secret: (0..32).collect(),
            }],
            seed: None,
            balances: Balances::default(),
            settlement: SETTLEMENT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn the_builtin_secret_is_the_published_one() {
        let merchant = Settings::builtin().merchants.remove(0);
        assert_eq!(
            STANDARD.encode(merchant.secret),
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        );
    }

    #[test]
    fn debug_leaves_the_secret_out() {
        let text = format!("{:?}", Settings::builtin());
        assert!(text.contains("mid1234"));
        assert!(!text.contains("secret"), "{text}");
    }
}
