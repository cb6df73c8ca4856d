//! An honest, stateful simulator of Cybersource's REST API, for tests and demonstrations.
//!
//! It shares no code with the rest of the crate. Gateway and sandbox are two readings of the same
//! documents; if they shared a signer, a field table or a mask, one wrong reading would make both
//! agree and every test would pass.
//!
//! # What it simulates
//!
//! - **Authentication**, verified over the bytes received, before anything else: HTTP Signature
//!   and JWT version 2 with a shared secret. A refusal is 401
//!   `{"response":{"rmsg":"Authentication Failed"}}`, which the real host sends too; the log says
//!   why. See `auth`.
//! - **Token management (TMS)**: instrument identifiers, customers, their payment instruments and
//!   shipping addresses, with state, ETags, defaults, cascades and errors. See `tms`.
//!
//! # Rules and their sources
//!
//! *Spec* is the provider's OpenAPI file, *SDK* its client libraries, *guide* its TMS developer
//! guide, *choice* a decision made here because no source settles it.
//!
//! - The same number gets the same identifier, 201 when new and 200 when known (spec); after a
//!   deletion the number gets its original identifier again, and 200 (guide for the token's id,
//!   choice for the status).
//! - Merchants see only their own tokens; another's is 404 (choice between 401 and 404).
//! - An identifier that instruments use cannot be deleted; the default among several instruments
//!   or addresses cannot be deleted; deleting an instrument or a customer also deletes the
//!   identifiers that nothing else uses (spec).
//! - A PATCH merges objects and **replaces arrays** (choice: not documented, and replacement is
//!   the case in which a careless client loses data). A `null` removes a member (choice).
//! - Unknown members are accepted and not kept, so a card number sent in the wrong place never
//!   comes back; ids in a body are ignored (choice).
//! - Any use of a stale `If-Match` is 412, also on DELETE (spec for PATCH, choice for DELETE).
//!
//! # What it does not do
//!
//! No payments, risk, tax or other services; no message-level encryption, OAuth or JWT with
//! certificates; no portfolio keys; no standalone payment instruments, network tokens, enrollment
//! or `/tms/v2/tokenize`. Nothing is kept on disk, and nothing expires: ids of deleted tokens are
//! remembered until the process ends. TLS is for a proxy in front.

mod auth;
mod call;
mod card;
mod fault;
mod ids;
mod pts;
mod reply;
mod server;
mod settings;
mod tms;

pub use server::run;
pub use settings::{Balances, Merchant, Settings};
