//! The simulator in the gateway's own process: whom it knows, and how the merchants reach it.

use std::net::SocketAddr;
use std::sync::Arc;

use super::super::{EX_UNAVAILABLE, Failed};
use crate::config::{Config, JournalUrl, Merchant};
use crate::mapping::Settings;
use crate::rest::keys::{Certificate, KeyFault, OpeningKey, PrivateKey, SealingKey, SigningKey};
use crate::rest::{Authentication, Credentials, JwtKey, Mle, Secret};
use crate::sandbox::{self, Key, Keys, MerchantKeys, Pair};

/// Whether a merchant of the simulator has this secret.
pub fn has_secret(merchant: &sandbox::Merchant, wanted: &[u8]) -> bool {
    let is_it = |key: &Key| matches!(key, Key::Shared { secret, .. } if secret == wanted);
    merchant.keys.iter().any(is_it)
}

/// Points every merchant at the simulator, which learns their keys; there is always one merchant to try. Whoever uses
/// certificates gets new ones, as the simulator has not the provider's; with `mle` all do, and seal their messages.
pub fn attach(
    config: &mut Config,
    address: SocketAddr,
    mle: bool,
) -> Result<sandbox::Settings, Failed> {
    config.rest.base_url = format!("http://{address}");
    // What the sandbox knows ends with it.
    config.journal.url = JournalUrl::Memory;
    let mut settings = sandbox::Settings::builtin();
    if config.merchants.is_empty() {
        let ready_made = settings.merchants.iter().filter_map(ready_made);
        config.merchants.extend(ready_made);
    }
    for (id, merchant) in &mut config.merchants {
        merchant.base_url = None;
        merchant.settings.side_store = !config.side_store.keys.is_empty();
        settings.merchants.extend(known(id, merchant));
    }
    let equipped = config.merchants.iter();
    let equipped = equipped.filter(|(_, merchant)| mle || uses_certificates(merchant));
    let ids: Vec<String> = equipped.map(|(id, _)| id.clone()).collect();
    if !ids.is_empty() {
        let keys = Keys::make(&ids).map_err(no_keys)?;
        for made in keys.merchants() {
            if let Some(merchant) = config.merchants.get_mut(&made.merchant) {
                equip(merchant, keys.host(), made, mle).map_err(no_keys)?;
            }
        }
        settings.use_keys(keys);
    }
    Ok(settings)
}

fn no_keys(error: impl std::fmt::Display) -> Failed {
    Failed::new(EX_UNAVAILABLE, format!("--sandbox: {error}."))
}

/// The merchant that needs no configuration.
fn ready_made(known: &sandbox::Merchant) -> Option<(String, Merchant)> {
    let Some(Key::Shared { id, secret }) = known.keys.first() else {
        return None;
    };
    let secret = Secret::from_bytes(secret.clone());
    let merchant = Merchant {
        old_secrets: Vec::new(),
        credentials: Credentials {
            merchant_id: known.id.clone(),
            authentication: Authentication::shared_secret(id.as_str(), secret),
            response_key: None,
            portfolio_id: None,
            profile_id: None,
        },
        base_url: None,
        charset: None,
        settings: Settings::default(),
        replay: None,
        places: None,
    };
    Some((known.id.clone(), merchant))
}

/// A configured merchant as the simulator knows it; a meta key is its portfolio's.
fn known(id: &str, merchant: &Merchant) -> Vec<sandbox::Merchant> {
    let credentials = &merchant.credentials;
    let own = credentials.shared_secret().map(|own| Key::Shared {
        id: own.key_id.clone(),
        secret: own.secret.expose().to_vec(),
    });
    let entry = |id: &str, portfolio: Option<String>, keys: Vec<Key>| sandbox::Merchant {
        id: id.to_owned(),
        portfolio,
        keys,
        reply_certificates: Vec::new(),
    };
    let keys = own.into_iter().collect();
    match credentials.portfolio_id.as_deref() {
        Some(portfolio) => vec![
            entry(id, Some(portfolio.to_owned()), Vec::new()),
            entry(portfolio, None, keys),
        ],
        None => vec![entry(id, None, keys)],
    }
}

/// Whether a merchant signs, seals or opens with keys of which the simulator has not the other half.
fn uses_certificates(merchant: &Merchant) -> bool {
    let credentials = &merchant.credentials;
    let signs_with_secret = matches!(
        credentials.authentication,
        Authentication::HttpSignature(_)
            | Authentication::Jwt {
                key: JwtKey::Secret(_),
                mle: Mle::Off,
            }
    );
    !signs_with_secret || credentials.response_key.is_some()
}

/// Gives a merchant keys of the simulator's in the place of its own; all kinds of them with `mle`.
fn equip(
    merchant: &mut Merchant,
    host: &Pair,
    made: &MerchantKeys,
    mle: bool,
) -> Result<(), KeyFault> {
    let signing = SigningKey::new(private(&made.signing)?, &certificates(&made.signing)?)?;
    let sealing = SealingKey::new(&Certificate::provider(certificates(host)?)?)?;
    let opening =
        OpeningKey::with_certificate(&private(&made.reply)?, &certificates(&made.reply)?)?;
    let (signing, sealing, opening) = (Arc::new(signing), Arc::new(sealing), Arc::new(opening));
    let credentials = &mut merchant.credentials;
    if mle {
        credentials.authentication = Authentication::Jwt {
            key: JwtKey::Certificate(Arc::clone(&signing)),
            mle: Mle::Both(Arc::clone(&sealing), Arc::clone(&opening)),
        };
        credentials.response_key = Some(Arc::clone(&opening));
    }
    if let Authentication::Jwt { key, mle } = &mut credentials.authentication {
        if let JwtKey::Certificate(key) = key {
            *key = signing;
            // The new key is the merchant's own.
            credentials.portfolio_id = None;
        }
        match mle {
            Mle::Off => {}
            Mle::Request(old) => *old = sealing,
            Mle::Both(old, opens) => (*old, *opens) = (sealing, Arc::clone(&opening)),
        }
    }
    if let Some(old) = &mut credentials.response_key {
        *old = opening;
    }
    Ok(())
}

fn private(pair: &Pair) -> Result<PrivateKey, KeyFault> {
    PrivateKey::from_pem(pair.key_pem().as_bytes())
}

fn certificates(pair: &Pair) -> Result<Vec<Certificate>, KeyFault> {
    Certificate::from_pem(pair.certificate_pem().as_bytes())
}
