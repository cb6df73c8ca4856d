//! Voids: `POST /pts/v2/{payments,captures,refunds,credits}/{id}/voids`, and after a time-out
//! `POST /pts/v2/voids` by the merchant's own transaction id.

use serde_json::json;

use super::body::Body;
use super::desk::{Desk, Entry};
use super::error::PtsError;
use super::ledger::{Kind, Record};
use super::service::Service;
use super::{fields, reason};
use crate::sandbox::reply::Reply;

/// A void of what is found in `collection`.
pub(crate) fn create(
    desk: &mut Desk<'_>,
    bytes: &[u8],
    collection: &str,
    id: &str,
) -> Result<Reply, PtsError> {
    desk.ledger.find(desk.merchant, collection, id)?;
    let body = Body::read(bytes)?;
    body.check()?;
    let own = desk.own_id(&body)?;
    void(desk, &body, own.as_deref(), id)
}

/// A void by the merchant's own id of the transaction.
pub(crate) fn after_timeout(desk: &mut Desk<'_>, bytes: &[u8]) -> Result<Reply, PtsError> {
    let mut body = Body::read(bytes)?;
    body.require(&[fields::TRANSACTION]);
    body.check()?;
    let own = body.text(fields::TRANSACTION).unwrap_or_default();
    let found = desk.ledger.by_transaction(desk.merchant, own);
    let id = found.ok_or_else(PtsError::no_field)?.to_owned();
    void(desk, &body, None, &id)
}

fn void(desk: &mut Desk<'_>, body: &Body, own: Option<&str>, id: &str) -> Result<Reply, PtsError> {
    let followed = desk.ledger.change(id)?;
    let settlement = desk.rules.settlement;
    if !can_be_voided(followed) || followed.is_settled(desk.now, settlement) {
        return Err(PtsError::code(246));
    }
    followed.is_voided = true;
    let (amount, currency) = (followed.amount, followed.currency.clone());
    let amounts = json!({
        "voidAmount": amount.to_string(),
        "originalTransactionAmount": amount.to_string(),
        "currency": currency,
    });
    let entry = Entry {
        kind: Kind::Void,
        parent: Some(id),
        amount,
        currency: &currency,
        reason: reason::SUCCESS,
        status: "VOIDED",
        services: vec![(Service::Void, reason::SUCCESS)],
        links: &[],
        members: json!({"voidAmountDetails": amounts}),
    };
    Ok(desk.enter(body, own, entry))
}

/// A mere authorization takes a reversal and no void.
fn can_be_voided(followed: &Record) -> bool {
    let moves_money = !matches!(
        followed.kind,
        Kind::Payment { sale: false } | Kind::Reversal | Kind::Void
    );
    moves_money && followed.reason.is_good() && !followed.is_voided
}
