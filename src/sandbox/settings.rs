//! What a sandbox is started with.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::sandbox::keys::{Keys, Tls};
use crate::sandbox::merchants::{Key, Merchant};
use crate::sandbox::plan::PlannedFault;
use crate::sandbox::processor::Processor;

/// How long after it was done a transaction can be voided, unless settings say otherwise.
const SETTLEMENT: Duration = Duration::from_secs(24 * 60 * 60);
/// How far a signed date may be from now, unless settings say otherwise (choice: no source says).
const DATE_AWAY_MAX: Duration = Duration::from_secs(300);

/// How captures, refunds and reversals are held against what was paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
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
#[derive(Clone)]
pub struct Settings {
    /// Who may call.
    pub merchants: Vec<Merchant>,
    /// The host's key for sealed requests and the merchants' keys; without them no request can
    /// be sealed.
    pub keys: Option<Keys>,
    /// How https is served, on a listener of its own.
    pub tls: Option<Tls>,
    /// Makes ids and ETags reproducible for the same order of requests; `None` draws a seed
    /// from the operating system.
    pub seed: Option<u64>,
    /// What the clock shows at the start; `None` is the system's time.
    pub clock: Option<SystemTime>,
    /// How far a signed date may be from the clock, either way.
    pub date_away_max: Duration,
    /// Whether signatures over `(request-target)` are taken.
    pub parentheses: bool,
    /// How amounts of follow-on transactions are checked.
    pub balances: Balances,
    /// Whose simulator decides on amounts.
    pub processor: Processor,
    /// Whether a payment with the reference code of another within the last 15 minutes is refused, as for accounts that
    /// have this check.
    pub duplicates_refused: bool,
    /// Faults that wait for their requests from the start, and again after a reset.
    pub faults: Vec<PlannedFault>,
    /// How long captures, refunds and credits can be voided; the real host submits them once a
    /// day.
    pub settlement: Duration,
    /// How long after it was done a transaction is not found by a search, as the real search lags behind.
    pub search_lag: Duration,
    /// Where tokens and transactions are kept, with clock, balances and processor; `None` keeps them in memory only.
    pub state: Option<PathBuf>,
}

impl Settings {
    /// One merchant, `mid1234`, whose secret is public: the bytes 0 to 31.
    ///
    /// For tests and demonstrations on a local machine.
    pub fn builtin() -> Self {
        let key_id = "08c94330-f618-42a3-b09d-e1e43be5efda";
        Self::with_merchants(vec![Merchant::with_secret(
            "mid1234",
            key_id,
            (0..32).collect(),
        )])
    }

    /// These merchants, and everything else as usual.
    pub fn with_merchants(merchants: Vec<Merchant>) -> Self {
        Self {
            merchants,
            keys: None,
            tls: None,
            seed: None,
            clock: None,
            date_away_max: DATE_AWAY_MAX,
            parentheses: true,
            balances: Balances::default(),
            processor: Processor::default(),
            duplicates_refused: false,
            faults: Vec::new(),
            settlement: SETTLEMENT,
            search_lag: Duration::ZERO,
            state: None,
        }
    }

    /// Adds the keys that each of its merchants was given; other merchants' are left out.
    pub fn use_keys(&mut self, keys: Keys) {
        for made in keys.merchants() {
            let key = Key::Certificate(made.signing.certificate().clone());
            let reply = made.reply.certificate().clone();
            let known = |merchant: &&mut Merchant| merchant.id == made.merchant;
            if let Some(merchant) = self.merchants.iter_mut().find(known) {
                merchant.keys.push(key);
                merchant.reply_certificates.push(reply);
            }
        }
        self.keys = Some(keys);
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
        let Key::Shared { secret, .. } = &merchant.keys[0] else {
            panic!("the key is a shared one");
        };
        assert_eq!(
            STANDARD.encode(secret),
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        );
    }
}
