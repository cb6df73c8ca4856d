//! What the id of a stored means of payment names: REST has four kinds of them, SCMP has one field.

use serde::Deserialize;

/// What an id names, in the words of the REST side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TokenKind {
    /// A customer, with its default payment instrument.
    #[default]
    Customer,
    /// A payment instrument.
    PaymentInstrument,
    /// An instrument identifier: a number, and nothing else.
    InstrumentIdentifier,
    /// A token of the vault that came before the Token Management Service.
    LegacyToken,
}

impl TokenKind {
    /// The kinds by the names that tables use.
    pub const NAMES: [(&'static str, TokenKind); 4] = [
        ("customer", TokenKind::Customer),
        ("paymentInstrument", TokenKind::PaymentInstrument),
        ("instrumentIdentifier", TokenKind::InstrumentIdentifier),
        ("legacyToken", TokenKind::LegacyToken),
    ];
}

/// What a merchant's ids name, by their format (seed guide, Table 2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenIds {
    /// What all others name.
    pub default: TokenKind,
    /// What 32 hexadecimal digits name.
    pub hex_32: Option<TokenKind>,
    /// What 22 digits name.
    pub digits_22: Option<TokenKind>,
    /// What 19 digits name.
    pub digits_19: Option<TokenKind>,
    /// What 16 digits name.
    pub digits_16: Option<TokenKind>,
}

impl TokenIds {
    /// What an id names.
    pub fn kind(&self, id: &str) -> TokenKind {
        let digits = id.bytes().all(|byte| byte.is_ascii_digit());
        let format = match id.len() {
            32 if id.bytes().all(|byte| byte.is_ascii_hexdigit()) => self.hex_32,
            22 if digits => self.digits_22,
            19 if digits => self.digits_19,
            16 if digits => self.digits_16,
            _ => None,
        };
        format.unwrap_or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_what_its_format_says() {
        let ids = TokenIds {
            default: TokenKind::LegacyToken,
            hex_32: Some(TokenKind::Customer),
            digits_22: None,
            digits_19: Some(TokenKind::InstrumentIdentifier),
            digits_16: Some(TokenKind::PaymentInstrument),
        };
        for (id, kind) in [
            ("554FDB92B1DAD8F9E0539599D30A3100", TokenKind::Customer),
            ("554fdb92b1dad8f9e0539599d30a3100", TokenKind::Customer),
            ("7040000000000181111", TokenKind::InstrumentIdentifier),
            ("7040000000181111", TokenKind::PaymentInstrument),
            ("4733322354176707701545", TokenKind::LegacyToken),
            ("704000000018111X", TokenKind::LegacyToken),
            ("", TokenKind::LegacyToken),
        ] {
            assert_eq!(ids.kind(id), kind, "{id}");
        }
    }

    #[test]
    fn every_id_names_a_customer_unless_it_is_said() {
        let ids = TokenIds::default();
        for id in ["554FDB92B1DAD8F9E0539599D30A3100", "7040000000000181111"] {
            assert_eq!(ids.kind(id), TokenKind::Customer);
        }
    }
}
