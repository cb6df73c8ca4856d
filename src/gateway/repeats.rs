//! By what a request is known that comes again.
//!
//! The old client libraries give each request an id and send it again under that id when no answer comes. Where there is
//! none, a merchant may choose that the same content within a time is the same request. What stands for either is a keyed
//! hash, for the content holds card numbers.

use aws_lc_rs::hmac;

use crate::journal::{Key, KeyOf, now};
use crate::mapping::field::Dictionary;
use crate::random::hex;
use crate::scmp::Request;

use super::merchants::Merchant;

/// The client library's own id of a request.
const REQUEST_ID: &str = "request_id";

/// The key of a request, and since when one like it counts; nothing where requests like this are not recognized.
pub fn key(
    merchant: &Merchant,
    dictionary: &Dictionary,
    request: &Request<'_>,
) -> Option<(Key, i64)> {
    let id = request.get(REQUEST_ID).filter(|id| !id.is_empty());
    let (of, since) = match (id, merchant.replay()) {
        (Some(_), _) => (KeyOf::Id, 0),
        (None, Some(window)) => {
            let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
            (KeyOf::Content, now().saturating_sub(window))
        }
        (None, None) => return None,
    };
    let mut hash = hmac::Context::with_key(merchant.retry_key());
    let mut add = |text: &str| {
        // With its length before it, no text can pass for two.
        hash.update(&(text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    add(id.unwrap_or_default());
    let mut fields: Vec<(&str, &str)> = request
        .fields()
        .map(|field| (&*field.name, &*field.value))
        .filter(|(name, _)| !is_control(dictionary, name))
        .collect();
    fields.sort_unstable();
    for (name, value) in fields {
        add(name);
        add(value);
    }
    for offer in request.offers() {
        add(&offer.number.to_string());
        let mut pairs: Vec<(&str, &str)> = offer.pairs().map(|p| (&*p.name, &*p.value)).collect();
        pairs.sort_unstable();
        for (name, value) in pairs {
            add(name);
            add(value);
        }
    }
    let hash = hash.sign();
    let digits = hash.as_ref().iter().copied().flat_map(hex);
    let hash = digits.map(char::from).collect();
    Some((Key { hash, of }, since))
}

/// Settings of the library differ between attempts and mean nothing.
fn is_control(dictionary: &Dictionary, name: &str) -> bool {
    let field = dictionary.find(name);
    field.is_some_and(|field| dictionary.get(field).control)
}
