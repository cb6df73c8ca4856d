//! Whoever starts a gateway may want small pages of memory alone. In a program of its own, for the wish goes on to all that is
//! started from here.

#[path = "gateway/clients.rs"]
mod clients;
#[path = "gateway/http.rs"]
#[allow(dead_code)]
mod http;
#[path = "gateway/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "gateway/requests.rs"]
#[allow(dead_code)]
mod requests;

use rustix::thread::disable_transparent_huge_pages;

use crate::clients::crowd;
use crate::process::Start;

#[test]
fn another_s_wish_for_small_pages_is_kept() {
    disable_transparent_huge_pages(true).unwrap();
    let gateway = Start::sandbox().run();
    crowd(&gateway);
    assert!(!gateway.takes_large_pages());
}
