//! What is wrong with the tables, where, and what to do about it.

use std::fmt;

/// One fault found in a table or configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as the user would name it, e.g. `mappings/flags.toml`.
    pub file: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong and the remedy, as a sentence.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// The candidate nearest to `name`, if one is near enough to be a slip of the pen.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(name, candidate),
                candidate,
            )
        })
        .filter(|(similarity, _)| *similarity >= 0.6)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// The words `; did you mean "…"?`, or a full stop where nothing is near.
pub fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(name, candidates) {
        Some(candidate) => format!("; did you mean \"{candidate}\"?"),
        None => ".".to_owned(),
    }
}

/// A TOML error as one line, with the nearest known name where a key is not known.
pub fn toml_message(message: &str) -> String {
    let message = message.trim().replace('\n', "; ");
    let mut quoted = message.split('`').skip(1).step_by(2);
    match quoted.next() {
        Some(unknown) if message.starts_with("unknown ") => {
            let known: Vec<&str> = quoted.collect();
            format!("{message}{}", hint(unknown, known))
        }
        _ => message,
    }
}

/// The line, counted from 1, of a byte offset in a text.
pub fn line_of(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    1 + text.as_bytes()[..end]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognized_and_a_stranger_is_not() {
        assert_eq!(
            nearest("bil_city", ["bill_city", "bill_zip"]),
            Some("bill_city")
        );
        assert_eq!(nearest("zzz", ["bill_city", "bill_zip"]), None);
    }

    #[test]
    fn an_unknown_key_gets_a_hint() {
        let text = toml_message("unknown field `pth`, expected one of `path`, `field`");
        assert!(text.ends_with("; did you mean \"path\"?"), "{text}");
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!(line_of("a\nb\nc", 0), 1);
        assert_eq!(line_of("a\nb\nc", 4), 3);
        assert_eq!(line_of("", 9), 1);
    }
}
