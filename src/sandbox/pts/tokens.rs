//! Tokens that a payment makes: `actionList` with `TOKEN_CREATE`.

use serde_json::{Map, Value, json};

use super::body::Body;
use super::error::PtsError;
use super::means::{self, Account, Payer};
use super::verdict;
use crate::sandbox::tms::{self, Draft, Made, Number};

const TYPES: &str = "processingInformation.actionTokenTypes";
/// The kinds of token that can be asked for.
const KNOWN_TYPES: &[&str] = &[
    "customer",
    "paymentInstrument",
    "instrumentIdentifier",
    "shippingAddress",
];

/// The tokens that a payment is to make when the issuer approves.
pub(crate) struct Wanted {
    draft: Draft,
    /// The kinds that the reply shows.
    types: Vec<String>,
}

/// Reads which tokens are wanted, before anything is done.
pub(crate) fn read(
    body: &Body,
    payer: &Payer,
    vault: &mut tms::State,
    merchant: &str,
) -> Result<Option<Wanted>, PtsError> {
    let number = match &payer.account {
        Account::Card(Some(number), _) | Account::Bank(number) => number,
        _ => return Ok(None),
    };
    if !payer.is_own_number || !verdict::has_action(body, "TOKEN_CREATE") {
        return Ok(None);
    }
    let types = body.texts(TYPES).unwrap_or(KNOWN_TYPES.to_vec());
    let has = |name: &str| types.contains(&name);
    let owner = body.text(means::CUSTOMER);
    if owner.is_some_and(|id| !vault.has_customer(merchant, id)) {
        return Err(PtsError::Invalid(vec![means::CUSTOMER.to_owned()]));
    }
    let has_owner = owner.is_some() || has("customer");
    // An address belongs to a customer; an instrument can be nobody's.
    if !types.iter().all(|name| KNOWN_TYPES.contains(name)) || has("shippingAddress") && !has_owner
    {
        return Err(PtsError::Invalid(vec![TYPES.to_owned()]));
    }
    let draft = match (
        has("customer") || has("shippingAddress"),
        has("paymentInstrument"),
    ) {
        (true, _) => draft_of_customer(body, payer, number, has("shippingAddress"))?,
        (false, true) if owner.is_some() => draft_of_customer(body, payer, number, false)?,
        (false, true) => {
            let instrument = instrument(body, payer);
            let draft = Draft::of_nobody(number.clone(), &instrument);
            draft.map_err(|fields| at_places(&fields))?
        }
        (false, false) => Draft::of_identifier(number.clone()),
    };
    let types = types.into_iter().map(str::to_owned).collect();
    Ok(Some(Wanted { draft, types }))
}

fn draft_of_customer(
    body: &Body,
    payer: &Payer,
    number: &Number,
    with_address: bool,
) -> Result<Draft, PtsError> {
    let owner = body.text(means::CUSTOMER);
    let address = with_address.then(|| address(body)).flatten();
    let (customer, instrument) = (customer(body), instrument(body, payer));
    Draft::of_customer(
        number.clone(),
        owner,
        &customer,
        &instrument,
        address.as_ref(),
    )
    .map_err(|fields| at_places(&fields))
}

/// The refusal of fields that TMS would not take.
fn at_places(fields: &[String]) -> PtsError {
    PtsError::Invalid(fields.iter().map(|it| place(it)).collect())
}

/// A field of a token at its place in a payment.
fn place(field: &str) -> String {
    match field.split('.').next() {
        Some("card") => format!("paymentInformation.{field}"),
        Some("billTo" | "shipTo") => format!("orderInformation.{field}"),
        _ => field.to_owned(),
    }
}

/// Merchant-defined data is deliberately absent: nothing says that a payment stores it.
fn customer(body: &Body) -> Value {
    json!({
        "buyerInformation": {
            "merchantCustomerID": body.get("buyerInformation.merchantCustomerId"),
            "email": body.get("orderInformation.billTo.email"),
        },
        "clientReferenceInformation": {"code": body.get("clientReferenceInformation.code")},
    })
}

fn instrument(body: &Body, payer: &Payer) -> Value {
    let mut bill_to = body.object("orderInformation.billTo");
    // An object here, a string there.
    let company = bill_to
        .remove("company")
        .and_then(|company| company.get("name").cloned());
    bill_to.insert("company".to_owned(), json!(company));
    let mut instrument = json!({
        "default": body.get("tokenInformation.paymentInstrument.default"),
        "billTo": bill_to,
    });
    if payer.account.is_bank() {
        let kind = match body.text("paymentInformation.bank.account.type") {
            Some("C" | "c") => Some("checking"),
            Some("S" | "s") => Some("savings"),
            Some("X" | "x") => Some("corporate checking"),
            other => other,
        };
        instrument["bankAccount"] = json!({"type": kind});
        return instrument;
    }
    let mut card = body.object("paymentInformation.card");
    let sent = body.text("paymentInformation.card.type");
    let code = sent.or(payer.account.brand().map(|brand| brand.code));
    card.insert("type".to_owned(), json!(code));
    if let Some((year, month)) = payer.expiry {
        card.insert("expirationMonth".to_owned(), json!(format!("{month:02}")));
        card.insert("expirationYear".to_owned(), json!(format!("{year:04}")));
    }
    instrument["card"] = Value::Object(card);
    instrument
}

fn address(body: &Body) -> Option<Value> {
    let ship_to = body.object("orderInformation.shipTo");
    (!ship_to.is_empty()).then(|| {
        json!({
            "default": body.get("tokenInformation.shippingAddress.default"),
            "shipTo": ship_to,
        })
    })
}

impl Wanted {
    /// Makes the tokens; returns the member `tokenInformation`.
    pub(crate) fn make(self, vault: &mut tms::State, merchant: &str) -> Option<Value> {
        let made = vault.make(merchant, self.draft)?;
        Some(show(&made, &self.types))
    }
}

fn show(made: &Made, types: &[String]) -> Value {
    let mut shown = Map::new();
    let ids = [
        ("customer", &made.customer),
        ("paymentInstrument", &made.instrument),
        ("shippingAddress", &made.address),
    ];
    for (name, id) in ids {
        if let Some(id) = id
            && types.iter().any(|wanted| wanted == name)
        {
            shown.insert(name.to_owned(), json!({"id": id}));
        }
    }
    if types.iter().any(|wanted| wanted == "instrumentIdentifier") {
        let identifier = json!({"id": made.identifier, "state": "ACTIVE"});
        shown.insert("instrumentIdentifier".to_owned(), identifier);
        // So spelt.
        shown.insert(
            "instrumentidentifierNew".to_owned(),
            json!(made.identifier_is_new),
        );
    }
    Value::Object(shown)
}
