//! The fields of a line for people: ` name=value`, the text of the message alone, control characters escaped. What
//! tracing-subscriber does itself, without its colours and at a third of the cost.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

use crate::clock::digits;

/// Writes the fields of lines without colours.
pub(super) struct Plain;

impl<'w> FormatFields<'w> for Plain {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line {
            out: &mut writer,
            begun: false,
            result: Ok(()),
        };
        fields.record(&mut line);
        line.result
    }
}

struct Line<'l> {
    out: &'l mut dyn Write,
    /// Whether something stands there already.
    begun: bool,
    result: fmt::Result,
}

/// What is written keeps to its line, and cannot speak to a terminal.
struct OnOneLine<'l>(&'l mut dyn Write);

impl Write for OnOneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Among others what C1 begins with in UTF-8.
        let is_plain = |byte: u8| !byte.is_ascii_control() && byte != 0xc2;
        if text.bytes().all(is_plain) {
            return self.0.write_str(text);
        }
        for c in text.chars() {
            match c.is_control() {
                true => write!(self.0, "{}", c.escape_default())?,
                false => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl Line<'_> {
    fn write(&mut self, field: &Field, value: &dyn Fn(&mut dyn Write) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = self.try_write(field.name(), value);
        }
    }

    fn try_write(
        &mut self,
        name: &str,
        value: &dyn Fn(&mut dyn Write) -> fmt::Result,
    ) -> fmt::Result {
        if std::mem::replace(&mut self.begun, true) {
            self.out.write_str(" ")?;
        }
        if name != "message" {
            self.out.write_str(name)?;
            self.out.write_str("=")?;
        }
        value(&mut OnOneLine(self.out))
    }
}

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, &|out| write!(out, "{value:?}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let digits: [u8; 20] = digits(value);
        let begin = digits.iter().position(|digit| *digit != b'0').unwrap_or(19);
        // All of it is ASCII.
        let text = str::from_utf8(&digits[begin..]).unwrap_or_default();
        self.write(field, &|out| out.write_str(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        match value.bytes().all(is_plain) && field.name() != "message" {
            true => self.write(field, &|out| {
                out.write_str("\"")?;
                out.write_str(value)?;
                out.write_str("\"")
            }),
            false if field.name() == "message" => self.write(field, &|out| out.write_str(value)),
            false => self.record_debug(field, &value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(event: impl Fn(), own: bool) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let builder = tracing_subscriber::fmt().with_ansi(false).without_time();
        let builder = builder.with_writer(move || writer.clone());
        match own {
            true => tracing::subscriber::with_default(builder.fmt_fields(Plain).finish(), event),
            false => tracing::subscriber::with_default(builder.finish(), event),
        }
        let bytes = kept.0.lock().expect("no panic").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn lines_look_as_without_it() {
        let id = "1795236962358677705764";
        let event = || {
            tracing::info!(request_id = %id, flag = "SOK", rcode = -1, ms = 12_u64, why = "a \"b\"", is = true, "request");
            tracing::warn!(step = ?Some("x"), "it is {}", "so");
            tracing::info!(empty = "", none = 0_u64, all = u64::MAX);
            tracing::info!("alone");
        };
        let own = written(event, true);
        assert_eq!(own, written(event, false));
        assert!(
            own.contains("request request_id=1795236962358677705764 flag=\"SOK\" rcode=-1"),
            "{own}"
        );
    }

    #[test]
    fn nothing_leaves_its_line() {
        let event = || tracing::info!(a = %"x\ny\u{1b}[31m\u{9b}z", "b\nc");
        let own = written(event, true);
        assert_eq!(own.lines().count(), 1, "{own}");
        assert!(
            own.contains("a=x\\ny\\u{1b}[31m\\u{9b}z") && own.contains("b\\nc"),
            "{own}"
        );
    }
}
