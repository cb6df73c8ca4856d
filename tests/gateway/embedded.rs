//! The simulator in the gateway's own process, with every message sealed.

use serde_json::Value;

use crate::http::exchange;
use crate::main_job::{account_life, card_life};
use crate::payments::payment_life;
use crate::process::{Running, Start};
use crate::requests::{assert_flag, create};

/// How many requests and replies the simulator opened and sealed.
fn sealed(gateway: &Running) -> (u64, u64) {
    let ask = b"GET /sandbox HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let status = exchange(&gateway.sandbox, ask);
    let status: Value = serde_json::from_slice(&status.body).unwrap();
    let count = |name: &str| status["sealed"][name].as_u64().unwrap();
    (count("requests"), count("replies"))
}

#[test]
fn the_whole_job_is_done_under_seal() {
    let gateway = Start::sandbox().arguments(&["--mle"]).run();
    card_life(&gateway);
    account_life(&gateway);
    payment_life(&gateway);
    let (requests, replies) = sealed(&gateway);
    // Reads have no body to seal; their replies are sealed.
    assert!(requests > 10 && replies > requests, "{requests} {replies}");
    gateway.end();
}

#[test]
fn without_it_nothing_is_sealed() {
    let gateway = Start::sandbox().run();
    card_life(&gateway);
    assert_eq!(sealed(&gateway), (0, 0));
}

#[test]
fn merchants_of_every_kind_are_known_to_it() {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");
    let secret = "shared_secret = \"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"";
    let signature = format!("key_id = \"k1\"\n{secret}\nauth = \"http_signature\"\n");
    let metakey = format!("key_id = \"k2\"\n{secret}\nportfolio_id = \"chain\"\n");
    let certificate = format!("p12_file = \"{keys}/merchant.p12\"\n");
    let provider = format!("mle_certificate_file = \"{keys}/provider.cert.pem\"\n");
    let response = format!(
        "mle_response_private_key_file = \"{keys}/response.key.pem\"\n\
         mle_response_certificate_file = \"{keys}/response.cert.pem\"\n"
    );
    let token = format!("key_id = \"k3\"\n{secret}\n");
    let request = format!("{token}mle = \"request\"\n{provider}");
    let both = format!("{certificate}mle = \"both\"\n{provider}{response}");
    let unmasked = format!("{signature}unmasked_retrieve = true\n{response}");
    for (lines, options) in [
        (&signature, &[][..]),
        (&metakey, &[]),
        (&signature, &["--mle"]),
        (&metakey, &["--mle"]),
        (&certificate, &["--mle"]),
        (&certificate, &[]),
        (&request, &[]),
        (&both, &[]),
        (&both, &["--mle"]),
        (&unmasked, &[]),
    ] {
        let config = format!("[merchants.mid1234]\n{lines}");
        let gateway = Start::sandbox().arguments(options).config(&config).run();
        assert_flag(&gateway.send(&create(&[])), "1", "SOK");
    }
}
