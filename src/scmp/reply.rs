//! A reply: ordered fields, one line each.
//!
//! Values come from the other side (a processor's message may hold anything), so this is where a
//! value is kept from looking like a second field.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::charset::Charset;
use super::grammar::{lines, pair};
use super::text::shown_name;

/// The fields of a reply, in order. Its `Debug` shows names and lengths only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The lines as they go out: of each field one, its name plain, no `=` in it.
    text: String,
}

/// What a reply has room for at first: a payment's has some thirty fields.
const USUAL_BYTES: usize = 1024;

impl Reply {
    /// Sets a field: a new one last, a known one in its place.
    ///
    /// The name is brought to lower case, any character but `[a-z0-9_]` in it to `_`. Control
    /// characters and Unicode's line ends in the value become spaces.
    pub fn push(&mut self, name: &str, value: &str) {
        let name = plain_name(name);
        match self.place(&name) {
            Some(known) => self.text.replace_range(known, &one_line(value)),
            None => self.append(&name, value),
        }
    }

    /// Adds a field that the reply does not have yet, under a name that is plain already.
    pub fn append(&mut self, name: &str, value: &str) {
        self.room();
        self.text.push_str(name);
        self.text.push('=');
        self.text.push_str(&one_line(value));
        self.text.push('\n');
    }

    /// The same, for a name that has its `=` with it, and a value of what [`fits_lines`].
    pub fn append_line(&mut self, begin: &str, value: &str) {
        self.room();
        self.text.push_str(begin);
        self.text.push_str(value);
        self.text.push('\n');
    }

    fn room(&mut self) {
        if self.text.is_empty() {
            self.text.reserve(USUAL_BYTES);
        }
    }

    /// Where the value of a field stands.
    fn place(&self, name: &str) -> Option<Range<usize>> {
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            let value = line
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('='));
            let end = start + line.len();
            if let Some(value) = value {
                // Without the line's end.
                return Some(end - value.len()..end - 1);
            }
            start = end;
        }
        None
    }

    /// The value of the field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.iter();
        fields.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.lines().filter_map(|line| line.split_once('='))
    }

    /// The reply as `name=value` lines with LF ends.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same in the charset of the request.
    pub fn render(&self, charset: Charset) -> Vec<u8> {
        self.clone().into_bytes(charset)
    }

    /// The same, without a copy where the text can go out as it is.
    pub fn into_bytes(self, charset: Charset) -> Vec<u8> {
        let mut bytes = match charset.encode(&self.text) {
            Cow::Borrowed(_) => return self.text.into_bytes(),
            Cow::Owned(bytes) => bytes,
        };
        if charset == Charset::Latin1 {
            // An ellipsis in windows-1252, but a line end (NEL) to a client that takes the label
            // at its word. The other bytes from 0x80 to 0x9f do no harm there.
            bytes
                .iter_mut()
                .filter(|byte| **byte == 0x85)
                .for_each(|byte| *byte = b' ');
        }
        bytes
    }

    /// Reads a reply, passing over lines that hold no field. For tests and for showing replies.
    pub fn parse(text: &str) -> Self {
        let mut reply = Self::default();
        let fields = lines(text).filter_map(|line| pair(line, b'='));
        for (name, value) in fields.filter(|(name, _)| !name.trim().is_empty()) {
            reply.push(name.trim(), value);
        }
        reply
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |(name, value): (&str, &str)| format!("{} ({} bytes)", shown_name(name), value.len());
        out.debug_set().entries(self.iter().map(shown)).finish()
    }
}

fn plain_name(name: &str) -> Cow<'_, str> {
    if name.is_empty() {
        // A line without a name is no field to any reader.
        return "_".into();
    }
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    if name
        .bytes()
        .fold(true, |plain, byte| plain & is_plain(byte))
    {
        return name.into();
    }
    let plain = |c: char| match c {
        'a'..='z' | '0'..='9' | '_' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        _ => '_',
    };
    name.chars().map(plain).collect()
}

/// Whether each part of a text can surely be a value as it is, if it holds no character below the blank.
pub fn fits_lines(text: &str) -> bool {
    // Beyond ASCII there are more that do not fit, and a look at each is for those texts only that have any.
    text.is_ascii() && memchr::memchr(0x7f, text.as_bytes()).is_none()
}

/// By a byte's value: whether it can stand in a line. Not those that C1 and Unicode's line ends begin with in UTF-8, among
/// much else.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = !matches!(byte, 0..=0x1f | 0x7f | 0xc2 | 0xe2);
        byte += 1;
    }
    plain
};

fn one_line(value: &str) -> Cow<'_, str> {
    // Most values are short: a look into a table for each byte is the cheapest.
    let plain = |plain, byte| plain & PLAIN[usize::from(byte)];
    if value.bytes().fold(true, plain) {
        return value.into();
    }
    let plain = |c: char| match c {
        '\u{2028}' | '\u{2029}' => ' ',
        // C0, DEL and C1, thus CR, LF, NUL and U+0085.
        c if c.is_control() => ' ',
        c => c,
    };
    value.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(fields: &[(&str, &str)]) -> Reply {
        let mut reply = Reply::default();
        for (name, value) in fields {
            reply.push(name, value);
        }
        reply
    }

    #[test]
    fn fields_are_rendered_in_order() {
        let reply = reply(&[("ics_rcode", "1"), ("ics_rflag", "SOK"), ("ics_rcode", "0")]);
        assert_eq!(reply.render(Charset::Utf8), b"ics_rcode=0\nics_rflag=SOK\n");
        assert_eq!(reply.get("ics_rflag"), Some("SOK"));
        assert_eq!(reply.get("ics_rmsg"), None);
        assert_eq!(
            reply.iter().collect::<Vec<_>>(),
            [("ics_rcode", "0"), ("ics_rflag", "SOK")]
        );
    }

    #[test]
    fn what_monitors_look_for_is_byte_exact() {
        // A merchant's monitor matches this text in the answer to a plain GET.
        let reply = reply(&[("ics_rmsg", "This request was not in HTTP format")]);
        for charset in [
            Charset::Utf8,
            Charset::Latin1,
            Charset::ShiftJis,
            Charset::EucJp,
        ] {
            assert_eq!(
                reply.render(charset),
                b"ics_rmsg=This request was not in HTTP format\n"
            );
        }
    }

    #[test]
    fn values_stay_on_their_line() {
        for (value, expected) in [
            ("a\nics_rcode=1", "a ics_rcode=1"),
            ("a\r\nb\0c\td", "a  b c d"),
            ("a\u{85}b\u{2028}c\u{2029}d\u{7f}", "a b c d "),
            ("x=y=z", "x=y=z"),
        ] {
            assert_eq!(
                reply(&[("ics_rmsg", value)]).get("ics_rmsg"),
                Some(expected),
                "{value:?}"
            );
        }
    }

    #[test]
    fn what_fits_lines_stays_as_it_is() {
        for character in ' '..='\u{3000}' {
            let text = format!("a{character}");
            let kept = one_line(&text) == text;
            assert!(kept || !fits_lines(&text), "{character:?}");
        }
        assert!(fits_lines("{\"a\":\"b=\"}") && !fits_lines("a\u{2028}"));
    }

    #[test]
    fn names_are_plain() {
        for (name, expected) in [
            ("ICS_rcode", "ics_rcode"),
            ("a=1\nb", "a_1_b"),
            ("é-x", "__x"),
            ("", "_"),
        ] {
            assert_eq!(reply(&[(name, "1")]).get(expected), Some("1"), "{name:?}");
        }
    }

    #[test]
    fn replies_go_out_in_the_charset_of_the_request() {
        let reply = reply(&[("name", "タé…")]);
        assert_eq!(reply.render(Charset::Utf8), "name=タé…\n".as_bytes());
        assert_eq!(reply.render(Charset::ShiftJis), b"name=\x83\x5e?\x81\x63\n");
        assert_eq!(reply.render(Charset::Windows1252), b"name=?\xe9\x85\n");
        assert_eq!(reply.render(Charset::Latin1), b"name=?\xe9 \n");
    }

    #[test]
    fn replies_are_read_back() {
        let text = "\r\nics_rcode=1\r\nnonsense\n=x\nRequest_ID = 12\nempty=\n";
        let expected = reply(&[("ics_rcode", "1"), ("request_id", " 12"), ("empty", "")]);
        assert_eq!(Reply::parse(text), expected);
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!(
            "{:?}",
            reply(&[("pay_subscription_account", "4111111111111111")])
        );
        assert!(
            shown.contains("pay_subscription_account (16 bytes)"),
            "{shown}"
        );
        assert!(!shown.contains("4111"), "{shown}");
    }
}
