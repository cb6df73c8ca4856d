//! Which service a request asks for.

use thiserror::Error;

use crate::mapping::flags::LocalKind;
use crate::mapping::tables::{Numbers, Program};
use crate::mapping::validate::Refusal;
use crate::mapping::{Tables, diagnostic};

/// The field that lists the services.
pub const APPLICATIONS: &str = "ics_applications";

/// Why no service can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectError {
    /// The request names no service.
    #[error("the request names no service")]
    None,
    /// The request names a service that the tables do not know.
    #[error("unknown service \"{name}\"{hint}")]
    Unknown {
        /// The name, cleaned of anything but letters, digits and `_`.
        name: String,
        /// The nearest known name.
        hint: String,
    },
    /// The services cannot run in one request.
    #[error("services that cannot run in one request: {0}")]
    Together(String),
}

impl SelectError {
    /// The same as a refusal of the field that lists the services.
    pub fn refusal(&self) -> Refusal {
        let (kind, detail) = match self {
            SelectError::None => (LocalKind::Missing, String::new()),
            other => (LocalKind::Invalid, format!(" ({other})")),
        };
        Refusal {
            kind,
            field: APPLICATIONS.to_owned(),
            detail,
        }
    }
}

/// What to do for the services that a request asks for: a list with commas, in any case and order, with blanks and empty
/// places.
pub fn select<'t>(
    tables: &'t Tables,
    applications: Option<&str>,
) -> Result<&'t Program, SelectError> {
    let names = applications.unwrap_or_default().split(',').map(str::trim);
    let names = || names.clone().filter(|name| !name.is_empty());
    let mut numbers = Numbers::new();
    for name in names() {
        let number = tables.service(name);
        numbers.push(number.ok_or_else(|| unknown(tables, &name.to_ascii_lowercase()))?);
    }
    if numbers.is_empty() {
        return Err(SelectError::None);
    }
    tables.program_of(numbers).ok_or_else(|| {
        let names: Vec<&str> = names().collect();
        SelectError::Together(names.join(", ").to_ascii_lowercase())
    })
}

fn unknown(tables: &Tables, name: &str) -> SelectError {
    // What stands here is the caller's text and comes back in a reply: no more of it than a name can be.
    let word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let name: String = name.chars().filter(word).take(60).collect();
    let hint = diagnostic::hint(&name, tables.services.iter().map(String::as_str));
    SelectError::Unknown { name, hint }
}
