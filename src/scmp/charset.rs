//! The charsets that the old clients speak.
//!
//! Java sends UTF-8 unless told otherwise, C and .NET ISO-8859-1, Japanese shops Shift_JIS or
//! EUC-JP. A reply goes back in the charset of its request. Labels and tables are those of the
//! WHATWG encoding standard, in which ISO-8859-1 is read as windows-1252, its superset.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, EUC_JP, EncoderResult, Encoding, SHIFT_JIS, UTF_8, WINDOWS_1252};

/// A charset of requests and replies. Each one leaves ASCII as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// ISO-8859-1, read and written as windows-1252.
    Latin1,
    /// windows-1252 under its own name, so that the reply names what the request named.
    Windows1252,
    /// Shift_JIS.
    ShiftJis,
    /// EUC-JP.
    EucJp,
}

/// Why a text cannot be read in its charset. Holds none of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CharsetError {
    /// The label is none of the supported ones.
    #[error(
        "charset {label} is not supported; send the request in utf-8, iso-8859-1, windows-1252, \
         Shift_JIS or EUC-JP"
    )]
    Unsupported {
        /// The label, shortened, and without any character that could upset a log.
        label: String,
    },
    /// The bytes are not text in this charset.
    #[error(
        "line {line}: the byte at offset {offset} does not belong to {} text; \
         declare the charset that the client uses",
        .charset.label()
    )]
    Malformed {
        /// The charset that was tried.
        charset: Charset,
        /// Where the malformed sequence starts, from 0.
        offset: usize,
        /// The line that it is on, from 1.
        line: usize,
    },
}

impl Charset {
    /// The charset of a WHATWG label such as `latin1` or `sjis`, in any case.
    pub fn from_label(label: &str) -> Result<Self, CharsetError> {
        let encoding = Encoding::for_label(label.as_bytes());
        if encoding == Some(UTF_8) {
            Ok(Self::Utf8)
        } else if encoding == Some(WINDOWS_1252) {
            let named_1252 = label.trim_ascii().to_ascii_lowercase().ends_with("1252");
            Ok(if named_1252 {
                Self::Windows1252
            } else {
                Self::Latin1
            })
        } else if encoding == Some(SHIFT_JIS) {
            Ok(Self::ShiftJis)
        } else if encoding == Some(EUC_JP) {
            Ok(Self::EucJp)
        } else {
            Err(CharsetError::Unsupported {
                label: shown_label(label),
            })
        }
    }

    /// The charset that a `Content-Type` declares; none without a header or a `charset`.
    pub fn from_content_type(header: Option<&str>) -> Result<Option<Self>, CharsetError> {
        let label = header
            .into_iter()
            .flat_map(|header| header.split(';'))
            .find_map(|part| {
                let (name, value) = part.split_once('=')?;
                let label = value.trim().trim_matches(['"', '\'']).trim();
                (name.trim().eq_ignore_ascii_case("charset") && !label.is_empty()).then_some(label)
            });
        label.map(Self::from_label).transpose()
    }

    /// The charset of bytes that declare none: UTF-8 if they are that, else ISO-8859-1, which the
    /// C and .NET clients send without a label. Text in either Japanese charset is not recognised:
    /// its bytes are ISO-8859-1 as well.
    pub fn guess(bytes: &[u8]) -> Self {
        if str::from_utf8(bytes).is_ok() {
            Self::Utf8
        } else {
            Self::Latin1
        }
    }

    /// The label for the reply's `Content-Type`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Latin1 => "iso-8859-1",
            Self::Windows1252 => "windows-1252",
            Self::ShiftJis => "Shift_JIS",
            Self::EucJp => "EUC-JP",
        }
    }

    /// The bytes as text, without UTF-8's byte order mark. Borrows where the bytes are UTF-8 or
    /// ASCII already.
    pub fn decode<'b>(&self, bytes: &'b [u8]) -> Result<Cow<'b, str>, CharsetError> {
        let mark = match self {
            Self::Utf8 if bytes.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
            _ => 0,
        };
        let text = &bytes[mark..];
        self.encoding()
            .decode_without_bom_handling_and_without_replacement(text)
            .ok_or_else(|| {
                let offset = mark + self.malformed_at(text);
                let line = 1 + memchr::memchr_iter(b'\n', &bytes[..offset]).count();
                CharsetError::Malformed {
                    charset: *self,
                    offset,
                    line,
                }
            })
    }

    /// The text in bytes; a character that the charset lacks becomes `?`.
    ///
    /// Never an HTML entity, which is the standard's way: the old clients are not browsers.
    pub fn encode<'t>(&self, text: &'t str) -> Cow<'t, [u8]> {
        if *self == Self::Utf8 || text.is_ascii() {
            return Cow::Borrowed(text.as_bytes());
        }
        let mut encoder = self.encoding().new_encoder();
        let mut bytes = Vec::with_capacity(text.len());
        let mut left = text;
        loop {
            let (result, read) =
                encoder.encode_from_utf8_to_vec_without_replacement(left, &mut bytes, true);
            left = &left[read..];
            match result {
                EncoderResult::InputEmpty => return Cow::Owned(bytes),
                EncoderResult::OutputFull => bytes.reserve(left.len() + SPARE_BYTES),
                EncoderResult::Unmappable(_) => bytes.push(b'?'),
            }
        }
    }

    fn encoding(self) -> &'static Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::Latin1 | Self::Windows1252 => WINDOWS_1252,
            Self::ShiftJis => SHIFT_JIS,
            Self::EucJp => EUC_JP,
        }
    }

    /// Where the first malformed sequence starts, or the end of well-formed bytes.
    fn malformed_at(self, bytes: &[u8]) -> usize {
        let mut decoder = self.encoding().new_decoder_without_bom_handling();
        let mut text = String::with_capacity(bytes.len() + SPARE_BYTES);
        let mut read_total = 0;
        loop {
            let left = &bytes[read_total..];
            let (result, read) =
                decoder.decode_to_string_without_replacement(left, &mut text, true);
            read_total += read;
            match result {
                DecoderResult::InputEmpty => return read_total,
                DecoderResult::OutputFull => text.reserve(bytes.len() + SPARE_BYTES),
                DecoderResult::Malformed(length, after) => {
                    return read_total.saturating_sub(usize::from(length) + usize::from(after));
                }
            }
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// More than any one character takes in any charset, so that each round makes progress.
const SPARE_BYTES: usize = 16;

/// A label from a header as it may stand in an error or a log.
fn shown_label(label: &str) -> String {
    const LONGEST: usize = 40;
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    label.trim().chars().take(LONGEST).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Charset; 5] = [
        Charset::Utf8,
        Charset::Latin1,
        Charset::Windows1252,
        Charset::ShiftJis,
        Charset::EucJp,
    ];

    #[test]
    fn labels_are_known_in_any_case() {
        for (label, expected) in [
            ("utf-8", Charset::Utf8),
            ("UTF8", Charset::Utf8),
            ("ISO-8859-1", Charset::Latin1),
            ("latin1", Charset::Latin1),
            ("us-ascii", Charset::Latin1),
            ("windows-1252", Charset::Windows1252),
            ("CP1252", Charset::Windows1252),
            ("Shift_JIS", Charset::ShiftJis),
            ("sjis", Charset::ShiftJis),
            ("windows-31j", Charset::ShiftJis),
            (" euc-jp ", Charset::EucJp),
        ] {
            assert_eq!(Charset::from_label(label), Ok(expected), "{label}");
        }
        for charset in ALL {
            assert_eq!(Charset::from_label(charset.label()), Ok(charset));
        }
    }

    #[test]
    fn other_labels_are_refused_and_shown_safely() {
        for (label, shown) in [
            ("utf-16", "utf-16"),
            ("iso-2022-jp", "iso-2022-jp"),
            ("gb18030", "gb18030"),
            ("a\r\nb\u{1b}", "a??b?"),
            ("", ""),
        ] {
            let label_shown = shown.to_owned();
            let expected = CharsetError::Unsupported { label: label_shown };
            assert_eq!(Charset::from_label(label), Err(expected), "{label:?}");
        }
        let error = Charset::from_label(&"x".repeat(5_000))
            .unwrap_err()
            .to_string();
        assert!(error.len() < 200 && error.contains("Shift_JIS"), "{error}");
    }

    #[test]
    fn content_types_declare_a_charset() {
        for (header, expected) in [
            (None, None),
            (Some("text/plain"), None),
            (Some("text/plain; charset="), None),
            (
                Some("text/plain; charset=Shift_JIS"),
                Some(Charset::ShiftJis),
            ),
            (
                Some("text/plain;CHARSET=\"utf-8\"; format=flowed"),
                Some(Charset::Utf8),
            ),
            (
                Some("text/plain; boundary=x; charset = 'EUC-JP'"),
                Some(Charset::EucJp),
            ),
            (Some("charset=cp1252"), Some(Charset::Windows1252)),
            (Some("text/plain; xcharset=sjis"), None),
        ] {
            assert_eq!(
                Charset::from_content_type(header),
                Ok(expected),
                "{header:?}"
            );
        }
        assert!(Charset::from_content_type(Some("a/b; charset=utf-7")).is_err());
    }

    #[test]
    fn bytes_decode_and_encode() {
        for (charset, bytes, text) in [
            (Charset::Utf8, &b"\xc3\xa9"[..], "é"),
            (Charset::Latin1, b"caf\xe9 \x80", "café €"),
            (Charset::Windows1252, b"\x93x\x94", "“x”"),
            (Charset::ShiftJis, b"\x95\x5c\x8e\xa6", "表示"),
            (Charset::ShiftJis, b"\x83\x5e\x8f\x5e", "タ戎"),
            (Charset::EucJp, b"\xc9\xbd\xbc\xa8", "表示"),
        ] {
            assert_eq!(charset.decode(bytes).as_deref(), Ok(text));
            assert_eq!(&*charset.encode(text), bytes, "{text}");
        }
        assert_eq!(
            Charset::Utf8.decode(b"\xef\xbb\xbfa=1").as_deref(),
            Ok("a=1")
        );
    }

    #[test]
    fn ascii_is_itself_everywhere() {
        let ascii: String = (0..0x80_u8).map(char::from).collect();
        for charset in ALL {
            assert!(matches!(charset.encode(&ascii), Cow::Borrowed(_)));
            assert_eq!(
                charset.decode(ascii.as_bytes()).as_deref(),
                Ok(&*ascii),
                "{charset:?}"
            );
        }
    }

    #[test]
    fn malformed_bytes_are_located_but_not_shown() {
        for (charset, bytes, offset, line) in [
            (Charset::Utf8, &b"a=1\nb=\xe9\n"[..], 6, 2),
            (Charset::Utf8, b"\xef\xbb\xbfa=\xff", 5, 1),
            (Charset::Utf8, b"a=\xe6\x97", 2, 1),
            (Charset::ShiftJis, b"a=\x83\x5e\n\nb=\x83", 8, 3),
            (Charset::ShiftJis, b"a=\xa0\xff", 2, 1),
            (Charset::EucJp, b"a=\xc9\xbd\xc9\n", 4, 1),
        ] {
            let expected = CharsetError::Malformed {
                charset,
                offset,
                line,
            };
            assert_eq!(charset.decode(bytes), Err(expected), "{bytes:?}");
        }
    }

    #[test]
    fn characters_that_a_charset_lacks_become_question_marks() {
        for (charset, text, expected) in [
            (Charset::Latin1, "タa表", &b"?a?"[..]),
            (Charset::ShiftJis, "é表\u{1f600}", b"?\x95\x5c?"),
            (Charset::EucJp, "\u{85}\u{2028}a", b"??a"),
        ] {
            assert_eq!(&*charset.encode(text), expected, "{text}");
        }
        let long = "\u{1f600}".repeat(10_000);
        assert_eq!(Charset::Latin1.encode(&long).len(), 10_000);
    }

    #[test]
    fn unlabelled_bytes_are_guessed() {
        assert_eq!(Charset::guess(b"a=1"), Charset::Utf8);
        assert_eq!(Charset::guess("a=é".as_bytes()), Charset::Utf8);
        assert_eq!(Charset::guess(b"a=\xe9"), Charset::Latin1);
    }
}
