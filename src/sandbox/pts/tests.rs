//! The routing, and rules that depend on the clock or on settings.

use std::time::UNIX_EPOCH;

use hyper::header::HeaderMap;
use serde_json::{Value, json};

use super::*;
use crate::sandbox::call::View;
use crate::sandbox::processor::Processor;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A host whose clock is set by hand.
struct Host {
    state: State,
    tokens: tms::State,
    now: SystemTime,
}

impl Host {
    fn new(balances: Balances) -> Self {
        let rules = Rules {
            processor: Processor::default(),
            duplicates_refused: false,
            balances,
            search_lag: Duration::ZERO,
            settlement: DAY,
        };
        Self {
            state: State::new(1, rules),
            tokens: tms::State::new(1),
            // 2023-11-14.
            now: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        }
    }

    fn call(&mut self, method: &str, path: &str, body: &[u8]) -> Reply {
        let headers = HeaderMap::new();
        let call = Call {
            method,
            path,
            query: "",
            headers: &headers,
            body,
            now: self.now,
            view: View::default(),
        };
        answer(&mut self.state, &mut self.tokens, "m", &call)
    }

    fn post(&mut self, path: &str, body: &Value) -> (u16, Value) {
        let reply = self.call("POST", path, body.to_string().as_bytes());
        (reply.status, reply.body.unwrap_or_default())
    }

    /// The id of a sale of 10.00.
    fn sale(&mut self) -> String {
        let mut body = payment("10.00");
        body["processingInformation"] = json!({"capture": true});
        id(&self.post("/pts/v2/payments", &body).1)
    }
}

fn payment(amount: &str) -> Value {
    json!({
        "paymentInformation": {"card": {"number": "4111111111111111",
            "expirationMonth": "11", "expirationYear": "2023"}},
        "orderInformation": {
            "amountDetails": {"totalAmount": amount, "currency": "USD"},
            "billTo": {"firstName": "Jane", "lastName": "Smith", "address1": "1 Main Street",
                "locality": "x", "administrativeArea": "CA", "postalCode": "98765",
                "country": "US", "email": "jsmith@example.com"},
        },
    })
}

fn id(reply: &Value) -> String {
    reply["id"].as_str().unwrap().to_owned()
}

#[test]
fn paths_are_taken_with_one_slash_at_the_end_and_not_with_two() {
    for path in ["/pts/v2/payments", "/pts/v2/payments/", "/pts/v2/voids/"] {
        assert!(Target::parse(path).is_some(), "{path}");
    }
    for path in [
        "/pts/v2/payments//",
        "/pts/v2/payments//captures",
        "/pts/v2/refunds/1/refunds",
        "/pts/v2/reversals/1/voids",
        "/pts/v1/payments",
        "/tms/v2/customers",
        "/",
    ] {
        assert!(Target::parse(path).is_none(), "{path}");
    }
}

#[test]
fn a_wrong_verb_is_405() {
    let mut host = Host::new(Balances::Lenient);
    for (method, path) in [
        ("GET", "/pts/v2/payments"),
        ("GET", "/pts/v2/payments/1"),
        ("PUT", "/pts/v2/voids"),
        ("POST", "/tss/v2/transactions/1"),
    ] {
        assert_eq!(
            host.call(method, path, b"{}").status,
            405,
            "{method} {path}"
        );
    }
}

#[test]
fn a_seed_makes_the_ids_reproducible() {
    let (mut one, mut other) = (Host::new(Balances::Lenient), Host::new(Balances::Lenient));
    assert_eq!(one.sale(), other.sale());
}

#[test]
fn times_are_those_of_the_clock() {
    let mut host = Host::new(Balances::Lenient);
    let (_, reply) = host.post("/pts/v2/payments", &payment("10.00"));
    assert_eq!(reply["submitTimeUtc"], "2023-11-14T22:13:20Z");
    // Without a reference, the host makes one of its clock.
    assert_eq!(reply["clientReferenceInformation"]["code"], "1700000000000");
}

#[test]
fn a_card_expires_with_its_month() {
    let mut host = Host::new(Balances::Lenient);
    let (_, reply) = host.post("/pts/v2/payments", &payment("10.00"));
    assert_eq!(reply["status"], "AUTHORIZED");
    host.now += 20 * DAY;
    let (status, reply) = host.post("/pts/v2/payments", &payment("10.00"));
    assert_eq!((status, &reply["status"]), (201, &json!("DECLINED")));
    assert_eq!(reply["errorInformation"]["reason"], "EXPIRED_CARD");
}

#[test]
fn nothing_is_voided_after_its_settlement() {
    let mut host = Host::new(Balances::Lenient);
    for (age, status) in [(DAY / 2, 201), (DAY, 400)] {
        let sale = host.sale();
        host.now += age;
        let path = format!("/pts/v2/payments/{sale}/voids");
        let (got, reply) = host.post(&path, &json!({}));
        assert_eq!(got, status, "{reply}");
        if got == 400 {
            assert_eq!(reply["reason"], "NOT_VOIDABLE");
        }
    }
}

#[test]
fn strict_balances_count_what_stands() {
    let mut host = Host::new(Balances::Strict);
    let auth = id(&host.post("/pts/v2/payments", &payment("10.00")).1);
    let captures = format!("/pts/v2/payments/{auth}/captures");
    let amount = |text: &str| json!({"orderInformation": {"amountDetails": {"totalAmount": text, "currency": "USD"}}});
    let (status, first) = host.post(&captures, &amount("6.00"));
    assert_eq!(status, 201);
    let (_, refused) = host.post(&captures, &amount("4.01"));
    assert_eq!(refused["reason"], "EXCEEDS_AUTH_AMOUNT");
    assert_eq!(host.post(&captures, &amount("4.00")).0, 201);

    let path = format!("/pts/v2/captures/{}", id(&first));
    let refunds = format!("{path}/refunds");
    let refund = id(&host.post(&refunds, &amount("6.00")).1);
    let (_, refused) = host.post(&refunds, &amount("0.01"));
    assert_eq!(refused["reason"], "INVALID_AMOUNT");
    let void = format!("/pts/v2/refunds/{refund}/voids");
    assert_eq!(host.post(&void, &json!({})).0, 201);
    assert_eq!(host.post(&refunds, &amount("6.00")).0, 201);

    assert_eq!(host.post(&format!("{path}/voids"), &json!({})).0, 201);
    assert_eq!(host.post(&captures, &amount("6.00")).0, 201);
}

#[test]
fn broken_bodies_are_invalid_data_without_details() {
    let mut host = Host::new(Balances::Lenient);
    for body in ["", "[]", "{", "\"x\""] {
        let reply = host.call("POST", "/pts/v2/payments", body.as_bytes());
        let shown = reply.body.unwrap();
        assert_eq!(
            (reply.status, &shown["reason"]),
            (400, &json!("INVALID_DATA"))
        );
        assert!(shown.get("details").is_none(), "{body}");
    }
}
