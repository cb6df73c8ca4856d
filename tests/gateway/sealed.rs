//! Message-level encryption and certificates, with a host that another library makes; and what came sealed and stays so.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::main_job::TOKEN;
use crate::payments::{PAYER, request};
use crate::process::{Running, Start};
use crate::requests::{assert_flag, create, delete, retrieve, update};
use crate::upstream::{Upstream, reply};

const NUMBER: &str = "4111111111111111";
const RETRIEVED: &str = "pay_subscription_retrieve_customer_cc_number";

fn keys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys")
}

/// A merchant's lines: by certificate, everything sealed.
fn certified() -> String {
    let keys = keys();
    let keys = keys.display();
    format!(
        "p12_file = \"{keys}/merchant.p12\"\nmle = \"both\"\n\
         mle_response_private_key_file = \"{keys}/response.key.pem\"\n\
         mle_response_certificate_file = \"{keys}/response.cert.pem\"\n"
    )
}

/// A merchant's lines: by shared secret, requests sealed.
fn shared() -> String {
    let keys = keys();
    let keys = keys.display();
    format!(
        "key_id = \"own-key\"\nshared_secret = \"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"\n\
         mle = \"request\"\nmle_certificate_file = \"{keys}/provider.cert.pem\"\n\
         mle_response_private_key_file = \"{keys}/response.key.pem\"\nmle_response_key_id = \"7000000000000000003\"\n"
    )
}

/// The host by jwcrypto; ends when dropped.
struct Host {
    address: String,
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Host {
    /// Starts it, or says that it is skipped for want of Python with jwcrypto: that of the official SDK's environment, or
    /// the system's.
    fn start() -> Option<Host> {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let usual = target.join("sdk/python");
        let folder = std::env::var_os("SCMP_GATEWAY_SDK_PYTHON").map_or(usual, PathBuf::from);
        let pythons = [folder.join("bin/python"), PathBuf::from("python3")];
        let has = |python: &&PathBuf| {
            let tried = Command::new(python)
                .args(["-c", "import jwcrypto"])
                .stderr(Stdio::null())
                .status();
            tried.is_ok_and(|status| status.success())
        };
        let Some(python) = pythons.iter().find(has) else {
            let must = std::env::var_os("SCMP_GATEWAY_TEST_NO_SKIP").is_some();
            assert!(!must, "no Python with jwcrypto");
            println!("skipped: there is no Python with jwcrypto");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway/host.py");
        let mut child = Command::new(python)
            .arg("-B")
            .arg(script)
            .arg(keys())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        said.read_line(&mut port).unwrap();
        let address = format!("127.0.0.1:{}", port.trim());
        Some(Host {
            address,
            child,
            said,
        })
    }

    /// A gateway in front of it, that logs all it may.
    fn gateway(&self, lines: &str) -> Running {
        let address = &self.address;
        let config =
            format!("[rest]\nbase_url = \"http://{address}\"\n[merchants.mid1234]\n{lines}");
        let start = Start::serve().env("SCMP_GATEWAY_LOG", "trace");
        start.config(&config).run()
    }

    /// The requests that it had, each of which held.
    fn requests(mut self) -> Vec<Value> {
        let _ended = self.child.kill();
        let mut requests = Vec::new();
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            let request = serde_json::from_str(&line);
            requests.push(request.unwrap_or_else(|_| panic!("{line}")));
            line.clear();
        }
        requests
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

#[test]
fn another_library_reads_what_is_sealed_and_seals_what_is_read() {
    for lines in [certified(), shared()] {
        let Some(host) = Host::start() else { return };
        let gateway = host.gateway(&lines);
        let made = gateway.send(&create(&[]));
        assert_flag(&made, "1", "SOK");
        let token = &made[TOKEN];
        let read = gateway.send(&retrieve(token));
        assert_eq!(read[RETRIEVED], "411111XXXXXX1111");
        assert_flag(
            &gateway.send(&update(token, &[("customer_firstname", "Ann")])),
            "1",
            "SOK",
        );
        assert_flag(&gateway.send(&delete(token)), "1", "SOK");
        for (amount, code, flag) in [("10.00", "1", "SOK"), ("25.01", "0", "DINVALIDDATA")] {
            let payment = request("ics_auth", &format!("{PAYER}grand_total_amount={amount}\n"));
            assert_flag(&gateway.send(&payment), code, flag);
        }
        let log = gateway.end();
        assert!(
            !log.contains(NUMBER) && !log.contains("PRIVATE KEY"),
            "{log}"
        );
        let requests = host.requests();
        let sent = |text: &str| {
            requests
                .iter()
                .any(|request| request["text"].as_str().unwrap().contains(text))
        };
        assert!(
            sent(NUMBER) && sent("\"Ann\"") && sent("\"25.01\""),
            "{requests:#?}"
        );
    }
}

#[test]
fn a_whole_number_comes_back_to_who_wants_it_so_and_may_be_sent_again() {
    for lines in [certified(), shared()] {
        let Some(host) = Host::start() else { return };
        let gateway = host.gateway(&(lines + "unmasked_retrieve = true\n"));
        let read = gateway.send(&retrieve("C1"));
        assert_flag(&read, "1", "SOK");
        assert_eq!(read[RETRIEVED], NUMBER);
        let again = update(
            "C1",
            &[
                ("customer_cc_number", &read[RETRIEVED]),
                ("card_type", "001"),
            ],
        );
        assert_flag(&gateway.send(&again), "1", "SOK");
        let log = gateway.end();
        assert!(!log.contains(NUMBER), "{log}");
        let requests = host.requests();
        let of = |request: &&Value| request["path"] == "/tms/v1/instrumentidentifiers";
        assert!(
            requests.iter().find(of).unwrap()["text"]
                .as_str()
                .unwrap()
                .contains(NUMBER)
        );
    }
}

#[test]
fn a_reply_for_another_key_leaves_a_payment_unknown() {
    let Some(host) = Host::start() else { return };
    let gateway = host.gateway(&certified());
    let payment = request("ics_auth", &format!("{PAYER}grand_total_amount=66.00\n"));
    assert_flag(&gateway.send(&payment), "-1", "ETIMEOUT");
    let log = gateway.end();
    assert!(
        log.contains("outcome of a REST call is unknown") && log.contains("could not be opened"),
        "{log}"
    );
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn what_comes_sealed_and_cannot_be_opened_is_never_a_failure() {
    for status in [201, 400, 502] {
        let upstream =
            Upstream::start(move |_| reply(status, &json!({"encryptedResponse": "ey.a.b.c.d"})));
        let gateway = upstream.gateway("");
        let payment = request(
            "ics_auth,ics_bill",
            &format!("{PAYER}grand_total_amount=1.00\n"),
        );
        assert_flag(&gateway.send(&payment), "-1", "ETIMEOUT");
        assert_eq!(upstream.seen().len(), 1);
        // What changes nothing is in no doubt.
        assert_flag(&gateway.send(&retrieve("C1")), "-1", "ESYSTEM");
    }
}

#[test]
fn a_reply_in_the_clear_counts_and_is_told() {
    let body = json!({"id": "7000000000000000000042", "status": "AUTHORIZED"});
    let upstream = Upstream::start(move |_| reply(201, &body));
    let address = &upstream.address;
    let config = format!(
        "[rest]\nbase_url = \"http://{address}\"\n[merchants.mid1234]\n{}",
        certified()
    );
    let gateway = Start::serve().config(&config).run();
    let payment = request("ics_auth", &format!("{PAYER}grand_total_amount=1.00\n"));
    assert_flag(&gateway.send(&payment), "1", "SOK");
    let log = gateway.end();
    assert!(log.contains("came in the clear"), "{log}");
    assert!(log.contains("good until 2046-"), "{log}");
}
