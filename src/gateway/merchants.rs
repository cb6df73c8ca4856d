//! The merchants whose requests are taken.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use indexmap::IndexMap;

use crate::config::Config;
use crate::mapping::Settings;
use crate::plan::{History, Made};
use crate::rest::{Client, SetupError};
use crate::scmp::Charset;
use crate::{config, rest};

use super::identity;

/// A merchant with its REST account.
pub struct Merchant {
    id: String,
    account: rest::Merchant,
    settings: Settings,
    charset: Option<Charset>,
    token_key: hmac::Key,
    /// What the latest requests made, by the id that the caller was given.
    kinds: Mutex<IndexMap<String, String>>,
}

/// How many requests are remembered for a merchant.
const REMEMBERED: usize = 10_000;

/// All merchants by their id.
pub struct Merchants {
    by_id: HashMap<String, Merchant>,
}

impl Merchants {
    /// The merchants of a configuration; they share one pool of connections.
    pub fn new(config: &Config) -> Result<Merchants, SetupError> {
        let client = Client::new(&config.rest)?;
        let mut by_id = HashMap::new();
        for (id, merchant) in &config.merchants {
            by_id.insert(id.clone(), Merchant::new(id, merchant, &client)?);
        }
        Ok(Merchants { by_id })
    }

    /// A merchant, by the very spelling of its id.
    pub fn find(&self, id: &str) -> Option<&Merchant> {
        self.by_id.get(id)
    }
}

impl Merchant {
    fn new(id: &str, merchant: &config::Merchant, client: &Client) -> Result<Merchant, SetupError> {
        let token_key = identity::token_key(merchant.credentials.root());
        let account =
            client.merchant(merchant.credentials.clone(), merchant.base_url.as_deref())?;
        Ok(Merchant {
            id: id.to_owned(),
            account,
            settings: merchant.settings.clone(),
            charset: merchant.charset,
            token_key,
            kinds: Mutex::default(),
        })
    }

    /// The merchant's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The REST account.
    pub fn account(&self) -> &rest::Merchant {
        &self.account
    }

    /// What the tables need to know.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The charset of requests that do not name theirs.
    pub fn charset(&self) -> Option<Charset> {
        self.charset
    }

    /// Remembers what a request made, for those that follow it.
    pub fn remember(&self, made: &[Made]) {
        // A poisoned lock would only mean that some other request was forgotten.
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        for made in made {
            if kinds.len() >= REMEMBERED {
                kinds.shift_remove_index(0);
            }
            kinds.insert(made.id.clone(), made.kind.clone());
        }
    }
}

impl History for Merchant {
    fn kind(&self, id: &str, token: Option<&str>) -> Option<String> {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kinds.get(id).cloned();
        known.or_else(|| identity::kind_of(&self.token_key, &self.id, id, token?))
    }

    fn token(&self, id: &str, kind: Option<&str>) -> String {
        identity::request_token(&self.token_key, &self.id, id, kind)
    }
}
