//! Golden cases: a request, the REST calls that it must become, and the reply that must come of it.
//!
//! A case is a folder with `request.scmp`, `calls.json`, `reply.scmp` and an optional `case.toml`; `golden/README.md`
//! explains them. The runner drives the same [`crate::plan`] as the gateway, with the replies of `calls.json` in the
//! REST host's place.

mod case;
mod diff;
mod run;

pub use case::{Case, CaseError, load_all};
pub use run::{Produced, produce};
