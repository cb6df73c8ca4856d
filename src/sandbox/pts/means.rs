//! What a payment is made with: a card, a token, an account.

use std::time::SystemTime;

use serde_json::{Map, Value};

use super::body::Body;
use super::error::PtsError;
use super::fields;
use crate::sandbox::card::Brand;
use crate::sandbox::tms::{self, Kind, Means, Number, Reference};

/// A card's number at its place in the body.
const CARD: &str = "paymentInformation.card";
/// A network token's.
const NETWORK_TOKEN: &str = "paymentInformation.tokenizedCard";
/// A customer's id.
pub(crate) const CUSTOMER: &str = "paymentInformation.customer.id";
const INSTRUMENT: &str = "paymentInformation.paymentInstrument.id";
const IDENTIFIER: &str = "paymentInformation.instrumentIdentifier.id";

/// What a payment is made with.
pub(crate) struct Payer {
    /// The card or the account.
    pub(crate) account: Account,
    /// Whether the request has the number itself, so that it can become a token.
    pub(crate) is_own_number: bool,
    /// Year and month of a card's expiry.
    pub(crate) expiry: Option<(u16, u16)>,
    /// The card verification number.
    pub(crate) security_code: Option<String>,
    /// The postal code of the cardholder's address.
    pub(crate) postal_code: Option<String>,
    /// What a reply shows of the token.
    pub(crate) shown: Map<String, Value>,
}

/// A card or an account.
pub(crate) enum Account {
    /// A card, with its number unless the sandbox cannot see it.
    Card(Option<Number>, Option<Brand>),
    /// A number that no card has: a wrong check digit, or a length that its brand has not.
    NoSuchCard,
    /// A bank account.
    Bank(Number),
}

impl Account {
    fn of(number: Number) -> Self {
        match (number.kind(), number.brand()) {
            (Kind::Bank, _) => Self::Bank(number),
            (Kind::Card, Ok(brand)) => Self::Card(Some(number), brand),
            (Kind::Card, Err(_)) => Self::NoSuchCard,
        }
    }

    fn of_card_text(text: &str) -> Self {
        Number::of_card(text).map_or(Self::NoSuchCard, Self::of)
    }

    /// The brand of a card, as far as it is known.
    pub(crate) fn brand(&self) -> Option<Brand> {
        match self {
            Self::Card(_, brand) => *brand,
            _ => None,
        }
    }

    /// Whether it is a bank account.
    pub(crate) fn is_bank(&self) -> bool {
        matches!(self, Self::Bank(_))
    }
}

/// Reads the means of payment; notes in `body` what is missing.
pub(crate) fn read(
    body: &mut Body,
    tokens: &mut tms::State,
    merchant: &str,
) -> Result<Payer, PtsError> {
    for place in [CARD, NETWORK_TOKEN] {
        if let Some(number) = body.text(&format!("{place}.number")) {
            let account = Account::of_card_text(number);
            return Ok(payer(body, account, Some(place), None));
        }
    }
    if body
        .text("paymentInformation.bank.account.number")
        .is_some()
    {
        return Ok(read_bank(body));
    }
    if let Some((reference, path)) = reference(body) {
        let unknown = || PtsError::Invalid(vec![path.to_owned()]);
        let means = tokens.means(merchant, reference).ok_or_else(unknown)?;
        let account = Account::of(means.number.clone());
        return Ok(payer(body, account, None, Some(means)));
    }
    Ok(read_unseen(body))
}

/// The TMS token that pays, and its place in the body.
fn reference(body: &Body) -> Option<(Reference<'_>, &'static str)> {
    if let Some(id) = body.text(INSTRUMENT) {
        return Some(match body.text(CUSTOMER) {
            Some(owner) => (Reference::CustomersInstrument(owner, id), INSTRUMENT),
            None => (Reference::Instrument(id), INSTRUMENT),
        });
    }
    if let Some(id) = body.text(CUSTOMER) {
        return Some((Reference::Customer(id), CUSTOMER));
    }
    let id = body.text(IDENTIFIER)?;
    Some((Reference::Identifier(id), IDENTIFIER))
}

fn read_bank(body: &mut Body) -> Payer {
    body.require(&[
        "paymentInformation.bank.account.type",
        "paymentInformation.bank.routingNumber",
    ]);
    let number = body.text("paymentInformation.bank.account.number");
    let routing = body.text("paymentInformation.bank.routingNumber");
    // Numbers without the form of one are refused when the body is checked.
    let number = number
        .zip(routing)
        .and_then(|(number, routing)| Number::of_account(number, routing));
    let account = number.map_or(Account::NoSuchCard, Account::Bank);
    payer(body, account, None, None)
}

/// Means whose number the sandbox cannot see count as a Visa card.
fn read_unseen(body: &mut Body) -> Payer {
    let account = Account::Card(None, Some(Brand::VISA));
    let is_unseen = [
        "paymentInformation.legacyToken.id",
        "paymentInformation.fluidData.value",
        "tokenInformation.transientTokenJwt",
    ]
    .iter()
    .any(|path| body.text(path).is_some());
    if is_unseen {
        return bare(body, account);
    }
    if body.text("paymentInformation.paymentType.name") == Some("CHECK") {
        body.require(&["paymentInformation.bank.account.number"]);
        return read_bank(body);
    }
    body.require(&["paymentInformation.card.number"]);
    payer(body, account, Some(CARD), None)
}

/// A payer of whom nothing but the account is asked.
fn bare(body: &Body, account: Account) -> Payer {
    Payer {
        account,
        is_own_number: false,
        expiry: None,
        security_code: body
            .text(&format!("{CARD}.securityCode"))
            .map(str::to_owned),
        postal_code: body
            .text("orderInformation.billTo.postalCode")
            .map(str::to_owned),
        shown: Map::new(),
    }
}

/// A payer with expiry and address out of the body, or else out of the token.
fn payer(body: &mut Body, account: Account, place: Option<&str>, token: Option<Means>) -> Payer {
    let (members, shown, is_own_number) = match token {
        Some(token) => (Value::Object(token.members), token.shown, false),
        None => (Value::Null, Map::new(), true),
    };
    let is_bank = account.is_bank() || place.is_none() && is_own_number;
    let place = place.unwrap_or(CARD);
    let expiry = match is_bank {
        true => None,
        false => expiry(body, place, &members["card"]),
    };
    need_address(body, &members["billTo"]);
    let code = body
        .text(&format!("{place}.securityCode"))
        .map(str::to_owned);
    let kept = members["billTo"]["postalCode"].as_str().map(str::to_owned);
    Payer {
        is_own_number,
        expiry,
        security_code: code,
        postal_code: bare(body, Account::NoSuchCard).postal_code.or(kept),
        shown,
        account,
    }
}

fn expiry(body: &mut Body, place: &str, kept: &Value) -> Option<(u16, u16)> {
    let mut part = |name: &str| {
        let path = format!("{place}.{name}");
        let found = body.text(&path).or(kept[name].as_str()).map(str::to_owned);
        if found.is_none() {
            body.require(&[&path]);
        }
        found?.parse::<u16>().ok()
    };
    let (month, year) = (part("expirationMonth"), part("expirationYear"));
    let widened = year.map(|year| if year < 100 { 2000 + year } else { year });
    widened.zip(month)
}

/// Notes what is missing of the address.
///
/// An email that is there but empty passes: the guides' examples send it so.
fn need_address(body: &mut Body, kept: &Value) {
    let at = |name: &str| format!("orderInformation.billTo.{name}");
    let country = body.text(&at("country")).or(kept["country"].as_str());
    let has_area = country.is_some_and(|it| fields::COUNTRIES_WITH_AREA.contains(&it));
    let area: &[&str] = if has_area { fields::BILL_TO_AREA } else { &[] };
    for name in fields::BILL_TO.iter().chain(area) {
        let path = at(name);
        let is_there = body.get(&path).is_some() || kept[name].is_string();
        let may_be_empty = *name == "email" && body.has_empty(&path);
        if !is_there && !may_be_empty {
            body.require(&[&path]);
        }
    }
}

/// Whether a card's last month is over.
pub(crate) fn is_expired((year, month): (u16, u16), now: SystemTime) -> bool {
    let Ok(now) = jiff::Timestamp::try_from(now) else {
        return false;
    };
    let today = now.to_zoned(jiff::tz::TimeZone::UTC);
    let this_month = (i32::from(today.year()), i32::from(today.month()));
    (i32::from(year), i32::from(month)) < this_month
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_card_is_good_to_the_end_of_its_month() {
        // 2023-11-14.
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert!(!is_expired((2023, 11), now));
        assert!(!is_expired((2099, 12), now));
        assert!(is_expired((2023, 10), now));
        assert!(is_expired((2022, 12), now));
    }
}
