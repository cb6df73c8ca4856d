//! A request that passed authentication.

use std::time::SystemTime;

use hyper::header::HeaderMap;

/// An authenticated request.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The verb, in capitals.
    pub(crate) method: &'a str,
    /// The path without the query.
    pub(crate) path: &'a str,
    /// What follows the question mark.
    pub(crate) query: &'a str,
    /// The headers.
    pub(crate) headers: &'a HeaderMap,
    /// The body's bytes.
    pub(crate) body: &'a [u8],
    /// When it came.
    pub(crate) now: SystemTime,
}
