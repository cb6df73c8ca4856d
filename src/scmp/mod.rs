//! The legacy protocol: `name=value` text in and out.
//!
//! ```text
//! bytes -> Charset::decode -> parse -> Request { fields, offers }
//! Reply { fields } -> render (in the request's charset) -> bytes
//! ```
//!
//! Invariants of this room:
//!
//! - No I/O, no clock, no configuration: every function is a pure function of its arguments.
//! - Nothing here knows what a field means. The only names it knows are `offerN`, which are a
//!   matter of syntax, and `offerid`, which old callers put into that syntax.
//! - No error and no `Debug` output holds a field's value: values are card numbers.
//! - Every input gives a [`Request`] or an error, never a panic, in time linear in its length.
//! - A [`Reply`] renders to exactly one line a field, whatever text its values came from.
//!
//! Text is decoded as a whole before it is split, because in Shift_JIS the second byte of a
//! character can be `^` (0x5E), which separates the elements of an offer.

mod charset;
mod field_set;
mod grammar;
mod names;
mod offer;
mod parse;
mod peek;
mod reply;
mod request;
mod split;
mod text;

#[cfg(test)]
mod properties;

pub use charset::{Charset, CharsetError};
pub use field_set::Field;
pub use names::{Names, Within};
pub use offer::{Offer, OfferFault};
pub use parse::{MAX_FIELDS, ParseError, parse};
pub use peek::peek;
pub use reply::{Reply, fits_lines};
pub use request::Request;
