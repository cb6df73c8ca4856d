//! Configuration: a TOML file, overridden by the environment (`SCMP_GATEWAY__SECTION__KEY`), resolved and checked as a
//! whole.

mod expiry;
mod journal;
mod keys;
mod limits;
mod raw;
mod resolve;
mod side_store;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;

use crate::mapping::diagnostic::{Diagnostic, line_of, toml_message};
use crate::mapping::{Settings, Tables};
use crate::rest::{ClientSettings, Credentials, Secret};
use crate::scmp::Charset;

pub use expiry::Expiry;
use raw::RawConfig;

pub use journal::{Journal, JournalUrl, Resolve};
pub use limits::Limits;
pub use side_store::SideStore;

/// The configuration, resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// The listener for SCMP requests.
    pub server: Server,
    /// The REST side.
    pub rest: ClientSettings,
    /// Where it is on record what was done.
    pub journal: Journal,
    /// What happens to calls with an unknown outcome.
    pub resolve: Resolve,
    /// How much is done at a time, and when a REST host is left alone.
    pub limits: Limits,
    /// What REST has no room for.
    pub side_store: SideStore,
    /// The merchants by their id.
    pub merchants: IndexMap<String, Merchant>,
    /// What is said at start although nothing is wrong.
    pub warnings: Vec<String>,
    /// Until when the merchants' certificates are good.
    pub expiries: Vec<Expiry>,
}

/// The listener for SCMP requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where SCMP requests are taken.
    pub listen: SocketAddr,
    /// Where operators ask.
    pub admin: SocketAddr,
    /// Whether SCMP requests may come over a network without TLS.
    pub allow_plaintext: bool,
    /// The largest body of a request, in bytes.
    pub max_body: usize,
    /// The most connections at a time.
    pub max_connections: usize,
    /// How long a client may take to send a request.
    pub receive_timeout: Duration,
    /// How long all calls of one request may take.
    pub request_timeout: Duration,
    /// How long a shutdown waits for requests under way.
    pub drain_timeout: Duration,
}

/// A merchant.
#[derive(Debug, Clone)]
pub struct Merchant {
    /// What the REST side knows the merchant by.
    pub credentials: Credentials,
    /// Secrets of before: request tokens that were made with them are still known.
    pub old_secrets: Vec<Secret>,
    /// A REST host of its own.
    pub base_url: Option<String>,
    /// The charset of requests that do not name theirs.
    pub charset: Option<Charset>,
    /// What the tables need to know.
    pub settings: Settings,
    /// For how long a request that comes again is recognized by its content; not at all where it is not said.
    pub replay: Option<Duration>,
    /// How many of its requests may be under way, where that is not what holds for all.
    pub places: Option<usize>,
}

impl Server {
    /// The addresses and limits that hold when nothing is said.
    pub fn defaults() -> Server {
        Server {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin: SocketAddr::from(([127, 0, 0, 1], 8081)),
            allow_plaintext: false,
            max_body: 128 * 1024,
            max_connections: 1024,
            receive_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(85),
            drain_timeout: Duration::from_secs(180),
        }
    }

    /// Card numbers cross this listener: beyond loopback it takes an explicit word.
    pub fn check_exposure(&self) -> Result<(), String> {
        match self.listen.ip().is_loopback() || self.allow_plaintext {
            true => Ok(()),
            false => Err(format!(
                "server.listen = \"{}\" takes card numbers over a network without TLS; listen on 127.0.0.1 behind a TLS \
                 proxy, or set server.allow_plaintext = true if something else protects this address.",
                self.listen
            )),
        }
    }
}

/// Reads and checks the configuration. `environment` holds the variables to override it with.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    tables: &Tables,
) -> Result<Config, Vec<Diagnostic>> {
    let shown = file.map_or("environment".to_owned(), |file| file.display().to_string());
    let text = match file {
        None => String::new(),
        Some(file) => std::fs::read_to_string(file).map_err(|error| {
            let message = format!("cannot be read: {error}. Name a TOML file with --config.");
            vec![Diagnostic {
                file: shown.clone(),
                line: None,
                message,
            }]
        })?,
    };
    let (text, mut faults) = file_faults(&shown, text);
    let raw = merged(&text, environment).or_else(|message| {
        // The file's own faults have been told; what it says otherwise is still checked.
        if faults.is_empty() {
            let with = if file.is_some() {
                " with the environment"
            } else {
                ""
            };
            faults.push(Diagnostic {
                file: format!("{shown}{with}"),
                line: None,
                message,
            });
        }
        merged(&text, [])
    });
    let Ok(raw) = raw else {
        return Err(faults);
    };
    let folder = file
        .and_then(Path::parent)
        .map_or(PathBuf::new(), Path::to_path_buf);
    let resolved = resolve::Resolver {
        shown: &shown,
        text: &text,
        folder: &folder,
        tables,
        faults: Vec::new(),
        expiries: Vec::new(),
    }
    .resolve(raw);
    if faults.is_empty() {
        return resolved;
    }
    // A fault at a section's header is of something missing: it may be what was misspelt.
    let stands = |fault: &Diagnostic| {
        let line = fault.line.and_then(|line| text.lines().nth(line - 1));
        line.is_some_and(|line| !line.trim_start().starts_with('['))
    };
    let more = resolved.err().unwrap_or_default().into_iter();
    faults.extend(more.filter(stands));
    Err(faults)
}

/// Every fault of the file by itself. A line at fault is blanked out and the rest read again, so that one fault does not
/// hide the next; what is left of the text comes with them.
fn file_faults(shown: &str, mut text: String) -> (String, Vec<Diagnostic>) {
    let mut faults = Vec::new();
    while let Err(error) = toml::from_str::<RawConfig>(&text) {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let message = toml_message(&without_value(error.message()));
        faults.push(Diagnostic {
            file: shown.to_owned(),
            line: Some(line_of(&text, at)),
            message,
        });
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..]
            .find('\n')
            .map_or(text.len(), |newline| at + newline);
        let line = text[start..end].trim_start();
        // Without its header a section's lines would be taken for those of the section before it.
        if line.is_empty() || line.starts_with('[') {
            break;
        }
        text.replace_range(start..end, &" ".repeat(end - start));
    }
    (text, faults)
}

/// A message without the value that is of the wrong type: it may be a secret.
fn without_value(message: &str) -> String {
    match message
        .strip_prefix("invalid type: ")
        .zip(message.rsplit_once(", expected "))
    {
        Some((found, (_, expected))) => {
            let kind = found.split(['`', '"', ',']).next().unwrap_or_default();
            format!("invalid type: {}, expected {expected}", kind.trim_end())
        }
        None => message.to_owned(),
    }
}

fn merged(
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<RawConfig, String> {
    let variables = environment
        .into_iter()
        .filter(|(name, _)| name.starts_with("SCMP_GATEWAY__"));
    // Values stay text until their key says what they are: a key's id such as 00700 is no number.
    let environment = config::Environment::with_prefix("SCMP_GATEWAY")
        .prefix_separator("__")
        .separator("__")
        .source(Some(variables.collect()));
    config::Config::builder()
        .add_source(config::File::from_str(text, config::FileFormat::Toml))
        .add_source(environment)
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| toml_message(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{compile::compile, source};
    use std::io::Write;

    const GOOD: &str = "[rest]\nbase_url = \"https://apitest.cybersource.com\"\n\n[merchants.mid1]\nkey_id = \"k\"\nshared_secret = \"AAAA\"\n";

    fn loaded(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let tables = compile(&source::embedded()).expect("the embedded tables are right");
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        let variables = environment
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        load(Some(file.path()), variables, &tables).map_err(|faults| {
            let lines: Vec<String> = faults
                .iter()
                .map(|fault| format!("{}: {}", fault.line.unwrap_or(0), fault.message))
                .collect();
            lines.join("\n")
        })
    }

    #[test]
    fn the_smallest_file_is_enough() {
        let config = loaded(GOOD, &[]).expect("a good file");
        assert_eq!(config.server, Server::defaults());
        let secret = config.merchants["mid1"].credentials.shared_secret();
        assert_eq!(secret.expect("a shared secret").key_id, "k");
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let config = loaded(
            GOOD,
            &[
                ("SCMP_GATEWAY__SERVER__LISTEN", "127.0.0.1:1"),
                ("SCMP_GATEWAY__SERVER__MAX_CONNECTIONS", "7"),
                ("SCMP_GATEWAY__MERCHANTS__MID1__RELAXED_ADDRESS", "true"),
                ("OTHER", "x"),
            ],
        )
        .expect("a good file");
        assert_eq!(
            (config.server.listen.port(), config.server.max_connections),
            (1, 7)
        );
        assert!(config.merchants["mid1"].settings.relaxed_address);
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let text = format!("{GOOD}relaxed_adress = true\nportfolioid = \"p\"\n");
        let faults = loaded(&text, &[]).expect_err("unknown keys");
        assert!(
            faults.contains("7: ") && faults.contains("did you mean \"relaxed_address\"?"),
            "{faults}"
        );
        assert!(
            faults.contains("8: ") && faults.contains("did you mean \"portfolio_id\"?"),
            "{faults}"
        );
    }

    #[test]
    fn a_wrong_key_does_not_hide_a_wrong_value() {
        let text = format!("{GOOD}relaxed_adress = true\nprocessor = \"monneris\"\n");
        let faults = loaded(&text, &[]).expect_err("an unknown key and an unknown processor");
        assert!(faults.contains("7: unknown field"), "{faults}");
        assert!(
            faults.contains("8: ") && faults.contains("\"moneris\""),
            "{faults}"
        );
        let text = GOOD.replace("shared_secret", "shared_secrt");
        let faults = loaded(&text, &[]).expect_err("an unknown key");
        assert_eq!(faults.lines().count(), 1, "{faults}");
        let text = format!("{GOOD}processor = \"monneris\"\n");
        let wrong = [("SCMP_GATEWAY__SERVER__LISEN", "127.0.0.1:1")];
        let faults = loaded(&text, &wrong).expect_err("one of each");
        assert!(
            faults.contains("listen") && faults.contains("moneris"),
            "{faults}"
        );
    }

    #[test]
    fn values_are_checked_with_their_line() {
        for (line, says) in [
            ("processor = \"monneris\"", "did you mean \"moneris\"?"),
            ("auth = \"p12\"", "unknown variant"),
            ("charset = \"klingon\"", "klingon"),
            ("base_url = \"http://example.com\"", "http"),
            ("unknown = \"keeep\"", "unknown variant"),
            ("limits = { requests = 0 }", "would refuse everything"),
            ("limits = { requets = 1 }", "did you mean \"requests\"?"),
        ] {
            let faults = loaded(&format!("{GOOD}{line}\n"), &[]).expect_err(line);
            assert!(
                faults.starts_with("7: ") && faults.contains(says),
                "{line}: {faults}"
            );
        }
    }

    #[test]
    fn a_merchant_chooses_for_itself() {
        let config = loaded(GOOD, &[]).expect("a good file");
        let merchant = &config.merchants["mid1"];
        assert!(!merchant.settings.keep_unknown && merchant.places.is_none());
        let own = format!("{GOOD}unknown = \"keep\"\n[merchants.mid1.limits]\nrequests = 3\n");
        let config = loaded(&own, &[]).expect("its own settings");
        let merchant = &config.merchants["mid1"];
        assert!(merchant.settings.keep_unknown);
        assert_eq!(merchant.places, Some(3));
        let variable = ("SCMP_GATEWAY__MERCHANTS__MID1__LIMITS__REQUESTS", "4");
        let config = loaded(&own, &[variable]).expect("overridden");
        assert_eq!(config.merchants["mid1"].places, Some(4));
        let faults = loaded(&own.replace('3', "0"), &[]).expect_err("no place");
        assert!(
            faults.starts_with("9: ") && faults.contains("write 1 or more"),
            "{faults}"
        );
        let faults = loaded(&format!("[resolve]\nlook_up = \"24h\"\n{GOOD}"), &[]);
        let faults = faults.expect_err("too long");
        assert!(
            faults.starts_with("2: ") && faults.contains("before deadline"),
            "{faults}"
        );
    }

    #[test]
    fn a_merchant_without_a_secret_is_refused() {
        let faults = loaded("[merchants.a]\nkey_id = \"k\"\n", &[]).expect_err("no secret");
        assert!(faults.contains("shared_secret"), "{faults}");
    }

    #[test]
    fn secrets_are_never_shown() {
        let faults = loaded(
            "[merchants.a]\nkey_id = \"k\"\nshared_secret = \"c@nary\"\n",
            &[],
        );
        assert!(!faults.expect_err("no base64").contains("c@nary"));
        let config = loaded(GOOD, &[]).expect("a good file");
        assert!(!format!("{config:?}").contains("AAAA"));
    }

    #[test]
    fn keys_of_the_side_store_are_checked() {
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let with = |more: &str| loaded(&format!("{GOOD}[side_store]\n{more}\n"), &[]);
        let keeps = |config: &Config| config.merchants["mid1"].settings.side_store;
        let good = format!("keys = [{{ id = \"a\", key = \"{key}\" }}]");
        let config = with(&good).expect("a key");
        assert!(keeps(&config) && !keeps(&loaded(GOOD, &[]).expect("no key")));
        assert!(!format!("{config:?}").contains("AAAA"));
        let twice =
            format!("keys = [{0}, {0}]", "{ id = \"a\", key = \"KEY\" }").replace("KEY", key);
        for (line, says) in [
            (
                "keys = [{ id = \"a\", key = \"c@nary\" }]",
                "key \"a\" is not base64",
            ),
            (
                "keys = [{ id = \"a\", key = \"AAAA\" }]",
                "key \"a\" has 3 bytes",
            ),
            ("keys = [{ id = \"a\" }]", "needs one of key, key_file"),
            (
                "keys = [{ id = \"a\", key = \"AAAA\", key_env = \"X\" }]",
                "needs one of",
            ),
            (
                "keys = [{ id = \"a\", key_file = \"none.key\" }]",
                "key \"a\": ",
            ),
            (
                "keys = [{ id = \"a\", key_env = \"NO_SUCH_ONE\" }]",
                "NO_SUCH_ONE",
            ),
            (&good.replace("id = \"a\", ", ""), "needs an id"),
            (&twice, "no other key has"),
            (
                "settle_after = \"1s\"",
                "longer than server.request_timeout",
            ),
        ] {
            let faults = with(line).expect_err(line);
            assert!(
                faults.starts_with("8: ") && faults.contains(says),
                "{line}: {faults}"
            );
            assert!(
                !faults.contains("c@nary") && !faults.contains(key),
                "{faults}"
            );
        }
        let memory = format!("[journal]\nurl = \"memory:\"\n{GOOD}[side_store]\n{good}\n");
        let faults = loaded(&memory, &[]).expect_err("forgets");
        assert!(faults.contains("a journal that lasts"), "{faults}");
    }

    #[test]
    fn the_network_takes_an_explicit_word() {
        let mut server = Server::defaults();
        server.listen = SocketAddr::from(([0, 0, 0, 0], 80));
        assert!(server.check_exposure().is_err());
        server.allow_plaintext = true;
        assert!(server.check_exposure().is_ok());
    }
}
