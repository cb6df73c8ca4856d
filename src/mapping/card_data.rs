//! What a card number looks like, wherever it stands.

/// The lengths of card numbers.
const LENGTHS: std::ops::RangeInclusive<usize> = 13..=19;

/// Whether a text holds something that looks like a card number: 13 to 19 digits in a row whose last is the right check
/// digit, or such digits in the groups in which cards show them.
pub fn holds_card_number(text: &str) -> bool {
    // Most texts have not even so many digits.
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits < *LENGTHS.start() {
        return false;
    }
    let other = |c: char| !c.is_ascii_digit();
    let alone = text.split(other).any(is_card_number);
    alone || [' ', '-'].into_iter().any(|gap| holds_groups(text, gap))
}

fn is_card_number(digits: &str) -> bool {
    LENGTHS.contains(&digits.len()) && luhn(digits)
}

/// Whether groups of digits, each `gap` away from the next, look like a card number.
fn holds_groups(text: &str, gap: char) -> bool {
    let pieces = text.split(|c: char| !c.is_ascii_digit() && c != gap);
    pieces.map(|piece| piece.trim_matches(gap)).any(|piece| {
        let lengths: Vec<usize> = piece.split(gap).map(str::len).collect();
        let shown = match lengths[..] {
            [4, 6, 4 | 5] => true,
            [ref fours @ .., 1..=4] => fours.len() >= 3 && fours.iter().all(|&length| length == 4),
            _ => false,
        };
        shown && is_card_number(&piece.replace(gap, ""))
    })
}

/// Whether the last digit is the right check digit (ISO/IEC 7812-1, annex B).
pub fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit > 4 => 2 * digit - 9,
                (_, digit) => 2 * digit,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn luhn_knows_published_test_numbers() {
        for number in ["4111111111111111", "378282246310005", "5555555555554444"] {
            assert!(luhn(number), "{number}");
        }
        assert!(!luhn("4111111111111112"));
    }

    #[test]
    fn card_numbers_are_found_in_words_and_groups() {
        for held in [
            "4111111111111111",
            "card 4111111111111111.",
            "no=4111111111111111;exp=1230",
            "4111 1111 1111 1111",
            "(4111-1111-1111-1111)",
            "3782 822463 10005",
        ] {
            assert!(holds_card_number(held), "{held}");
        }
        for harmless in [
            "",
            "order 1234",
            "4111111111111112",
            "41111111111111111111111",
            "411111XXXXXX1111",
            "4111-1111 1111-1111",
            "41 11 11 11 11 11 11 11",
            "4111 1111",
            "- - - -",
        ] {
            assert!(!holds_card_number(harmless), "{harmless}");
        }
    }

    proptest! {
        #[test]
        fn any_single_wrong_digit_breaks_luhn(place in 0usize..16, change in 1u8..10) {
            let mut digits = *b"4111111111111111";
            digits[place] = b'0' + (digits[place] - b'0' + change) % 10;
            let text = String::from_utf8_lossy(&digits).into_owned();
            prop_assert!(!luhn(&text));
        }
    }
}
