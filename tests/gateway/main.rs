//! The gateway as its clients meet it: the built binary, over sockets.
//!
//! Requests are written as bytes and replies read by a few lines of our own, so that old clients'
//! odd habits can be played, and nothing here agrees with the gateway by sharing its code.

mod canary;
mod charsets;
mod clients;
mod configured;
mod crowd;
mod embedded;
mod faults;
mod framing;
mod http;
mod lifecycle;
mod limits;
mod logs;
mod main_job;
mod payments;
mod process;
mod requests;
mod schemes;
mod sealed;
mod tokens;
mod upstream;
