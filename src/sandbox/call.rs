//! A request that passed authentication.

use std::time::SystemTime;

use hyper::header::HeaderMap;

/// How numbers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// All but a few digits crossed out.
    Masked,
    /// Whole, in a reply that is sealed for the merchant.
    Unmasked,
}

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
    /// How the reply shows numbers.
    pub(crate) view: View,
}
