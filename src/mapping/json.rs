//! Going through a JSON text from end to end, making nothing of it.
//!
//! A reply has some hundred texts of ten bytes each, and three or four lines are read of it: what decides is how soon the
//! rest is passed over. The grammar is RFC 8259's to the letter: what is no JSON is no reply. However deep it goes, it is one:
//! a payment whose reply is not read counts as lost.

use smallvec::SmallVec;

/// A place in a JSON text.
#[derive(Clone)]
pub(super) struct Cursor<'j> {
    text: &'j str,
    at: usize,
}

impl<'j> Cursor<'j> {
    /// At the beginning of a text.
    pub(super) fn new(text: &'j str) -> Cursor<'j> {
        Cursor { text, at: 0 }
    }

    /// How many bytes are behind it.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What it has passed since it was at a place.
    pub(super) fn since(&self, start: usize) -> &'j str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Passes over blanks; the byte behind them.
    pub(super) fn next(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let b' ' | b'\n' | b'\t' | b'\r' = *bytes.get(self.at)? {
            self.at += 1;
        }
        Some(bytes[self.at])
    }

    /// Whether nothing but blanks follows.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.next().is_none()
    }

    /// Passes over blanks and a value. None where there is no value, as with all that pass over something.
    pub(super) fn skip(&mut self) -> Option<()> {
        // What closes each container that is open.
        let mut open: SmallVec<[u8; 32]> = SmallVec::new();
        loop {
            match self.next()? {
                byte @ (b'{' | b'[') => {
                    let close = if byte == b'{' { b'}' } else { b']' };
                    if !self.is_empty(close)? {
                        if close == b'}' {
                            self.name()?;
                        }
                        open.push(close);
                        continue;
                    }
                }
                b'"' => self.text().map(drop)?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => self.number()?,
            }
            loop {
                let Some(close) = open.last().copied() else {
                    return Some(());
                };
                if self.goes_on(close)? {
                    if close == b'}' {
                        self.name()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    /// Passes over an object. What is called passes over a member's value; it has the name as it stands, with its escapes.
    pub(super) fn members(
        &mut self,
        mut value: impl FnMut(&mut Self, &'j str) -> Option<()>,
    ) -> Option<()> {
        self.all(b'}', |cursor| {
            let name = cursor.name()?;
            value(cursor, name)
        })
    }

    /// Passes over a list. What is called passes over an element.
    pub(super) fn elements(&mut self, element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.all(b']', element)
    }

    /// Passes over what stands between commas, from the byte that opens it to the one that closes it.
    fn all(&mut self, close: u8, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.is_empty(close)? {
            return Some(());
        }
        loop {
            each(self)?;
            if !self.goes_on(close)? {
                return Some(());
            }
        }
    }

    /// Passes over the byte that opens a container, and over the one that closes it where nothing stands between.
    fn is_empty(&mut self, close: u8) -> Option<bool> {
        self.at += 1;
        let is_empty = self.next()? == close;
        self.at += usize::from(is_empty);
        Some(is_empty)
    }

    /// Passes over what follows a value in a container: whether that is a comma, and not its end.
    fn goes_on(&mut self, close: u8) -> Option<bool> {
        let byte = self.next()?;
        self.at += 1;
        (byte == b',' || byte == close).then_some(byte == b',')
    }

    /// Passes over a member's name and its colon.
    fn name(&mut self) -> Option<&'j str> {
        if self.next()? != b'"' {
            return None;
        }
        let name = self.text()?;
        let colon = self.next()? == b':';
        self.at += 1;
        colon.then_some(name)
    }

    /// Passes over a text; what stands between its quotes.
    fn text(&mut self) -> Option<&'j str> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        self.at = start;
        loop {
            let rest = bytes.get(self.at..)?;
            if let Some(eight) = rest.first_chunk() {
                let ends = ending(u64::from_le_bytes(*eight));
                // The first of them stands in the lowest byte.
                self.at += (ends.trailing_zeros() / 8) as usize;
                if ends == 0 {
                    continue;
                }
            }
            match *bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.escape()?,
                ..b' ' => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(start..self.at - 1)
    }

    /// Passes over an escape. Half a character is told where somebody wants the text.
    fn escape(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        let length = match bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                let digits = bytes.get(self.at + 2..self.at + 6)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(6)?
            }
            _ => return None,
        };
        self.at += length;
        Some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let came = self.text.as_bytes().get(self.at..)?;
        self.at += word.len();
        came.starts_with(word.as_bytes()).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        self.sign(b"-");
        let starts = self.at;
        let digits = self.digits()?;
        if digits > 1 && self.text.as_bytes()[starts] == b'0' {
            return None;
        }
        if self.sign(b".") {
            self.digits()?;
        }
        if self.sign(b"eE") {
            self.sign(b"+-");
            self.digits()?;
        }
        Some(())
    }

    /// Passes over one of these, if it is one.
    fn sign(&mut self, signs: &[u8]) -> bool {
        let byte = self.text.as_bytes().get(self.at);
        let is_one = byte.is_some_and(|byte| signs.contains(byte));
        self.at += usize::from(is_one);
        is_one
    }

    /// Passes over digits, at least one; how many.
    fn digits(&mut self) -> Option<usize> {
        let bytes = self.text.as_bytes().get(self.at..)?;
        let others = bytes.iter().position(|byte| !byte.is_ascii_digit());
        let count = others.unwrap_or(bytes.len());
        self.at += count;
        (count > 0).then_some(count)
    }
}

/// A high bit in the byte of the first quote, backslash or control character among eight; what is above it means nothing. 0
/// where there is none.
fn ending(eight: u64) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    let below = |eight: u64, limit: u64| eight.wrapping_sub(EACH * limit) & !eight;
    let is = |byte: u8| below(eight ^ (EACH * u64::from(byte)), 1);
    (is(b'"') | is(b'\\') | below(eight, 0x20)) & (EACH * 0x80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    /// Whether it is one value and nothing else.
    fn is_json(text: &str) -> bool {
        let mut cursor = Cursor::new(text);
        cursor.skip().is_some() && cursor.is_at_end()
    }

    #[test]
    fn it_goes_as_deep_as_the_text_does() {
        for [open, close] in [["[", "]"], ["{\"a\":", "}"]] {
            let nested = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            assert!(is_json(&nested));
            assert!(!is_json(&nested[..nested.len() - 1]));
            assert!(!is_json(&format!("{nested}{close}")));
        }
        assert!(!is_json("[{]}"));
    }

    /// It says what another reader says.
    fn agrees(text: &str) -> Result<(), TestCaseError> {
        let known = serde_json::from_str::<IgnoredAny>(text);
        prop_assert_eq!(is_json(text), known.is_ok(), "{:?}: {:?}", text, known);
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_json_is_passed_over_and_nothing_else(
            text in "([\\[\\]{}:,]|[ \\n\\t\\r]{0,2}|\"(a|é|\\\\[\"\\\\/bfnrtux]|\\\\u[0-9a-fA-F]{3,4}|[\\x00-\\x7f]){0,12}\"|-?[0-9]{0,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?|true|false|null|[a-z]){0,12}",
        ) {
            agrees(&text)?;
        }

        #[test]
        fn what_was_json_before_a_byte_changed(
            value in json(), at in any::<prop::sample::Index>(), byte in 0_u8..0x80,
        ) {
            let mut text = value.to_string();
            agrees(&text)?;
            let at = at.index(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                text.replace_range(at..=at, char::from(byte).encode_utf8(&mut [0; 1]));
                agrees(&text)?;
            }
        }

        #[test]
        fn the_first_byte_that_ends_a_plain_text_is_found(bytes in any::<[u8; 8]>()) {
            let expected = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '));
            let found = ending(u64::from_le_bytes(bytes)).trailing_zeros() / 8;
            prop_assert_eq!(found as usize, expected.unwrap_or(8));
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }
}
