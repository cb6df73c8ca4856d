//! The configuration as it is written.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::Deserialize;

use crate::mapping::TokenIds;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    pub server: RawServer,
    pub rest: RawRest,
    pub journal: RawJournal,
    pub resolve: RawResolve,
    pub limits: RawLimits,
    pub side_store: RawSideStore,
    pub merchants: IndexMap<String, RawMerchant>,
}

/// `[server]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawServer {
    pub listen: Option<String>,
    pub admin: Option<String>,
    pub allow_plaintext: Option<bool>,
    pub max_body_bytes: Option<usize>,
    pub max_connections: Option<usize>,
    pub receive_timeout: Option<String>,
    pub request_timeout: Option<String>,
    pub drain_timeout: Option<String>,
}

/// `[rest]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawRest {
    pub base_url: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub connect_timeout: Option<String>,
    pub timeout: Option<String>,
}

/// `[journal]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawJournal {
    pub url: Option<String>,
    pub patience: Option<String>,
    pub retention: Option<String>,
    pub lease: Option<String>,
}

/// `[side_store]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawSideStore {
    pub keys: Vec<RawSideKey>,
    pub settle_after: Option<String>,
}

/// A key of the side store. Has no `Debug`: it holds a secret.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawSideKey {
    pub id: String,
    pub key: Option<String>,
    pub key_file: Option<PathBuf>,
    pub key_env: Option<String>,
}

impl std::fmt::Debug for RawSideKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawSideKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// `[resolve]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawResolve {
    pub first_delay: Option<String>,
    pub look_up: Option<String>,
    pub deadline: Option<String>,
}

/// `[limits]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    pub requests: Option<usize>,
    pub requests_per_merchant: Option<usize>,
    pub queue: Option<usize>,
    pub queue_timeout: Option<String>,
    pub breaker_failures: Option<u32>,
    pub breaker_pause: Option<String>,
}

/// How calls are authenticated.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawAuth {
    /// JWT v2, with the shared secret or a certificate.
    #[default]
    Jwt,
    /// HTTP Signature, for accounts that have not moved.
    HttpSignature,
}

/// Message-level encryption.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawMle {
    /// None.
    #[default]
    Off,
    /// Requests are sealed.
    Request,
    /// Requests and replies are sealed.
    Both,
}

/// What a payment that creates tokens creates, in the words of the REST side.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum RawTokenType {
    /// A customer.
    Customer,
    /// A payment instrument.
    PaymentInstrument,
    /// An instrument identifier.
    InstrumentIdentifier,
}

/// Whether a request that comes again is recognized by its content.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RawRetries {
    /// No.
    #[default]
    Off,
    /// Yes.
    Replay,
}

/// What becomes of a payment whose answer was lost.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RawUnknown {
    /// It is taken back.
    #[default]
    Reverse,
    /// It is looked for, and kept when it is found.
    Keep,
}

/// `[merchants.ID.limits]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawMerchantLimits {
    pub requests: Option<usize>,
}

/// `[merchants.ID]`. Its `Debug` shows no secret.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawMerchant {
    pub key_id: Option<String>,
    pub shared_secret: Option<String>,
    pub shared_secret_file: Option<PathBuf>,
    pub shared_secret_env: Option<String>,
    pub old_shared_secrets: Vec<String>,
    pub old_shared_secret_files: Vec<PathBuf>,
    pub old_shared_secret_envs: Vec<String>,
    pub p12_file: Option<PathBuf>,
    pub p12_password: Option<String>,
    pub p12_password_file: Option<PathBuf>,
    pub p12_password_env: Option<String>,
    pub certificate_file: Option<PathBuf>,
    pub private_key_file: Option<PathBuf>,
    pub auth: RawAuth,
    pub mle: RawMle,
    pub mle_certificate_file: Option<PathBuf>,
    pub mle_response_p12_file: Option<PathBuf>,
    pub mle_response_p12_password: Option<String>,
    pub mle_response_p12_password_file: Option<PathBuf>,
    pub mle_response_p12_password_env: Option<String>,
    pub mle_response_private_key_file: Option<PathBuf>,
    pub mle_response_certificate_file: Option<PathBuf>,
    pub mle_response_key_id: Option<String>,
    pub unmasked_retrieve: bool,
    pub base_url: Option<String>,
    pub profile_id: Option<String>,
    pub portfolio_id: Option<String>,
    pub processor: Option<String>,
    pub relaxed_address: bool,
    pub network_tokens: bool,
    pub token_types: Option<Vec<RawTokenType>>,
    pub token_ids: TokenIds,
    pub preauthorization: bool,
    pub charset: Option<String>,
    pub retries: RawRetries,
    pub retry_window: Option<String>,
    pub unknown: RawUnknown,
    pub limits: RawMerchantLimits,
}

impl std::fmt::Debug for RawMerchant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawMerchant")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
