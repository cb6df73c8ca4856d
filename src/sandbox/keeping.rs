//! The state in its file: written before any reply tells of a change.
//!
//! The file is written as a whole by one task; changes that come while it writes share the next
//! turn.

use std::sync::Arc;

use crate::sandbox::host::Host;
use crate::sandbox::store::StateError;

impl Host {
    /// Has the state written, when it is kept.
    pub(crate) fn changed(&self) {
        if let Some(store) = &self.store {
            store.changed();
        }
    }

    /// Waits until all changes so far are in the file, when the state is kept.
    pub(crate) async fn until_kept(&self) {
        if let Some(store) = &self.store {
            store.until_written().await;
        }
    }

    /// Writes the state whenever it changed, for ever.
    pub(crate) async fn keep(self: Arc<Self>) {
        let Some(store) = &self.store else {
            return;
        };
        loop {
            let change = store.until_changed().await;
            let host = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || host.save()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the state could not be kept"),
                Err(error) => tracing::error!(%error, "the state was not kept"),
            }
            // Also after a failure: the log has it, and replies must not wait for ever.
            store.wrote(change);
        }
    }

    /// Writes the state, when it is kept.
    pub(crate) fn save(&self) -> Result<(), StateError> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        // The lock must not be held while the file is written.
        let text = self.state().to_json(&self.clock)?;
        store.write(&text)
    }
}
