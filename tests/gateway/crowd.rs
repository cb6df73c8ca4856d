//! Many clients at once are served, each with what is its own.

use std::collections::BTreeSet;

use crate::clients::crowd;
use crate::http::Connection;
use crate::main_job::TOKEN;
use crate::process::Start;
use crate::requests::{assert_flag, fields, post, retrieve};
use crate::upstream::{Act, CUSTOMER, Gate, Upstream, tms};

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

/// Each holds its memory for as long as REST takes, and in small pages less of it.
#[test]
fn a_crowd_that_waits_gets_small_pages() {
    const WAITING: usize = 160;
    let gate = Gate::default();
    let answers = gate.clone();
    let upstream = Upstream::start(move |seen| Act::After(answers.clone(), Box::new(tms(seen))));
    let gateway = upstream.gateway("");
    let request = post(retrieve(CUSTOMER).as_bytes());
    let mut clients: Vec<Connection> = Vec::new();
    for count in [32, WAITING] {
        while clients.len() < count {
            let mut client = Connection::open(&gateway.address);
            client.send(&request);
            clients.push(client);
        }
        upstream.wait_for(count);
        assert_eq!(gateway.takes_large_pages(), count < WAITING, "{count} wait");
    }
    gate.open();
    for client in &mut clients {
        assert_flag(&fields(&client.read().text()), "1", "SOK");
    }
    assert!(gateway.takes_large_pages(), "the crowd is gone");
}
