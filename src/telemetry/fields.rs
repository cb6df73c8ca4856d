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
            text: String::with_capacity(USUAL_BYTES),
            result: Ok(()),
        };
        fields.record(&mut line);
        // All at once: what stands behind the writer is found out at each call.
        line.result.and_then(|()| writer.write_str(&line.text))
    }
}

/// What most lines have room in.
const USUAL_BYTES: usize = 256;

struct Line {
    text: String,
    result: fmt::Result,
}

/// What is written keeps to its line, and cannot speak to a terminal.
struct OnOneLine<'l>(&'l mut String);

impl Write for OnOneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Among others what C1 begins with in UTF-8.
        let is_plain = |byte: u8| !byte.is_ascii_control() && byte != 0xc2;
        if text.bytes().all(is_plain) {
            self.0.push_str(text);
            return Ok(());
        }
        for c in text.chars() {
            match c.is_control() {
                true => self.0.extend(c.escape_default()),
                false => self.0.push(c),
            }
        }
        Ok(())
    }
}

impl Line {
    /// Begins a field, or the message.
    fn begin(&mut self, name: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        if name != MESSAGE {
            self.text.push_str(name);
            self.text.push('=');
        }
    }
}

/// The field whose text stands alone.
const MESSAGE: &str = "message";

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.begin(field.name());
        let written = write!(OnOneLine(&mut self.text), "{value:?}");
        self.result = self.result.and(written);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let digits: [u8; 20] = digits(value);
        let begin = digits.iter().position(|digit| *digit != b'0').unwrap_or(19);
        self.begin(field.name());
        // All of it is ASCII.
        self.text
            .push_str(str::from_utf8(&digits[begin..]).unwrap_or_default());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if field.name() == MESSAGE {
            self.begin(MESSAGE);
            let written = OnOneLine(&mut self.text).write_str(value);
            self.result = self.result.and(written);
        } else if value.bytes().all(is_plain) {
            self.begin(field.name());
            self.text.push('"');
            self.text.push_str(value);
            self.text.push('"');
        } else {
            self.record_debug(field, &value);
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
