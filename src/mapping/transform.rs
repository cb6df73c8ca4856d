//! The closed set of transforms. Where a mapping line needs another, it is added here with a test.

use std::borrow::Cow;

use super::code::{CodeId, CodeTable};

/// How a value changes on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// Not at all.
    Copy,
    /// To upper case.
    Upper,
    /// A month to two digits.
    Month,
    /// A year of two digits to four, in this century.
    Year4,
    /// To lower case.
    Lower,
    /// yes, y, true or 1 to the JSON boolean true, their opposites to false.
    Boolean,
    /// Digits to a JSON number.
    Number,
    /// Words between commas or blanks to the elements of an array.
    List,
    /// A date of six or eight digits to YYYY-MM-DD; in a reply the other way, with eight.
    Dashes,
    /// In a reply: a time without its colons, which SCMP reserves.
    Time,
    /// An amount, cut to the currency's decimals.
    Amount,
    /// To a term of a query: between quotation marks, unless it is of letters, digits and `-_.` only.
    Term,
    /// By a code table.
    Code(CodeId),
}

impl Transform {
    /// The transforms without a table, by the names that tables use.
    pub const NAMES: [(&'static str, Transform); 12] = [
        ("copy", Transform::Copy),
        ("upper", Transform::Upper),
        ("lower", Transform::Lower),
        ("number", Transform::Number),
        ("list", Transform::List),
        ("dashes", Transform::Dashes),
        ("time", Transform::Time),
        ("amount", Transform::Amount),
        ("month", Transform::Month),
        ("year4", Transform::Year4),
        ("boolean", Transform::Boolean),
        ("term", Transform::Term),
    ];

    /// A value on its way to REST. `decimals` are those of the request's currency.
    pub fn to_rest<'v>(
        self,
        value: &'v str,
        codes: &'v [CodeTable],
        decimals: usize,
    ) -> Cow<'v, str> {
        match self {
            Transform::Copy | Transform::List | Transform::Time => value.into(),
            Transform::Upper if value.bytes().any(|byte| byte.is_ascii_lowercase()) => {
                value.to_ascii_uppercase().into()
            }
            Transform::Lower if value.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                value.to_ascii_lowercase().into()
            }
            Transform::Upper | Transform::Lower => value.into(),
            Transform::Month => month(value),
            Transform::Year4 => year4(value),
            Transform::Boolean => truth(value).into(),
            Transform::Number => match value.trim_start_matches('0') {
                "" => "0".into(),
                digits => digits.into(),
            },
            Transform::Dashes => dashes(value),
            Transform::Amount => cut(value, decimals).into(),
            Transform::Term => term(value),
            Transform::Code(id) => {
                let code = codes[usize::from(id.0)].by_scmp(value);
                code.map_or(value, |code| &code.rest).into()
            }
        }
    }

    /// What kind of JSON value it makes.
    pub fn json(self) -> JsonKind {
        match self {
            Transform::Boolean => JsonKind::Boolean,
            Transform::Number => JsonKind::Number,
            _ => JsonKind::Text,
        }
    }

    /// A value on its way from REST.
    pub fn from_rest<'v>(self, value: &'v str, codes: &'v [CodeTable]) -> Cow<'v, str> {
        match self {
            Transform::Code(id) => {
                let code = codes[usize::from(id.0)].by_rest(value);
                code.map_or(value, |code| &code.scmp).into()
            }
            Transform::Time => without(value, ':'),
            Transform::Dashes => without(value, '-'),
            Transform::Upper
            | Transform::Lower
            | Transform::Amount
            | Transform::Number
            | Transform::Term => value.into(),
            other => other.to_rest(value, codes, 0),
        }
    }

    /// Its name in the tables.
    pub fn name(self, codes: &[CodeTable]) -> String {
        match self {
            Transform::Code(id) => format!("code:{}", codes[usize::from(id.0)].name),
            plain => Self::NAMES
                .iter()
                .find(|(_, transform)| *transform == plain)
                .map_or_else(String::new, |(name, _)| (*name).to_owned()),
        }
    }
}

/// A kind of JSON value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum JsonKind {
    /// In quotes.
    #[default]
    Text,
    /// true or false.
    Boolean,
    /// Digits.
    Number,
}

/// Digits of an amount beyond the currency's decimals are cut, never rounded (seed guide, grand_total_amount).
pub fn cut(value: &str, decimals: usize) -> &str {
    let (whole, part) = at_point(value);
    if part.len() <= decimals {
        return value;
    }
    match decimals {
        // ".5" has no whole part, and nothing is no amount.
        0 if whole.is_empty() => "0",
        0 => whole,
        // What is no number may be cut within a character: it stays as it is, and the check on it refuses it.
        _ => value.get(..whole.len() + 1 + decimals).unwrap_or(value),
    }
}

/// What stands before the first point of a number, and what behind it.
pub fn at_point(value: &str) -> (&str, &str) {
    match value.bytes().position(|byte| byte == b'.') {
        Some(at) => (&value[..at], &value[at + 1..]),
        None => (value, ""),
    }
}

/// A text without a sign.
fn without(value: &str, sign: char) -> Cow<'_, str> {
    if !value.chars().any(|other| other == sign) {
        return value.into();
    }
    let mut text = String::with_capacity(value.len());
    text.extend(value.split(sign));
    text.into()
}

/// A term of a query as it is understood by itself; words that join terms are none.
fn term(value: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let joins = ["AND", "OR", "NOT", "TO"].contains(&value);
    let begins = value.starts_with(|c: char| c.is_ascii_alphanumeric());
    match begins && !joins && value.chars().all(plain) {
        true => value.into(),
        false => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")).into(),
    }
}

fn truth(value: &str) -> &'static str {
    if is_true(value) { "true" } else { "false" }
}

/// Whether a word says yes.
pub fn is_true(value: &str) -> bool {
    ["true", "yes", "y", "1"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

fn dashes(value: &str) -> Cow<'_, str> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match (digits, value.len()) {
        (true, 6) => format!("20{}-{}-{}", &value[..2], &value[2..4], &value[4..]).into(),
        (true, 8) => format!("{}-{}-{}", &value[..4], &value[4..6], &value[6..]).into(),
        _ => value.into(),
    }
}

fn month(value: &str) -> Cow<'_, str> {
    if value.len() == 1 {
        format!("0{value}").into()
    } else {
        value.into()
    }
}

fn year4(value: &str) -> Cow<'_, str> {
    if value.len() == 2 {
        format!("20{value}").into()
    } else {
        value.into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::code::{Code, NumberCheck};
    use super::super::validate::is_decimal;
    use super::*;
    use proptest::prelude::*;

    fn codes() -> Vec<CodeTable> {
        let code = |scmp: &str, rest: &str, also: &[&str]| Code {
            scmp: scmp.into(),
            rest: rest.into(),
            also: also.iter().map(|also| (*also).into()).collect(),
            number: NumberCheck::Luhn,
        };
        let codes = vec![code("C", "checking", &["C"]), code("001", "001", &["visa"])];
        vec![CodeTable::new("t", codes)]
    }

    #[test]
    fn months_and_years_widen() {
        let codes = codes();
        for (transform, from, to) in [
            (Transform::Month, "1", "01"),
            (Transform::Month, "12", "12"),
            (Transform::Year4, "20", "2020"),
            (Transform::Year4, "2031", "2031"),
            (Transform::Upper, "usd", "USD"),
            (Transform::Copy, "as is", "as is"),
            (Transform::Lower, "RECURRING", "recurring"),
            (Transform::Boolean, "Yes", "true"),
            (Transform::Boolean, "n", "false"),
            (Transform::Number, "007", "7"),
            (Transform::Number, "00", "0"),
            (Transform::Dashes, "19801231", "1980-12-31"),
            (Transform::Dashes, "261231", "2026-12-31"),
            (Transform::Amount, "10.999", "10.99"),
            (Transform::Amount, "10.9", "10.9"),
            (Transform::Amount, "10", "10"),
            (Transform::Term, "TC50171_3", "TC50171_3"),
            (Transform::Term, "AND", "\"AND\""),
            (Transform::Term, "-1", "\"-1\""),
            (Transform::Term, "a \"b\" :\\", "\"a \\\"b\\\" :\\\\\""),
        ] {
            assert_eq!(transform.to_rest(from, &codes, 2), to);
        }
    }

    #[test]
    fn amounts_are_cut_to_the_currency() {
        assert_eq!(cut("100.75", 0), "100");
        assert_eq!(cut("1.2345", 3), "1.234");
        assert_eq!(cut(".5", 0), "0");
        assert_eq!(cut(".00", 0), "0");
        assert_eq!(cut(".567", 2), ".56");
        assert_eq!(cut("1.2\u{e9}", 2), "1.2\u{e9}");
        assert_eq!(
            Transform::Time.from_rest("2026-01-01T10:20:30Z", &[]),
            "2026-01-01T102030Z"
        );
    }

    proptest! {
        /// What is cut is an amount still, of so many decimals and not of more.
        #[test]
        fn a_cut_amount_is_an_amount(amount in "[0-9]{1,12}|[0-9]{0,12}\\.[0-9]{1,8}|[0-9]{1,12}\\.", decimals in 0_usize..4) {
            let cut = cut(&amount, decimals);
            prop_assert!(is_decimal(cut), "{cut}");
            let part = cut.split_once('.').map_or(0, |(_, part)| part.len());
            prop_assert!(part <= decimals);
            prop_assert!(amount.starts_with(cut) || (cut == "0" && amount.starts_with('.')));
        }
    }

    proptest! {
        /// What is no number is cut before it is refused.
        #[test]
        fn nothing_is_cut_within_a_character(text in "[0-9]{0,2}\\.?\\PC{0,4}", decimals in 0_usize..4) {
            let cut = cut(&text, decimals);
            prop_assert!(text.starts_with(cut) || (cut == "0" && text.starts_with('.')));
        }
    }

    #[test]
    fn codes_go_both_ways_and_strangers_pass() {
        let (codes, transform) = (codes(), Transform::Code(CodeId(0)));
        assert_eq!(transform.to_rest("c", &codes, 2), "checking");
        assert_eq!(transform.from_rest("checking", &codes), "C");
        assert_eq!(transform.from_rest("Visa", &codes), "001");
        assert_eq!(transform.from_rest("099", &codes), "099");
    }
}
