//! The merchants whose requests are taken.

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use foldhash::fast::RandomState;
use tokio::sync::Semaphore;

use crate::config::{Config, Limits};
use crate::mapping::Settings;
use crate::plan::History;
use crate::rest::{Client, SetupError};
use crate::scmp::Charset;
use crate::{config, rest};

use super::breaker::Breaker;
use super::identity;

/// A merchant with its REST account.
pub struct Merchant {
    id: String,
    account: rest::Merchant,
    settings: Settings,
    charset: Option<Charset>,
    token_key: hmac::Key,
    /// Keys of secrets of before: tokens are still known by them, and none is made.
    old_token_keys: Vec<hmac::Key>,
    retry_key: hmac::Key,
    replay: Option<Duration>,
    breaker: Arc<Breaker>,
    places: Arc<Semaphore>,
}

/// A merchant, and what is known of the request that the one at hand follows.
pub struct Known<'m> {
    /// The merchant.
    pub merchant: &'m Merchant,
    /// What the followed request made, where the journal knows it.
    pub kind: Option<String>,
}

/// All merchants by their id.
pub struct Merchants {
    by_id: HashMap<String, Merchant, RandomState>,
}

impl Merchants {
    /// The merchants of a configuration; they share one pool of connections.
    pub fn new(config: &Config) -> Result<Merchants, SetupError> {
        let client = Client::new(&config.rest)?;
        let mut by_id = HashMap::default();
        let mut hosts: HashMap<String, Arc<Breaker>> = HashMap::new();
        let limits = &config.limits;
        for (id, merchant) in &config.merchants {
            let mut merchant = Merchant::new(id, merchant, &client, limits)?;
            let host = merchant.account.host().to_owned();
            let breaker = hosts.entry(host).or_insert(merchant.breaker);
            merchant.breaker = Arc::clone(breaker);
            by_id.insert(id.clone(), merchant);
        }
        Ok(Merchants { by_id })
    }

    /// A merchant, by the very spelling of its id.
    pub fn find(&self, id: &str) -> Option<&Merchant> {
        self.by_id.get(id)
    }
}

impl Merchant {
    fn new(
        id: &str,
        merchant: &config::Merchant,
        client: &Client,
        limits: &Limits,
    ) -> Result<Merchant, SetupError> {
        let token_key = identity::token_key(merchant.credentials.root());
        let old_token_keys = merchant.old_secrets.iter();
        let old_token_keys = old_token_keys.map(identity::token_key).collect();
        let account =
            client.merchant(merchant.credentials.clone(), merchant.base_url.as_deref())?;
        Ok(Merchant {
            id: id.to_owned(),
            account,
            settings: merchant.settings.clone(),
            charset: merchant.charset,
            token_key,
            old_token_keys,
            retry_key: identity::retry_key(merchant.credentials.root()),
            replay: merchant.replay,
            breaker: Arc::new(Breaker::new(limits.breaker_failures, limits.breaker_pause)),
            places: Arc::new(Semaphore::new(
                merchant.places.unwrap_or(limits.requests_per_merchant),
            )),
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

    /// What is known of its REST host; merchants of one host share it.
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Its places for requests under way.
    pub fn places(&self) -> &Arc<Semaphore> {
        &self.places
    }

    /// The key of the hashes that stand for requests.
    pub fn retry_key(&self) -> &hmac::Key {
        &self.retry_key
    }

    /// For how long a request that comes again is recognized by its content.
    pub fn replay(&self) -> Option<Duration> {
        self.replay
    }
}

impl History for Known<'_> {
    fn kind(&self, id: &str, token: Option<&str>) -> Option<String> {
        let merchant = self.merchant;
        let keys = iter::once(&merchant.token_key).chain(&merchant.old_token_keys);
        let told = |token: &str| {
            let mut keys = keys;
            keys.find_map(|key| identity::kind_of(key, &merchant.id, id, token))
        };
        self.kind.clone().or_else(|| token.and_then(told))
    }

    fn token(&self, id: &str, kind: Option<&str>) -> String {
        identity::request_token(&self.merchant.token_key, &self.merchant.id, id, kind)
    }
}
