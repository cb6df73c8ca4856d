//! The sandbox over real sockets.
//!
//! Requests are written as bytes and signed by a few lines of their own, so that nothing here
//! agrees with the sandbox by sharing its code.

mod authentication;
mod client;
mod customers;
mod identifiers;
mod owned;
mod wire;
