//! The grammar, in nom: text in pieces, and a piece in two at its first separator.
//!
//! Both delimited levels of the protocol have this one shape: lines that are split at `=`, and
//! inside an offer tokens at `^` that are split at `:`. The parsers work on text and on raw bytes
//! alike. Delimiters are found with `memchr`; nom's `take_until` does so for bytes only (for `&str`
//! it falls back to the standard library's substring search), and a predicate for each
//! character would cost several times as much.

use memchr::memchr;
use nom::branch::alt;
use nom::bytes::complete::take;
use nom::combinator::{rest, verify};
use nom::sequence::{separated_pair, terminated};
use nom::{AsBytes, IResult, Input, Parser};

/// What the grammar can read: `&str` and `&[u8]`.
pub(super) trait Text: Input + AsBytes + Copy {}

impl<T: Input + AsBytes + Copy> Text for T {}

/// A parse that fails only by not matching, so that there is nothing to say about it.
type Matched<I, O> = IResult<I, O, ()>;

/// The pieces of `text` between `stop` bytes; a piece that is empty at the very end is none.
///
/// `stop` must be ASCII, so that in UTF-8 text it never falls within a character.
pub(super) fn pieces<I: Text>(text: I, stop: u8) -> impl Iterator<Item = I> {
    let mut left = text;
    std::iter::from_fn(move || {
        let (after, piece) = piece(stop, left).ok()?;
        left = after;
        Some(piece)
    })
}

/// The lines of `text`: LF, CRLF or both mixed, the last one ended or not.
///
/// All carriage returns before the LF belong to the line's end: a CRLF text that is written
/// through a stream in Windows text mode arrives with CR CR LF.
pub(super) fn lines<I: Text>(text: I) -> impl Iterator<Item = I> {
    pieces(text, b'\n').map(|line| {
        let bytes = line.as_bytes();
        let kept = bytes
            .iter()
            .rposition(|&byte| byte != b'\r')
            .map_or(0, |at| at + 1);
        line.take(kept)
    })
}

/// The two sides of the first `separator`, which must be ASCII; none without a separator.
pub(super) fn pair<I: Text>(text: I, separator: u8) -> Option<(I, I)> {
    let split: Matched<I, (I, I)> =
        separated_pair(until(separator), take(1_usize), rest).parse(text);
    split.ok().map(|(_, sides)| sides)
}

fn piece<I: Text>(stop: u8, text: I) -> Matched<I, I> {
    let last = verify(rest, |piece: &I| piece.input_len() > 0);
    alt((terminated(until(stop), take(1_usize)), last)).parse(text)
}

fn until<I: Text>(stop: u8) -> impl Fn(I) -> Matched<I, I> {
    move |text| {
        let at = memchr(stop, text.as_bytes()).ok_or(nom::Err::Error(()))?;
        Ok(text.take_split(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_any_way() {
        for (text, expected) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a\n", vec!["a"]),
            ("a\r\n", vec!["a"]),
            ("a\nb\r\nc", vec!["a", "b", "c"]),
            ("a\r", vec!["a"]),
            ("a\r\r\nb", vec!["a", "b"]),
            ("\na\n\n", vec!["", "a", ""]),
            ("a\rb", vec!["a\rb"]),
        ] {
            assert_eq!(lines(text).collect::<Vec<_>>(), expected, "{text:?}");
            let bytes: Vec<_> = lines(text.as_bytes()).collect();
            assert_eq!(
                bytes,
                expected
                    .iter()
                    .map(|line| line.as_bytes())
                    .collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_pair_splits_at_the_first_separator() {
        assert_eq!(pair("a=b=c", b'='), Some(("a", "b=c")));
        assert_eq!(pair("=", b'='), Some(("", "")));
        assert_eq!(pair("a", b'='), None);
        assert_eq!(pair("ö:ü", b':'), Some(("ö", "ü")));
    }
}
