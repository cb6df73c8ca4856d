//! The sandbox over real sockets.
//!
//! Requests are written as bytes and signed by a few lines of their own, so that nothing here
//! agrees with the sandbox by sharing its code.

#[path = "../src/sandbox/black_box/authentication.rs"]
mod authentication;
#[path = "../src/sandbox/black_box/client.rs"]
mod client;
#[path = "../src/sandbox/black_box/customers.rs"]
mod customers;
#[path = "../src/sandbox/black_box/identifiers.rs"]
mod identifiers;
#[path = "../src/sandbox/black_box/owned.rs"]
mod owned;
#[path = "../src/sandbox/black_box/wire.rs"]
mod wire;
