//! The merchants whose requests are taken.

use std::collections::HashMap;

use aws_lc_rs::hmac;

use crate::config::Config;
use crate::mapping::Settings;
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
}

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
        let token_key = identity::token_key(&merchant.credentials.shared_secret);
        let account =
            client.merchant(merchant.credentials.clone(), merchant.base_url.as_deref())?;
        Ok(Merchant {
            id: id.to_owned(),
            account,
            settings: merchant.settings.clone(),
            charset: merchant.charset,
            token_key,
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

    /// The opaque token of a request of this merchant.
    pub fn request_token(&self, request_id: &str) -> String {
        identity::request_token(&self.token_key, &self.id, request_id)
    }
}
