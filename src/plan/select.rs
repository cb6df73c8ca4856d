//! Which service a request asks for.

use thiserror::Error;

use crate::mapping::flags::LocalKind;
use crate::mapping::tables::Program;
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
    let names = applications
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase());
    let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    if let Some(name) = names
        .iter()
        .find(|name| tables.services.binary_search(name).is_err())
    {
        return Err(unknown(tables, name));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match names[..] {
        [] => Err(SelectError::None),
        _ => tables
            .program(&names)
            .ok_or_else(|| SelectError::Together(names.join(", "))),
    }
}

fn unknown(tables: &Tables, name: &str) -> SelectError {
    // What stands here is the caller's text and comes back in a reply: no more of it than a name can be.
    let word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let name: String = name.chars().filter(word).take(60).collect();
    let hint = diagnostic::hint(&name, tables.services.iter().map(String::as_str));
    SelectError::Unknown { name, hint }
}
