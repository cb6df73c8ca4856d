//! Offers: the items of a request, `offer0=amount:4.59^quantity:1`.
//!
//! Beside the documented form, two shapes that shipped code sends are understood: a pair
//! `offerid:N` (CPAN CyberSource.pm, ICS::Simple, Interchange) and a bare `offerid0` without a
//! colon, next to pairs without a value (LiteCommerce). Both repeat the offer's number and say
//! nothing more.

use std::fmt;

use super::field_set::{Field, FieldSet, find};
use super::grammar::pieces;
use super::names::{Names, Within};
use super::parse::{MAX_FIELDS, ParseError};
use super::split::{Split, folded, split};
use super::text::fold_name;

/// One offer: its number and its elements in the order of first appearance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer<'a> {
    /// The digits of the field's name: 3 for `offer3`.
    pub number: u32,
    pairs: Vec<Field<'a>>,
}

impl<'a> Offer<'a> {
    /// The value of the element of this lower-case name.
    pub fn get(&self, name: &str) -> Option<&str> {
        find(&self.pairs, name)
    }

    /// The value of the element of this number of those that it was parsed with; of two names for one number the later's.
    pub fn numbered(&self, number: u16) -> Option<&str> {
        let mut pairs = self.pairs.iter().rev();
        let pair = pairs.find(|pair| pair.number == Some(number))?;
        Some(&pair.value)
    }

    /// The elements, in the order of first appearance.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = &Field<'a>> {
        self.pairs.iter()
    }

    /// Whether no element has a value; such an offer counts as absent.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Appends the offer as a line of a request.
    pub(super) fn render(&self, out: &mut String) {
        use fmt::Write;
        // Writing to a `String` cannot fail.
        let _ = write!(out, "offer{}", self.number);
        for (place, pair) in self.pairs().enumerate() {
            out.push(if place == 0 { '=' } else { '^' });
            out.push_str(&pair.name);
            out.push(':');
            out.push_str(&pair.value);
        }
        out.push('\n');
    }
}

/// What is wrong with one token of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferFault {
    /// The token has no colon.
    NoColon,
    /// The token has nothing before its colon.
    NoName,
    /// The offer has more elements than a whole request may have fields.
    TooMany,
}

impl fmt::Display for OfferFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoColon => out.write_str("has no colon"),
            Self::NoName => out.write_str("has no name before its colon"),
            Self::TooMany => write!(out, "is beyond the limit of {MAX_FIELDS} elements"),
        }
    }
}

/// The number of an offer's field, from its lower-case name; none if it is another field.
///
/// The inner none is a number beyond `u32`.
pub(super) fn offer_number(name: &str) -> Option<Option<u32>> {
    let digits = name.strip_prefix("offer")?;
    let numbered = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    numbered.then(|| digits.parse().ok())
}

/// Reads the value of an offer's field, `plain` if it is of a plain text. The caller has refused control characters.
pub(super) fn parse_offer<'a>(
    number: u32,
    line: usize,
    value: &'a str,
    plain: bool,
    names: &impl Names,
) -> Result<Offer<'a>, ParseError> {
    let tokens = memchr::memchr_iter(b'^', value.as_bytes()).count() + 1;
    let mut pairs = FieldSet::new(tokens.min(MAX_FIELDS), 0);
    let mut before = None;
    for (index, token) in pieces(value, b'^').enumerate() {
        let fault = |fault| ParseError::Offer {
            offer: number,
            line,
            token: index + 1,
            fault,
        };
        let Some(Split {
            name,
            value,
            number,
        }) = split(token, Within::Offer, before, names)
        else {
            if says_nothing(token) {
                continue;
            }
            return Err(fault(OfferFault::NoColon));
        };
        before = number.or(before);
        if name.is_empty() {
            return Err(fault(OfferFault::NoName));
        }
        if name == OFFER_ID {
            continue;
        }
        if pairs.len() == MAX_FIELDS {
            return Err(fault(OfferFault::TooMany));
        }
        pairs.set(Field {
            number,
            value: folded(value, plain),
            name,
        });
    }
    let pairs = pairs.finish().fields;
    Ok(Offer { number, pairs })
}

const OFFER_ID: &str = "offerid";

/// Whether a token without a colon may be passed over: empty, or `offerid` with digits.
fn says_nothing(token: &str) -> bool {
    let token = fold_name(token);
    let digits = token.strip_prefix(OFFER_ID);
    token.is_empty() || digits.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Vec<(String, String)>, (usize, OfferFault)> {
        match parse_offer(7, 3, value, false, &()) {
            Ok(offer) => Ok(offer
                .pairs()
                .map(|pair| (pair.name.to_string(), pair.value.to_string()))
                .collect()),
            Err(ParseError::Offer {
                offer: 7,
                line: 3,
                token,
                fault,
            }) => Err((token, fault)),
            Err(other) => panic!("{other}"),
        }
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    #[test]
    fn elements_are_read() {
        let gift = "amount:4.59^merchant_product_sku:GC1^product_name:Gift  Certificate";
        let shop = "offerid0^product_name:Hat^product_code:^quantity:2";
        for (value, expected) in [
            ("", pairs(&[])),
            (
                "quantity:1^amount:2.00",
                pairs(&[("quantity", "1"), ("amount", "2.00")]),
            ),
            (
                gift,
                pairs(&[
                    ("amount", "4.59"),
                    ("merchant_product_sku", "GC1"),
                    ("product_name", "Gift Certificate"),
                ]),
            ),
            ("offerid:0^amount:4.59", pairs(&[("amount", "4.59")])),
            ("OfferID:0", pairs(&[])),
            (shop, pairs(&[("product_name", "Hat"), ("quantity", "2")])),
            ("offerid^amount:1", pairs(&[("amount", "1")])),
            ("^^amount:1^ ^", pairs(&[("amount", "1")])),
            (" Amount : 1 ", pairs(&[("amount", "1")])),
            ("product_name:a:b=c", pairs(&[("product_name", "a:b=c")])),
            ("amount:1^AMOUNT:2", pairs(&[("amount", "2")])),
            ("amount:1^amount:", pairs(&[])),
        ] {
            assert_eq!(read(value), Ok(expected), "{value:?}");
        }
    }

    #[test]
    fn faults_name_the_token() {
        let many: String = (0..=MAX_FIELDS).map(|n| format!("e{n}:1^")).collect();
        for (value, expected) in [
            ("hat", (1, OfferFault::NoColon)),
            ("amount:1^^hat", (3, OfferFault::NoColon)),
            ("offeridx^amount:1", (1, OfferFault::NoColon)),
            ("amount:1^:2", (2, OfferFault::NoName)),
            (&many, (MAX_FIELDS + 1, OfferFault::TooMany)),
        ] {
            assert_eq!(read(value), Err(expected), "{value:?}");
        }
    }

    #[test]
    fn an_error_says_where_but_not_what() {
        let error = parse_offer(2, 9, "amount:1^4111111111111111", false, &())
            .unwrap_err()
            .to_string();
        assert!(error.contains("offer2") && error.contains("line 9") && error.contains("token 2"));
        assert!(!error.contains("4111"));
    }

    #[test]
    fn offers_are_known_by_name() {
        for (name, expected) in [
            ("offer0", Some(Some(0))),
            ("offer007", Some(Some(7))),
            ("offer4294967295", Some(Some(u32::MAX))),
            ("offer4294967296", Some(None)),
            ("offer", None),
            ("offerid", None),
            ("offer1x", None),
            ("offer+1", None),
            ("my_offer1", None),
        ] {
            assert_eq!(offer_number(name), expected, "{name}");
        }
    }
}
