//! Payments (PTS), and transaction details (TSS): which operation a path names.
//!
//! | path | does | `status` at 201 |
//! |---|---|---|
//! | `POST /pts/v2/payments` | authorization; with `capture` a sale; with `bank` a debit | `AUTHORIZED`, `PARTIAL_AUTHORIZED`, `PENDING` (debit), or declined |
//! | `PATCH /pts/v2/payments/{id}` | increment | `AUTHORIZED`, or declined |
//! | `POST /pts/v2/payments/{id}/captures` | capture | `PENDING` |
//! | `POST /pts/v2/payments/{id}/reversals` | reversal | `REVERSED` |
//! | `POST /pts/v2/reversals` | reversal by `clientReferenceInformation.transactionId` | `REVERSED` |
//! | `POST /pts/v2/{payments,captures}/{id}/refunds` | refund of a sale, a debit, a capture | `PENDING` |
//! | `POST /pts/v2/credits` | credit without an earlier payment | `PENDING`, or declined |
//! | `POST /pts/v2/{payments,captures,refunds,credits}/{id}/voids` | void | `VOIDED` |
//! | `POST /pts/v2/voids` | void by `clientReferenceInformation.transactionId` | `VOIDED` |
//! | `POST /pts/v2/refresh-payment-status/{id}` | the payment as it stands | as it was |
//! | `GET /tss/v2/transactions/{id}` | what became of it | 200 |
//! | `POST /tss/v2/searches`, `GET /tss/v2/searches/{searchId}` | what a query finds; see the module `query` | 201, 200 |
//!
//! Each path is taken with and without a slash at its end. Refusals are 400 with `INVALID_REQUEST`
//! and a reason, errors 502 with `SERVER_ERROR`. The rules and their sources are in the
//! documentation of the sandbox.
//!
//! # What makes a payment or a credit end otherwise than well
//!
//! Amounts count in whole units of whatever currency; with a fraction they are ordinary amounts.
//! The first row that holds decides. *Page* and *live* are the provider's and public suites'
//! triggers, *own* are made here for what neither gives.
//!
//! | what | end | source |
//! |---|---|---|
//! | a card number with a wrong check digit, or a length that its brand has not (`42423482938483873`) | `INVALID_ACCOUNT` | live |
//! | account 550111 at 121107882 | `GENERAL_DECLINE` | live |
//! | `card.type` of another of the four great brands than the number's | 400 `INVALID_CARD_TYPE` | own |
//! | an expiry in the past | `EXPIRED_CARD` | live |
//! | `authType` `VERBAL` with `verbalAuthCode` | approved with that code, whatever the amount | own |
//! | 164, 401, 1500 with Chase Paymentech, the default | `PROCESSOR_DECLINED`, `CONTACT_PROCESSOR`, `PROCESSOR_DECLINED` | live |
//! | 2000 + one of 129 codes of the Chase Paymentech simulator, cards only | by the table in the module `simulator`: 2201 `INVALID_ACCOUNT`, 2302 `EXCEEDS_CREDIT_LIMIT`, 2303 `PROCESSOR_DECLINED`, 2401 `CONTACT_PROCESSOR`, 2501 `STOLEN_LOST_CARD`, 2503 `CVN_NOT_MATCH`, 2521 `INSUFFICIENT_FUND`, 2522 `EXPIRED_CARD`, 2524 `INVALID_CVN`, 2595 `UNAUTHORIZED_CARD`, 2202 `GENERAL_DECLINE`, 2239 `INVALID_MERCHANT_CONFIGURATION`, 2000 and 2301 502 `SYSTEM_ERROR` | page, live |
//! | amounts of another processor, when its simulator is chosen | by the tables in the module `simulator` | page |
//! | 8000 + a numeric reason code above 102 | that reason: 8200 `AVS_FAILED`, 8230 `CV_FAILED`, 8236 400 `PROCESSOR_UNAVAILABLE`, 8150 502 `SYSTEM_ERROR`, 8475 `CONSUMER_AUTHENTICATION_REQUIRED` … | own |
//! | of these 8400, 8480, 8481 | `SCORE_EXCEEDS_THRESHOLD`, `DECISION_PROFILE_REVIEW`, `DECISION_PROFILE_REJECT`; not with `DECISION_SKIP` | own |
//! | of these 8151, 8152, 8250 | 502 `SERVER_TIMEOUT`, `SERVICE_TIMEOUT`, `PROCESSOR_TIMEOUT`, **and the work is done**: the case that a reversal by `transactionId` is for | own |
//! | 1071 (Chase Paymentech, American Express Direct) with `partialAuthIndicator` | `PARTIAL_AUTHORIZED`, 1000 of it | page (amount), own (part) |
//! | 3000 to 3006 (Chase Paymentech, FDMS Nashville) | AVS result N, X, W, Y, U, A, S | page |
//! | postal code 99999 | AVS result N, also for amount 0 and tokens | own |
//! | 9000 to 9005 with a security code (Chase Paymentech), with 1111 (OmniPay) | card verification result M, N, P, S, U, X | page |
//! | security code 999 or 9999 | card verification result N | own |
//!
//! An AVS result N (or those of `declineAvsFlags`) is `AVS_FAILED` unless `ignoreAvsResult`; a
//! card verification result N is `CV_FAILED` unless `ignoreCvResult`. Both leave the
//! authorization in place, under the status `AUTHORIZED_PENDING_REVIEW`. Every other amount is
//! approved, with response code 100 and approval code 888888, 00 and 831000 with Visa Platform
//! Connect; 0 is a card check. Increments take
//! the same amounts as cards; captures, refunds, reversals and voids take none.

mod body;
mod capture;
mod desk;
mod error;
mod fields;
mod ledger;
mod lookup;
mod means;
mod money;
mod payment;
mod query;
mod reason;
mod refund;
mod reversal;
mod search;
mod service;
mod simulator;
mod tokens;
mod trigger;
mod verdict;
mod void;

use std::time::{Duration, SystemTime};

use crate::sandbox::call::Call;
use crate::sandbox::processor::Processor;
use crate::sandbox::reply::Reply;
use crate::sandbox::settings::Balances;
use crate::sandbox::tms;
use desk::Desk;
use error::PtsError;
use search::{Saved, Searches};

pub(crate) use ledger::Ledger;

/// What the sandbox was set to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether amounts of follow-ons are watched.
    pub(crate) balances: Balances,
    /// Whether a reference code is good for one payment in a while only.
    pub(crate) duplicates_refused: bool,
    /// Whose simulator answers.
    pub(crate) processor: Processor,
    /// How long after it was done a transaction can be voided.
    pub(crate) settlement: Duration,
    /// How long a transaction is not found by a search.
    pub(crate) search_lag: Duration,
}

/// All payments of all merchants.
pub(crate) struct State {
    ledger: Ledger,
    saved: Saved,
    rules: Rules,
}

impl State {
    /// No payments; `seed` decides the ids of those to come.
    pub(crate) fn new(seed: u64, rules: Rules) -> Self {
        Self {
            ledger: Ledger::new(seed),
            saved: Saved::new(!seed),
            rules,
        }
    }

    /// The transactions, to keep them.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Takes over transactions that were kept.
    pub(crate) fn restore(&mut self, ledger: Ledger) {
        self.ledger = ledger;
    }

    /// Hands everything done so far to the processor: none of it can be voided any more.
    pub(crate) fn settle(&mut self) {
        self.ledger.settle();
    }

    /// What the sandbox was set to.
    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    /// The same, to set it otherwise.
    pub(crate) fn rules_mut(&mut self) -> &mut Rules {
        &mut self.rules
    }
}

/// What a path names.
enum Target<'a> {
    Payments,
    Payment(&'a str),
    Captures(&'a str),
    ReversalsOf(&'a str),
    /// Of an id in a collection.
    RefundsOf(&'a str, &'a str),
    /// Of an id in a collection.
    VoidsOf(&'a str, &'a str),
    Credits,
    Reversals,
    Voids,
    Refresh(&'a str),
    Transaction(&'a str),
    Searches,
    Search(&'a str),
}

impl<'a> Target<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = path.split('/').collect();
        if segments.contains(&"") {
            return None;
        }
        Some(match segments[..] {
            ["pts", "v2", "payments"] => Self::Payments,
            ["pts", "v2", "payments", id] => Self::Payment(id),
            ["pts", "v2", "payments", id, "captures"] => Self::Captures(id),
            ["pts", "v2", "payments", id, "reversals"] => Self::ReversalsOf(id),
            ["pts", "v2", of @ ("payments" | "captures"), id, "refunds"] => Self::RefundsOf(of, id),
            [
                "pts",
                "v2",
                of @ ("payments" | "captures" | "refunds" | "credits"),
                id,
                "voids",
            ] => Self::VoidsOf(of, id),
            ["pts", "v2", "credits"] => Self::Credits,
            ["pts", "v2", "reversals"] => Self::Reversals,
            ["pts", "v2", "voids"] => Self::Voids,
            ["pts", "v2", "refresh-payment-status", id] => Self::Refresh(id),
            ["tss", "v2", "transactions", id] => Self::Transaction(id),
            ["tss", "v2", "searches"] => Self::Searches,
            ["tss", "v2", "searches", id] => Self::Search(id),
            _ => return None,
        })
    }
}

/// Answers an authenticated request of `merchant`.
pub(crate) fn answer(
    state: &mut State,
    tokens: &mut tms::State,
    merchant: &str,
    call: &Call<'_>,
) -> Reply {
    let Some(target) = Target::parse(call.path) else {
        return Reply::no_such_resource();
    };
    let mut searches = Searches {
        ledger: &state.ledger,
        saved: &mut state.saved,
        merchant,
        now: call.now,
        rules: state.rules,
    };
    let found = match (&target, call.method) {
        (Target::Searches, "POST") => Some(searches.create(call.body)),
        (Target::Search(id), "GET") => Some(searches.read(id)),
        _ => None,
    };
    if let Some(found) = found {
        return found.unwrap_or_else(|error| error.to_reply(call.now));
    }
    let mut desk = Desk {
        ledger: &mut state.ledger,
        tokens,
        merchant,
        now: call.now,
        rules: state.rules,
    };
    let outcome = route(&mut desk, &target, call);
    outcome.unwrap_or_else(|error| error.to_reply(call.now))
}

fn route(desk: &mut Desk<'_>, target: &Target<'_>, call: &Call<'_>) -> Result<Reply, PtsError> {
    use Target::*;
    let body = call.body;
    match (target, call.method) {
        (Payments, "POST") => payment::create(desk, body),
        (Payment(id), "PATCH") => payment::increment(desk, body, id),
        (Captures(id), "POST") => capture::create(desk, body, id),
        (ReversalsOf(id), "POST") => reversal::create(desk, body, id),
        (Reversals, "POST") => reversal::after_timeout(desk, body),
        (RefundsOf(collection, id), "POST") => refund::create(desk, body, collection, id),
        (Credits, "POST") => refund::credit(desk, body),
        (VoidsOf(collection, id), "POST") => void::create(desk, body, collection, id),
        (Voids, "POST") => void::after_timeout(desk, body),
        (Refresh(id), "POST") => lookup::refresh(desk.ledger, desk.merchant, id, desk.now),
        // Unknown and not owned are the same here, in the words of the infrastructure.
        (Transaction(id), "GET") => {
            let read = lookup::read(desk.ledger, desk.merchant, id);
            Ok(read.unwrap_or_else(|_| Reply::no_such_resource()))
        }
        _ => Ok(Reply::message(405, "The method is not allowed here")),
    }
}

/// A time as replies show it: `2026-01-31T12:00:00Z`.
fn submit_time(now: SystemTime) -> String {
    match jiff::Timestamp::try_from(now) {
        Ok(now) => now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => "1970-01-01T00:00:00Z".to_owned(),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
