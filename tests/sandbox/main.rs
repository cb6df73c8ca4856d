//! The sandbox over real sockets.
//!
//! Requests are written as bytes and signed by a few lines of their own, so that nothing here
//! agrees with the sandbox by sharing its code.

mod authentication;
mod client;
mod customers;
mod faults;
mod follow_ons;
mod https;
mod identifiers;
mod kept;
mod lone;
mod means;
mod network_tokens;
mod operator;
mod owned;
mod payment_tokens;
mod payments;
mod processors;
mod sealed;
mod searches;
mod timeouts;
mod tokenize;
mod triggers;
mod wire;
