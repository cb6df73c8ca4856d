//! Many clients at once.

use crate::http::Connection;
use crate::process::Running;
use crate::requests::{Fields, create, fields, post};

const CLIENTS: usize = 64;
const EACH: usize = 10;

/// Has each of many clients make some tokens, one after the other over one connection; gives all the replies.
pub fn crowd(gateway: &Running) -> Vec<Fields> {
    std::thread::scope(|scope| {
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
    })
}
