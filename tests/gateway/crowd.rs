//! Many clients at once.

use std::collections::BTreeSet;

use crate::http::Connection;
use crate::main_job::TOKEN;
use crate::process::Start;
use crate::requests::{assert_flag, create, fields, post, retrieve};

const CLIENTS: usize = 64;
const EACH: usize = 10;

#[test]
fn a_crowd_is_served() {
    let gateway = Start::sandbox().run();
    gateway.send(&retrieve("4711"));
    assert!(!gateway.takes_large_pages(), "not for one request");
    let replies: Vec<_> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let address = gateway.address.as_str();
                scope.spawn(move || {
                    let mut connection = Connection::open(address);
                    let request = |number: usize| {
                        let reference = format!("r{client}-{number}");
                        let body = create(&[("merchant_ref_number", &reference)]);
                        let answer = connection.send(&post(body.as_bytes())).read();
                        let reply = fields(&answer.text());
                        assert_eq!(reply["merchant_ref_number"], reference);
                        reply
                    };
                    (0..EACH).map(request).collect::<Vec<_>>()
                })
            })
            .collect();
        let joined = clients.into_iter().map(|client| client.join().unwrap());
        joined.flatten().collect()
    });
    assert!(gateway.takes_large_pages());
    assert_eq!(replies.len(), CLIENTS * EACH);
    for reply in &replies {
        assert_flag(reply, "1", "SOK");
    }
    let all = |name: &str| -> BTreeSet<&str> { replies.iter().map(|r| r[name].as_str()).collect() };
    assert_eq!(all("request_id").len(), replies.len());
    assert_eq!(all("request_token").len(), replies.len());
    assert_eq!(all(TOKEN).len(), replies.len());
    let identifier = all("pay_subscription_create_instrument_identifier_id");
    assert_eq!(identifier.len(), 1);
    let new = "pay_subscription_create_instrument_identifier_new";
    let first = replies.iter().filter(|reply| reply[new] == "Y");
    assert_eq!(first.count(), 1);
}
