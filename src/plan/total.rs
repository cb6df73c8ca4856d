//! The sum of a request's offers, in decimal digits from end to end.

use crate::clock::digits;
use crate::mapping::field::Values;
use crate::mapping::tables::Total;
use crate::mapping::transform::{at_point, cut};

/// Decimals that are kept while summing; amounts with more are cut to this first, as the protocol cuts anyway.
const SCALE: usize = 6;

/// The sum over the offers of amount times quantity, plus tax, each cut to the currency's decimals as it is sent. Nothing
/// where no offer has an amount; an empty text where one of the values is no number, which the check on it refuses.
pub fn total(rule: Total, values: &Values<'_>, decimals: usize) -> Option<String> {
    let mut offers = values.offers();
    let any = offers.any(|offer| offer.get(rule.amount).is_some());
    any.then(|| sum(rule, values, decimals).unwrap_or_default())
}

fn sum(rule: Total, values: &Values<'_>, decimals: usize) -> Option<String> {
    let mut sum: i128 = 0;
    for offer in values.offers() {
        if let Some(amount) = offer.get(rule.amount) {
            let quantity: i128 = offer
                .get(rule.quantity)
                .map_or(Some(1), |text| text.parse().ok())?;
            sum = sum.checked_add(scaled(cut(amount, decimals))?.checked_mul(quantity)?)?;
        }
        if let Some(tax) = offer.get(rule.tax) {
            sum = sum.checked_add(scaled(cut(tax, decimals))?)?;
        }
    }
    // Nearly all fit, and are written several times as fast.
    let text = match u64::try_from(sum) {
        Ok(sum) => written(sum),
        Err(_) => {
            let unit = 10_i128.pow(SCALE as u32);
            format!("{}.{:06}", sum / unit, sum % unit)
        }
    };
    Some(cut(&text, decimals).to_owned())
}

/// An integer of `SCALE` decimals as a decimal text.
fn written(sum: u64) -> String {
    let digits: [u8; 20] = digits(sum);
    let (whole, part) = digits.split_at(digits.len() - SCALE);
    let zeros = whole.iter().take_while(|digit| **digit == b'0').count();
    let whole = &whole[zeros.min(whole.len() - 1)..];
    let mut text = String::with_capacity(digits.len() + 1);
    text.extend(whole.iter().copied().map(char::from));
    text.push('.');
    text.extend(part.iter().copied().map(char::from));
    text
}

/// A decimal text as an integer of `SCALE` decimals; nothing if it is negative or no number.
fn scaled(text: &str) -> Option<i128> {
    let (whole, part) = at_point(text);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || (whole.is_empty() && part.is_empty()) {
        return None;
    }
    let part = part.bytes().chain(std::iter::repeat(b'0')).take(SCALE);
    whole.bytes().chain(part).try_fold(0_i128, |sum, digit| {
        sum.checked_mul(10)?.checked_add(i128::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_integers_of_a_scale() {
        assert_eq!(scaled("4.59"), Some(4_590_000));
        assert_eq!(scaled(".5"), Some(500_000));
        assert_eq!(scaled("0.0000"), Some(0));
        assert_eq!(scaled("1.23456789"), Some(1_234_567));
        assert_eq!(written(50_000), "0.050000");
        assert_eq!(written(u64::MAX), "18446744073709.551615");
        for wrong in [
            "",
            ".",
            "-1",
            "1e3",
            "1,0",
            "99999999999999999999999999999999999999999",
        ] {
            assert_eq!(scaled(wrong), None, "{wrong}");
        }
    }

    proptest! {
        /// Cents survive: no digit is lost on the way in and out.
        #[test]
        fn cents_survive(cents in 0_u64..u64::MAX / 100) {
            let text = format!("{}.{:02}", cents / 100, cents % 100);
            let known = scaled(&text);
            prop_assert_eq!(known, Some(i128::from(cents) * 10_000));
            if let Some(known) = known.and_then(|known| u64::try_from(known).ok()) {
                prop_assert_eq!(written(known), format!("{text}0000"));
            }
        }
    }
}
