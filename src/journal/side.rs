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
    /// The path of the REST object. A client may write a token's id in other letters than REST did.
    pub place: &'s str,
    /// The references; all where it is not said.
    pub references: Option<&'s [String]>,
    /// Only those in doubt that REST was to be asked about by then; all where it is not said. Doubt that came up since may
    /// know more than the answer.
    pub due_by: Option<i64>,
}

impl SideOf<'_> {
    /// Whether a value is one of these.
    pub fn has(&self, value: &SideValue) -> bool {
        let references = self.references;
        self.merchant == value.merchant
            && self.place.eq_ignore_ascii_case(&value.place)
            && references.is_none_or(|references| references.contains(&value.reference))
            && self
                .due_by
                .is_none_or(|by| value.due.is_some_and(|due| due <= by))
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

#[cfg(test)]
mod tests {
    use super::super::{FileStore, Memory, Store};
    use super::*;

    fn value(place: &str, reference: &str, due: Option<i64>) -> SideValue {
        SideValue {
            merchant: "m".to_owned(),
            place: place.to_owned(),
            reference: reference.to_owned(),
            key_id: "k".to_owned(),
            sealed: vec![0, 255, 10],
            due,
        }
    }

    async fn references(store: &dyn Store, place: &str) -> Vec<String> {
        let of = SideOf {
            merchant: "m",
            place: &place.to_ascii_uppercase(),
            references: None,
            due_by: None,
        };
        let mut values = store.side_values(of).await.expect("read");
        values.sort_by(|one, other| one.reference.cmp(&other.reference));
        values.into_iter().map(|value| value.reference).collect()
    }

    async fn keeps_marks_and_forgets(store: &dyn Store) {
        let kept = [
            value("a", "1", Some(5)),
            value("a", "2", Some(6)),
            value("b", "3", Some(7)),
        ];
        store.side_keep(&kept).await.expect("kept");
        // Kept again, it is the same.
        store.side_keep(&kept[..1]).await.expect("kept");
        assert_eq!(references(store, "a").await, ["1", "2"]);
        let due = |now| async move { store.side_due(now, 10).await.expect("read") };
        assert_eq!(due(5).await, kept[..1]);
        assert_eq!(due(9).await.len(), 3);
        assert_eq!(store.side_due(9, 2).await.expect("read").len(), 2);
        let one = ["1".to_owned()];
        let of = |merchant, references| SideOf {
            merchant,
            place: "a",
            references,
            due_by: None,
        };
        let mark = |of, mark| async move { store.side_mark(of, mark).await.expect("marked") };
        mark(of("m", Some(&one)), SideMark::Sure).await;
        mark(of("other", None), SideMark::Gone).await;
        assert_eq!(due(9).await, kept[1..]);
        mark(of("m", None), SideMark::Doubt(1)).await;
        assert_eq!(due(1).await.len(), 2);
        // Who asked before they came in doubt again knows less.
        let asked = |by| SideOf {
            due_by: Some(by),
            ..of("m", None)
        };
        mark(asked(0), SideMark::Gone).await;
        mark(asked(0), SideMark::Sure).await;
        assert_eq!(due(1).await.len(), 2);
        mark(asked(1), SideMark::Doubt(1)).await;
        assert_eq!(due(1).await.len(), 2);
        mark(of("m", Some(&one)), SideMark::Gone).await;
        assert_eq!(references(store, "a").await, ["2"]);
        mark(of("m", None), SideMark::Gone).await;
        assert_eq!(references(store, "a").await, [] as [&str; 0]);
        assert_eq!(references(store, "b").await, ["3"]);
    }

    #[tokio::test]
    async fn every_store_keeps_marks_and_forgets() {
        keeps_marks_and_forgets(&Memory::default()).await;
        let folder = tempfile::tempdir().expect("a folder");
        keeps_marks_and_forgets(&FileStore::open(folder.path()).expect("a journal")).await;
    }

    #[tokio::test]
    async fn a_journal_from_before_gets_the_table() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("journal.sqlite3");
        let before = rusqlite::Connection::open(file).expect("a database");
        let schema = include_str!("schema.sql");
        let made = before.execute_batch(&format!("{schema} pragma user_version = 1;"));
        made.expect("a journal from before");
        drop(before);
        keeps_marks_and_forgets(&FileStore::open(folder.path()).expect("a journal")).await;
    }
}
