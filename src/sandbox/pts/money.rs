//! Money: decimal text in, decimal text out, whole numbers of the smallest unit in between.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest amount (spec).
const CHARS_MAX: usize = 19;
/// Currencies without decimals (ISO 4217).
const WITHOUT_DECIMALS: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
];
/// Currencies with three decimals (ISO 4217).
const WITH_THREE_DECIMALS: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// An amount of one currency; amounts of different currencies are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Amount {
    /// In the currency's smallest unit.
    minor: u128,
    decimals: usize,
}

/// How many decimals a currency has; two unless it is listed.
fn decimals(currency: &str) -> usize {
    if WITHOUT_DECIMALS.contains(&currency) {
        0
    } else if WITH_THREE_DECIMALS.contains(&currency) {
        3
    } else {
        2
    }
}

/// Whether `text` is an amount: digits with at most one point, no sign (spec).
pub(crate) fn is_amount(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= CHARS_MAX
        && are_digits(whole)
        && are_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
}

impl Amount {
    /// Reads an amount; decimals beyond the currency's are cut off, never rounded (spec).
    pub(crate) fn read(text: &str, currency: &str) -> Option<Self> {
        if !is_amount(text) {
            return None;
        }
        let decimals = decimals(currency);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let kept = &fraction[..fraction.len().min(decimals)];
        // At most 22 digits, and never none.
        let minor = format!("0{whole}{kept:0<decimals$}").parse().ok()?;
        Some(Self { minor, decimals })
    }

    /// So many whole units, in the currency of `self`.
    pub(crate) fn same_currency(self, units: u128) -> Self {
        Self {
            minor: units * 10_u128.pow(self.decimals as u32),
            decimals: self.decimals,
        }
    }

    /// The whole units, when there is no fraction.
    pub(crate) fn whole(self) -> Option<u128> {
        let unit = 10_u128.pow(self.decimals as u32);
        self.minor.is_multiple_of(unit).then(|| self.minor / unit)
    }

    /// The sum.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            minor: self.minor.saturating_add(other.minor),
            ..self
        }
    }
}

impl fmt::Display for Amount {
    /// With all decimals of the currency.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0>width$}", self.minor, width = self.decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.decimals);
        match fraction {
            "" => f.write_str(whole),
            _ => write!(f, "{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, currency: &str) -> String {
        Amount::read(text, currency).map_or("-".to_owned(), |amount| amount.to_string())
    }

    #[test]
    fn decimals_are_cut_and_filled() {
        for (text, currency, shown) in [
            ("102.21", "USD", "102.21"),
            ("102.219", "USD", "102.21"),
            ("100", "USD", "100.00"),
            (".5", "USD", "0.50"),
            ("5.", "USD", "5.00"),
            ("0", "USD", "0.00"),
            ("007", "EUR", "7.00"),
            ("1999.99", "JPY", "1999"),
            ("1.2345", "KWD", "1.234"),
            ("0.001", "BHD", "0.001"),
            ("9999999999999999999", "USD", "9999999999999999999.00"),
        ] {
            assert_eq!(show(text, currency), shown, "{text} {currency}");
        }
    }

    #[test]
    fn what_is_no_amount() {
        for text in [
            "-1.00",
            "+1",
            "1,00",
            "1.0.0",
            "1e3",
            ".",
            "",
            "x",
            " 1",
            "१",
            "12345678901234567890",
        ] {
            assert_eq!(show(text, "USD"), "-", "{text}");
        }
    }

    #[test]
    fn whole_units() {
        let whole = |text| Amount::read(text, "USD").unwrap().whole();
        assert_eq!(whole("2401.00"), Some(2401));
        assert_eq!(whole("2401.01"), None);
        let amount = Amount::read("1.00", "USD").unwrap();
        assert_eq!(amount.same_currency(1000).to_string(), "1000.00");
        assert_eq!(amount.plus(amount).to_string(), "2.00");
    }
}
