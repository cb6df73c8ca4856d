//! `[journal]` and `[resolve]`: what is on record, and what happens to calls with an unknown outcome.

use std::path::PathBuf;
use std::time::Duration;

use crate::rest::Secret;

use super::raw::{RawJournal, RawResolve};
use super::resolve::Resolver;

/// Where it is on record what was done.
#[derive(Debug, Clone)]
pub struct Journal {
    /// What it is kept in.
    pub url: JournalUrl,
    /// How long a write is tried before a request is refused.
    pub patience: Duration,
    /// How long what is over is kept.
    pub retention: Duration,
    /// A gateway that says nothing for so long is taken for dead by the others.
    pub lease: Duration,
}

/// What a journal is kept in.
#[derive(Debug, Clone)]
pub enum JournalUrl {
    /// In memory: it ends with the process.
    Memory,
    /// In a directory.
    File(PathBuf),
    /// In PostgreSQL; the URL holds a password.
    Postgres(Secret),
}

/// What happens to calls with an unknown outcome.
#[derive(Debug, Clone, Copy)]
pub struct Resolve {
    /// Before the first reversal or look-up; the pauses after it follow from this one.
    pub first_delay: Duration,
    /// For how long after that a lost call is looked for before it is taken back.
    pub look_up: Duration,
    /// Then an operator has to look.
    pub deadline: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Resolve {
    fn default() -> Resolve {
        Resolve {
            first_delay: Duration::from_secs(60),
            look_up: Duration::from_secs(15 * 60),
            deadline: DAY,
        }
    }
}

impl Resolver<'_> {
    pub(super) fn journal(&mut self, raw: &RawJournal) -> Journal {
        let url = match raw.url.as_deref().unwrap_or("file:./journal") {
            "memory:" => JournalUrl::Memory,
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                JournalUrl::Postgres(Secret::from_bytes(url.as_bytes().to_vec()))
            }
            url => match url.strip_prefix("file:").filter(|path| !path.is_empty()) {
                Some(path) => JournalUrl::File(self.folder.join(path)),
                None => {
                    let text = "journal.url is none of \"file:DIRECTORY\", \"postgres://…\" and \"memory:\".";
                    self.fault("journal", "url", text);
                    JournalUrl::Memory
                }
            },
        };
        let mut duration = |key, text: &Option<String>, default| {
            self.duration("journal", key, text.as_deref(), default)
        };
        Journal {
            url,
            patience: duration("patience", &raw.patience, Duration::from_secs(2)),
            retention: duration("retention", &raw.retention, 180 * DAY),
            lease: duration("lease", &raw.lease, Duration::from_secs(30)),
        }
    }

    pub(super) fn resolve_settings(&mut self, raw: &RawResolve) -> Resolve {
        let defaults = Resolve::default();
        let mut duration = |key, text: &Option<String>, default| {
            self.duration("resolve", key, text.as_deref(), default)
        };
        let resolve = Resolve {
            first_delay: duration("first_delay", &raw.first_delay, defaults.first_delay),
            look_up: duration("look_up", &raw.look_up, defaults.look_up),
            deadline: duration("deadline", &raw.deadline, defaults.deadline),
        };
        if raw.look_up.is_some() && resolve.first_delay + resolve.look_up >= resolve.deadline {
            let text = "look_up must end before deadline: what is not found by then is still to be taken back.";
            self.fault("resolve", "look_up", text);
        }
        resolve
    }
}
