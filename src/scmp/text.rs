//! The protocol's rules for a name and a value on their own.

use std::borrow::Cow;

use memchr::{memchr_iter, memchr2};

/// Space and tab: what is trimmed from names and values, and collapsed within values.
///
/// Not Unicode's white space: an ideographic space in a Japanese address is content.
const BLANK: [char; 2] = [' ', '\t'];

/// The text without the blanks at its ends.
pub(super) fn trim(raw: &str) -> &str {
    // Most texts have none, and looking at two bytes is much cheaper than `trim_matches`.
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = raw.as_bytes();
    if blank(bytes.first()) || blank(bytes.last()) {
        raw.trim_matches(BLANK)
    } else {
        raw
    }
}

/// A name as it is compared: trimmed, ASCII letters in lower case.
pub(super) fn fold_name(raw: &str) -> Cow<'_, str> {
    let trimmed = trim(raw);
    if trimmed.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(trimmed.to_ascii_lowercase())
    } else {
        Cow::Borrowed(trimmed)
    }
}

/// A value as the old endpoint understood it: ends trimmed, runs of blanks one space.
///
/// Borrows unless something within had to change.
pub(super) fn fold_value(raw: &str) -> Cow<'_, str> {
    let trimmed = trim(raw);
    let bytes = trimmed.as_bytes();
    let folded = memchr::memchr2_iter(b' ', b'\t', bytes)
        // The value is trimmed, so something follows each blank.
        .all(|at| bytes[at] == b' ' && !matches!(bytes.get(at + 1), Some(b' ' | b'\t')));
    if folded {
        return Cow::Borrowed(trimmed);
    }
    let mut value = String::with_capacity(trimmed.len());
    for word in trimmed.split(BLANK).filter(|word| !word.is_empty()) {
        if !value.is_empty() {
            value.push(' ');
        }
        value.push_str(word);
    }
    Cow::Owned(value)
}

/// What one look at all of a text shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// How many lines it has: a line end ends one.
    pub(super) lines: usize,
    /// Whether no line has anything to fold but blanks at ends, or a control character: there is no tab, no two blanks in a
    /// row, no C0 control character but LF.
    pub(super) plain: bool,
    /// Whether a JSON string can hold any part of a line as it is; line ends stand in no value.
    pub(super) as_is: bool,
}

/// Looks at a text.
pub(super) fn look(text: &str) -> Look {
    // So few that what is counted of them fits a byte.
    const MANY: usize = 128;
    let bytes = text.as_bytes();
    let ends = memchr_iter(b'\n', bytes).count();
    // Without an early exit, so that the compiler can take many bytes at a time.
    let controls_in = |bytes: &[u8]| bytes.iter().map(|byte| u8::from(*byte < b' ')).sum::<u8>();
    let controls: usize = bytes.chunks(MANY).map(controls_in).map(usize::from).sum();
    let mut blanks = memchr_iter(b' ', bytes).map(|at| bytes.get(at + 1));
    let blanks = blanks.any(|next| next == Some(&b' '));
    let returns = || memchr_iter(b'\r', bytes).count();
    let controlled = controls > ends;
    Look {
        lines: ends + usize::from(!text.ends_with('\n')),
        plain: !controlled && !blanks,
        as_is: (!controlled || controls == ends + returns())
            && memchr2(b'"', b'\\', bytes).is_none(),
    }
}

/// Whether the text holds a C0 control character other than tab.
pub(super) fn has_control(text: &str) -> bool {
    // A fold without an early exit, so that the compiler can take many bytes at a time.
    text.bytes()
        .fold(false, |found, byte| found | (byte < 0x20 && byte != b'\t'))
}

/// A name as it may stand in an error or a log.
///
/// A name is whatever stood before a `=`. A value that was broken over two lines puts its rest
/// there, card numbers included, so only what looks like a field's name is shown.
pub(super) fn shown_name(name: &str) -> &str {
    const LONGEST: usize = 64;
    const DIGITS_MAX: usize = 5;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let named = name.len() <= LONGEST
        && digits <= DIGITS_MAX
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(plain);
    if named { name } else { "(not a field name)" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fold() {
        for (raw, expected, borrows) in [
            ("", "", true),
            ("   ", "", true),
            ("a b c", "a b c", true),
            ("  a b\t", "a b", true),
            ("a  b", "a b", false),
            ("a\tb", "a b", false),
            (" a \t  b   c ", "a b c", false),
            ("東\u{3000}\u{3000}京", "東\u{3000}\u{3000}京", true),
            ("@ # % & = ^ :", "@ # % & = ^ :", true),
        ] {
            let value = fold_value(raw);
            assert_eq!(value, expected, "{raw:?}");
            assert_eq!(matches!(value, Cow::Borrowed(_)), borrows, "{raw:?}");
        }
    }

    #[test]
    fn one_look_shows_what_a_text_needs() {
        for (text, lines, plain, as_is) in [
            ("", 1, true, true),
            ("a", 1, true, true),
            ("\n", 1, true, true),
            ("a=b c\nd= e \n", 2, true, true),
            ("a=b  c\n", 1, false, true),
            ("a=b  ", 1, false, true),
            ("a=b\tc\n", 1, false, false),
            ("a=b\r\n", 1, false, true),
            ("a=b\r", 1, false, true),
            ("a=\0", 1, false, false),
            ("a=\"\n", 1, true, false),
            ("a=\\", 1, true, false),
            ("a=\u{3000}\u{3000}", 1, true, true),
        ] {
            let expected = Look {
                lines,
                plain,
                as_is,
            };
            assert_eq!(look(text), expected, "{text:?}");
            // Wherever it stands, and beyond what is looked at in one go.
            let long = format!("{}{text}{}", "b\n".repeat(300), "b".repeat(300));
            let last = usize::from(text.ends_with('\n'));
            let expected = Look {
                lines: lines + last + 300,
                ..expected
            };
            assert_eq!(look(&long), expected, "{text:?}");
        }
    }

    #[test]
    fn names_fold() {
        for (raw, expected, borrows) in [
            ("merchant_id", "merchant_id", true),
            (" merchant_id\t", "merchant_id", true),
            ("Merchant_ID", "merchant_id", false),
            ("ÄA", "Äa", false),
        ] {
            let name = fold_name(raw);
            assert_eq!(name, expected, "{raw:?}");
            assert_eq!(matches!(name, Cow::Borrowed(_)), borrows, "{raw:?}");
        }
    }

    #[test]
    fn control_characters_are_found() {
        for (text, expected) in [
            ("a\tb", false),
            ("a\0b", true),
            ("a\rb", true),
            ("a\u{1f}", true),
            ("a\u{7f}\u{85}\u{2028}", false),
        ] {
            assert_eq!(has_control(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_what_looks_like_a_name_is_shown() {
        for name in ["merchant_id", "offer10", "merchant_defined_data100"] {
            assert_eq!(shown_name(name), name);
        }
        for name in [
            "",
            "4111111111111111",
            "pan 4111",
            "card4111111111111111",
            "a\u{1b}[31m",
        ] {
            assert_eq!(shown_name(name), "(not a field name)");
        }
    }
}
