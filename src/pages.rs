//! Pages of memory: small ones for a gateway that idles, large ones for one at work.
//!
//! The allocator asks Linux for pages of 2 MiB where it has them (`transparent_hugepage`). In them an idle gateway would hold
//! 11 MiB more; one under load takes some 7 % less time for each request, for the processor finds its way through few large
//! pages sooner than through many small ones.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Once;

use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};

/// Says that the program was begun again, should the system forget what it was asked for.
const BEGUN_AGAIN: &str = "SCMP_GATEWAY_BEGUN_AGAIN";

/// Small pages, until there is work. What a program asks for before it can say so already lies in a large page; so it begins
/// again, as the same process and with the same arguments. Where that is not possible it goes on with 2 MiB more.
pub fn small() {
    let is_asked = transparent_huge_pages_are_disabled() != Ok(false);
    if is_asked || env::var_os(BEGUN_AGAIN).is_some() {
        return;
    }
    if disable_transparent_huge_pages(true).is_err() {
        return;
    }
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
    static ASKED: Once = Once::new();
    ASKED.call_once(|| {
        // A system that knows no large pages knows no such flag.
        let _ = disable_transparent_huge_pages(false);
    });
}
