//! What an operator asks of the sandbox itself, under `/sandbox`, which no REST path has.
//!
//! | call | does |
//! |---|---|
//! | `GET /sandbox` | what it is set to, and the time it goes by |
//! | `POST /sandbox/faults {"fault", "times", "method", "path"}` | plans a fault for the next requests that match; see the module `fault` |
//! | `GET`, `DELETE /sandbox/faults` | those still planned; forgets them |
//! | `POST /sandbox/clock {"set"}` or `{"advance"}` | sets the clock to a time (`2026-12-24T00:00:00Z`), or moves it forward (`36h`) |
//! | `DELETE /sandbox/clock` | back to the system's time |
//! | `POST /sandbox/settlement` | hands everything done so far to the processor: it can no longer be voided |
//! | `POST /sandbox/balances {"balances"}` | `strict` or `lenient` |
//! | `POST /sandbox/processor {"processor"}` | whose simulator decides on amounts; see the module `processor` |
//! | `POST /sandbox/searches {"lag"}` | how long a transaction is not found by a search: `5s` |
//! | `POST /sandbox/reset {"seed"}` | forgets tokens, transactions, and what was set by calls; with a seed ids come again in the same order |
//! | `GET /sandbox/keys`, `/sandbox/keys/FILE` | the files that clients are set up with |
//!
//! Nothing here is authenticated: a sandbox listens for its own user.

mod calls;
mod response;

pub(crate) use calls::answer;

/// Whether a path is one of these.
pub(crate) fn is_admin(path: &str) -> bool {
    path == "/sandbox" || path.starts_with("/sandbox/")
}
