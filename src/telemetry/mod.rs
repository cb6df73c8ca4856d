//! Logs: where they go, how they look, and the last net under them.

mod fields;
mod wish;
mod writer;

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal};
use std::ops::RangeInclusive;
use std::time::SystemTime;

use clap::ValueEnum;
use tracing::{Level, Metadata, error, warn};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

use crate::clock;

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Tells where something panicked, and not what that says: a value may be in it, whole or in part.
fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        error!(
            at = at.unwrap_or_default(),
            "a fault of the program: what was under way here broke off; please report it"
        );
        // It may be the end of the process.
        flush();
    }));
}

/// Sends logs to standard error, panics too. What is told `SCMP_GATEWAY_LOG` says: a level, or levels by the parts of the
/// program, as `info,scmp_gateway::sandbox=debug`.
pub fn start(format: LogFormat) {
    tell_of_panics();
    let wish = std::env::var_os("SCMP_GATEWAY_LOG").unwrap_or_default();
    let (told, unreadable) = match wish::read(&wish.to_string_lossy()) {
        Ok(told) => (told, None),
        Err(part) => (wish::usual(), Some(part)),
    };
    let level = Layer::<Registry>::max_level_hint(&told);
    let builder = tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::TRACE))
        .with_timer(Micros)
        .with_writer(writer::ToThread);
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let speaks =
        filter_fn(move |line| may_speak(line) && told.would_enable(line.target(), line.level()));
    // A second subscriber (in a test that starts twice) is refused; the first goes on.
    let _started = match format {
        LogFormat::Text if colour => {
            let builder = builder.with_ansi(true).with_target(false);
            builder.finish().with(speaks).try_init()
        }
        LogFormat::Text => {
            let builder = builder.with_ansi(false).with_target(false);
            builder
                .fmt_fields(fields::Plain)
                .finish()
                .with(speaks)
                .try_init()
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true);
            builder.finish().with(speaks).try_init()
        }
    };
    if let Some(part) = unreadable {
        warn!(
            part,
            "SCMP_GATEWAY_LOG cannot be read, so it counts as not set; write off, error, warn, info, debug or trace, or \
             levels by part as in info,hyper=warn"
        );
    }
}

/// `YYYY-MM-DDThh:mm:ss.ffffffZ`, in UTC.
struct Micros;

impl FormatTime for Micros {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        let (second, micros) = clock::second(SystemTime::now());
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        text[..19].copy_from_slice(&second);
        text[20..26].copy_from_slice(&clock::digits::<6>(micros.into()));
        // All of it is ASCII.
        out.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

/// Whether a line may be written at all, whatever `SCMP_GATEWAY_LOG` asks for: the details that libraries tell may hold
/// headers and bodies, so card numbers and keys.
fn may_speak(metadata: &Metadata<'_>) -> bool {
    let ours = metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    ours || *metadata.level() <= Level::INFO
}

/// Waits until every line is written: to be called before the process ends.
pub fn flush() {
    writer::flush();
}

/// The lengths of card numbers.
pub const CARD: RangeInclusive<usize> = 13..=19;

/// Masks whatever looks like a card number: 13 to 19 digits in a row whose Luhn digit is right. First six and last four
/// stay, as PCI DSS 3.4.1 allows.
pub fn scrub(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let digit = |byte: &&u8| byte.is_ascii_digit();
    let mut masked: Option<Vec<u8>> = None;
    let mut begin = 0;
    // So many digits in a row have one at the place of the last: most texts need a look at each thirteenth byte only.
    while let Some(last) = bytes.get(begin + CARD.start() - 1) {
        if !last.is_ascii_digit() {
            begin += CARD.start();
            continue;
        }
        let place = begin + CARD.start() - 1;
        let before = bytes[begin..place].iter().rev().take_while(digit).count();
        let run = before + bytes[place..].iter().take_while(digit).count();
        let first = place - before;
        if CARD.contains(&run) && luhn(&bytes[first..first + run]) {
            let copy = masked.get_or_insert_with(|| bytes.to_vec());
            copy[first + 6..first + run - 4].fill(b'X');
        }
        begin = first + run + 1;
    }
    // Only ASCII digits were replaced by ASCII letters.
    masked
        .and_then(|masked| String::from_utf8(masked).ok())
        .map_or(text.into(), Cow::Owned)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, byte)| u32::from(byte - b'0') * if place % 2 == 0 { 1 } else { 2 })
        .map(|product| product / 10 + product % 10)
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The hook is the whole process's: the test runs itself in one of its own.
    #[test]
    fn a_panic_shows_no_value() {
        const CHILD: &str = "SCMP_GATEWAY_TEST_PANICS";
        if std::env::var_os(CHILD).is_some() {
            start(LogFormat::Text);
            let panicked = std::thread::spawn(|| panic!("4111111111111111")).join();
            return assert!(panicked.is_err());
        }
        let itself = std::env::current_exe().expect("a path");
        let ran = Command::new(itself)
            .args([
                "--exact",
                "telemetry::tests::a_panic_shows_no_value",
                "--nocapture",
            ])
            .env(CHILD, "1")
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{said}");
        assert!(
            said.contains("please report it") && said.contains(file!()),
            "{said}"
        );
        assert!(!said.contains("4111"), "{said}");
    }

    #[test]
    fn card_numbers_are_caught_and_ids_are_not() {
        assert_eq!(scrub("n=4111111111111111;"), "n=411111XXXXXX1111;");
        assert_eq!(scrub("表 378282246310005"), "表 378282XXXXX0005");
        for harmless in ["4889877812726625901540", "4111111111111112", "12345", ""] {
            assert_eq!(scrub(harmless), harmless);
        }
    }

    #[test]
    fn card_numbers_are_caught_wherever_they_stand() {
        for before in 0..30 {
            for after in 0..3 {
                let around =
                    |number: &str| format!("{}{number}{}", "-".repeat(before), "1a".repeat(after));
                let text = around("x4111111111111111y378282246310005-");
                let masked = around("x411111XXXXXX1111y378282XXXXX0005-");
                assert_eq!(scrub(&text), masked);
            }
        }
    }
}
