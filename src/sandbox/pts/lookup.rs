//! Transaction details: `GET /tss/v2/transactions/{id}`.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::error::PtsError;
use super::ledger::{Ledger, Record};
use super::reason::Reason;
use super::service::Service;
use super::submit_time;
use crate::sandbox::reply::Reply;

/// The members of the transaction's own reply that are shown again.
const REPEATED: &[&str] = &[
    "clientReferenceInformation",
    "errorInformation",
    "paymentInformation",
    "processorInformation",
    "tokenInformation",
];

/// What is known of a transaction. It does not lag behind, as the real one may; searches can.
pub(crate) fn read(ledger: &Ledger, merchant: &str, id: &str) -> Result<Reply, PtsError> {
    let record = ledger.get(merchant, id)?;
    let mut root = record.parent.as_deref().unwrap_or(id);
    // A void of a refund of a capture of a payment is the longest line.
    while let Some(parent) = ledger.get(merchant, root)?.parent.as_deref() {
        root = parent;
    }
    let told = record.reply.read();
    let mut shown = json!({
        "id": id,
        "rootId": root,
        "reconciliationId": told["reconciliationId"],
        "merchantId": record.merchant,
        "status": told["status"],
        // So spelt here.
        "submitTimeUTC": told["submitTimeUtc"],
        "applicationInformation": applications(record, &told),
        "orderInformation": {"amountDetails": amounts(record, &told)},
        "_links": links(record, id),
    });
    for name in REPEATED {
        if let Some(value) = told.get(name) {
            shown[*name] = value.clone();
        }
    }
    // Shown in the payment's own reply and not here (SDK).
    for (object, member) in [
        ("paymentInformation", "tokenizedCard"),
        ("tokenInformation", "instrumentidentifierNew"),
    ] {
        if let Some(Value::Object(members)) = shown.get_mut(object) {
            members.remove(member);
        }
    }
    if let Some(comments) = &record.comments {
        shown["clientReferenceInformation"]["comments"] = json!(comments);
    }
    Ok(Reply::hal(200, shown))
}

/// A payment as it stands: nothing here changes by itself. 404 for what is none.
///
/// The reply shows less than the payment's own did (SDK).
pub(crate) fn refresh(
    ledger: &Ledger,
    merchant: &str,
    id: &str,
    now: SystemTime,
) -> Result<Reply, PtsError> {
    let found = ledger.find(merchant, "payments", id);
    let record = found.map_err(|_| PtsError::NotOwned)?;
    let told = record.reply.read();
    let processor = &told["processorInformation"];
    let mut shown = json!({
        "id": id,
        "submitTimeUtc": told["submitTimeUtc"],
        "updateTimeUtc": submit_time(now),
        "status": told["status"],
        "reconciliationId": told["reconciliationId"],
        "clientReferenceInformation": told["clientReferenceInformation"],
        "processorInformation": {"responseCode": processor["responseCode"]},
    });
    if let Some(transaction) = processor.get("transactionId") {
        shown["processorInformation"]["transactionId"] = transaction.clone();
    }
    if let Some(error) = told.get("errorInformation") {
        shown["errorInformation"] = error.clone();
    }
    Ok(Reply::hal(201, shown))
}

/// The services that ran, each with its end.
pub(crate) fn applications(record: &Record, told: &Value) -> Value {
    let one = |(service, end): &(Service, &Reason)| {
        json!({
            "name": service.name(),
            "reasonCode": end.code.to_string(),
            "rCode": end.rcode(),
            "rFlag": end.flag,
            "rMessage": end.message,
            "reconciliationId": told["reconciliationId"],
        })
    };
    json!({
        "status": told["status"],
        "reasonCode": record.reason.code.to_string(),
        "rCode": record.reason.rcode(),
        "rFlag": record.reason.flag,
        "applications": record.services.iter().map(one).collect::<Vec<Value>>(),
    })
}

fn amounts(record: &Record, told: &Value) -> Value {
    let mut amounts = json!({
        "totalAmount": record.amount.to_string(),
        "currency": record.currency,
    });
    let authorized = &told["orderInformation"]["amountDetails"]["authorizedAmount"];
    if !authorized.is_null() {
        amounts["authorizedAmount"] = authorized.clone();
    }
    amounts
}

fn links(record: &Record, id: &str) -> Value {
    let link = |id: &String| json!({"href": format!("/tss/v2/transactions/{id}"), "method": "GET"});
    let related = record.parent.iter().chain(&record.children);
    json!({
        "self": link(&id.to_owned()),
        "relatedTransactions": related.map(link).collect::<Vec<Value>>(),
    })
}
