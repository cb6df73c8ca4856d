//! Many clients at once are served, each with what is its own.

use std::collections::BTreeSet;

use crate::clients::crowd;
use crate::main_job::TOKEN;
use crate::process::Start;
use crate::requests::{assert_flag, retrieve};

#[test]
fn a_crowd_is_served() {
    let gateway = Start::sandbox().run();
    gateway.send(&retrieve("4711"));
    assert!(!gateway.takes_large_pages(), "not for one request");
    let replies = crowd(&gateway);
    assert!(gateway.takes_large_pages());
    for reply in &replies {
        assert_flag(reply, "1", "SOK");
    }
    let all = |name: &str| -> BTreeSet<&str> { replies.iter().map(|r| r[name].as_str()).collect() };
    assert_eq!(all("merchant_ref_number").len(), replies.len());
    assert_eq!(all("request_id").len(), replies.len());
    assert_eq!(all("request_token").len(), replies.len());
    assert_eq!(all(TOKEN).len(), replies.len());
    let identifier = all("pay_subscription_create_instrument_identifier_id");
    assert_eq!(identifier.len(), 1);
    let new = "pay_subscription_create_instrument_identifier_new";
    let first = replies.iter().filter(|reply| reply[new] == "Y");
    assert_eq!(first.count(), 1);
}
