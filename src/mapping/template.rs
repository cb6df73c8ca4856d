//! What a call's request line is made of.

use http::Method;

use super::line::Source;

/// A method and a path with holes.
#[derive(Debug)]
pub struct CallTemplate {
    /// The method.
    pub method: Method,
    /// The operation as REST writes it, e.g. `GET /tms/v2/customers/{customerId}`.
    pub operation: String,
    /// The family of operations, by which outcomes are judged.
    pub group: String,
    /// Whether REST takes its body sealed.
    pub sealable: bool,
    /// The path's parts.
    pub parts: Vec<PathPart>,
}

/// A part of a call's path.
#[derive(Debug)]
pub enum PathPart {
    /// Text that stands as it is.
    Text(String),
    /// A value that fills one path segment.
    Value {
        /// The parameter's REST name.
        name: String,
        /// Where the value comes from.
        source: Source,
    },
}
