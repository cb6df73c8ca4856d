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
    /// The texts `true` and `false` to a JSON boolean.
    Boolean,
    /// By a code table.
    Code(CodeId),
}

impl Transform {
    /// The transforms without a table, by the names that tables use.
    pub const NAMES: [(&'static str, Transform); 5] = [
        ("copy", Transform::Copy),
        ("upper", Transform::Upper),
        ("month", Transform::Month),
        ("year4", Transform::Year4),
        ("boolean", Transform::Boolean),
    ];

    /// A value on its way to REST.
    pub fn to_rest<'v>(self, value: &'v str, codes: &'v [CodeTable]) -> Cow<'v, str> {
        match self {
            Transform::Copy | Transform::Boolean => value.into(),
            Transform::Upper => value.to_ascii_uppercase().into(),
            Transform::Month => month(value),
            Transform::Year4 => year4(value),
            Transform::Code(id) => {
                let code = codes[usize::from(id.0)].by_scmp(value);
                code.map_or(value, |code| &code.rest).into()
            }
        }
    }

    /// A value on its way from REST.
    pub fn from_rest<'v>(self, value: &'v str, codes: &'v [CodeTable]) -> Cow<'v, str> {
        match self {
            Transform::Code(id) => {
                let code = codes[usize::from(id.0)].by_rest(value);
                code.map_or(value, |code| &code.scmp).into()
            }
            other => other.to_rest(value, codes),
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
    use super::*;

    fn codes() -> Vec<CodeTable> {
        let code = |scmp: &str, rest: &str, also: &[&str]| Code {
            scmp: scmp.into(),
            rest: rest.into(),
            also: also.iter().map(|also| (*also).into()).collect(),
            number: NumberCheck::Luhn,
        };
        let codes = vec![code("C", "checking", &["C"]), code("001", "001", &["visa"])];
        vec![CodeTable {
            name: "t".into(),
            codes,
        }]
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
        ] {
            assert_eq!(transform.to_rest(from, &codes), to);
        }
    }

    #[test]
    fn codes_go_both_ways_and_strangers_pass() {
        let (codes, transform) = (codes(), Transform::Code(CodeId(0)));
        assert_eq!(transform.to_rest("c", &codes), "checking");
        assert_eq!(transform.from_rest("checking", &codes), "C");
        assert_eq!(transform.from_rest("Visa", &codes), "001");
        assert_eq!(transform.from_rest("099", &codes), "099");
    }
}
