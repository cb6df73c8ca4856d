//! Pages of memory: small ones for a gateway that idles, large ones for one at work, small ones where a crowd waits.
//!
//! The allocator asks Linux for pages of 2 MiB where it has them (`transparent_hugepage`). In them an idle gateway would hold
//! 11 MiB more, and a request in flight 20 KiB: its buffers are touched at their beginnings only. One under load takes some 7 %
//! less time for each request, for the processor finds its way through few large pages sooner than through many small ones.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};

/// Says that the program was begun again.
const BEGUN_AGAIN: &str = "SCMP_GATEWAY_BEGUN_AGAIN";

/// A choice of pages.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Pages {
    /// Of 4 KiB, for what is asked for from now on.
    Small = 1,
    /// Of 2 MiB: for what is asked for from now on at once, and for the rest within seconds.
    Large = 2,
}

/// Which pages this program chose; 0 before it did. Where whoever started it wants none but small ones, it never chooses.
static CHOSEN: AtomicU8 = AtomicU8::new(0);
/// What is chosen and what the system knows of it change together.
static CHOOSING: Mutex<()> = Mutex::new(());

/// Small pages, until there is work. What a program asks for before it can say so already lies in a large page; so it begins
/// again, as the same process and with the same arguments. Where that is not possible it goes on with 2 MiB more.
pub fn begin() {
    if env::var_os(BEGUN_AGAIN).is_some() {
        CHOSEN.store(Pages::Small as u8, Ordering::SeqCst);
        return;
    }
    let were_large = transparent_huge_pages_are_disabled() == Ok(false);
    // A system that knows no large pages knows no such flag.
    if !were_large || disable_transparent_huge_pages(true).is_err() {
        return;
    }
    CHOSEN.store(Pages::Small as u8, Ordering::SeqCst);
    let mut arguments = env::args_os();
    if let (Ok(program), Some(name)) = (env::current_exe(), arguments.next()) {
        let mut again = Command::new(program);
        again.arg0(name).args(arguments).env(BEGUN_AGAIN, "yes");
        // It comes back only if it failed.
        let _ = again.exec();
    }
}

/// Chooses what is wanted, where anything is. It is asked for until it is what was chosen, for meanwhile it may have become
/// something else.
pub fn choose(wanted: impl Fn() -> Option<Pages>) {
    let other = || {
        let chosen = CHOSEN.load(Ordering::SeqCst);
        wanted().filter(|pages| chosen != 0 && chosen != *pages as u8)
    };
    // Looked at first, for most have nothing to change.
    if other().is_none() {
        return;
    }
    let _alone = CHOOSING.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some(pages) = other() {
        if disable_transparent_huge_pages(pages == Pages::Small).is_err() {
            return;
        }
        CHOSEN.store(pages as u8, Ordering::SeqCst);
    }
}
