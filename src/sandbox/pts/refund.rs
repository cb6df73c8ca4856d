//! Refunds: `POST /pts/v2/payments/{id}/refunds` of a sale or a debit,
//! `POST /pts/v2/captures/{id}/refunds`; and credits without either: `POST /pts/v2/credits`.

use serde_json::json;

use super::body::Body;
use super::desk::{self, Desk, Entry};
use super::error::PtsError;
use super::ledger::{Kind, Record};
use super::money::Amount;
use super::reason::Reason;
use super::service::Service;
use super::simulator::{self, Asked};
use super::{fields, means, reason, verdict};
use crate::sandbox::reply::Reply;

/// A refund of what is found in `collection`.
pub(crate) fn create(
    desk: &mut Desk<'_>,
    bytes: &[u8],
    collection: &str,
    id: &str,
) -> Result<Reply, PtsError> {
    let followed = desk.ledger.find(desk.merchant, collection, id)?;
    let mut body = Body::read(bytes)?;
    body.require(&[fields::TOTAL, fields::CURRENCY]);
    body.check()?;
    let service = check_state(followed)?;
    let amount = desk::follow_on_amount(&body, followed)?;
    check_balance(desk, followed, amount)?;
    let currency = followed.currency.clone();
    let own = desk.own_id(&body)?;
    let amounts = json!({"refundAmount": amount.to_string(), "currency": currency});
    let entry = Entry {
        kind: Kind::Refund,
        parent: Some(id),
        amount,
        currency: &currency,
        reason: reason::SUCCESS,
        status: "PENDING",
        services: vec![(service, reason::SUCCESS)],
        links: &[("void", "voids")],
        members: json!({
            "refundAmountDetails": amounts,
            "processorInformation": {"responseCode": "100"},
        }),
    };
    Ok(desk.enter(&body, own.as_deref(), entry))
}

/// A mere authorization takes a reversal and no refund.
fn check_state(followed: &Record) -> Result<Service, PtsError> {
    let service = match followed.kind {
        Kind::Payment { sale: true } | Kind::Capture => Service::Credit,
        Kind::Check => Service::CheckCredit,
        _ => return Err(PtsError::no_field()),
    };
    if !followed.reason.is_good() {
        return Err(PtsError::no_field());
    }
    if followed.is_voided {
        Err(PtsError::code(247))
    } else {
        Ok(service)
    }
}

/// Watched only when balances are strict: the live test host refunds a sale twice.
fn check_balance(desk: &Desk<'_>, followed: &Record, amount: Amount) -> Result<(), PtsError> {
    let refunded = desk.ledger.sum(followed, Kind::Refund).plus(amount);
    if desk.is_strict() && refunded > followed.amount {
        Err(PtsError::code(239))
    } else {
        Ok(())
    }
}

/// A credit; the same amounts and cards decline that do so in a payment.
pub(crate) fn credit(desk: &mut Desk<'_>, bytes: &[u8]) -> Result<Reply, PtsError> {
    let mut body = Body::read(bytes)?;
    body.require(&[fields::TOTAL, fields::CURRENCY]);
    let payer = means::read(&mut body, desk.tokens, desk.merchant)?;
    body.check()?;
    let currency = body.text(fields::CURRENCY).unwrap_or_default().to_owned();
    let amount = body.amount(fields::TOTAL, &currency)?;
    let own = desk.own_id(&body)?;
    let simulator = simulator::of(desk.rules.processor, Asked::Credit);
    let told = verdict::decide(simulator, &body, &payer, amount, desk.now).reason;
    if told.http != 201 && !told.is_timeout() {
        return Err(PtsError::Refused(told));
    }
    // Nothing is authorized, so no check of address or card can fail.
    let is_done = told.is_timeout() || told.is_approved();
    let end = if is_done { reason::SUCCESS } else { told };
    let entry = credit_entry(&payer, amount, &currency, end);
    let reply = desk.enter(&body, own.as_deref(), entry);
    if told.is_timeout() {
        Err(PtsError::Refused(told))
    } else {
        Ok(reply)
    }
}

fn credit_entry<'a>(
    payer: &means::Payer,
    amount: Amount,
    currency: &'a str,
    end: &'static Reason,
) -> Entry<'a> {
    let mut members = json!({"processorInformation": {"responseCode": "100"}});
    if end.is_good() {
        // The currency comes in lower case, here alone.
        let currency = currency.to_lowercase();
        members["creditAmountDetails"] =
            json!({"creditAmount": amount.to_string(), "currency": currency});
        if let Some(brand) = payer.account.brand() {
            members["paymentAccountInformation"] = json!({"card": {"type": brand.code}});
        }
        members["paymentInformation"] = json!(payer.shown);
    } else {
        members = json!({"errorInformation": end.information()});
    }
    let service = if payer.account.is_bank() {
        Service::CheckCredit
    } else {
        Service::Credit
    };
    Entry {
        kind: Kind::Credit,
        parent: None,
        amount,
        currency,
        reason: end,
        status: if end.is_good() { "PENDING" } else { end.status },
        services: vec![(service, end)],
        links: if end.is_good() {
            &[("void", "voids")]
        } else {
            &[]
        },
        members,
    }
}
