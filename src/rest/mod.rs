//! The REST client: a [`Call`] goes out authenticated, exactly once, and comes back as one of
//! three [`Outcome`]s.
//!
//! ```text
//! Call -> Outgoing (final bytes) -> Authenticator -> one request -> Answered | NotSent | Unknown
//! ```
//!
//! Invariants:
//!
//! - **Never twice.** No retry, no redirect followed. The HTTP library moves a request to another
//!   connection only while not a byte of it has been written.
//! - **`NotSent` is a proof**: no connection was made, or the call was refused before there was
//!   one. Whatever happens later, or cannot be told apart, is `Unknown`.
//! - **What is signed is what is sent**: the body's bytes are made by the caller once, and a path
//!   that URL parsing would change is refused.
//! - **Nothing confidential is printed**: no `Debug`, `Display` or error of this room holds a
//!   body, a header value or a secret.
//! - **Bounded**: the time to connect, the time of the whole call, the size of the reply.
//! - Settings come in as values; no proxy is taken from the environment and no file is read but
//!   the CA bundle, once.
//!
//! Deliberately absent: what a status or a body means (the plan's and the tables' work), retries,
//! look-ups and reversals (the caller's, who knows what the call moved).

pub mod auth;
mod base_url;
mod call;
mod client;
mod credentials;
mod exchange;
pub mod keys;
mod merchant;
mod outcome;
mod path;
mod secret;
mod setup_error;

#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod wire_tests;

pub use call::{Answer, Call};
pub use client::{Client, ClientSettings};
pub use credentials::{Credentials, Scheme};
pub use merchant::Merchant;
pub use outcome::{Failure, Outcome};
pub use path::{UnsafeId, path_segment};
pub use secret::{Secret, SecretError};
pub use setup_error::SetupError;
