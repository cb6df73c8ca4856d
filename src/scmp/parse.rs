//! From text to a [`Request`].

use std::mem::swap;

use super::field_set::{Field, FieldSet};
use super::grammar::lines;
use super::names::{Names, Within};
use super::offer::{Offer, OfferFault, offer_number, parse_offer};
use super::request::Request;
use super::split::{Split, folded, split};
use super::text::{Look, has_control, look, shown_name};

/// The most fields that a request may hold, offers and empty fields included: the old C
/// client's limit, the only one that was ever documented.
pub const MAX_FIELDS: usize = 1024;

/// Why a text is no request. No variant holds any part of a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// There is not one field with a value.
    #[error(
        "the request holds no field with a value ({unusable_lines} lines were not name=value); \
         send one name=value a line"
    )]
    NoFields {
        /// How many lines were passed over.
        unusable_lines: usize,
    },
    /// There are more than [`MAX_FIELDS`] fields.
    #[error("line {line} is beyond the limit of {MAX_FIELDS} fields; send fewer fields")]
    TooManyFields {
        /// The first line beyond the limit.
        line: usize,
    },
    /// A name or a value holds a control character other than tab.
    #[error("line {line}: field {field} holds a control character; remove it before sending")]
    ControlCharacter {
        /// The line, from 1.
        line: usize,
        /// The field's name, if it looks like one.
        field: String,
    },
    /// An offer's number is out of range.
    #[error("line {line}: the offer's number is too large; number the offers from 0")]
    OfferNumber {
        /// The line, from 1.
        line: usize,
    },
    /// A token of an offer is no `name:value` pair.
    #[error(
        "line {line}: token {token} of offer{offer} {fault}; write an offer as \
         name:value^name:value, without ^ in a value"
    )]
    Offer {
        /// The offer's number.
        offer: u32,
        /// The line, from 1.
        line: usize,
        /// The token's position among those between `^`, from 1.
        token: usize,
        /// What is wrong with it.
        fault: OfferFault,
    },
}

/// Parses the decoded text of a request.
///
/// The rules are those of the old endpoint's formatting pages, and where these are silent what its
/// clients do:
///
/// - One field a line; the first `=` splits, so values may hold more of them (base64 ends so).
/// - Names are case-insensitive. Spaces at the ends are dropped, runs within a value collapse.
/// - An empty value is an absent field.
/// - Of several fields with one name the last wins, as in the old C client, and an empty last one
///   makes the field absent. The field keeps the place of its first appearance.
/// - Lines that hold no field (blank, no `=`, no name) are passed over and counted, so that a
///   prologue or a stray line does not cost a payment and is still seen.
/// - A value never held a control character; one that does is refused, since whatever
///   the client meant, no processor gets it.
///
/// Fields whose names are among `names` are known by their numbers from here on.
pub fn parse<'a>(text: &'a str, names: &impl Names) -> Result<Request<'a>, ParseError> {
    // Most texts are plain: then there is nothing to fold or to refuse in any of their lines.
    let Look {
        lines: lines_max,
        plain,
        as_is,
    } = look(text);
    let mut fields = FieldSet::new(lines_max.min(MAX_FIELDS), names.count());
    let mut offers = Vec::new();
    let mut usable_lines = 0;
    let mut unusable_lines = 0;
    let mut before = None;
    for (index, content) in lines(text).enumerate() {
        let line = index + 1;
        let Some(Split {
            name,
            value,
            number,
        }) = split(content, Within::Request, before, names)
        else {
            unusable_lines += 1;
            continue;
        };
        before = number.or(before);
        if name.is_empty() {
            unusable_lines += 1;
            continue;
        }
        if !plain && has_control(content) {
            let field = shown_name(&name).to_owned();
            return Err(ParseError::ControlCharacter { line, field });
        }
        if usable_lines == MAX_FIELDS {
            return Err(ParseError::TooManyFields { line });
        }
        usable_lines += 1;
        // No name that is known is an offer's.
        match number.is_none().then(|| offer_number(&name)).flatten() {
            None => {
                fields.set(Field {
                    name,
                    value: folded(value, plain),
                    number,
                });
            }
            Some(None) => return Err(ParseError::OfferNumber { line }),
            Some(Some(number)) => {
                offers.push(parse_offer(number, line, value, plain, names)?);
            }
        }
    }
    let fields = fields.finish();
    let offers = in_order(offers);
    if fields.fields.is_empty() && offers.is_empty() {
        return Err(ParseError::NoFields { unusable_lines });
    }
    Ok(Request::new(fields, offers, unusable_lines, as_is))
}

/// Offers by their number, of several with one number the last; without empty ones.
fn in_order(mut offers: Vec<Offer<'_>>) -> Vec<Offer<'_>> {
    offers.sort_by_key(|offer| offer.number);
    offers.dedup_by(|later, earlier| {
        let same = later.number == earlier.number;
        if same {
            swap(later, earlier);
        }
        same
    });
    offers.retain(|offer| !offer.is_empty());
    offers
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn parse(text: &str) -> Result<Request<'_>, ParseError> {
        super::parse(text, &())
    }

    fn fields(text: &str) -> Vec<(String, String)> {
        let request = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        request
            .fields()
            .map(|f| (f.name.to_string(), f.value.to_string()))
            .collect()
    }

    #[test]
    fn fields_are_read() {
        for (text, expected) in [
            ("a=1\nb=2\n", vec![("a", "1"), ("b", "2")]),
            ("a=1\r\nb=2\r\n", vec![("a", "1"), ("b", "2")]),
            ("a=1\r\nb=2\nc=3", vec![("a", "1"), ("b", "2"), ("c", "3")]),
            ("a=1\r", vec![("a", "1")]),
            ("Merchant_ID=Shop", vec![("merchant_id", "Shop")]),
            (" a \t= 1 ", vec![("a", "1")]),
            ("a=x  y\t z", vec![("a", "x y z")]),
            ("pares=eJx=Y2==", vec![("pares", "eJx=Y2==")]),
            (
                "url=https://shop/?a=1^b:c",
                vec![("url", "https://shop/?a=1^b:c")],
            ),
            ("a=1\nempty=\nblank=  \n", vec![("a", "1")]),
            ("a=1\nb=2\nA=3", vec![("a", "3"), ("b", "2")]),
            ("a=1\nb=2\na=", vec![("b", "2")]),
            ("a=1\nb=2\na=\na=3", vec![("a", "3"), ("b", "2")]),
            (
                "name=Shipping & Handling",
                vec![("name", "Shipping & Handling")],
            ),
            ("offer=x\noffers1=y", vec![("offer", "x"), ("offers1", "y")]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(n, v)| (n.to_string(), v.to_string()))
                .collect();
            assert_eq!(fields(text), expected, "{text:?}");
        }
    }

    #[test]
    fn unusable_lines_are_counted() {
        for (text, expected) in [
            ("a=1\n", 0),
            ("a=1\n\n", 1),
            ("hello\n\n=x\n \t=y\na=1\n\u{1a}", 5),
            ("a=\nb=1", 0),
        ] {
            assert_eq!(
                parse(text).map(|request| request.unusable_lines()),
                Ok(expected)
            );
        }
    }

    #[test]
    fn unchanged_text_is_borrowed() {
        let request = parse("merchant_id=shop 1\noffer0=amount:1.00").unwrap();
        let pairs = request.offers()[0].pairs();
        for field in request.fields().chain(pairs) {
            assert!(matches!(field.name, Cow::Borrowed(_)), "{field:?}");
            assert!(matches!(field.value, Cow::Borrowed(_)), "{field:?}");
        }
    }

    #[test]
    fn texts_without_a_field_are_refused() {
        for (text, unusable_lines) in [
            ("", 0),
            ("\n\r\n", 2),
            ("GET / HTTP/1.0\r\nHost: shop\r\n\r\n", 3),
            ("a=\n", 0),
            ("=1", 1),
            ("offer0=\noffer1=offerid:1", 0),
        ] {
            assert_eq!(
                parse(text),
                Err(ParseError::NoFields { unusable_lines }),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_number_of_fields_is_bounded() {
        let numbered = |count: usize| (0..count).map(|n| format!("f{n}=1\n")).collect::<String>();
        assert_eq!(
            parse(&numbered(MAX_FIELDS)).unwrap().fields().len(),
            MAX_FIELDS
        );
        let line = MAX_FIELDS + 1;
        assert_eq!(
            parse(&numbered(line)),
            Err(ParseError::TooManyFields { line })
        );
        // Neither a repeated nor an empty field escapes the limit.
        for field in ["a=1\n", "a=\n", "offer0=\n"] {
            assert_eq!(
                parse(&field.repeat(line)),
                Err(ParseError::TooManyFields { line })
            );
        }
    }

    #[test]
    fn control_characters_are_refused_without_the_value() {
        for (text, line, field) in [
            (
                "a=1\ncustomer_cc_number=4111\u{0}1111",
                2,
                "customer_cc_number",
            ),
            ("a=1\rb=2", 1, "a"),
            ("offer0=amount:1\u{1b}", 1, "offer0"),
            ("a\u{0}b=1", 1, "(not a field name)"),
            ("4111111111111111=\u{7}", 1, "(not a field name)"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.to_string().contains("4111"), "{error}");
            let field = field.to_owned();
            assert_eq!(
                error,
                ParseError::ControlCharacter { line, field },
                "{text:?}"
            );
        }
    }

    #[test]
    fn offers_are_sorted_by_number() {
        let text = "offer10=amount:3\na=1\nOFFER2=amount:1\noffer02=amount:2\noffer3=offerid:3\n";
        let request = parse(text).unwrap();
        let offers: Vec<_> = request
            .offers()
            .iter()
            .map(|offer| (offer.number, offer.get("amount")))
            .collect();
        assert_eq!(offers, [(2, Some("2")), (10, Some("3"))]);
        assert_eq!(request.fields().len(), 1);
        assert_eq!(request.get("offer2"), None);
        assert_eq!(request.render(), "a=1\noffer2=amount:2\noffer10=amount:3\n");
    }

    #[test]
    fn an_empty_last_offer_is_absent() {
        let request = parse("a=1\noffer0=amount:1\noffer0=\n").unwrap();
        assert!(request.offers().is_empty());
    }

    #[test]
    fn an_offer_number_is_bounded() {
        let error = parse("a=1\noffer4111111111111111=amount:1").unwrap_err();
        assert_eq!(error, ParseError::OfferNumber { line: 2 });
    }

    #[test]
    fn debug_shows_no_value() {
        let text = "customer_cc_number=4111111111111111\noffer0=product_name:secret";
        let shown = format!("{:?}", parse(text).unwrap());
        assert!(
            shown.contains("customer_cc_number") && shown.contains("product_name"),
            "{shown}"
        );
        assert!(
            !shown.contains("4111") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
