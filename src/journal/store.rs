//! What a journal is kept in.

use async_trait::async_trait;
use thiserror::Error;

use super::side::{SideMark, SideOf, SideValue};
use super::unit::{State, Unit};

/// Why a journal cannot be used. Says what, where and what to do.
#[derive(Debug, Clone, Error)]
pub enum JournalError {
    /// It cannot be opened.
    #[error("the journal at {place} cannot be opened: {reason}. {remedy}")]
    Open {
        /// Where it is.
        place: String,
        /// Why not.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// It cannot be read or written now.
    #[error("the journal cannot be used: {reason}; requests are refused until it can")]
    Unavailable {
        /// Why not.
        reason: String,
    },
}

impl JournalError {
    /// An error of use.
    pub fn unavailable(error: impl std::fmt::Display) -> JournalError {
        JournalError::Unavailable {
            reason: error.to_string(),
        }
    }
}

/// Which records are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those in one of these states; any where it is empty.
    pub states: Vec<State>,
    /// Only those after this id: ids rise with time.
    pub after: Option<String>,
    /// No more than this.
    pub limit: usize,
}

/// Which units something is to be done about.
#[derive(Debug, Clone, Copy)]
pub struct Due<'d> {
    /// The gateway that asks, and lives.
    pub owner: &'d str,
    /// What is due by this time.
    pub now: i64,
    /// What began before this time and is still open was broken off, whoever began it.
    pub stale: i64,
    /// No more than this.
    pub limit: usize,
}

/// Where units are kept. What a call has answered is durable.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins a unit, unless its key is taken by a unit that began at `since` or later: then that one comes back. Of two at
    /// once, in whatever process, one begins. A unit that was begun before, by the same id, comes back too.
    async fn begin(&self, unit: &Unit, since: i64) -> Result<Option<Box<Unit>>, JournalError>;

    /// Writes a unit whose latest version is known: one less than this. Otherwise nothing is written, and it is false.
    async fn update(&self, unit: &Unit) -> Result<bool, JournalError>;

    /// A unit by its id.
    async fn unit(&self, id: &str) -> Result<Option<Unit>, JournalError>;

    /// What a request of the merchant made under this id.
    async fn kind(&self, merchant: &str, id: &str) -> Result<Option<String>, JournalError>;

    /// The unit that made something of this id.
    async fn maker(&self, merchant: &str, id: &str) -> Result<Option<Unit>, JournalError>;

    /// Units that are due, those that a gateway was at that is no more, and open ones that are stale.
    async fn due(&self, due: &Due<'_>) -> Result<Vec<Unit>, JournalError>;

    /// Units in the order of their ids.
    async fn list(&self, filter: &Filter) -> Result<Vec<Unit>, JournalError>;

    /// Says that a gateway is alive until a time.
    async fn alive(&self, owner: &str, until: i64) -> Result<(), JournalError>;

    /// Forgets what is over and began before a time; how many.
    async fn forget(&self, before: i64) -> Result<u64, JournalError>;

    /// Keeps values; one of the same reference takes the other's place.
    async fn side_keep(&self, values: &[SideValue]) -> Result<(), JournalError>;

    /// Says what becomes of kept values.
    async fn side_mark(&self, of: SideOf<'_>, mark: SideMark) -> Result<(), JournalError>;

    /// Kept values.
    async fn side_values(&self, of: SideOf<'_>) -> Result<Vec<SideValue>, JournalError>;

    /// Kept values that REST is to be asked about by this time, no more than this.
    async fn side_due(&self, now: i64, limit: usize) -> Result<Vec<SideValue>, JournalError>;
}
