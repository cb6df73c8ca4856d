//! A request that passed authentication.

use std::time::SystemTime;

use hyper::header::HeaderMap;

/// What a reply shows of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// They are whole, and the reply is sealed for the merchant; else most digits are crossed out.
    pub(crate) is_unmasked: bool,
    /// What the first digits of a card tell is shown with it.
    pub(crate) has_bin_details: bool,
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
