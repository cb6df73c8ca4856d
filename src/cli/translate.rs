//! `translate`: what would be called, without a network.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use crate::config::{self, Config};
use crate::mapping::Settings;
use crate::plan::{Context, History, MERCHANT, Next, Opened, open};
use crate::scmp::{self, Charset};

use super::{Ended, Failed, environment, input, print, tables};

/// Show as JSON which REST calls an SCMP request becomes; nothing is sent. Exit 1 if the request would be refused.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The merchants' settings; without it every merchant has the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The request: name=value lines. `-` or nothing reads standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// The answer. Its shape is a promise to users' scripts.
#[derive(Debug, Default, Serialize)]
struct Translation {
    services: Vec<String>,
    calls: Vec<TranslatedCall>,
    unmapped: Vec<String>,
    errors: Vec<TranslationError>,
}

#[derive(Debug, Serialize)]
struct TranslatedCall {
    method: String,
    path: String,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    headers: IndexMap<&'static str, String>,
    body: Option<Value>,
}

#[derive(Debug, Serialize)]
struct TranslationError {
    flag: String,
    field: String,
    message: String,
}

pub fn run(arguments: Arguments, mappings: Option<&Path>) -> Ended {
    let tables = tables(mappings)?;
    let config = match arguments.config.as_deref() {
        Some(file) => Some(config::load(Some(file), environment(), &tables)?),
        None => None,
    };
    let bytes = input(arguments.file.as_deref())?;
    let translation = translate(&bytes, &tables, config.as_ref());
    let json = serde_json::to_string_pretty(&translation)
        .map_err(|error| Failed::new(super::EX_UNAVAILABLE, error.to_string()))?;
    print(&format!("{json}\n"))?;
    Ok(ExitCode::from(u8::from(!translation.errors.is_empty())))
}

fn translate(
    bytes: &[u8],
    tables: &crate::mapping::Tables,
    config: Option<&Config>,
) -> Translation {
    let mut translation = Translation::default();
    let id = scmp::peek(bytes, MERCHANT);
    let merchant = config
        .zip(id.as_deref())
        .and_then(|(config, id)| config.merchants.get(id));
    let charset = merchant.and_then(|merchant| merchant.charset);
    let decoded = charset
        .unwrap_or_else(|| Charset::guess(bytes))
        .decode(bytes);
    let text = match decoded {
        Ok(text) => text,
        Err(error) => return translation.fault(&error.to_string()),
    };
    let request = match scmp::parse(&text, &tables.dictionary) {
        Ok(request) => request,
        Err(error) => return translation.fault(&error.to_string()),
    };
    let context = Context {
        request_id: "{request_id}".into(),
        time: "{time}".into(),
    };
    let defaults = Settings::default();
    let settings = |id: &str| match config {
        Some(config) => config.merchants.get(id).map(|merchant| &merchant.settings),
        None => Some(&defaults),
    };
    match open(tables, settings, &NoHistory, &request, &context) {
        Opened::Refused(refused) => {
            let services = refused.services.unwrap_or_default();
            translation.services.extend(names(services));
            for refusal in &refused.refusals {
                let said = tables
                    .flags
                    .local(refusal.kind, &refusal.field, &refusal.detail);
                translation.errors.push(TranslationError {
                    flag: said.flag.to_owned(),
                    field: refusal.field.clone(),
                    message: said.message.into_owned(),
                });
            }
        }
        Opened::Running(mut execution) => {
            translation.services.extend(names(execution.services()));
            translation
                .unmapped
                .extend(execution.unmapped().map(str::to_owned));
            loop {
                let call = match execution.next_call() {
                    Next::Call { call, .. } => call,
                    Next::Side(_) => {
                        execution.kept(true);
                        continue;
                    }
                    Next::Done => break,
                };
                let body = call
                    .body
                    .as_deref()
                    .and_then(|body| serde_json::from_slice(body).ok());
                let accept = call.accept.header().map(|form| ("Accept", form.to_owned()));
                let if_match = call.if_match.map(|tag| ("If-Match", tag));
                let headers = accept.into_iter().chain(if_match).collect();
                let method = call.method.to_string();
                translation.calls.push(TranslatedCall {
                    method,
                    path: call.path,
                    headers,
                    body,
                });
                execution.assumed();
            }
        }
    }
    translation
}

impl Translation {
    fn fault(mut self, message: &str) -> Translation {
        self.errors.push(TranslationError {
            flag: String::new(),
            field: String::new(),
            message: message.to_owned(),
        });
        self
    }
}

/// A translation knows nothing of earlier requests.
struct NoHistory;

impl History for NoHistory {
    fn kind(&self, _id: &str, _token: Option<&str>) -> Option<String> {
        None
    }

    fn token(&self, _id: &str, _kind: Option<&str>) -> String {
        "{request_token}".to_owned()
    }
}

fn names(services: &str) -> Vec<String> {
    services
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
