//! Captures: `POST /pts/v2/payments/{id}/captures`.

use serde_json::json;

use super::body::Body;
use super::desk::{self, Desk, Entry};
use super::error::PtsError;
use super::ledger::{Kind, Record};
use super::money::Amount;
use super::service::Service;
use super::{fields, reason, verdict};
use crate::sandbox::reply::Reply;

/// A capture of all or a part of an authorization.
pub(crate) fn create(desk: &mut Desk<'_>, bytes: &[u8], id: &str) -> Result<Reply, PtsError> {
    let followed = desk.ledger.find(desk.merchant, "payments", id)?;
    let mut body = Body::read(bytes)?;
    body.require(&[fields::TOTAL, fields::CURRENCY]);
    body.check()?;
    check_state(desk, &body, followed)?;
    let amount = desk::follow_on_amount(&body, followed)?;
    check_balance(desk, followed, amount)?;
    let currency = followed.currency.clone();
    let own = desk.own_id(&body)?;
    let amounts = json!({"totalAmount": amount.to_string(), "currency": currency});
    let entry = Entry {
        kind: Kind::Capture,
        parent: Some(id),
        amount,
        currency: &currency,
        reason: reason::SUCCESS,
        status: "PENDING",
        services: vec![(Service::Bill, reason::SUCCESS)],
        links: &[("void", "voids"), ("refund", "refunds")],
        members: json!({"orderInformation": {"amountDetails": amounts}}),
    };
    Ok(desk.enter(&body, own.as_deref(), entry))
}

fn check_state(desk: &Desk<'_>, body: &Body, followed: &Record) -> Result<(), PtsError> {
    let sale = match followed.kind {
        Kind::Payment { sale } => sale,
        _ => return Err(PtsError::no_field()),
    };
    // An issuer that wants to be called gives its code by telephone.
    let by_telephone = followed.reason.code == 201 && verdict::verbal_code(body).is_some();
    if !followed.reason.is_capturable() && !by_telephone {
        return Err(PtsError::no_field());
    }
    if desk.ledger.has(followed, Kind::Reversal) {
        return Err(PtsError::code(237));
    }
    if sale {
        Err(PtsError::code(238))
    } else {
        Ok(())
    }
}

/// Watched only when balances are strict: the live test host lets more pass.
fn check_balance(desk: &Desk<'_>, followed: &Record, amount: Amount) -> Result<(), PtsError> {
    let captured = desk.ledger.sum(followed, Kind::Capture).plus(amount);
    if desk.is_strict() && captured > followed.amount {
        Err(PtsError::code(235))
    } else {
        Ok(())
    }
}
