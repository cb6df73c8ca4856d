//! Log lines on their way to standard error: off the threads that carry requests out.
//!
//! A line is put into a buffer, which a thread of its own empties; many lines are one write. Lines of the level `warn` and
//! above are written at once, others within [`GATHERED`]. A standard error that takes nothing, such as the full pipe of a
//! log collector that hangs, holds up no payment: beyond [`BUFFER_MAX`] lines are dropped, and it is said how many. Those of
//! the level `warn` and above have [`RESERVE`] more.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::scrub;

/// How much may wait, in bytes: half a second of lines at the highest rate of one core.
const BUFFER_MAX: usize = 4 << 20;
/// How much more may wait of what matters most, in bytes.
const RESERVE: usize = 256 << 10;
/// For how long lines are gathered before they are written.
const GATHERED: Duration = Duration::from_millis(20);
/// How long the end of the process waits for the last lines.
const FLUSHED: Duration = Duration::from_secs(1);

static LINES: Lines = Lines {
    waiting: Mutex::new(Waiting {
        bytes: Vec::new(),
        dropped: 0,
        urgent: false,
        writing: false,
        threaded: false,
    }),
    more: Condvar::new(),
    written: Condvar::new(),
};

struct Lines {
    waiting: Mutex<Waiting>,
    /// Something is to be written.
    more: Condvar,
    /// Everything is.
    written: Condvar,
}

struct Waiting {
    bytes: Vec<u8>,
    /// How many lines had no room.
    dropped: u64,
    /// Whether something waits that must not.
    urgent: bool,
    /// Whether the thread writes what it took out.
    writing: bool,
    /// Whether there is a thread.
    threaded: bool,
}

/// Makes the writer of each line.
pub(super) struct ToThread;

/// Takes one line.
pub(super) struct Line {
    urgent: bool,
}

impl<'a> MakeWriter<'a> for ToThread {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { urgent: true }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        let urgent = *metadata.level() <= Level::WARN;
        Line { urgent }
    }
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let started = thread::Builder::new().name("log".into()).spawn(write_all);
            LINES.lock().threaded = started.is_ok();
        });
        let mut waiting = LINES.lock();
        if !waiting.threaded {
            drop(waiting);
            write_scrubbed(line);
        } else if !has_room(waiting.bytes.len(), line.len(), self.urgent) {
            waiting.dropped += 1;
        } else {
            let first = waiting.bytes.is_empty();
            waiting.bytes.extend_from_slice(line);
            waiting.urgent |= self.urgent;
            if first || self.urgent {
                LINES.more.notify_one();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a line has room behind so many bytes that wait.
fn has_room(waiting: usize, line: usize, urgent: bool) -> bool {
    let most = match urgent {
        true => BUFFER_MAX + RESERVE,
        false => BUFFER_MAX,
    };
    waiting + line <= most
}

/// Waits until every line is written, though not for ever.
pub(super) fn flush() {
    let mut waiting = LINES.lock();
    waiting.urgent = true;
    LINES.more.notify_one();
    let unwritten = |waiting: &mut Waiting| {
        waiting.threaded && (waiting.writing || !waiting.bytes.is_empty() || waiting.dropped > 0)
    };
    let _in_time = LINES
        .written
        .wait_timeout_while(waiting, FLUSHED, unwritten);
}

/// The thread's work.
fn write_all() {
    let mut taken = Vec::new();
    loop {
        let dropped = LINES.take(&mut taken);
        if !taken.is_empty() {
            write_scrubbed(&taken);
        }
        if dropped > 0 {
            let line = format!(
                "WARN {dropped} log lines were dropped: standard error did not take them in time\n"
            );
            write_scrubbed(line.as_bytes());
        }
        taken.clear();
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that can panic happens under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that what was taken is written, then takes what there is, as soon as there is something; gives how many lines
    /// had no room.
    fn take(&self, taken: &mut Vec<u8>) -> u64 {
        let mut waiting = self.lock();
        waiting.writing = false;
        let nothing = |waiting: &mut Waiting| waiting.bytes.is_empty() && waiting.dropped == 0;
        if nothing(&mut waiting) {
            self.written.notify_all();
        }
        let waited = self.more.wait_while(waiting, nothing);
        let waiting = waited.unwrap_or_else(PoisonError::into_inner);
        let calm = |waiting: &mut Waiting| !waiting.urgent;
        let waited = self.more.wait_timeout_while(waiting, GATHERED, calm);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        std::mem::swap(&mut waiting.bytes, taken);
        (waiting.writing, waiting.urgent) = (true, false);
        std::mem::take(&mut waiting.dropped)
    }
}

/// Nothing should ever fall into the net.
fn write_scrubbed(bytes: &[u8]) {
    // Lines are text, and to find only that out is many times as fast.
    let text = match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes),
    };
    // There is nowhere to say that this failed.
    let _written = io::stderr().write_all(scrub(&text).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_buffer_has_room_for_what_matters_most() {
        assert!(has_room(BUFFER_MAX - 100, 100, false));
        assert!(!has_room(BUFFER_MAX - 99, 100, false));
        assert!(has_room(BUFFER_MAX - 99, 100, true));
        assert!(has_room(BUFFER_MAX + RESERVE - 100, 100, true));
        assert!(!has_room(BUFFER_MAX + RESERVE - 99, 100, true));
    }
}
