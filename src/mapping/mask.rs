//! Masked values: what REST shows in place of a number, and what must never be sent back to it.

/// Whether a text is a number with masked places, e.g. `411111XXXXXX1111` or `41111111111111xxxx`.
///
/// Only digits, blanks and mask characters, two of these in a row: a merchant's own words do not look like this.
pub fn is_masked(value: &str) -> bool {
    let mask = |byte: u8| matches!(byte, b'X' | b'x' | b'*');
    let bytes = value.as_bytes();
    bytes.windows(2).any(|pair| mask(pair[0]) && mask(pair[1]))
        && bytes
            .iter()
            .all(|byte| mask(*byte) || byte.is_ascii_digit() || b" -".contains(byte))
}

/// Whether two maskings may be of the same number: no digit that both show differs.
pub fn may_be_same(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left
            .bytes()
            .zip(right.bytes())
            .all(|(left, right)| left == right || !left.is_ascii_digit() || !right.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_told_from_words_and_numbers() {
        for masked in [
            "411111XXXXXX1111",
            "41111111111111xxxx",
            "XXXX4100",
            "4111********1111",
        ] {
            assert!(is_masked(masked), "{masked}");
        }
        for plain in ["4111111111111111", "EXXON", "", "X", "4x4", "size XXL"] {
            assert!(!is_masked(plain), "{plain}");
        }
    }

    #[test]
    fn maskings_are_compared_by_the_digits_that_both_show() {
        assert!(may_be_same("411111XXXXXX1111", "411111XXXXXX1111"));
        assert!(may_be_same("411111XXXXXX1111", "411111111111xxxx"));
        assert!(!may_be_same("411111XXXXXX1111", "411111XXXXXX2222"));
        assert!(!may_be_same("411111XXXXXX1111", "411111XXXXX1111"));
    }
}
