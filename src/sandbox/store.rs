//! The state that can be kept in a file: all tokens and transactions, and what operators set.
//!
//! The file holds card numbers, so it is sealed with a key that lies beside it (`FILE.key`), and
//! both are readable by their owner alone. It is written as a whole, to another name first, so
//! that a crash leaves a complete state; no reply leaves before what it tells of is in the file.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::sandbox::clock::Clock;
use crate::sandbox::processor::Processor;
use crate::sandbox::pts;
use crate::sandbox::settings::{Balances, Settings};
use crate::sandbox::tms;

/// What the file starts with.
const MAGIC: &[u8] = b"scmp-gateway sandbox 1\n";
/// The length of the key.
const KEY_BYTES: usize = 32;

/// Why a state cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no state that this version can read.
    #[error("{}: {why}; move it away to start anew", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The state cannot be written down.
    #[error("the state cannot be written down: {0}")]
    Form(#[from] serde_json::Error),
}

/// What the services keep; payments use tokens and make them.
pub(crate) struct State {
    /// Token management.
    pub(crate) tokens: tms::State,
    /// Payments.
    pub(crate) payments: pts::State,
}

#[derive(Serialize)]
struct Kept<'a> {
    tokens: &'a tms::State,
    payments: &'a pts::Ledger,
    set: SetTo,
}

/// What operators can set.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct SetTo {
    clock_ahead: i64,
    balances: Balances,
    processor: Processor,
}

/// A state that was read.
#[derive(Deserialize)]
pub(crate) struct Restored {
    tokens: tms::State,
    payments: pts::Ledger,
    #[serde(default)]
    set: SetTo,
}

impl State {
    /// Nothing yet.
    pub(crate) fn new(seed: u64, settings: &Settings) -> Self {
        let rules = pts::Rules {
            balances: settings.balances,
            processor: settings.processor,
            duplicates_refused: settings.duplicates_refused,
            settlement: settings.settlement,
            search_lag: settings.search_lag,
        };
        Self {
            tokens: tms::State::new(seed),
            payments: pts::State::new(seed.rotate_left(32), rules),
        }
    }

    /// Takes over what was kept, but for what `settings` have otherwise than usual.
    pub(crate) fn restore(&mut self, kept: Restored, settings: &Settings, clock: &Clock) {
        self.tokens = kept.tokens;
        self.payments.restore(kept.payments);
        let rules = self.payments.rules_mut();
        if settings.balances == Balances::default() {
            rules.balances = kept.set.balances;
        }
        if settings.processor == Processor::default() {
            rules.processor = kept.set.processor;
        }
        if settings.clock.is_none() {
            clock.set_ahead(kept.set.clock_ahead);
        }
    }

    /// The state as text.
    pub(crate) fn to_json(&self, clock: &Clock) -> Result<Vec<u8>, StateError> {
        let rules = self.payments.rules();
        Ok(serde_json::to_vec(&Kept {
            tokens: &self.tokens,
            payments: self.payments.ledger(),
            set: SetTo {
                clock_ahead: clock.ahead(),
                balances: rules.balances,
                processor: rules.processor,
            },
        })?)
    }
}

/// The file.
pub(crate) struct Store {
    path: PathBuf,
    key: LessSafeKey,
    /// How often the state changed.
    changes: watch::Sender<u64>,
    /// The last change that is in the file, or could not be written.
    written: watch::Sender<u64>,
}

impl Store {
    /// Prepares the file, and its key when there is none yet.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        let key_path = beside(path, "key");
        let key = match fs::read(&key_path) {
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = random::<KEY_BYTES>().map_err(at(&key_path))?;
                write_secret(&key_path, &key)?;
                key.to_vec()
            }
            Err(error) => return Err(at(&key_path)(error)),
        };
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| StateError::Broken {
            path: key_path,
            why: format!("a key has {KEY_BYTES} bytes"),
        })?;
        Ok(Self {
            path: path.to_owned(),
            key: LessSafeKey::new(key),
            changes: watch::Sender::new(0),
            written: watch::Sender::new(0),
        })
    }

    /// Reads the state; `None` when there is none yet.
    pub(crate) fn read(&self) -> Result<Option<Restored>, StateError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&self.path)(error)),
        };
        let broken = |why: &str| StateError::Broken {
            path: self.path.clone(),
            why: why.to_owned(),
        };
        let sealed = bytes.strip_prefix(MAGIC);
        let sealed = sealed.and_then(|rest| rest.split_first_chunk::<NONCE_LEN>());
        let (nonce, sealed) = sealed.ok_or_else(|| broken("it is no kept state"))?;
        let mut opened = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.key.open_in_place(nonce, Aad::from(MAGIC), &mut opened);
        let opened = opened.map_err(|_| broken("it was not sealed with the key beside it"))?;
        let state = serde_json::from_slice(opened);
        state.map(Some).map_err(|error| broken(&error.to_string()))
    }

    /// Writes the state.
    pub(crate) fn write(&self, state: &[u8]) -> Result<(), StateError> {
        let nonce = random::<NONCE_LEN>().map_err(at(&self.path))?;
        let mut sealed = state.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .key
            .seal_in_place_separate_tag(unique, Aad::from(MAGIC), &mut sealed)
            .map_err(|_| at(&self.path)(io::Error::other("it could not be sealed")))?;
        let whole = [MAGIC, &nonce, &sealed, tag.as_ref()].concat();
        let new = beside(&self.path, "new");
        write_secret(&new, &whole)?;
        fs::rename(&new, &self.path).map_err(at(&self.path))
    }

    /// Has the state written, which holds the change already.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Waits until all changes so far are written.
    pub(crate) async fn until_written(&self) {
        let wanted = *self.changes.borrow();
        let mut written = self.written.subscribe();
        // The sender lives as long as `self`.
        let _written = written.wait_for(|last| *last >= wanted).await;
    }

    /// Waits for a change that is not written; returns the last one.
    pub(crate) async fn until_changed(&self) -> u64 {
        let last = *self.written.borrow();
        let mut changes = self.changes.subscribe();
        let changed = changes.wait_for(|count| *count > last).await;
        changed.map_or(last, |count| *count)
    }

    /// Says that all up to this change was written, or cannot be.
    pub(crate) fn wrote(&self, change: u64) {
        self.written.send_replace(change);
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = rand::fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system gave no entropy"))?;
    Ok(bytes)
}

fn write_secret(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(at(path))?;
    file.write_all(content).map_err(at(path))?;
    file.sync_all().map_err(at(path))
}

fn at(path: &Path) -> impl Fn(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io {
        path: path.clone(),
        source,
    }
}

/// A map as a list of pairs: JSON takes only strings for names.
pub(crate) mod pairs {
    use std::collections::HashMap;
    use std::hash::Hash;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the pairs.
    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &HashMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    /// Reads the pairs.
    pub(crate) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<HashMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Eq + Hash,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Vec::<(K, V)>::deserialize(deserializer).map(|pairs| pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State::new(1, &Settings::builtin())
    }

    #[test]
    fn a_state_is_read_back_and_shows_nothing_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let store = Store::open(&path).unwrap();
        assert!(store.read().unwrap().is_none());
        let clock = Clock::default();
        let text = |state: &State| state.to_json(&clock).unwrap();
        store.write(&text(&state())).unwrap();
        let mut other = state();
        let kept = Store::open(&path).unwrap().read().unwrap().unwrap();
        other.restore(kept, &Settings::builtin(), &clock);
        assert_eq!(text(&other), text(&state()));
        let bytes = fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("tokens"));
    }

    #[test]
    fn what_operators_set_is_kept_unless_settings_say_otherwise() {
        let mut set = state();
        set.payments.rules_mut().balances = Balances::Strict;
        set.payments.rules_mut().processor = Processor::Moneris;
        let ahead = Clock::default();
        ahead.set_ahead(1_000_000);
        let kept = set.to_json(&ahead).unwrap();
        let restored = |settings: &Settings| {
            let (mut state, clock) = (State::new(1, settings), Clock::default());
            state.restore(serde_json::from_slice(&kept).unwrap(), settings, &clock);
            let rules = state.payments.rules();
            (rules.balances, rules.processor, clock.ahead())
        };
        let usual = Settings::builtin();
        let expected = (Balances::Strict, Processor::Moneris, 1_000_000);
        assert_eq!(restored(&usual), expected);
        let mut other = usual;
        other.processor = Processor::Vpc;
        other.clock = Some(std::time::SystemTime::now());
        assert_eq!(restored(&other), (Balances::Strict, Processor::Vpc, 0));
    }

    #[tokio::test]
    async fn changes_are_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        store.until_written().await;
        store.changed();
        store.changed();
        let change = store.until_changed().await;
        assert_eq!(change, 2);
        store.wrote(change);
        store.until_written().await;
    }

    #[test]
    fn a_state_that_cannot_be_read_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let store = Store::open(&path).unwrap();
        store.write(b"{}").unwrap();
        assert!(matches!(store.read(), Err(StateError::Broken { .. })));
        fs::write(&path, "something else").unwrap();
        let error = store.read().err().unwrap().to_string();
        assert!(error.contains("move it away"), "{error}");
        fs::write(beside(&path, "key"), "short").unwrap();
        assert!(Store::open(&path).is_err());
    }
}
