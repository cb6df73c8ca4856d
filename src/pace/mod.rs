//! Requests in step.
//!
//! The code that a request runs through is far larger than the processor's first cache, and is loaded anew for each. Where
//! many are at work on a thread, each stops at a few places for the others to get there: then one after the other runs the
//! same piece of code while it is loaded. Under load that saves more than a twentieth of a request's time
//! (docs/performance.md); where there is none, it costs next to nothing.

mod lane;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::pages::{self, Pages};

pub use lane::{run, step};

/// With so many requests under way a gateway is at work: one shop's customers seldom are as many at a time.
const MANY: usize = 12;
/// Most of so many wait for REST, as a rule, and what matters is the memory that each of them holds.
const CROWD: usize = 128;
/// So few are no crowd any more: well below, lest it goes to and fro.
const LULL: usize = 96;

/// How many requests are under way.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// A request is under way as long as this lives.
#[must_use]
pub struct UnderWay(());

impl UnderWay {
    /// Begins.
    pub fn begin() -> UnderWay {
        if matches!(UNDER_WAY.fetch_add(1, Ordering::SeqCst) + 1, MANY | CROWD) {
            pages::choose(fitting);
        }
        UnderWay(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if UNDER_WAY.fetch_sub(1, Ordering::SeqCst) - 1 == LULL {
            pages::choose(fitting);
        }
    }
}

/// The pages that fit what is under way; none where those that were chosen last do.
fn fitting() -> Option<Pages> {
    match UNDER_WAY.load(Ordering::SeqCst) {
        MANY..=LULL => Some(Pages::Large),
        CROWD.. => Some(Pages::Small),
        _ => None,
    }
}
