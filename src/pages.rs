//! Pages of memory: small ones for a gateway that idles, large ones for one at work, small ones where a crowd waits.
//!
//! The allocator asks Linux for pages of 2 MiB where it has them (`transparent_hugepage`). In them an idle gateway would hold
//! 11 MiB more, and a request in flight 20 KiB: its buffers are touched at their beginnings only. One under load takes some 7 %
//! less time for each request, for the processor finds its way through few large pages sooner than through many small ones.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};

/// Says that the program was begun again.
const BEGUN_AGAIN: &str = "SCMP_GATEWAY_BEGUN_AGAIN";

/// Nobody's choice but that of whoever started the program.
const AS_FOUND: u8 = 0;
const SMALL: u8 = 1;
const LARGE: u8 = 2;

/// Which pages this program chose. Where whoever started it wants none but small ones, it stays with them.
static CHOSEN: AtomicU8 = AtomicU8::new(AS_FOUND);

/// Small pages, until there is work. What a program asks for before it can say so already lies in a large page; so it begins
/// again, as the same process and with the same arguments. Where that is not possible it goes on with 2 MiB more.
pub fn begin() {
    if env::var_os(BEGUN_AGAIN).is_some() {
        CHOSEN.store(SMALL, Ordering::Relaxed);
        return;
    }
    let were_large = transparent_huge_pages_are_disabled() == Ok(false);
    // A system that knows no large pages knows no such flag.
    if !were_large || disable_transparent_huge_pages(true).is_err() {
        return;
    }
    CHOSEN.store(SMALL, Ordering::Relaxed);
    let mut arguments = env::args_os();
    if let (Ok(program), Some(name)) = (env::current_exe(), arguments.next()) {
        let mut again = Command::new(program);
        again.arg0(name).args(arguments).env(BEGUN_AGAIN, "yes");
        // It comes back only if it failed.
        let _ = again.exec();
    }
}

/// Large pages: for what is asked for from now on at once, and for the rest within seconds.
pub fn large() {
    choose(SMALL, LARGE);
}

/// Small pages for what is asked for from now on.
pub fn small() {
    choose(LARGE, SMALL);
}

fn choose(now: u8, then: u8) {
    let swap = || CHOSEN.compare_exchange(now, then, Ordering::Relaxed, Ordering::Relaxed);
    // Looked at first, for most have nothing to change.
    if CHOSEN.load(Ordering::Relaxed) == now && swap().is_ok() {
        let _ = disable_transparent_huge_pages(then == SMALL);
    }
}
