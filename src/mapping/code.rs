//! Code tables: an SCMP code and the REST value that stands for it.

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

/// A table of codes.
#[derive(Debug)]
pub struct CodeTable {
    /// Its name in `codes.toml`.
    pub name: String,
    /// Its lines.
    pub codes: Vec<Code>,
}

impl CodeTable {
    /// The line of an SCMP value, in any case.
    pub fn by_scmp(&self, value: &str) -> Option<&Code> {
        self.codes
            .iter()
            .find(|code| code.scmp.eq_ignore_ascii_case(value))
    }

    /// The line of a REST value, in any case; else the line for any other value, where the table has one.
    pub fn by_rest(&self, value: &str) -> Option<&Code> {
        let other = || self.codes.iter().find(|code| code.rest == OTHER);
        let mut codes = self.codes.iter();
        let same = codes.find(|code| {
            code.rest.eq_ignore_ascii_case(value)
                || code
                    .also
                    .iter()
                    .any(|also| also.eq_ignore_ascii_case(value))
        });
        same.or_else(other)
    }
}
