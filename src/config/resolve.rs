//! From what is written to what it means.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::mapping::diagnostic::{Diagnostic, hint};
use crate::mapping::{Settings, Tables, TokenTypes};
use crate::rest::{Client, ClientSettings, Credentials};
use crate::scmp::Charset;

use super::raw::{
    RawConfig, RawMerchant, RawRest, RawRetries, RawServer, RawTokenType, RawUnknown,
};
use super::{Config, Expiry, JournalUrl, Merchant, Server};

const BASE_URL: &str = "https://apitest.cybersource.com";

/// Resolves a configuration and gathers what is wrong with it.
pub struct Resolver<'r> {
    pub shown: &'r str,
    pub text: &'r str,
    pub folder: &'r Path,
    pub tables: &'r Tables,
    pub faults: Vec<Diagnostic>,
    pub expiries: Vec<Expiry>,
}

impl Resolver<'_> {
    pub fn resolve(mut self, raw: RawConfig) -> Result<Config, Vec<Diagnostic>> {
        let server = self.server(&raw.server);
        let rest = self.rest(&raw.rest);
        let journal = self.journal(&raw.journal);
        let resolve = self.resolve_settings(&raw.resolve);
        let limits = self.limits(&raw.limits);
        let side_store = self.side_store(&raw.side_store, &journal, server.request_timeout);
        let client = Client::new(&rest);
        let client = match client {
            Ok(client) => Some(client),
            Err(error) => {
                let key = if raw.rest.ca_file.is_some() {
                    "ca_file"
                } else {
                    "base_url"
                };
                self.fault("rest", key, error.to_string());
                None
            }
        };
        let mut merchants = indexmap::IndexMap::new();
        for (id, raw) in raw.merchants {
            if let Some(mut merchant) = self.merchant(&id, raw, client.as_ref()) {
                merchant.settings.side_store = !side_store.keys.is_empty();
                merchants.insert(id, merchant);
            }
        }
        let mut warnings = Vec::new();
        if matches!(journal.url, JournalUrl::Memory) && !merchants.is_empty() {
            warnings.push(
                "journal.url = \"memory:\": what is under way when this process ends is not settled".to_owned(),
            );
        }
        let now = SystemTime::now();
        warnings.extend(
            self.expiries
                .iter()
                .filter_map(|expiry| expiry.warning(now)),
        );
        match self.faults.is_empty() {
            true => Ok(Config {
                server,
                rest,
                journal,
                resolve,
                limits,
                side_store,
                merchants,
                warnings,
                expiries: self.expiries,
            }),
            false => Err(self.faults),
        }
    }

    fn server(&mut self, raw: &RawServer) -> Server {
        let defaults = Server::defaults();
        let server = Server {
            listen: self.address("listen", raw.listen.as_deref(), defaults.listen),
            admin: self.address("admin", raw.admin.as_deref(), defaults.admin),
            allow_plaintext: raw.allow_plaintext.unwrap_or(defaults.allow_plaintext),
            max_body: raw.max_body_bytes.unwrap_or(defaults.max_body),
            max_connections: raw.max_connections.unwrap_or(defaults.max_connections),
            receive_timeout: self.duration(
                "server",
                "receive_timeout",
                raw.receive_timeout.as_deref(),
                defaults.receive_timeout,
            ),
            request_timeout: self.duration(
                "server",
                "request_timeout",
                raw.request_timeout.as_deref(),
                defaults.request_timeout,
            ),
            drain_timeout: self.duration(
                "server",
                "drain_timeout",
                raw.drain_timeout.as_deref(),
                defaults.drain_timeout,
            ),
        };
        for (key, value) in [
            ("max_body_bytes", server.max_body),
            ("max_connections", server.max_connections),
        ] {
            if value == 0 {
                self.fault(
                    "server",
                    key,
                    format!("{key} = 0 would refuse everything; write 1 or more."),
                );
            }
        }
        server
    }

    fn rest(&mut self, raw: &RawRest) -> ClientSettings {
        let mut rest = ClientSettings::new(raw.base_url.as_deref().unwrap_or(BASE_URL));
        rest.connect_timeout = self.duration(
            "rest",
            "connect_timeout",
            raw.connect_timeout.as_deref(),
            rest.connect_timeout,
        );
        rest.timeout = self.duration("rest", "timeout", raw.timeout.as_deref(), rest.timeout);
        if rest.connect_timeout >= rest.timeout {
            self.fault(
                "rest",
                "connect_timeout",
                "connect_timeout must be shorter than timeout, or a connection that takes too long could not be told from a reply that does.",
            );
        }
        rest.ca_file = raw.ca_file.as_ref().map(|file| self.folder.join(file));
        rest
    }

    fn merchant(
        &mut self,
        id: &str,
        raw: RawMerchant,
        client: Option<&Client>,
    ) -> Option<Merchant> {
        let section = format!("merchants.{id}");
        let keys = self.keys(&section, id, &raw)?;
        let old_secrets = self.old_secrets(&section, &raw);
        let charset = match raw.charset.as_deref().map(Charset::from_label).transpose() {
            Ok(charset) => charset,
            Err(error) => {
                self.fault(&section, "charset", error.to_string());
                None
            }
        };
        if raw.preauthorization && raw.processor.is_none() {
            let text = "preauthorization needs processor: it decides which cards are verified, and with what amount.";
            self.fault(&section, "preauthorization", text);
        }
        if let Some(processor) = &raw.processor {
            self.check_processor(&section, processor);
        }
        let credentials = Credentials {
            merchant_id: id.to_owned(),
            authentication: keys.authentication,
            response_key: keys.response_key,
            portfolio_id: raw.portfolio_id,
            profile_id: raw.profile_id.clone(),
        };
        let account =
            client.map(|client| client.merchant(credentials.clone(), raw.base_url.as_deref()));
        if let Some(Err(error)) = account {
            self.fault(&section, "base_url", error.to_string());
        }
        let token_types = raw
            .token_types
            .map_or_else(TokenTypes::default, |types| TokenTypes {
                customer: types.contains(&RawTokenType::Customer),
                instrument: types.contains(&RawTokenType::PaymentInstrument),
                identifier: types.contains(&RawTokenType::InstrumentIdentifier),
            });
        if let Some(profile) = raw
            .profile_id
            .as_ref()
            .filter(|profile| profile.len() != 36)
        {
            let text = format!(
                "profile_id has {} characters; it is an id of 36.",
                profile.len()
            );
            self.fault(&section, "profile_id", text);
        }
        let window = Duration::from_secs(15 * 60);
        let window = self.duration(
            &section,
            "retry_window",
            raw.retry_window.as_deref(),
            window,
        );
        let replay = (raw.retries == RawRetries::Replay).then_some(window);
        let settings = Settings {
            processor: raw.processor,
            relaxed_address: raw.relaxed_address,
            network_tokens: raw.network_tokens,
            unmasked_retrieve: raw.unmasked_retrieve,
            token_types,
            token_ids: raw.token_ids,
            preauthorization: raw.preauthorization,
            side_store: false,
            keep_unknown: raw.unknown == RawUnknown::Keep,
        };
        let places = raw.limits.requests;
        if places == Some(0) {
            let text = "requests = 0 would refuse everything; write 1 or more.";
            // As a table of its own, or within the merchant's.
            let own = format!("{section}.limits");
            match line_of_key(self.text, &own, "requests") {
                Some(_) => self.fault(&own, "requests", text),
                None => self.fault(&section, "limits", text),
            }
        }
        Some(Merchant {
            places,
            credentials,
            old_secrets,
            base_url: raw.base_url,
            charset,
            settings,
            replay,
        })
    }

    fn check_processor(&mut self, section: &str, processor: &str) {
        let known = self.tables.processors();
        if !known.contains(&processor) {
            let hint = hint(processor, known);
            self.fault(
                section,
                "processor",
                format!("unknown processor \"{processor}\"{hint}"),
            );
        }
    }

    fn address(&mut self, key: &str, text: Option<&str>, default: SocketAddr) -> SocketAddr {
        let Some(text) = text else { return default };
        text.parse().unwrap_or_else(|_| {
            let message =
                format!("{key} = \"{text}\" is no address; write one like \"{default}\".");
            self.fault("server", key, message);
            default
        })
    }

    pub(super) fn duration(
        &mut self,
        section: &str,
        key: &str,
        text: Option<&str>,
        default: Duration,
    ) -> Duration {
        let Some(text) = text else { return default };
        humantime::parse_duration(text).unwrap_or_else(|_| {
            let message =
                format!("{key} = \"{text}\" is no duration; write one like \"10s\" or \"500ms\".");
            self.fault(section, key, message);
            default
        })
    }

    pub(super) fn fault(&mut self, section: &str, key: &str, message: impl Into<String>) {
        let (file, line) = (self.shown.to_owned(), line_of_key(self.text, section, key));
        self.faults.push(Diagnostic {
            file,
            line,
            message: message.into(),
        });
    }
}

/// The line of a key in its section; that of the section where the key is not written.
fn line_of_key(text: &str, section: &str, key: &str) -> Option<usize> {
    let header = |line: &str| {
        let name = line.trim().strip_prefix('[')?.split(']').next()?;
        Some(name.replace(['"', '\''], ""))
    };
    let lines: Vec<&str> = text.lines().collect();
    let start = lines
        .iter()
        .position(|line| header(line).as_deref() == Some(section))?;
    let inside = lines[start + 1..]
        .iter()
        .take_while(|line| header(line).is_none());
    let is_key = |line: &&str| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let at = inside
        .enumerate()
        .find(|(_, line)| is_key(line))
        .map(|(at, _)| start + 1 + at);
    Some(at.unwrap_or(start) + 1)
}
