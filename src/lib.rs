//! scmp-gateway: accepts requests of the legacy SCMP API and answers them through the REST API.
//!
//! One straight line, one room for each arrow:
//!
//! ```text
//! bytes -> scmp::Request -> plan (services + tables) -> rest::Call(s) -> REST reply -> scmp::Reply -> bytes
//! ```
//!
//! - [`scmp`] the legacy protocol: parser, offers, charsets, reply. No I/O.
//! - [`mapping`] the declarative tables: loading, checking, compiled form, request and reply mapping. No I/O at run time.
//! - [`plan`] from a request to calls and from their replies to the SCMP reply. No I/O, no clock.
//! - [`rest`] the REST client: authentication, time-outs, the three outcomes of a call.
//! - [`gateway`] the listener: limits, merchants, execution of a plan, shutdown.
//! - [`sandbox`] an independent simulator of the REST API; shares no code with the rooms above.
//! - [`golden`] the golden-case runner.
//! - [`config`] the configuration, resolved and checked.
//! - `random` random bytes for ids, `clock` the time as text, `pace` many requests in step, `patience` waiting with a limit, `workers` a thread for each core.
//! - [`telemetry`] logs, and the net under them.
//! - [`cli`] one file for each command.

pub mod cli;
mod clock;
pub mod config;
pub mod gateway;
pub mod golden;
pub mod journal;
pub mod mapping;
mod pace;
mod pages;
mod patience;
pub mod plan;
mod random;
pub mod rest;
pub mod sandbox;
pub mod scmp;
pub mod telemetry;
pub mod workers;
