//! Reversals: `POST /pts/v2/payments/{id}/reversals`, and after a time-out
//! `POST /pts/v2/reversals` by the merchant's own transaction id.

use serde_json::json;

use super::body::Body;
use super::desk::{Desk, Entry};
use super::error::PtsError;
use super::ledger::{Kind, Record};
use super::money::Amount;
use super::service::Service;
use super::{fields, reason};
use crate::sandbox::reply::Reply;

/// A reversal by the id of the authorization.
pub(crate) fn create(desk: &mut Desk<'_>, bytes: &[u8], id: &str) -> Result<Reply, PtsError> {
    desk.ledger.find(desk.merchant, "payments", id)?;
    let mut body = Body::read(bytes)?;
    body.require(&[fields::REVERSED, fields::REVERSAL_REASON]);
    body.check()?;
    let own = desk.own_id(&body)?;
    reverse(desk, &body, own.as_deref(), id)
}

/// A reversal by the merchant's own id of the authorization.
pub(crate) fn after_timeout(desk: &mut Desk<'_>, bytes: &[u8]) -> Result<Reply, PtsError> {
    let mut body = Body::read(bytes)?;
    body.require(&[
        fields::TRANSACTION,
        fields::REVERSED,
        fields::REVERSAL_REASON,
    ]);
    body.check()?;
    let own = body.text(fields::TRANSACTION).unwrap_or_default();
    let found = desk.ledger.by_transaction(desk.merchant, own);
    let id = found.ok_or_else(PtsError::no_field)?.to_owned();
    reverse(desk, &body, None, &id)
}

fn reverse(
    desk: &mut Desk<'_>,
    body: &Body,
    own: Option<&str>,
    id: &str,
) -> Result<Reply, PtsError> {
    let followed = desk.ledger.find(desk.merchant, "payments", id)?;
    check_state(desk, followed)?;
    let amount = check_amount(desk, body, followed)?;
    let currency = followed.currency.clone();
    let amounts = json!({
        "reversedAmount": amount.to_string(),
        "originalTransactionAmount": followed.amount.to_string(),
        "currency": currency,
    });
    let entry = Entry {
        kind: Kind::Reversal,
        parent: Some(id),
        amount,
        currency: &currency,
        reason: reason::SUCCESS,
        status: "REVERSED",
        services: vec![(Service::Reversal, reason::SUCCESS)],
        links: &[],
        members: json!({
            "reversalAmountDetails": amounts,
            "processorInformation": {"responseCode": "100"},
        }),
    };
    Ok(desk.enter(body, own, entry))
}

/// What was captured has to be voided first.
fn check_state(desk: &Desk<'_>, followed: &Record) -> Result<(), PtsError> {
    let sale = match followed.kind {
        Kind::Payment { sale } if followed.reason.is_approved() => sale,
        _ => return Err(PtsError::no_field()),
    };
    if desk.ledger.has(followed, Kind::Reversal) {
        return Err(PtsError::code(237));
    }
    let is_captured = sale && !followed.is_voided || desk.ledger.has(followed, Kind::Capture);
    if is_captured {
        Err(PtsError::code(243))
    } else {
        Ok(())
    }
}

/// A full reversal carries the authorized amount; that is insisted on when balances are strict.
fn check_amount(desk: &Desk<'_>, body: &Body, followed: &Record) -> Result<Amount, PtsError> {
    let currency = body.text(fields::REVERSED_CURRENCY);
    if currency.is_some_and(|it| it != followed.currency) {
        return Err(PtsError::Invalid(vec![
            fields::REVERSED_CURRENCY.to_owned(),
        ]));
    }
    let amount = body.amount(fields::REVERSED, &followed.currency)?;
    if desk.is_strict() && amount != followed.amount {
        return Err(PtsError::code(239));
    }
    Ok(amount)
}
