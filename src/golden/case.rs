//! A case as it stands in its folder.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::mapping::diagnostic::toml_message;
use crate::mapping::{Settings, Tables, TokenIds, TokenTypes};
use crate::plan::Context;
use crate::scmp::{Charset, Reply};

use super::diff;
use super::run::produce;

/// What is wrong with a case.
#[derive(Debug, Error)]
pub enum CaseError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// `case.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct About {
    /// What the case shows.
    pub shows: String,
    /// Where it comes from.
    pub source: String,
    /// In what it departs from its source, and why.
    pub departures: Vec<String>,
    /// The charset of `request.scmp` and `reply.scmp`; UTF-8 if it is not said.
    pub charset: Option<String>,
    /// Whether the reply may have more fields than `reply.scmp`.
    pub extra_fields: bool,
    /// The names of fields that nothing is done with, where the case is about them.
    pub unmapped: Option<Vec<String>>,
    /// What its calls leave unknown, and how that ends, where the case is about it.
    pub left: Option<Vec<String>>,
    /// What it does with values that are too long for REST, where the case is about it.
    pub side: Option<Vec<String>>,
    /// The merchant's settings.
    pub merchant: AboutMerchant,
    /// What the world outside gives.
    pub context: AboutContext,
}

/// The merchant's settings of a case.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AboutMerchant {
    /// The processor.
    pub processor: Option<String>,
    /// Address data and expiration date are not required.
    pub relaxed_address: bool,
    /// The account provisions network tokens.
    pub network_tokens: bool,
    /// Retrieved numbers come whole, not masked.
    pub unmasked_retrieve: bool,
    /// What a payment that creates tokens creates.
    pub token_types: TokenTypes,
    /// What the ids of tokens name.
    pub token_ids: TokenIds,
    /// Cards are verified before their tokens are made.
    pub preauthorization: bool,
    /// What is too long for REST is kept aside.
    pub side_store: bool,
    /// A lost payment is looked for, and kept when it is found.
    pub keep_unknown: bool,
}

/// What the world outside gives to a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AboutContext {
    /// The id of the request.
    pub request_id: String,
    /// The request's token.
    pub request_token: String,
    /// The time.
    pub time: String,
    /// What is known of earlier requests: the kind by the id.
    pub kinds: IndexMap<String, String>,
    /// What is kept aside, by its reference.
    pub side: IndexMap<String, String>,
    /// Nothing can be kept aside.
    pub side_fails: bool,
}

impl Default for AboutContext {
    fn default() -> AboutContext {
        AboutContext {
            request_id: "1000000000000000000001".to_owned(),
            request_token: "token".to_owned(),
            time: "2026-01-01T000000Z".to_owned(),
            kinds: IndexMap::new(),
            side: IndexMap::new(),
            side_fails: false,
        }
    }
}

/// One line of `calls.json`: an expected call and what to answer.
#[derive(Debug, Clone, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ExpectedCall {
    /// The method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// `Accept`, where it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<String>,
    /// `If-Match`, where the call has one.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "if-match")]
    pub if_match: Option<String>,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// What the REST host answers.
    pub reply: CannedReply,
}

/// What the REST host answers in a case.
#[derive(Debug, Clone, Deserialize, Serialize, PartialEq)]
#[serde(untagged)]
pub enum CannedReply {
    /// An answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The ETag header.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        etag: Option<String>,
        /// The body, if it is JSON.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        /// The body, if it is anything else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// None.
    None(NoReply),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum NoReply {
    /// The call was not sent.
    NotSent,
    /// The call was sent, and what became of it is not known.
    Unknown,
}

/// A golden case.
#[derive(Debug, Clone)]
pub struct Case {
    /// The folder's path below the root of the cases.
    pub name: String,
    folder: PathBuf,
    /// What `case.toml` says.
    pub about: About,
    /// The charset of its SCMP files.
    pub charset: Charset,
    pub(super) request: String,
    pub(super) calls: Vec<ExpectedCall>,
    pub(super) reply: Reply,
}

impl Case {
    /// Reads a case. Files that `bless` can write may be missing: `reply.scmp`, and `calls.json` where no call is made.
    pub fn load(root: &Path, folder: &Path) -> Result<Case, CaseError> {
        let about: About = match optional(&folder.join("case.toml"))? {
            Some(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                toml::from_str(&text).map_err(|error| {
                    content(&folder.join("case.toml"), toml_message(error.message()))
                })?
            }
            None => About::default(),
        };
        let charset = match &about.charset {
            Some(label) => Charset::from_label(label)
                .map_err(|error| content(&folder.join("case.toml"), error.to_string()))?,
            None => Charset::Utf8,
        };
        let text = |name: &str, bytes: Option<Vec<u8>>| -> Result<String, CaseError> {
            let bytes = bytes.unwrap_or_default();
            let decoded = charset.decode(&bytes);
            decoded
                .map(|text| text.into_owned())
                .map_err(|error| content(&folder.join(name), error.to_string()))
        };
        let request = folder.join("request.scmp");
        let bytes = std::fs::read(&request).map_err(|source| CaseError::File {
            path: request,
            source,
        })?;
        let calls = match optional(&folder.join("calls.json"))? {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| content(&folder.join("calls.json"), error.to_string()))?,
            None => Vec::new(),
        };
        Ok(Case {
            name: folder
                .strip_prefix(root)
                .unwrap_or(folder)
                .to_string_lossy()
                .replace('\\', "/"),
            folder: folder.to_path_buf(),
            charset,
            request: text("request.scmp", Some(bytes))?,
            calls,
            reply: Reply::parse(&text("reply.scmp", optional(&folder.join("reply.scmp"))?)?),
            about,
        })
    }

    /// Runs the case and says in what it differs; nothing if it holds.
    pub fn differences(&self, tables: &Tables) -> Vec<String> {
        let produced = produce(self, tables);
        let mut differences = diff::calls(&self.calls, &produced.calls);
        differences.extend(diff::replies(
            &self.reply,
            &produced.reply,
            self.about.extra_fields,
        ));
        if let Some(expected) = self
            .about
            .unmapped
            .as_ref()
            .filter(|e| **e != produced.unmapped)
        {
            let got = &produced.unmapped;
            differences.push(format!("unmapped: expected {expected:?}, got {got:?}"));
        }
        if let Some(expected) = self.about.left.as_ref().filter(|e| **e != produced.left) {
            let got = &produced.left;
            differences.push(format!("left: expected {expected:?}, got {got:?}"));
        }
        if let Some(expected) = self.about.side.as_ref().filter(|e| **e != produced.side) {
            let got = &produced.side;
            differences.push(format!("side: expected {expected:?}, got {got:?}"));
        }
        differences
    }

    /// Rewrites what the case expects to what is produced; the answers of `calls.json` stay.
    pub fn bless(&self, tables: &Tables) -> Result<(), CaseError> {
        let produced = produce(self, tables);
        let write = |name: &str, bytes: &[u8]| {
            let path = self.folder.join(name);
            std::fs::write(&path, bytes).map_err(|source| CaseError::File { path, source })
        };
        let mut calls = serde_json::to_string_pretty(&produced.calls)
            .map_err(|error| content(&self.folder.join("calls.json"), error.to_string()))?;
        calls.push('\n');
        write("calls.json", calls.as_bytes())?;
        write("reply.scmp", &produced.reply.render(self.charset))
    }

    /// The merchant's settings.
    pub fn settings(&self) -> Settings {
        let merchant = &self.about.merchant;
        Settings {
            processor: merchant.processor.clone(),
            relaxed_address: merchant.relaxed_address,
            network_tokens: merchant.network_tokens,
            unmasked_retrieve: merchant.unmasked_retrieve,
            token_types: merchant.token_types,
            token_ids: merchant.token_ids,
            preauthorization: merchant.preauthorization,
            side_store: merchant.side_store,
            keep_unknown: merchant.keep_unknown,
        }
    }

    /// What the world outside gives.
    pub fn context(&self) -> Context {
        let context = &self.about.context;
        Context {
            request_id: context.request_id.as_str().into(),
            time: context.time.as_str().into(),
        }
    }
}

/// All cases below a folder, by name.
pub fn load_all(root: &Path) -> Result<Vec<Case>, CaseError> {
    let mut cases = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(folder) = pending.pop() {
        let failed = |source| CaseError::File {
            path: folder.clone(),
            source,
        };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.file_name().is_some_and(|name| name == "request.scmp") {
                cases.push(Case::load(root, &folder)?);
            }
        }
    }
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(cases)
}

fn optional(path: &Path) -> Result<Option<Vec<u8>>, CaseError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CaseError::File {
            path: path.to_path_buf(),
            source,
        }),
    }
}

fn content(path: &Path, message: String) -> CaseError {
    CaseError::Content {
        path: path.to_path_buf(),
        message,
    }
}
