//! The calls of an operator.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::response::Answer;
use crate::sandbox::host::Host;
use crate::sandbox::plan::Written;
use crate::sandbox::processor::Processor;
use crate::sandbox::settings::Balances;

/// The private authority's certificate among the key files.
const AUTHORITY_FILE: &str = "ca.pem";

/// Why a call is refused.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the body is not what this call takes: {0}")]
    Body(serde_json::Error),
    #[error("{0}")]
    Value(String),
    #[error("the sandbox has no such call; docs/sandbox.md lists them")]
    NoCall,
    #[error("the sandbox has no such file: GET /sandbox/keys lists them")]
    NoFile,
    #[error("{0}")]
    Failed(String),
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Body(_) | Self::Value(_) => StatusCode::BAD_REQUEST,
            Self::NoCall | Self::NoFile => StatusCode::NOT_FOUND,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Answers an operator.
pub(crate) fn answer(host: &Host, method: &str, path: &str, body: &[u8]) -> Answer {
    let what = path.strip_prefix("/sandbox").unwrap_or_default();
    let what = what.trim_matches('/');
    let answered = match (method, what) {
        ("GET", "") => Ok(Answer::json(&status(host))),
        ("GET", "keys") => keys(host),
        ("GET", _) if what.starts_with("keys/") => key_file(host, &what["keys/".len()..]),
        ("GET", "faults") => Ok(faults(host)),
        ("POST", "faults") => plan_fault(host, body),
        ("DELETE", "faults") => {
            host.plan.reset(&[]);
            Ok(faults(host))
        }
        ("POST", "clock") => set_clock(host, body),
        ("DELETE", "clock") => {
            host.clock.unset();
            Ok(Answer::json(&status(host)))
        }
        ("POST", "settlement") => {
            host.state().payments.settle();
            Ok(Answer::json(&status(host)))
        }
        ("POST", "balances") => set_balances(host, body),
        ("POST", "processor") => set_processor(host, body),
        ("POST", "searches") => set_search_lag(host, body),
        ("POST", "reset") => reset(host, body),
        _ => Err(Refused::NoCall),
    };
    match answered {
        Ok(answer) => {
            if method != "GET" {
                host.changed();
                tracing::info!(method, path, "operator");
            }
            answer
        }
        Err(refused) => Answer::refusal(refused.status(), &refused.to_string()),
    }
}

fn status(host: &Host) -> Value {
    let merchants = host.merchants().iter();
    let rules = host.state().payments.rules();
    json!({
        "clock": time(host.clock.now()),
        "balances": rules.balances,
        "processor": rules.processor,
        "searchLag": humantime::format_duration(rules.search_lag).to_string(),
        "merchants": merchants.map(|merchant| &merchant.id).collect::<Vec<_>>(),
        "faults": host.plan.list(),
        "mle": host.settings.keys.is_some(),
        "sealed": {
            "requests": host.seals.requests.load(Ordering::Relaxed),
            "replies": host.seals.replies.load(Ordering::Relaxed),
        },
    })
}

fn time(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| "-".to_owned(), |time| time.to_string())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(Refused::Body)
}

fn faults(host: &Host) -> Answer {
    Answer::json(&json!({"faults": host.plan.list()}))
}

fn plan_fault(host: &Host, body: &[u8]) -> Result<Answer, Refused> {
    let planned: Written = read(body)?;
    let added = host.plan.add(planned);
    added.map_err(|error| Refused::Value(error.to_string()))?;
    Ok(faults(host))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum ClockCall {
    Set(String),
    Advance(String),
}

fn set_clock(host: &Host, body: &[u8]) -> Result<Answer, Refused> {
    match read(body)? {
        ClockCall::Set(text) => {
            let time: jiff::Timestamp = text.parse().map_err(|_| {
                Refused::Value(format!("{text:?} is no time like 2026-12-24T00:00:00Z"))
            })?;
            host.clock.set(SystemTime::from(time));
        }
        ClockCall::Advance(text) => {
            let by: Duration = humantime::parse_duration(&text)
                .map_err(|_| Refused::Value(format!("{text:?} is no duration like 36h")))?;
            host.clock.advance(by);
        }
    }
    Ok(Answer::json(&status(host)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BalancesCall {
    balances: Balances,
}

fn set_balances(host: &Host, body: &[u8]) -> Result<Answer, Refused> {
    let BalancesCall { balances } = read(body)?;
    host.state().payments.rules_mut().balances = balances;
    Ok(Answer::json(&status(host)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProcessorCall {
    processor: Processor,
}

fn set_processor(host: &Host, body: &[u8]) -> Result<Answer, Refused> {
    let ProcessorCall { processor } = read(body)?;
    host.state().payments.rules_mut().processor = processor;
    Ok(Answer::json(&status(host)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchesCall {
    lag: String,
}

fn set_search_lag(host: &Host, body: &[u8]) -> Result<Answer, Refused> {
    let SearchesCall { lag } = read(body)?;
    let lag = humantime::parse_duration(&lag)
        .map_err(|_| Refused::Value(format!("{lag:?} is no duration like 5s")))?;
    host.state().payments.rules_mut().search_lag = lag;
    Ok(Answer::json(&status(host)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetCall {
    seed: Option<u64>,
}

fn reset(host: &Host, body: &[u8]) -> Result<Answer, Refused> {
    let ResetCall { seed } = read(body)?;
    host.reset(seed);
    Ok(Answer::json(&status(host)))
}

/// The files for clients, and the names that their certificates go by.
fn keys(host: &Host) -> Result<Answer, Refused> {
    let mut listed = json!({"files": []});
    if let Some(keys) = &host.settings.keys {
        let merchants = keys.merchants().iter().map(|made| {
            json!({
                "merchant": made.merchant,
                "kid": made.signing.certificate().kid(),
                "responseMleKID": made.reply.certificate().kid(),
                "p12Password": made.merchant,
            })
        });
        listed["requestMleKid"] = json!(keys.host().certificate().kid());
        listed["merchants"] = merchants.collect::<Vec<Value>>().into();
    }
    let names = files(host)?.into_iter().map(|(name, _)| name);
    listed["files"] = names.collect::<Vec<_>>().into();
    Ok(Answer::json(&listed))
}

fn files(host: &Host) -> Result<Vec<(String, Vec<u8>)>, Refused> {
    let mut files = Vec::new();
    if let Some(keys) = &host.settings.keys {
        let made = keys.files();
        let made = made.map_err(|error| Refused::Failed(error.to_string()))?;
        let for_clients = made.into_iter().filter(|file| !file.is_hosts_own);
        files.extend(for_clients.map(|file| (file.name, file.content)));
    }
    let tls = host.settings.tls.as_ref();
    if let Some(authority) = tls.and_then(|tls| tls.authority_pem()) {
        files.push((AUTHORITY_FILE.to_owned(), authority.into()));
    }
    Ok(files)
}

fn key_file(host: &Host, name: &str) -> Result<Answer, Refused> {
    let found = files(host)?.into_iter().find(|(known, _)| known == name);
    found
        .map(|(_, content)| Answer::file(content))
        .ok_or(Refused::NoFile)
}
