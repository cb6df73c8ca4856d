//! The number an instrument identifier stands for: its checks and its masks.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::{Detail, TmsError};
use crate::sandbox::call::View;
use crate::sandbox::card::{self, Brand, WrongLength, passes_luhn};

/// Lengths of a card number (spec).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;
/// The longest bank account number (spec).
const ACCOUNT_CHARS_MAX: usize = 19;
/// The longest routing number (spec).
const ROUTING_DIGITS_MAX: usize = 9;
/// Issuer prefixes whose numbers have no check digit: enRoute, and UnionPay's older cards.
const PREFIXES_WITHOUT_LUHN: [&str; 3] = ["2014", "2149", "62"];

/// The means of payment behind a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A card.
    Card,
    /// A bank account.
    Bank,
}

/// A card number, or a bank account's.
///
/// Deliberately without `Debug`: the whole number leaves this module only under seal, in a reply
/// or in the kept state.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Number {
    account: String,
    /// `None` for cards.
    bank: Option<Routing>,
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Routing(Option<String>);

impl Number {
    /// Reads `card.number` or `bankAccount.number`.
    pub(crate) fn read(body: &Map<String, Value>) -> Result<Self, TmsError> {
        match (member(body, "card")?, member(body, "bankAccount")?) {
            (Some(_), Some(_)) => Err(TmsError::InvalidCombination(vec![
                Detail::new("card", ""),
                Detail::new("bankAccount", ""),
            ])),
            (Some(card), None) => Self::read_card(card),
            (None, Some(bank)) => Self::read_bank(bank),
            (None, None) => Err(TmsError::missing("number", "card")),
        }
    }

    /// Refuses a PATCH whose `body` has another number than this one.
    pub(crate) fn check_unchanged(&self, body: &Map<String, Value>) -> Result<(), TmsError> {
        for (location, name) in [
            ("card", "number"),
            ("bankAccount", "number"),
            ("bankAccount", "routingNumber"),
        ] {
            let is_sent = member(body, location)?.is_some_and(|object| object.contains_key(name));
            if is_sent && !Self::read(body).is_ok_and(|number| number == *self) {
                return Err(TmsError::invalid(name, location));
            }
        }
        Ok(())
    }

    /// A card's number; `None` when it has not the form of one.
    pub(crate) fn of_card(number: &str) -> Option<Self> {
        is_card_number(number).then(|| Self {
            account: number.to_owned(),
            bank: None,
        })
    }

    /// A bank account's number; `None` when it has not the form of one.
    pub(crate) fn of_account(number: &str, routing: &str) -> Option<Self> {
        let is_good = (1..=ACCOUNT_CHARS_MAX).contains(&number.len())
            && (1..=ROUTING_DIGITS_MAX).contains(&routing.len())
            && all_digits(number)
            && all_digits(routing);
        is_good.then(|| Self {
            account: number.to_owned(),
            bank: Some(Routing(Some(routing.to_owned()))),
        })
    }

    fn read_card(card: &Map<String, Value>) -> Result<Self, TmsError> {
        let number =
            text(card, "number", "card")?.ok_or_else(|| TmsError::missing("number", "card"))?;
        Self::of_card(number).ok_or_else(|| TmsError::invalid("number", "card"))
    }

    fn read_bank(bank: &Map<String, Value>) -> Result<Self, TmsError> {
        let number = text(bank, "number", "bankAccount")?
            .ok_or_else(|| TmsError::missing("number", "bankAccount"))?;
        if number.len() > ACCOUNT_CHARS_MAX || !all_digits(number) {
            return Err(TmsError::invalid("number", "bankAccount"));
        }
        let routing = text(bank, "routingNumber", "bankAccount")?;
        if routing.is_some_and(|it| it.len() > ROUTING_DIGITS_MAX || !all_digits(it)) {
            return Err(TmsError::invalid("routingNumber", "bankAccount"));
        }
        Ok(Self {
            account: number.to_owned(),
            bank: Some(Routing(routing.map(str::to_owned))),
        })
    }

    /// What it is a number of.
    pub(crate) fn kind(&self) -> Kind {
        match self.bank {
            Some(_) => Kind::Bank,
            None => Kind::Card,
        }
    }

    /// The brand of a card; `None` for an unknown prefix and for bank accounts.
    pub(crate) fn brand(&self) -> Result<Option<Brand>, WrongLength> {
        match self.bank {
            Some(_) => Ok(None),
            None => card::brand(&self.account),
        }
    }

    /// Whether it is the account `number` at the bank `routing`.
    pub(crate) fn is_account(&self, number: &str, routing: &str) -> bool {
        let at = |bank: &Routing| bank.0.as_deref() == Some(routing);
        self.account == number && self.bank.as_ref().is_some_and(at)
    }

    /// The first six digits of a card's number, which its mask shows too.
    pub(crate) fn prefix(&self) -> &str {
        // Digits only, so every index is a character boundary.
        &self.account[..self.account.len().min(6)]
    }

    /// The last four digits, or all of a shorter number's but the first.
    pub(crate) fn tail(&self) -> &str {
        // Digits only, so every index is a character boundary.
        &self.account[self.account.len() - self.tail_digits()..]
    }

    fn tail_digits(&self) -> usize {
        match self.account.len() {
            0..=4 => self.account.len().saturating_sub(1),
            _ => 4,
        }
    }

    /// The member of a reply that shows it: its name and its value.
    pub(crate) fn shown(&self, view: View) -> (&'static str, Value) {
        let (name, mut value) = self.masked();
        if view.is_unmasked {
            value["number"] = json!(self.account);
        }
        (name, value)
    }

    fn masked(&self) -> (&'static str, Value) {
        match &self.bank {
            None => {
                let middle = "X".repeat(self.account.len() - 10);
                let number = format!("{}{middle}{}", &self.account[..6], self.tail());
                ("card", json!({"number": number}))
            }
            Some(Routing(routing)) => {
                let head = "X".repeat(self.account.len() - self.tail_digits());
                let mut bank = json!({"number": format!("{head}{}", self.tail())});
                if let Some(routing) = routing {
                    bank["routingNumber"] = json!(routing);
                }
                ("bankAccount", bank)
            }
        }
    }
}

/// An optional object of the body.
fn member<'a>(
    body: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, TmsError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(TmsError::invalid(name, "")),
    }
}

/// An optional string; an empty one counts as absent.
fn text<'a>(
    object: &'a Map<String, Value>,
    name: &str,
    location: &str,
) -> Result<Option<&'a str>, TmsError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TmsError::invalid(name, location)),
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_card_number(number: &str) -> bool {
    CARD_DIGITS.contains(&number.len())
        && all_digits(number)
        && (PREFIXES_WITHOUT_LUHN
            .iter()
            .any(|prefix| number.starts_with(prefix))
            || passes_luhn(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Number, TmsError> {
        Number::read(body.as_object().unwrap())
    }

    fn masked(body: Value) -> Value {
        read(body).ok().unwrap().masked().1
    }

    #[test]
    fn masks() {
        assert_eq!(
            masked(json!({"card": {"number": "4111111111111111"}})),
            json!({"number": "411111XXXXXX1111"})
        );
        assert_eq!(
            masked(json!({"bankAccount": {"number": "123454100", "routingNumber": "071923284"}})),
            json!({"number": "XXXXX4100", "routingNumber": "071923284"})
        );
        assert_eq!(
            masked(json!({"bankAccount": {"number": "4100"}})),
            json!({"number": "X100"})
        );
        assert_eq!(
            masked(json!({"bankAccount": {"number": "4"}})),
            json!({"number": "X"})
        );
    }

    #[test]
    fn card_numbers() {
        for good in ["4111111111111111", "378282246310005", "6212345678901232000"] {
            assert!(is_card_number(good), "{good}");
        }
        for bad in [
            "4111111111111112",
            "41111111111",
            "41111111111111111111",
            "4111-1111-1111-1111",
            "411111111111111１",
        ] {
            assert!(!is_card_number(bad), "{bad}");
        }
        // No check digit in these.
        assert!(is_card_number("201400000000001"));
        assert!(is_card_number("6200000000000001"));
    }

    #[test]
    fn absent_and_doubled_numbers() {
        assert!(matches!(
            read(json!({"card": {}})),
            Err(TmsError::MissingFields(details)) if details == [Detail::new("number", "card")]
        ));
        assert!(matches!(
            read(json!({"bankAccount": {"number": ""}})),
            Err(TmsError::MissingFields(details)) if details[0].location == "bankAccount"
        ));
        assert!(matches!(read(json!({})), Err(TmsError::MissingFields(_))));
        assert!(matches!(
            read(json!({"card": {}, "bankAccount": {}})),
            Err(TmsError::InvalidCombination(_))
        ));
        assert!(matches!(
            read(json!({"card": {"number": 4111111111111111_u64}})),
            Err(TmsError::InvalidFields(_))
        ));
    }

    #[test]
    fn the_routing_number_is_part_of_the_identity() {
        let one = read(json!({"bankAccount": {"number": "4100", "routingNumber": "1"}}));
        let other = read(json!({"bankAccount": {"number": "4100", "routingNumber": "2"}}));
        assert!(one.ok() != other.ok());
    }
}
