//! The keys of a merchant: what it proves itself with, what seals its requests, what opens its replies.

mod files;
mod messages;
mod proof;

use std::sync::Arc;

use crate::rest::keys::OpeningKey;
use crate::rest::{Authentication, JwtKey, Mle};

use super::raw::{RawAuth, RawMerchant, RawMle};
use super::resolve::Resolver;

/// What a merchant's settings say of keys, read.
pub struct Keys {
    pub authentication: Authentication,
    pub response_key: Option<Arc<OpeningKey>>,
}

impl Resolver<'_> {
    /// The keys of a merchant, or `None` after everything that is wrong with them was told.
    pub(super) fn keys(&mut self, section: &str, id: &str, raw: &RawMerchant) -> Option<Keys> {
        let told = self.faults.len();
        let proof = self.proof(section, id, raw);
        let provider = proof.as_ref().and_then(|proof| proof.provider.clone());
        let sealing = self.sealing(section, raw, provider);
        let response_key = self.response_key(section, id, raw).map(Arc::new);
        self.check_mle(section, raw, sealing.is_some(), response_key.is_some());
        if self.faults.len() > told {
            return None;
        }
        let mle = match raw.mle {
            RawMle::Off => Mle::Off,
            RawMle::Request => Mle::Request(Arc::new(sealing?)),
            RawMle::Both => Mle::Both(Arc::new(sealing?), response_key.clone()?),
        };
        let authentication = match (raw.auth, proof?.key) {
            (RawAuth::HttpSignature, JwtKey::Secret(secret)) => {
                Authentication::HttpSignature(secret)
            }
            (_, key) => Authentication::Jwt { key, mle },
        };
        Some(Keys {
            authentication,
            response_key,
        })
    }

    /// What encryption needs beside its keys.
    fn check_mle(&mut self, section: &str, raw: &RawMerchant, sealing: bool, opening: bool) {
        if raw.mle != RawMle::Off && matches!(raw.auth, RawAuth::HttpSignature) {
            let text = "message-level encryption needs JWT; remove auth = \"http_signature\": the same key_id and secret \
                        serve for JWT.";
            self.fault(section, "mle", text);
        }
        if raw.mle != RawMle::Off && !sealing && raw.mle_certificate_file.is_none() {
            let text = "mle needs the provider's certificate to seal requests for; download it in the Business Center and \
                        give mle_certificate_file.";
            self.fault(section, "mle", text);
        }
        let named =
            raw.mle_response_p12_file.is_some() || raw.mle_response_private_key_file.is_some();
        if opening || named {
            return;
        }
        let remedy = "make a REST API response key in the Business Center and give mle_response_p12_file, or \
                      mle_response_private_key_file.";
        if raw.mle == RawMle::Both {
            let text = format!("mle = \"both\" needs a key to open replies with; {remedy}");
            self.fault(section, "mle", text);
        }
        if raw.unmasked_retrieve {
            let text =
                format!("unmasked numbers come sealed and need a key to open them with; {remedy}");
            self.fault(section, "unmasked_retrieve", text);
        }
    }
}
