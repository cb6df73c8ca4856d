//! An honest, stateful simulator of Cybersource's REST API, for tests and demonstrations.
//!
//! It shares no code with the rest of the crate. Gateway and sandbox are two readings of the same
//! documents; if they shared a signer, a field table or a mask, one wrong reading would make both
//! agree and every test would pass.
//!
//! # What it simulates
//!
//! - **Authentication**, verified over the bytes received, before anything else: HTTP Signature,
//!   JWT version 2 with a shared secret or a certificate, JWT version 1; keys of portfolios. A
//!   refusal is 401 `{"response":{"rmsg":"Authentication Failed"}}`, which the real host sends
//!   too; the log says why. See `auth`.
//! - **Message-level encryption**: sealed requests, sealed replies, and retrievals of whole numbers
//!   under seal; the keys for it are made here. See `mle` and `keys`.
//! - **Token management (TMS)**: instrument identifiers, customers, their payment instruments and
//!   shipping addresses, payment instruments of nobody, several tokens by one call, network tokens
//!   and what pays in their place; with state, ETags, defaults, cascades and errors. See `tms`.
//! - **Payments (PTS)**: authorizations, sales, increments, captures, reversals, refunds, credits
//!   and voids, by card, by token of this vault, by bank account; tokens made by a payment;
//!   reversal and void after a time-out; details of a transaction (TSS). The list of operations
//!   and of the amounts and accounts that decline is the documentation of `pts`.
//! - **Faults of the way**, by the request header `x-sandbox-fault` or planned by an operator: cut
//!   connections, delays, half replies, pages of proxies, wrong ETags. See `fault`.
//! - **Operators' calls** under `/sandbox`: faults, clock, settlement, balances, reset, keys. See
//!   `admin`.
//!
//! # Rules and their sources
//!
//! *Spec* is the provider's OpenAPI file, *SDK* its client libraries, *guide* its developer
//! guides, *live* what public test suites assert of its test host, *choice* a decision made here
//! because no source settles it.
//!
//! Tokens:
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
//! - A payment instrument is found in the home where it was made, with its customer or under
//!   `/tms/v1/paymentinstruments`; payments take both (choice).
//! - Cards of three networks get a network token at once, every other is `UNPROVISIONED`; a token
//!   that its issuer deletes closes the card's identifier, which still pays; numbers, cryptograms,
//!   pictures and the issuers of `retrieveBinDetails` are made up (choices). Credentials of the
//!   second version come as a bare JWE (SDK), those of the third show card numbers masked (choice).
//! - Any use of a stale `If-Match` is 412, also on DELETE (spec for PATCH, choice for DELETE).
//!
//! Payments:
//!
//! - Refunds and voids under `payments/{id}` are for sales and debits; after a separate capture
//!   they are under `captures/{id}`; an authorization takes a reversal (guide, live). A void of
//!   an authorization is `NOT_VOIDABLE`, a refund of one `INVALID_DATA` (choice of the reasons).
//! - A second reversal, and a capture after one, are `AUTH_ALREADY_REVERSED` (live, choice). What
//!   was captured is voided before it is reversed; until then the reversal is
//!   `TRANSACTION_ALREADY_REVERSED_OR_SETTLED`, and a capture of a sale is
//!   `TRANSACTION_ALREADY_SETTLED` (choice).
//! - An unknown id, one of another kind, and one of a declined payment are `INVALID_DATA` without
//!   `details` (live); another merchant's is 404 (choice).
//! - [`Balances`] decide whether amounts are held against what was paid: lenient as at the test
//!   host (live), or strict: `EXCEEDS_AUTH_AMOUNT` for captures, `INVALID_AMOUNT` for refunds and
//!   for reversals of another amount than the authorized one (choice of the reasons).
//! - Voids are `NOT_VOIDABLE` once [`Settings::settlement`] has passed (guide; choice of the time).
//! - `clientReferenceInformation.transactionId` is good for one request of a merchant in 60 days; a
//!   repeat is `INVALID_DATA` without `details` (guide, live). A reference code is good for one
//!   payment in 15 minutes only when [`Settings::duplicates_refused`] says so (guide). Whatever was answered 201 has used it up, and so have
//!   time-outs that did the work; other refusals have not (choice). It names the transaction for
//!   `POST /pts/v2/reversals` and `/voids`; an increment's names its authorization. One that names
//!   nothing is `INVALID_DATA` without `details` (choice).
//! - A request needs amounts and currency, a means of payment, expiry and address, these two
//!   also out of a token (guide); a reversal its amount and its reason. The reference `code` is
//!   not needed: the guides' own examples lack it, and the host makes one. In the same examples
//!   the email is empty, which is taken. A follow-on in another currency is refused (choice).
//! - Amounts are text, cut to the currency's decimals and shown with all of them (spec, choice).
//! - Tokens come of every authorization that can be captured, so also beside `AVS_FAILED` and
//!   `CV_FAILED`, and of none that was declined (guide; choice for those two). What TMS would
//!   refuse is refused before the payment. Merchant-defined data is not stored in them (choice),
//!   nor is the currency. A credit makes none (choice).
//! - A sale is captured only after an authorization in full, without a failed check or a risk
//!   decision against it (guide for the checks, choice for the others).
//! - `CONTACT_PROCESSOR` leaves nothing to capture but by `VERBAL` with its code (guide, choice);
//!   an order that risk management rejects can be reversed and not captured (choice).
//!
//! Looking up:
//!
//! - `POST /tss/v2/searches` takes queries of the guide's form over some of its fields; others are 400 `INVALID_DATA`
//!   naming `query` (choice). It lists every transaction of the merchant's at once, or after
//!   [`Settings::search_lag`], for the real one lags behind (guide). A saved search is carried out anew when it is read
//!   (choice), and ends with the process.
//! - Details show the merchant's `comments`, lists do not (spec). Neither shows `transactionId`.
//!
//! Seals:
//!
//! - Sealed requests need a JWT (SDK). A sandbox with keys refuses `/tms/v2/tokenize` unsealed: 400
//!   (SDK; choice of the refusal). No 401 is sealed: the token that asks for it is not proved
//!   (choice). What cannot be opened is 400, and a reply asked for under an
//!   unknown key 401 (choices). 204 has nothing to seal.
//! - `Accept: application/jose` gets a bare JWE, sealed for the key that the token names or else
//!   the merchant's first; 403 without one (guide for the form, choice for the rest).
//!
//! # What it does not do
//!
//! No risk, tax, payouts, recurring billing or reports; no payer authentication beyond its two
//! refusals. No simulators of processors whose amounts nobody tells
//! (FDI Global, HSBC), no level II and III data, no partial reversal that leaves a rest. No OAuth.
//! The cards behind
//! `legacyToken`, `fluidData` and transient tokens are taken for an approved Visa card. Nothing
//! expires: transactions and the ids of deleted tokens are remembered until a reset.

mod admin;
mod auth;
mod call;
mod card;
mod clock;
mod fault;
mod host;
mod ids;
mod keeping;
mod keys;
mod merchants;
mod mle;
mod plan;
mod processor;
mod pts;
mod reply;
mod server;
mod settings;
mod store;
mod tms;

pub use keys::{Certificate, KeyError, KeyFile, Keys, MerchantKeys, Pair, Tls};
pub use merchants::{Key, Merchant};
pub use plan::{PlanError, PlannedFault};
pub use processor::Processor;
pub use server::{Listeners, Sandbox, SandboxError, run};
pub use settings::{Balances, Settings};
pub use store::StateError;
