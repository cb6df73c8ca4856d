//! The grammar, in nom: text in pieces, and a piece in two at its first separator.
//!
//! Both delimited levels of the protocol have this one shape: lines that are split at `=`, and
//! inside an offer tokens at `^` that are split at `:`. The parsers work on text and on raw bytes
//! alike. Delimiters are found with `memchr`, all ends of lines in one go; nom's `take_until` searches
//! bytes only (for `&str` it falls back to the standard library's substring search), and a predicate
//! for each character would cost several times as much.

use memchr::{memchr, memchr_iter};
use nom::{AsBytes, IResult, Input};

/// A parse that fails only by not matching, so that there is nothing to say about it.
type Matched<I, O> = IResult<I, O, ()>;

/// The pieces of `text` between `stop` bytes; a piece that is empty at the very end is none.
///
/// `stop` must be ASCII, so that in UTF-8 text it never falls within a character.
pub(super) fn pieces<'t, T>(text: &'t T, stop: u8) -> impl Iterator<Item = &'t T>
where
    T: AsBytes + ?Sized,
    &'t T: Input,
{
    let mut stops = memchr_iter(stop, text.as_bytes());
    let mut begin = 0;
    std::iter::from_fn(move || {
        let left = text.input_len() - begin;
        let length = stops.next().map_or(left, |at| at - begin);
        if left == 0 {
            return None;
        }
        let piece = text.take_from(begin).take(length);
        begin += (length + 1).min(left);
        Some(piece)
    })
}

/// The lines of `text`: LF, CRLF or both mixed, the last one ended or not.
///
/// All carriage returns before the LF belong to the line's end: a CRLF text that is written
/// through a stream in Windows text mode arrives with CR CR LF.
pub(super) fn lines<'t, T>(text: &'t T) -> impl Iterator<Item = &'t T>
where
    T: AsBytes + ?Sized,
    &'t T: Input,
{
    pieces(text, b'\n').map(|line| {
        let bytes = line.as_bytes();
        if bytes.last() != Some(&b'\r') {
            return line;
        }
        let kept = bytes.iter().rposition(|&byte| byte != b'\r');
        line.take(kept.map_or(0, |at| at + 1))
    })
}

/// The two sides of the first `separator`, which must be ASCII; none without a separator.
pub(super) fn pair<'t, T>(text: &'t T, separator: u8) -> Option<(&'t T, &'t T)>
where
    T: AsBytes + ?Sized,
    &'t T: Input,
{
    let (right, left) = before(separator, text).ok()?;
    Some((left, right))
}

/// What stands before the next `stop`, which is passed over.
fn before<'t, T>(stop: u8, text: &'t T) -> Matched<&'t T, &'t T>
where
    T: AsBytes + ?Sized,
    &'t T: Input,
{
    let at = memchr(stop, text.as_bytes()).ok_or(nom::Err::Error(()))?;
    Ok((text.take_from(at + 1), text.take(at)))
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
