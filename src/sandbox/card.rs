//! What a card number says by itself: its check digit and its brand.

use std::ops::RangeInclusive;

/// A card scheme, by its three-digit code in `card.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Brand {
    /// The code, for instance `001`.
    pub(crate) code: &'static str,
    digits: &'static [usize],
    /// How long this network's transaction ids are (guide: 15, 29 for Discover and Diners).
    pub(crate) transaction_digits: usize,
}

impl Brand {
    /// Visa, for means of payment that show no number.
    pub(crate) const VISA: Self = of("001", &[13, 16, 19]);
}

const fn of(code: &'static str, digits: &'static [usize]) -> Brand {
    Brand {
        code,
        digits,
        transaction_digits: 15,
    }
}

const fn discover(code: &'static str, digits: &'static [usize]) -> Brand {
    Brand {
        code,
        digits,
        transaction_digits: 29,
    }
}

/// Prefixes of four digits, each with its brand; the first row that holds decides.
///
/// The ranges that the schemes publish, without the countries' own schemes.
const BRANDS: &[(RangeInclusive<u32>, Brand)] = &[
    (4000..=4999, Brand::VISA),
    (5100..=5599, of("002", &[16])),
    (2221..=2720, of("002", &[16])),
    (3400..=3499, of("003", &[15])),
    (3700..=3799, of("003", &[15])),
    (6011..=6011, discover("004", &[16, 17, 18, 19])),
    (6440..=6599, discover("004", &[16, 17, 18, 19])),
    (3000..=3059, discover("005", &[14, 15, 16, 17, 18, 19])),
    (3600..=3699, discover("005", &[14, 15, 16, 17, 18, 19])),
    (3800..=3999, discover("005", &[14, 15, 16, 17, 18, 19])),
    (3528..=3589, of("007", &[16, 17, 18, 19])),
    (6200..=6299, of("062", &[16, 17, 18, 19])),
    (5000..=5099, of("042", &[12, 13, 14, 15, 16, 17, 18, 19])),
    (5600..=5899, of("042", &[12, 13, 14, 15, 16, 17, 18, 19])),
    (6300..=6399, of("042", &[12, 13, 14, 15, 16, 17, 18, 19])),
    (6700..=6799, of("042", &[12, 13, 14, 15, 16, 17, 18, 19])),
];

/// A length that numbers of this prefix never have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongLength;

/// The brand of a number; `None` when its prefix is unknown.
pub(crate) fn brand(number: &str) -> Result<Option<Brand>, WrongLength> {
    let prefix: Option<u32> = number.get(..4).and_then(|prefix| prefix.parse().ok());
    let knows = |range: &RangeInclusive<u32>| prefix.is_some_and(|it| range.contains(&it));
    let found = BRANDS.iter().find(|(range, _)| knows(range));
    match found {
        Some((_, brand)) if !brand.digits.contains(&number.len()) => Err(WrongLength),
        Some((_, brand)) => Ok(Some(*brand)),
        None => Ok(None),
    }
}

/// The check of ISO/IEC 7812, annex B, over digits only.
pub(crate) fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .map(|byte| u32::from(byte - b'0'))
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_test_cards_have_their_brands() {
        for (number, code) in [
            ("4111111111111111", "001"),
            ("4622943127013705", "001"),
            ("5555555555554444", "002"),
            ("2222420000001113", "002"),
            ("378282246310005", "003"),
            ("6011111111111117", "004"),
            ("38000000000006", "005"),
            ("3566111111111113", "007"),
            ("50339619890917", "042"),
            ("6759411100000008", "042"),
        ] {
            assert!(passes_luhn(number), "{number}");
            let brand = brand(number).unwrap().unwrap();
            assert_eq!(brand.code, code, "{number}");
        }
    }

    #[test]
    fn the_length_is_part_of_the_brand() {
        assert!(passes_luhn("42423482938483873"));
        assert_eq!(brand("42423482938483873"), Err(WrongLength));
        assert_eq!(brand("9999999999999995"), Ok(None));
    }

    #[test]
    fn discover_has_long_transaction_ids() {
        let digits = |number: &str| brand(number).unwrap().unwrap().transaction_digits;
        assert_eq!(digits("6011111111111117"), 29);
        assert_eq!(digits("4111111111111111"), 15);
    }
}
