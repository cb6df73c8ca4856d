//! Calls as the tables write them: a method, a path with holes, and the ways that settle a lost one.

use http::Method;

use super::condition::Condition;
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

/// One way to settle a call whose outcome is not known.
#[derive(Debug)]
pub struct SettleWay {
    /// What is called.
    pub how: SettleCall,
    /// Whether it looks for the lost call, which is kept when it is found.
    pub find: bool,
    /// Whether it reads the object, whose ETag tells whether the lost call changed it.
    pub unchanged: bool,
    /// When it is a way.
    pub when: Condition,
}

/// What is called to settle a call.
#[derive(Debug)]
pub enum SettleCall {
    /// The very call, without an id of its own: carried out twice it does no more than once.
    Again,
    /// Another, which names the lost one by its transaction id.
    Other {
        /// The method and path.
        template: CallTemplate,
        /// Its body.
        body: Option<usize>,
    },
}
