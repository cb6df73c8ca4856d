//! Which members a request needs, and the values that members take.
//!
//! Names and lengths are the spec's. What is needed is the guides': the spec itself marks nothing
//! as required.

use serde_json::Value;

use super::money;

/// The amount of an order.
pub(crate) const TOTAL: &str = "orderInformation.amountDetails.totalAmount";
/// The currency of an order.
pub(crate) const CURRENCY: &str = "orderInformation.amountDetails.currency";
/// What an increment adds.
pub(crate) const ADDITIONAL: &str = "orderInformation.amountDetails.additionalAmount";
/// The amount of a reversal.
pub(crate) const REVERSED: &str = "reversalInformation.amountDetails.totalAmount";
/// The currency of a reversal.
pub(crate) const REVERSED_CURRENCY: &str = "reversalInformation.amountDetails.currency";
/// Why an authorization is reversed.
pub(crate) const REVERSAL_REASON: &str = "reversalInformation.reason";
/// The merchant's reference.
pub(crate) const CODE: &str = "clientReferenceInformation.code";
/// The merchant's own id of a request.
/// The merchant's comment.
pub(crate) const COMMENTS: &str = "clientReferenceInformation.comments";
pub(crate) const TRANSACTION: &str = "clientReferenceInformation.transactionId";

/// What a payment and a credit need of the address, unless a token holds it.
pub(crate) const BILL_TO: &[&str] = &[
    "firstName",
    "lastName",
    "address1",
    "locality",
    "country",
    "email",
];
/// What they need besides in [`COUNTRIES_WITH_AREA`].
pub(crate) const BILL_TO_AREA: &[&str] = &["administrativeArea", "postalCode"];
/// Countries whose addresses need state and postal code.
pub(crate) const COUNTRIES_WITH_AREA: &[&str] = &["US", "CA"];

/// What a member takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// A string of at most so many characters.
    Text(usize),
    /// A string of so many digits.
    Digits(usize, usize),
    /// So many capital letters.
    Capitals(usize),
    /// Digits with at most one point, and no sign.
    Amount,
    /// `01` to `12`.
    Month,
    /// `1900` to `3000`, or the last two digits of a year, as the guides send 99.
    Year,
    /// A boolean, or the strings `true` and `false`, which the guides send.
    Flag,
    /// An array of strings.
    Texts,
    /// One of these strings.
    OneOf(&'static [&'static str]),
}

impl Rule {
    /// Whether the member can have this value.
    pub(crate) fn takes(self, value: &Value) -> bool {
        let text = value.as_str();
        let is = |test: &dyn Fn(&str) -> bool| text.is_some_and(test);
        match self {
            Self::Text(max) => is(&|text| text.chars().count() <= max),
            Self::Digits(min, max) => is(&|text| are_digits(text, min, max)),
            Self::Capitals(length) => is(&|text| {
                text.len() == length && text.bytes().all(|byte| byte.is_ascii_uppercase())
            }),
            Self::Amount => is(&money::is_amount),
            Self::Month => is(&|text| are_digits(text, 2, 2) && between(text, 1, 12)),
            Self::Year => is(&|text| {
                are_digits(text, 2, 2) || are_digits(text, 4, 4) && between(text, 1900, 3000)
            }),
            Self::Flag => value.is_boolean() || is(&|text| text == "true" || text == "false"),
            Self::Texts => value
                .as_array()
                .is_some_and(|items| items.iter().all(Value::is_string)),
            Self::OneOf(values) => is(&|text| values.contains(&text)),
        }
    }
}

fn are_digits(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn between(text: &str, min: u16, max: u16) -> bool {
    text.parse()
        .is_ok_and(|number| (min..=max).contains(&number))
}

/// The members that are checked, in whatever request they come.
///
/// Others are accepted and ignored: the documentation has hundreds.
pub(crate) const ALL: &[(&str, Rule)] = &[
    (CODE, Rule::Text(50)),
    (TRANSACTION, Rule::Text(30)),
    (TOTAL, Rule::Amount),
    (CURRENCY, Rule::Capitals(3)),
    (ADDITIONAL, Rule::Amount),
    (REVERSED, Rule::Amount),
    (REVERSED_CURRENCY, Rule::Capitals(3)),
    (REVERSAL_REASON, Rule::Text(60)),
    ("processingInformation.capture", Rule::Flag),
    ("processingInformation.actionList", Rule::Texts),
    ("processingInformation.actionTokenTypes", Rule::Texts),
    (
        "processingInformation.authorizationOptions.ignoreAvsResult",
        Rule::Flag,
    ),
    (
        "processingInformation.authorizationOptions.ignoreCvResult",
        Rule::Flag,
    ),
    (
        "processingInformation.authorizationOptions.declineAvsFlags",
        Rule::Texts,
    ),
    (
        "processingInformation.authorizationOptions.partialAuthIndicator",
        Rule::Flag,
    ),
    (
        "processingInformation.authorizationOptions.authType",
        Rule::Text(15),
    ),
    (
        "processingInformation.authorizationOptions.verbalAuthCode",
        Rule::Text(7),
    ),
    (
        "processingInformation.authorizationOptions.initiator.type",
        Rule::OneOf(&["customer", "merchant"]),
    ),
    (
        "processingInformation.authorizationOptions.initiator.credentialStoredOnFile",
        Rule::Flag,
    ),
    (
        "processingInformation.authorizationOptions.initiator.storedCredentialUsed",
        Rule::Flag,
    ),
    ("paymentInformation.card.number", Rule::Digits(12, 20)),
    ("paymentInformation.card.type", Rule::Text(3)),
    ("paymentInformation.card.expirationMonth", Rule::Month),
    ("paymentInformation.card.expirationYear", Rule::Year),
    ("paymentInformation.card.securityCode", Rule::Digits(3, 4)),
    (
        "paymentInformation.tokenizedCard.number",
        Rule::Digits(12, 20),
    ),
    (
        "paymentInformation.tokenizedCard.expirationMonth",
        Rule::Month,
    ),
    (
        "paymentInformation.tokenizedCard.expirationYear",
        Rule::Year,
    ),
    (
        "paymentInformation.tokenizedCard.securityCode",
        Rule::Digits(3, 4),
    ),
    (
        "paymentInformation.bank.account.number",
        Rule::Digits(1, 19),
    ),
    ("paymentInformation.bank.account.type", Rule::Text(18)),
    ("paymentInformation.bank.routingNumber", Rule::Digits(1, 9)),
    ("orderInformation.billTo.firstName", Rule::Text(60)),
    ("orderInformation.billTo.lastName", Rule::Text(60)),
    ("orderInformation.billTo.address1", Rule::Text(60)),
    ("orderInformation.billTo.address2", Rule::Text(60)),
    ("orderInformation.billTo.locality", Rule::Text(50)),
    ("orderInformation.billTo.administrativeArea", Rule::Text(20)),
    ("orderInformation.billTo.postalCode", Rule::Text(10)),
    ("orderInformation.billTo.country", Rule::Capitals(2)),
    ("orderInformation.billTo.email", Rule::Text(255)),
    ("orderInformation.billTo.phoneNumber", Rule::Text(15)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values() {
        for (rule, value, taken) in [
            (Rule::Month, json!("12"), true),
            (Rule::Month, json!("13"), false),
            (Rule::Month, json!("1"), false),
            (Rule::Year, json!("2030"), true),
            (Rule::Year, json!("99"), true),
            (Rule::Year, json!("3001"), false),
            (Rule::Flag, json!("true"), true),
            (Rule::Flag, json!("Y"), false),
            (Rule::Capitals(3), json!("usd"), false),
            (Rule::Digits(3, 4), json!("12a"), false),
            (Rule::Amount, json!(1.5), false),
            (Rule::Amount, json!("1.5"), true),
            (Rule::Texts, json!("X,Y"), false),
            (Rule::OneOf(&["a"]), json!("b"), false),
        ] {
            assert_eq!(rule.takes(&value), taken, "{rule:?} {value}");
        }
    }
}
