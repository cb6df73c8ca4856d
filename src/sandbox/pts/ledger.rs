//! What was done: one record for each transaction, and the rules on what may follow it.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::PtsError;
use super::money::Amount;
use super::reason::Reason;
use super::service::Service;
use crate::sandbox::ids::Ids;
use crate::sandbox::store::pairs;

/// How far apart two ids of transactions are at least.
const ID_STEP: u128 = 1_000_000;
/// The first id, of 22 digits as all are.
const ID_BASE: u128 = 7_000_000_000_000_000_000_000;

/// What a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// A payment by card; `sale` when it was captured at once.
    Payment {
        /// Whether the capture came with the authorization.
        sale: bool,
    },
    /// A debit of a bank account, which is captured by nature.
    Check,
    /// A capture of its own.
    Capture,
    /// A refund of a payment or of a capture.
    Refund,
    /// A credit without an earlier transaction.
    Credit,
    /// A reversal.
    Reversal,
    /// A void.
    Void,
}

impl Kind {
    /// The collection that has it: a segment of its path.
    pub(crate) fn collection(self) -> &'static str {
        match self {
            Self::Payment { .. } | Self::Check => "payments",
            Self::Capture => "captures",
            Self::Refund => "refunds",
            Self::Credit => "credits",
            Self::Reversal => "reversals",
            Self::Void => "voids",
        }
    }
}

/// A reply's body, kept as text: as a tree it takes many times the room.
#[derive(Serialize, Deserialize)]
pub(crate) struct Told(String);

impl Told {
    /// Keeps a body.
    pub(crate) fn new(body: &Value) -> Self {
        Self(body.to_string())
    }

    /// The body.
    pub(crate) fn read(&self) -> Value {
        // It was JSON when it was kept.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// A transaction.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whose it is.
    pub(crate) merchant: String,
    /// What it is.
    pub(crate) kind: Kind,
    /// The transaction that it follows.
    pub(crate) parent: Option<String>,
    /// Those that follow it.
    pub(crate) children: Vec<String>,
    /// The amount: authorized, captured, refunded or credited.
    pub(crate) amount: Amount,
    /// Its currency.
    pub(crate) currency: String,
    /// When it was done.
    pub(crate) at: SystemTime,
    /// How it ended.
    pub(crate) reason: &'static Reason,
    /// The services that ran, by their names in `/tss`, each with its end.
    pub(crate) services: Vec<(Service, &'static Reason)>,
    /// Whether a void took it back.
    pub(crate) is_voided: bool,
    /// Whether an operator had it handed to the processor before its time.
    pub(crate) is_settled: bool,
    /// The merchant's comment, which only details show.
    #[serde(default)]
    pub(crate) comments: Option<String>,
    /// The body of the reply; of it come the members that `/tss` repeats.
    pub(crate) reply: Told,
}

impl Record {
    /// Whether it moves money and nothing took that back.
    fn stands(&self) -> bool {
        !self.is_voided && self.reason.is_good()
    }

    /// Whether it was handed to the processor, after which it cannot be voided.
    pub(crate) fn is_settled(&self, now: SystemTime, settlement: Duration) -> bool {
        let age = now.duration_since(self.at);
        self.is_settled || age.is_ok_and(|age| age >= settlement)
    }
}

/// All transactions of all merchants.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ledger {
    records: HashMap<String, Record>,
    /// The transaction of each merchant's own transaction id.
    #[serde(with = "pairs")]
    transactions: HashMap<(String, String), String>,
    /// When each merchant last paid under a reference code; noted only while that matters.
    #[serde(with = "pairs", default)]
    codes: HashMap<(String, String), SystemTime>,
    next_id: u128,
    /// What makes ids irregular.
    pub(crate) ids: Ids,
}

impl Ledger {
    /// No transactions; `seed` decides the ids of those to come.
    pub(crate) fn new(seed: u64) -> Self {
        let ids = Ids::new(seed);
        Self {
            records: HashMap::new(),
            transactions: HashMap::new(),
            codes: HashMap::new(),
            next_id: ID_BASE + u128::from(ids.number()) * 100,
            ids,
        }
    }

    /// An id: 22 digits, and higher than every one before.
    pub(crate) fn fresh_id(&mut self) -> String {
        self.next_id += ID_STEP + u128::from(self.ids.number()) % ID_STEP;
        self.next_id.to_string()
    }

    /// Keeps a transaction, and its place under the one that it follows.
    pub(crate) fn add(&mut self, id: &str, transaction: Option<&str>, record: Record) {
        if let Some(transaction) = transaction {
            let key = (record.merchant.clone(), transaction.to_owned());
            self.transactions.insert(key, id.to_owned());
        }
        if let Some(parent) = record
            .parent
            .as_ref()
            .and_then(|id| self.records.get_mut(id))
        {
            parent.children.push(id.to_owned());
        }
        self.records.insert(id.to_owned(), record);
    }

    /// A transaction of the merchant's, of whatever kind.
    pub(crate) fn get(&self, merchant: &str, id: &str) -> Result<&Record, PtsError> {
        match self.records.get(id) {
            Some(record) if record.merchant == merchant => Ok(record),
            Some(_) => Err(PtsError::NotOwned),
            None => Err(PtsError::no_field()),
        }
    }

    /// All transactions of a merchant.
    pub(crate) fn of<'a>(
        &'a self,
        merchant: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Record)> {
        let all = self
            .records
            .iter()
            .map(|(id, record)| (id.as_str(), record));
        all.filter(move |(_, record)| record.merchant == merchant)
    }

    /// A transaction of the merchant's in one collection; an id of another kind is not known
    /// there.
    pub(crate) fn find(
        &self,
        merchant: &str,
        collection: &str,
        id: &str,
    ) -> Result<&Record, PtsError> {
        let record = self.get(merchant, id)?;
        if record.kind.collection() == collection {
            Ok(record)
        } else {
            Err(PtsError::no_field())
        }
    }

    /// A transaction to be changed, by an id that was found.
    pub(crate) fn change(&mut self, id: &str) -> Result<&mut Record, PtsError> {
        self.records.get_mut(id).ok_or_else(PtsError::no_field)
    }

    /// Hands everything done so far to the processor.
    pub(crate) fn settle(&mut self) {
        for record in self.records.values_mut() {
            record.is_settled = true;
        }
    }

    /// The transaction that a merchant's own transaction id names.
    pub(crate) fn by_transaction(&self, merchant: &str, transaction: &str) -> Option<&str> {
        let key = (merchant.to_owned(), transaction.to_owned());
        self.transactions.get(&key).map(String::as_str)
    }

    /// Notes a payment under a reference code; returns when the one before it was.
    pub(crate) fn note_code(
        &mut self,
        merchant: &str,
        code: &str,
        now: SystemTime,
    ) -> Option<SystemTime> {
        let key = (merchant.to_owned(), code.to_owned());
        self.codes.insert(key, now)
    }

    /// Has a merchant's own transaction id name a transaction that is there already.
    pub(crate) fn name(&mut self, merchant: &str, transaction: &str, id: &str) {
        let key = (merchant.to_owned(), transaction.to_owned());
        self.transactions.insert(key, id.to_owned());
    }

    /// The sum of the children of a kind that still stand.
    pub(crate) fn sum(&self, parent: &Record, kind: Kind) -> Amount {
        self.children(parent, kind)
            .fold(parent.amount.same_currency(0), |sum, child| {
                sum.plus(child.amount)
            })
    }

    /// Whether a child of a kind still stands.
    pub(crate) fn has(&self, parent: &Record, kind: Kind) -> bool {
        self.children(parent, kind).next().is_some()
    }

    fn children<'a>(&'a self, parent: &'a Record, kind: Kind) -> impl Iterator<Item = &'a Record> {
        let children = parent.children.iter().filter_map(|id| self.records.get(id));
        children.filter(move |child| child.kind == kind && child.stands())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_22_digits_and_rise() {
        for seed in 0..100 {
            let mut ledger = Ledger::new(seed);
            let ids: Vec<String> = (0..10).map(|_| ledger.fresh_id()).collect();
            assert!(ids.iter().all(|id| id.len() == 22), "{ids:?}");
            assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
        }
    }
}
