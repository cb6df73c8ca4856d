//! Values that REST has no room for, kept encrypted beside the records.
//!
//! REST's objects say which values count. A value in doubt, because a call under way makes or breaks the reference to it,
//! has a time at which REST is asked; so nothing that a crash leaves stays for ever, and nothing that counts goes.

use super::store::JournalError;
use super::{Journal, NotWritten};

/// A value, encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideValue {
    /// The merchant.
    pub merchant: String,
    /// The path of the REST object that it belongs to.
    pub place: String,
    /// By what that object refers to it; unique.
    pub reference: String,
    /// The key that it is encrypted with.
    pub key_id: String,
    /// The encrypted value.
    pub sealed: Vec<u8>,
    /// When it is to be asked whether the object refers to it; never where that is known.
    pub due: Option<i64>,
}

/// Values of one object: those of these references, or all.
#[derive(Debug, Clone, Copy)]
pub struct SideOf<'s> {
    /// The merchant.
    pub merchant: &'s str,
    /// The path of the REST object.
    pub place: &'s str,
    /// The references; all where it is not said.
    pub references: Option<&'s [String]>,
}

impl SideOf<'_> {
    /// Whether a value is one of these.
    pub fn has(&self, value: &SideValue) -> bool {
        let references = self.references;
        self.merchant == value.merchant
            && self.place == value.place
            && references.is_none_or(|references| references.contains(&value.reference))
    }
}

/// What becomes of kept values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideMark {
    /// They are in doubt until this time, when REST is asked.
    Doubt(i64),
    /// They count.
    Sure,
    /// They are deleted.
    Gone,
}

impl SideMark {
    /// The time to store; nothing where the values are deleted.
    pub(super) fn due(self) -> Option<Option<i64>> {
        match self {
            SideMark::Doubt(due) => Some(Some(due)),
            SideMark::Sure => Some(None),
            SideMark::Gone => None,
        }
    }
}

impl Journal {
    /// Keeps values; they are durable when it returns.
    pub async fn side_keep(&self, values: &[SideValue]) -> Result<(), NotWritten> {
        let kept = self.patiently(|| self.store.side_keep(values)).await;
        kept.map(|((), _)| ())
    }

    /// Says what becomes of kept values.
    pub async fn side_mark(&self, which: SideOf<'_>, mark: SideMark) -> Result<(), NotWritten> {
        let marked = self.patiently(|| self.store.side_mark(which, mark)).await;
        marked.map(|((), _)| ())
    }

    /// The kept values of an object.
    pub async fn side_values(&self, which: SideOf<'_>) -> Result<Vec<SideValue>, NotWritten> {
        let values = self.patiently(|| self.store.side_values(which)).await;
        values.map(|(values, _)| values)
    }

    /// Some of the values that REST is to be asked about now.
    pub async fn side_due(&self, now: i64, limit: usize) -> Result<Vec<SideValue>, JournalError> {
        self.store.side_due(now, limit).await
    }
}
