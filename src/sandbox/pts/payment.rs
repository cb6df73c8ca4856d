//! Payments: `POST /pts/v2/payments`, and increments: `PATCH /pts/v2/payments/{id}`.

use serde_json::{Map, Value, json};

use super::body::Body;
use super::desk::{Desk, Entry};
use super::error::PtsError;
use super::ledger::{Kind, Told};
use super::means::{self, Payer};
use super::money::Amount;
use super::reason::{self, Reason};
use super::service::Service;
use super::simulator::{self, Asked};
use super::verdict::{self, Verdict};
use super::{fields, submit_time, tokens, trigger};
use crate::sandbox::reply::Reply;

/// The length of a network's transaction id when the brand is unknown.
const TRANSACTION_DIGITS: usize = 15;

/// An authorization; a sale when `processingInformation.capture` is true; a debit of an account.
pub(crate) fn create(desk: &mut Desk<'_>, bytes: &[u8]) -> Result<Reply, PtsError> {
    let mut body = Body::read(bytes)?;
    body.require(&[fields::TOTAL, fields::CURRENCY]);
    let payer = means::read(&mut body, desk.tokens, desk.merchant)?;
    body.check()?;
    let currency = body.text(fields::CURRENCY).unwrap_or_default().to_owned();
    let amount = body.amount(fields::TOTAL, &currency)?;
    let own = desk.own_id(&body)?;
    desk.check_duplicate(&body)?;
    let wanted = tokens::read(&body, &payer, desk.tokens, desk.merchant)?;

    let simulator = simulator::of(desk.rules.processor, Asked::Payment);
    let verdict = verdict::decide(simulator, &body, &payer, amount, desk.now);
    let told = verdict.reason;
    if told.http != 201 && !told.is_timeout() {
        return Err(PtsError::Refused(told));
    }
    let done = if told.is_timeout() {
        reason::SUCCESS
    } else {
        told
    };
    let tokens = match wanted {
        Some(wanted) if done.is_capturable() => wanted.make(desk.tokens, desk.merchant),
        _ => None,
    };
    let answered = Answered {
        body: &body,
        payer: &payer,
        verdict: &verdict,
        done,
        tokens,
        currency: &currency,
    };
    let reply = answered.enter(desk, own.as_deref());
    if told.is_timeout() {
        return Err(PtsError::Refused(told));
    }
    Ok(reply)
}

/// A payment that the processor answered.
struct Answered<'a> {
    body: &'a Body,
    payer: &'a Payer,
    verdict: &'a Verdict,
    /// What was done, which a time-out keeps from the caller.
    done: &'static Reason,
    tokens: Option<Value>,
    currency: &'a str,
}

impl Answered<'_> {
    fn enter(self, desk: &mut Desk<'_>, own: Option<&str>) -> Reply {
        let (kind, links) = self.kind();
        let members = self.members(desk, kind);
        let is_check = kind == Kind::Check;
        let status = if is_check && self.done.is_good() {
            "PENDING"
        } else {
            self.done.status
        };
        let entry = Entry {
            kind,
            parent: None,
            amount: self.verdict.amount,
            currency: self.currency,
            reason: self.done,
            status,
            services: self.services(kind),
            links,
            members,
        };
        desk.enter(self.body, own, entry)
    }

    /// A capture runs only after an authorization in full and without a complaint (official for
    /// the checks, choice for a part and for risk).
    fn kind(&self) -> (Kind, &'static [(&'static str, &'static str)]) {
        let is_done = self.done == reason::SUCCESS;
        let sale = is_done && self.body.flag("processingInformation.capture");
        let kind = match self.payer.account.is_bank() {
            true => Kind::Check,
            false => Kind::Payment { sale },
        };
        let links: &[(&str, &str)] = match kind {
            Kind::Check | Kind::Payment { sale: true } if is_done => {
                &[("void", "voids"), ("refund", "refunds")]
            }
            Kind::Payment { .. } if self.done.is_capturable() => {
                &[("authReversal", "reversals"), ("capture", "captures")]
            }
            Kind::Payment { .. } if self.done.is_approved() => &[("authReversal", "reversals")],
            _ => &[],
        };
        (kind, links)
    }

    fn services(&self, kind: Kind) -> Vec<(Service, &'static Reason)> {
        let is_risk = self.done.is_risk();
        let end = if is_risk { reason::SUCCESS } else { self.done };
        let mut services = match kind {
            Kind::Check => vec![(Service::CheckDebit, end)],
            _ => vec![(Service::Auth, end)],
        };
        if kind == (Kind::Payment { sale: true }) {
            services.push((Service::Bill, reason::SUCCESS));
        }
        if is_risk {
            services.push((Service::Decision, self.done));
        }
        if self.tokens.is_some() {
            services.push((Service::TokenCreate, reason::SUCCESS));
        }
        services
    }

    fn members(&self, desk: &Desk<'_>, kind: Kind) -> Value {
        let mut members = json!({});
        if !self.done.is_good() {
            members["errorInformation"] = self.done.information();
        }
        if !self.done.is_approved() {
            let code = json!({"responseCode": self.verdict.response_code});
            members["processorInformation"] = code;
            return members;
        }
        members["orderInformation"] = json!({"amountDetails": self.amounts(kind)});
        members["paymentInformation"] = self.payment_information();
        members["processorInformation"] = self.processor_information(desk, kind);
        if let Some(brand) = self.payer.account.brand() {
            members["paymentAccountInformation"] = json!({"card": {"type": brand.code}});
            members["pointOfSaleInformation"] = json!({"terminalId": "111111"});
        }
        if self.done.is_risk() {
            members["riskInformation"] = json!({"profile": {"name": "Standard"},
                "score": {"result": "84", "factorCodes": ["A", "Q"]}});
        }
        if let Some(tokens) = &self.tokens {
            members["tokenInformation"] = tokens.clone();
        }
        members
    }

    fn amounts(&self, kind: Kind) -> Value {
        let mut amounts = json!({"currency": self.currency});
        let amount = json!(self.verdict.amount.to_string());
        if kind != Kind::Check {
            amounts["authorizedAmount"] = amount.clone();
        }
        if kind == Kind::Check || kind == (Kind::Payment { sale: true }) {
            amounts["totalAmount"] = amount;
        }
        amounts
    }

    fn payment_information(&self) -> Value {
        let mut shown = Map::new();
        if let Some(brand) = self.payer.account.brand() {
            for name in ["card", "tokenizedCard"] {
                shown.insert(name.to_owned(), json!({"type": brand.code}));
            }
        }
        if let Some(balance) = self.verdict.balance {
            let features = json!({"balanceAmount": balance.to_string(), "currency": self.currency});
            shown.insert("accountFeatures".to_owned(), features);
        }
        shown.extend(self.payer.shown.clone());
        Value::Object(shown)
    }

    fn processor_information(&self, desk: &Desk<'_>, kind: Kind) -> Value {
        let mut shown = json!({"responseCode": self.verdict.response_code});
        if kind == Kind::Check {
            shown["transactionId"] = json!(desk.ledger.ids.digits(TRANSACTION_DIGITS));
            return shown;
        }
        let brand = self.payer.account.brand();
        let digits = brand.map_or(TRANSACTION_DIGITS, |brand| brand.transaction_digits);
        let transaction = desk.ledger.ids.digits(digits);
        shown["approvalCode"] = json!(self.verdict.approval_code);
        shown["networkTransactionId"] = json!(transaction);
        shown["transactionId"] = json!(transaction);
        if let Some(code) = self.verdict.avs {
            let raw = if code == "X" { "I1" } else { code };
            shown["avs"] = json!({"code": code, "codeRaw": raw});
        }
        if let Some(code) = self.verdict.card_verification {
            shown["cardVerification"] = json!({"resultCode": code, "resultCodeRaw": code});
        }
        shown
    }
}

/// An increment: adds to an authorization that was neither captured nor reversed. The id stays.
pub(crate) fn increment(desk: &mut Desk<'_>, bytes: &[u8], id: &str) -> Result<Reply, PtsError> {
    let followed = desk.ledger.find(desk.merchant, "payments", id)?;
    let mut body = Body::read(bytes)?;
    body.require(&[fields::ADDITIONAL, fields::CURRENCY]);
    body.check()?;
    let currency = followed.currency.clone();
    if body.text(fields::CURRENCY) != Some(currency.as_str()) {
        return Err(PtsError::Invalid(vec![fields::CURRENCY.to_owned()]));
    }
    let additional = body.amount(fields::ADDITIONAL, &currency)?;
    let is_open = followed.kind == (Kind::Payment { sale: false })
        && followed.reason.is_capturable()
        && !desk.ledger.has(followed, Kind::Capture)
        && !desk.ledger.has(followed, Kind::Reversal);
    if !is_open {
        return Err(PtsError::no_field());
    }
    let own = desk.own_id(&body)?;
    let simulator = simulator::of(desk.rules.processor, Asked::Payment);
    let end = trigger::card(simulator, additional).map_or(reason::SUCCESS, |(reason, _)| reason);
    if end.http != 201 {
        return Err(PtsError::Refused(end));
    }
    if let Some(own) = own {
        desk.ledger.name(desk.merchant, &own, id);
    }
    let total = followed_total(desk, id, additional, end)?;
    Ok(Reply::hal(
        201,
        show_increment(desk, id, total, &currency, end)?,
    ))
}

/// The authorized amount after an increment that ended so.
fn followed_total(
    desk: &mut Desk<'_>,
    id: &str,
    additional: Amount,
    end: &'static Reason,
) -> Result<Amount, PtsError> {
    let record = desk.ledger.change(id)?;
    record.services.push((Service::Increment, end));
    if end.is_good() {
        record.amount = record.amount.plus(additional);
        let mut told = record.reply.read();
        told["orderInformation"]["amountDetails"]["authorizedAmount"] =
            json!(record.amount.to_string());
        record.reply = Told::new(&told);
    }
    Ok(record.amount)
}

fn show_increment(
    desk: &Desk<'_>,
    id: &str,
    total: Amount,
    currency: &str,
    end: &Reason,
) -> Result<Value, PtsError> {
    let reply = desk.ledger.get(desk.merchant, id)?.reply.read();
    let mut shown = json!({
        "_links": {"self": reply["_links"]["self"]},
        "id": id,
        "clientReferenceInformation": reply["clientReferenceInformation"],
        "submitTimeUtc": submit_time(desk.now),
        "status": end.status,
    });
    if end.is_good() {
        shown["reconciliationId"] = reply["reconciliationId"].clone();
        let mut processor = reply["processorInformation"].clone();
        // No address is checked again, and the SDK's model has no place for it.
        if let Some(members) = processor.as_object_mut() {
            members.remove("avs");
            members.remove("cardVerification");
        }
        shown["processorInformation"] = processor;
        let amounts = json!({"authorizedAmount": total.to_string(), "currency": currency});
        shown["orderInformation"] = json!({"amountDetails": amounts});
    } else {
        shown["errorInformation"] = end.information();
    }
    Ok(shown)
}
