//! The REST client: a [`Call`] goes out authenticated, exactly once, and comes back as one of
//! three [`Outcome`]s.
//!
//! ```text
//! Call -> (sealed) -> Outgoing (final bytes) -> Authenticator -> one request -> (opened) -> Answered | NotSent | Unknown
//! ```
//!
//! Invariants:
//!
//! - **Never twice.** No retry, no redirect followed. A request moves to another connection only when HTTP gives it
//!   back whole, because the one it was meant for ended before a byte of it was written.
//! - **`NotSent` is a proof**: no connection was made, or the call was refused before there was
//!   one. Whatever happens later, or cannot be told apart, is `Unknown`.
//! - **What is signed is what is sent**: the body's bytes are made by the caller once and sealed before they are signed,
//!   and a path that URL parsing would change is refused.
//! - **A reply that cannot be opened says nothing**: it is `Unknown`, whatever its status. One that comes in the clear
//!   though it was asked for sealed is an answer: who cannot seal (a proxy, a host that refuses the key) must be heard, and
//!   what sealing protects, the reply's secrecy, is lost already.
//! - **Private keys work on threads of their own** (`rsa_pool`).
//! - **Nothing confidential is printed**: no `Debug`, `Display` or error of this room holds a
//!   body, a header value or a secret.
//! - **Bounded**: the time to connect, the time of the whole call, the size of the reply.
//! - Settings come in as values; no proxy is taken from the environment and no file is read but
//!   the CA bundle, or the system's, once.
//!
//! Deliberately absent: what a status or a body means (the plan's and the tables' work), retries,
//! look-ups and reversals (the caller's, who knows what the call moved).

mod auth;
mod base_url;
mod call;
mod client;
mod connect;
mod credentials;
mod envelope;
mod exchange;
mod http1;
mod http2;
mod jwe;
pub mod keys;
mod merchant;
mod outcome;
mod path;
mod pool;
mod rsa_pool;
mod secret;
mod setup_error;
mod tls;

#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod wire_tests;

pub use call::{Accept, Answer, Call};
pub use client::{Client, ClientSettings};
pub use credentials::{Authentication, Credentials, JwtKey, Mle, SharedSecret};
pub use merchant::Merchant;
pub use outcome::{Failure, Outcome};
pub use path::{UnsafeId, is_plain, path_segment};
pub use secret::{Secret, SecretError};
pub use setup_error::SetupError;
