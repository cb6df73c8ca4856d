//! What every operation works with, and what all replies share.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::body::Body;
use super::error::PtsError;
use super::fields;
use super::ledger::{Kind, Ledger, Record, Told};
use super::money::Amount;
use super::reason::Reason;
use super::service::Service;
use super::{Rules, submit_time};
use crate::sandbox::reply::Reply;
use crate::sandbox::settings::Balances;
use crate::sandbox::tms;

/// How long a merchant's own transaction id is good for one request only (guide).
const OWN_ID_GOOD_FOR: Duration = Duration::from_secs(60 * 24 * 60 * 60);
/// How long a second payment under the same reference counts as the same (guide).
const DUPLICATE_FOR: Duration = Duration::from_secs(15 * 60);

/// The place where one request is handled.
pub(crate) struct Desk<'a> {
    /// The transactions.
    pub(crate) ledger: &'a mut Ledger,
    /// The tokens.
    pub(crate) tokens: &'a mut tms::State,
    /// Who asks.
    pub(crate) merchant: &'a str,
    /// When.
    pub(crate) now: SystemTime,
    /// What the sandbox was set to.
    pub(crate) rules: Rules,
}

/// A transaction about to be kept.
pub(crate) struct Entry<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// The transaction that it follows.
    pub(crate) parent: Option<&'a str>,
    /// The amount.
    pub(crate) amount: Amount,
    /// Its currency.
    pub(crate) currency: &'a str,
    /// How it ended.
    pub(crate) reason: &'static Reason,
    /// REST's `status`.
    pub(crate) status: &'a str,
    /// The services that ran.
    pub(crate) services: Vec<(Service, &'static Reason)>,
    /// The verbs that its reply links to, each with the link's name.
    pub(crate) links: &'a [(&'a str, &'a str)],
    /// The reply's own members.
    pub(crate) members: Value,
}

impl Desk<'_> {
    /// Whether balances are watched.
    pub(crate) fn is_strict(&self) -> bool {
        self.rules.balances == Balances::Strict
    }

    /// The merchant's own id of this request, which must be a new one.
    ///
    /// A repeated one is INVALID_DATA without details (seen on the live host), for 60 days (guide).
    pub(crate) fn own_id(&self, body: &Body) -> Result<Option<String>, PtsError> {
        let Some(own) = body.text(fields::TRANSACTION) else {
            return Ok(None);
        };
        let used = self.ledger.by_transaction(self.merchant, own);
        let used = used.and_then(|id| self.ledger.get(self.merchant, id).ok());
        match used.is_some_and(|used| is_within(OWN_ID_GOOD_FOR, used.at, self.now)) {
            true => Err(PtsError::no_field()),
            false => Ok(Some(own.to_owned())),
        }
    }

    /// Refuses a payment under the reference of one a little earlier, when the account has this
    /// check.
    pub(crate) fn check_duplicate(&mut self, body: &Body) -> Result<(), PtsError> {
        let code = body.text(fields::CODE);
        let Some(code) = code.filter(|_| self.rules.duplicates_refused) else {
            return Ok(());
        };
        let before = self.ledger.note_code(self.merchant, code, self.now);
        match before.is_some_and(|at| is_within(DUPLICATE_FOR, at, self.now)) {
            true => Err(PtsError::code(104)),
            false => Ok(()),
        }
    }

    /// The merchant's reference, or one that the host makes: its clock's milliseconds, as in the
    /// guides' examples.
    fn code(&self, body: &Body) -> String {
        let made = || {
            let since = self.now.duration_since(UNIX_EPOCH).unwrap_or_default();
            since.as_millis().to_string()
        };
        body.text(fields::CODE).map_or_else(made, str::to_owned)
    }

    /// Keeps a transaction and answers 201.
    pub(crate) fn enter(&mut self, body: &Body, own: Option<&str>, entry: Entry<'_>) -> Reply {
        let id = self.ledger.fresh_id();
        let mut reply = match entry.members {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let collection = entry.kind.collection();
        reply.insert("_links".to_owned(), links(collection, &id, entry.links));
        reply.insert("id".to_owned(), json!(id));
        let reference = json!({"code": self.code(body)});
        reply.insert("clientReferenceInformation".to_owned(), reference);
        reply.insert("status".to_owned(), json!(entry.status));
        reply.insert("submitTimeUtc".to_owned(), json!(submit_time(self.now)));
        let reconciliation = self.ledger.ids.reconciliation();
        reply.insert("reconciliationId".to_owned(), json!(reconciliation));
        let reply = Value::Object(reply);
        let record = Record {
            merchant: self.merchant.to_owned(),
            kind: entry.kind,
            parent: entry.parent.map(str::to_owned),
            children: Vec::new(),
            amount: entry.amount,
            currency: entry.currency.to_owned(),
            at: self.now,
            reason: entry.reason,
            services: entry.services,
            is_voided: false,
            is_settled: false,
            comments: body.text(fields::COMMENTS).map(str::to_owned),
            reply: Told::new(&reply),
        };
        self.ledger.add(&id, own, record);
        Reply::hal(201, reply)
    }
}

/// Whether less than `limit` has passed; a clock that was set back counts as no time.
fn is_within(limit: Duration, then: SystemTime, now: SystemTime) -> bool {
    now.duration_since(then).unwrap_or_default() < limit
}

/// The member `_links`: the transaction itself, and what can follow it.
fn links(collection: &str, id: &str, verbs: &[(&str, &str)]) -> Value {
    let href = format!("/pts/v2/{collection}/{id}");
    let mut links = json!({"self": {"href": href, "method": "GET"}});
    for (name, verb) in verbs {
        links[*name] = json!({"href": format!("{href}/{verb}"), "method": "POST"});
    }
    links
}

/// The amount of a follow-on, which must be in the currency of what it follows.
pub(crate) fn follow_on_amount(body: &Body, followed: &Record) -> Result<Amount, PtsError> {
    if body.text(fields::CURRENCY) == Some(followed.currency.as_str()) {
        body.amount(fields::TOTAL, &followed.currency)
    } else {
        Err(PtsError::Invalid(vec![fields::CURRENCY.to_owned()]))
    }
}
