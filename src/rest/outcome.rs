//! The three outcomes of a call, and what can go wrong in words for an operator.

use std::time::Duration;

use thiserror::Error;

use super::call::Answer;

/// What is known after a call.
///
/// There is no `Result` here on purpose: the third outcome is neither success nor failure, and
/// every caller has to say what it does with it.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server answered in full, with whatever status.
    Answered(Answer),
    /// Provably not one byte of the request was sent, or the host says that it did nothing with it: nothing happened,
    /// repeating is safe.
    NotSent(Failure),
    /// The request, or a part of it, may have arrived and may have been carried out.
    Unknown(Failure),
}

/// Why there is no answer. Names the host; holds no body, header value, path or secret, and of
/// the peer's own words only what its certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// The call cannot be put on the wire as it is; a fault of the tables or of the code.
    #[error("call to {host} refused before sending: {reason}; correct the mapping that made it")]
    InvalidCall {
        /// Host and port of the REST API.
        host: String,
        /// What is wrong with the call.
        reason: &'static str,
    },
    /// A header value holds characters that HTTP forbids.
    #[error(
        "call to {host} refused before sending: the value of header {name} is not visible ASCII; \
         correct the value that the request or the merchant's settings give for it"
    )]
    InvalidHeader {
        /// Host and port of the REST API.
        host: String,
        /// The header's name.
        name: &'static str,
    },
    /// The request could not be signed.
    #[error(
        "call to {host} not sent: signing failed: {reason}; check the merchant's key and the \
         system clock"
    )]
    Signing {
        /// Host and port of the REST API.
        host: String,
        /// What failed.
        reason: &'static str,
    },
    /// Too much of the merchant's work with private keys waits already.
    #[error(
        "call to {host} not sent: too many calls of this merchant wait for its RSA keys; send fewer at a time, give the \
         machine more cores, or authenticate with a shared secret"
    )]
    Busy {
        /// Host and port of the REST API.
        host: String,
    },
    /// The name of the host has no address.
    #[error("cannot resolve {host}: {reason}; check rest.base_url and the name servers")]
    Resolve {
        /// Host and port of the REST API.
        host: String,
        /// The resolver's error.
        reason: String,
    },
    /// No TCP connection.
    #[error(
        "cannot connect to {host}: {reason}; check the network, the firewall and rest.base_url"
    )]
    Connect {
        /// Host and port of the REST API.
        host: String,
        /// The system's error.
        reason: String,
    },
    /// No connection, TLS included, within the limit.
    #[error("no connection to {host} within {limit:?}; check the network and the firewall")]
    ConnectTimeout {
        /// Host and port of the REST API.
        host: String,
        /// The limit that passed.
        limit: Duration,
    },
    /// There was a connection, but the request was not taken.
    #[error(
        "call to {host} not taken: {reason}; try again, and if that stays so, check what is on the way"
    )]
    NotTaken {
        /// Host and port of the REST API.
        host: String,
        /// What shows it.
        reason: &'static str,
    },
    /// The TLS handshake failed, so the request stayed unsent.
    #[error(
        "TLS handshake with {host} failed: {reason}; check rest.ca_file, the system's trusted \
         roots and what intercepts TLS on the way"
    )]
    Tls {
        /// Host and port of the REST API.
        host: String,
        /// The TLS library's error.
        reason: String,
    },
    /// The journal could not take the intent, so nothing was done.
    #[error("call not sent: the journal cannot be written; see its errors above")]
    NotRecorded,
    /// The host failed so often, or asked for so much patience, that it is left alone for a while.
    #[error("call to {host} not sent: it failed before, and is tried again in {pause:?}")]
    Paused {
        /// Host and port of the REST API.
        host: String,
        /// How long it is left alone.
        pause: Duration,
    },
    /// The whole call took longer than the limit.
    #[error(
        "no complete reply from {host} within {limit:?}; the call may have taken effect: look it \
         up or reverse it, do not repeat it"
    )]
    Timeout {
        /// Host and port of the REST API.
        host: String,
        /// The limit that passed.
        limit: Duration,
    },
    /// The connection ended before the reply was complete.
    #[error(
        "the connection to {host} failed before the reply was complete ({reason}); the call may \
         have taken effect: look it up or reverse it, do not repeat it"
    )]
    Cut {
        /// Host and port of the REST API.
        host: String,
        /// How it ended.
        reason: String,
    },
    /// The answer to a change got lost, and when it was made again the object was no longer as it had been read.
    #[error(
        "what {host} was to change has changed meanwhile: by the call whose answer got lost, or by another"
    )]
    Changed {
        /// Host and port of the REST API.
        host: String,
    },
    /// The reply came sealed and could not be opened.
    #[error(
        "the reply of {host} came sealed and could not be opened: {reason}; the call may have taken effect: look it up or \
         reverse it, do not repeat it; check mle_response_private_key_file or mle_response_p12_file"
    )]
    Sealed {
        /// Host and port of the REST API.
        host: String,
        /// Why not.
        reason: String,
    },
    /// A refusal that is no JSON object: it is not the API that says it.
    #[error(
        "something on the way to {host} answered {status} with what is no answer of the API; the call may have taken effect: \
         look it up or reverse it, do not repeat it; check base_url and what is on the way"
    )]
    Foreign {
        /// Host and port of the REST API.
        host: String,
        /// The status that came.
        status: u16,
    },
    /// The reply is longer than the limit.
    #[error(
        "the reply of {host} is longer than {limit} bytes and was not read; the call may have \
         taken effect: look it up or reverse it, do not repeat it"
    )]
    ReplyTooLarge {
        /// Host and port of the REST API.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
}
