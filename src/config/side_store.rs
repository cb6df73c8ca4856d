//! `[side_store]`: what REST has no room for, kept encrypted in the journal.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::journal::{KEY_BYTES, Keys};
use crate::rest::Secret;

use super::raw::{RawSideKey, RawSideStore};
use super::resolve::Resolver;
use super::{Journal, JournalUrl};

/// What REST has no room for.
#[derive(Debug, Clone)]
pub struct SideStore {
    /// The keys; without one nothing is kept.
    pub keys: Keys,
    /// When REST is asked about a value whose request did not come to a clear end.
    pub settle_after: Duration,
}

const SECTION: &str = "side_store";

impl Resolver<'_> {
    pub(super) fn side_store(
        &mut self,
        raw: &RawSideStore,
        journal: &Journal,
        request_timeout: Duration,
    ) -> SideStore {
        let settle_after = raw.settle_after.as_deref();
        // By then every call of a request has ended.
        let default = (request_timeout * 2).max(Duration::from_secs(15 * 60));
        let settle_after = self.duration(SECTION, "settle_after", settle_after, default);
        if settle_after <= request_timeout {
            let text = "settle_after must be longer than server.request_timeout: what a request under way keeps is not asked about.";
            self.fault(SECTION, "settle_after", text);
        }
        if !raw.keys.is_empty() && matches!(journal.url, JournalUrl::Memory) {
            let text = "keys need a journal that lasts: with journal.url = \"memory:\" the values would end with the process.";
            self.fault(SECTION, "keys", text);
        }
        let read = raw.keys.iter().map(|key| self.side_key(key));
        let read: Vec<Result<(String, Secret), String>> = read.collect();
        let mut keys = Vec::new();
        for key in read {
            match key {
                Ok(key) => keys.push(key),
                Err(text) => self.fault(SECTION, "keys", text),
            }
        }
        let keys = Keys::new(keys).unwrap_or_else(|error| {
            self.fault(SECTION, "keys", format!("{error}."));
            Keys::default()
        });
        SideStore { keys, settle_after }
    }

    fn side_key(&self, raw: &RawSideKey) -> Result<(String, Secret), String> {
        let of = format!("key \"{}\"", raw.id);
        let text = match (&raw.key, &raw.key_file, &raw.key_env) {
            (Some(text), None, None) => Ok(text.clone()),
            (None, Some(file), None) => self.read(file),
            (None, None, Some(name)) => {
                std::env::var(name).map_err(|_| format!("the environment has no variable {name}."))
            }
            _ => return Err(format!("{of} needs one of key, key_file and key_env.")),
        };
        let text = Zeroizing::new(text.map_err(|text| format!("{of}: {text}"))?);
        let bytes = STANDARD.decode(text.trim());
        let bytes = bytes.map_err(|_| {
            format!("{of} is not base64: give {KEY_BYTES} bytes, as `openssl rand -base64 {KEY_BYTES}` makes them.")
        })?;
        Ok((raw.id.clone(), Secret::from_bytes(bytes)))
    }
}
