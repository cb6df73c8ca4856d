//! What the first digits of a card tell (`retrieveBinDetails`): its brand, and an issuer that is
//! made up.

use serde_json::{Value, json};

use super::number::{Kind, Number};

/// Names of brands, by the code in `card.type`, each with its longest number.
const BRANDS: &[(&str, &str, &str)] = &[
    ("001", "VISA", "19"),
    ("002", "MASTERCARD", "16"),
    ("003", "AMERICAN EXPRESS", "15"),
    ("004", "DISCOVER", "19"),
    ("005", "DINERS CLUB", "19"),
    ("007", "JCB", "19"),
    ("042", "MAESTRO INTERNATIONAL", "19"),
    ("062", "CHINA UNION PAY", "19"),
];

/// The member `_embedded.binLookup`; `None` for accounts and for unknown brands.
pub(crate) fn look_up(number: &Number) -> Option<Value> {
    if number.kind() == Kind::Bank {
        return None;
    }
    let brand = number.brand().ok().flatten()?;
    let (code, name, length) = BRANDS.iter().find(|(code, ..)| *code == brand.code)?;
    Some(json!({
        "paymentAccountInformation": {
            "card": {
                "type": code,
                "brandName": name,
                "currency": "USD",
                "maxLength": length,
                "credentialType": "PAN",
            },
            "features": {"accountFundingSource": "CREDIT", "cardPlatform": "CONSUMER"},
        },
        "issuerInformation": {
            "name": "SANDBOX BANK",
            "country": "US",
            "binLength": "6",
            "accountPrefix": number.prefix(),
        },
    }))
}
