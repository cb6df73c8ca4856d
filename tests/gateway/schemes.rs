//! Both ways to authenticate, and keys that are refused.

use crate::main_job::TOKEN;
use crate::process::Start;
use crate::requests::{assert_flag, create, delete, retrieve, update};

fn config(more: &str, secret: &str) -> String {
    format!("{more}\n[merchants.mid1234]\nkey_id = \"own-key\"\nshared_secret = \"{secret}\"\n")
}

const SECRET: &str = "b25lIHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzISE=";
const OTHER: &str = "YW5vdGhlciBvZiB0aGlydHktdHdvIGJ5dGVzLCB5ZXM=";

#[test]
fn both_schemes_serve() {
    for auth in ["jwt", "http_signature"] {
        let config = config("", SECRET) + &format!("auth = \"{auth}\"\n");
        let gateway = Start::sandbox().config(&config).run();
        let reply = gateway.send(&create(&[]));
        assert_flag(&reply, "1", "SOK");
        let token = &reply[TOKEN];
        let change = [("customer_firstname", "Ann")];
        for request in [update(token, &change), retrieve(token), delete(token)] {
            assert_flag(&gateway.send(&request), "1", "SOK");
        }
    }
}

#[test]
fn a_wrong_secret_is_told_to_the_operator() {
    let sandbox = Start::new(&["sandbox", "--listen", "127.0.0.1:0"])
        .arguments(&["--merchant", "mid1234", "--key-id", "own-key"])
        .arguments(&["--secret", SECRET])
        .run();
    let rest = format!("[rest]\nbase_url = \"http://{}\"", sandbox.address);
    for auth in ["jwt", "http_signature"] {
        for (secret, code, flag) in [(SECRET, "1", "SOK"), (OTHER, "-1", "ESYSTEM")] {
            let config = config(&rest, secret) + &format!("auth = \"{auth}\"\n");
            let gateway = Start::serve().config(&config).run();
            assert_flag(&gateway.send(&create(&[])), code, flag);
            let log = gateway.end();
            let told = log.contains("refused the merchant's key");
            assert_eq!(told, flag == "ESYSTEM", "{auth}: {log}");
        }
    }
}
