//! Code tables: an SCMP code and the REST value that stands for it.

use std::collections::HashMap;

use compact_str::CompactString;

/// The REST value of the line for all that no line names.
const OTHER: &str = "*";

/// A code table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeId(pub(in crate::mapping) u16);

/// The check on a card's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NumberCheck {
    /// 12 to 19 digits with a right Luhn digit.
    #[default]
    Luhn,
    /// 12 to 19 digits.
    Digits,
    /// None: what stands there is no card number.
    Any,
}

/// One code.
#[derive(Debug)]
pub struct Code {
    /// The SCMP value.
    pub scmp: String,
    /// The REST value.
    pub rest: String,
    /// Other REST values met in replies.
    pub also: Vec<String>,
    /// The check on a card number, where the code is a card type.
    pub number: NumberCheck,
}

/// Lines by words in lower case. What is in it comes from the tables: no hash can be forced on it.
type Words = HashMap<CompactString, usize, foldhash::fast::FixedState>;

/// A table of codes.
#[derive(Debug)]
pub struct CodeTable {
    /// Its name in `codes.toml`.
    pub name: String,
    /// Its lines.
    pub codes: Vec<Code>,
    /// The lines by their SCMP values, and by all their REST values.
    by_scmp: Words,
    by_rest: Words,
    /// The line for any other REST value.
    other: Option<usize>,
}

impl CodeTable {
    /// A table of these lines.
    pub fn new(name: &str, codes: Vec<Code>) -> CodeTable {
        let lines = || codes.iter().enumerate();
        let scmp = lines().map(|(at, code)| (lower(&code.scmp), at));
        let rest = lines().flat_map(|(at, code)| {
            let words = [&code.rest].into_iter().chain(&code.also);
            words.map(move |word| (lower(word), at))
        });
        CodeTable {
            name: name.to_owned(),
            by_scmp: first_ones(scmp),
            by_rest: first_ones(rest),
            other: codes.iter().position(|code| code.rest == OTHER),
            codes,
        }
    }

    /// The line of an SCMP value, in any case.
    pub fn by_scmp(&self, value: &str) -> Option<&Code> {
        Some(&self.codes[find(&self.by_scmp, value)?])
    }

    /// The line of a REST value, in any case; else the line for any other value, where the table has one.
    pub fn by_rest(&self, value: &str) -> Option<&Code> {
        let known = find(&self.by_rest, value);
        let at = known.or(self.other)?;
        Some(&self.codes[at])
    }
}

/// Of several lines for one word the first.
fn first_ones(words: impl Iterator<Item = (CompactString, usize)>) -> Words {
    let mut first = Words::default();
    for (word, at) in words {
        first.entry(word).or_insert(at);
    }
    first
}

/// The line of a word, in any case.
fn find(words: &Words, word: &str) -> Option<usize> {
    match word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => words.get(&lower(word)).copied(),
        false => words.get(word).copied(),
    }
}

/// A word as it is looked for: most are short, and need no memory of their own.
fn lower(word: &str) -> CompactString {
    word.chars().map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_in_any_case_and_the_first_counts() {
        let code = |scmp: &str, rest: &str, also: &[&str]| Code {
            scmp: scmp.into(),
            rest: rest.into(),
            also: also.iter().map(|also| (*also).into()).collect(),
            number: NumberCheck::Luhn,
        };
        let codes = vec![
            code("Beta", "2", &["zwei", "Two"]),
            code("alpha", "1", &[]),
            code("gamma", "2", &[]),
            code("rest", "*", &[]),
        ];
        let table = CodeTable::new("t", codes);
        let scmp = |word: &str| table.by_scmp(word).map(|code| code.rest.as_str());
        assert_eq!((scmp("BETA"), scmp("alpha")), (Some("2"), Some("1")));
        assert_eq!((scmp("bet"), scmp("zz"), scmp("")), (None, None, None));
        let rest = |word: &str| table.by_rest(word).map(|code| code.scmp.as_str());
        assert_eq!((rest("TWO"), rest("2")), (Some("Beta"), Some("Beta")));
        assert_eq!(rest("nine"), Some("rest"));
    }
}
