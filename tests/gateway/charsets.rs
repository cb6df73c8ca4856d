//! Charsets: each client's own, there and back.

use crate::http::{Answer, exchange};
use crate::process::Running;
use crate::requests::{assert_flag, create, fields, post, post_with, retrieve};
use crate::upstream::{Act, CUSTOMER, Seen, Upstream, reply, tms};

/// 表山 and 田, of which one byte in Shift_JIS is a backslash.
const TEXT: &str = "表山";
const NAME: &str = "田";
const SHIFT_JIS: (&[u8], &[u8]) = (b"\x95\x5c\x8e\x52", b"\x93\x63");
const EUC_JP: (&[u8], &[u8]) = (b"\xc9\xbd\xbb\xb3", b"\xc5\xc4");

/// A create whose reference is one text and whose first name another, in bytes.
fn request(reference: &[u8], name: &[u8]) -> Vec<u8> {
    let text = create(&[
        ("merchant_ref_number", "{r}"),
        ("customer_firstname", "{n}"),
    ]);
    let (before, rest) = text.split_once("{r}").unwrap();
    let (between, after) = rest.split_once("{n}").unwrap();
    let parts = [
        before.as_bytes(),
        reference,
        between.as_bytes(),
        name,
        after.as_bytes(),
    ];
    parts.concat()
}

fn holds(answer: &Answer, bytes: &[u8]) -> bool {
    let line = [b"\nmerchant_ref_number=", bytes, b"\n"].concat();
    answer.body.windows(line.len()).any(|part| part == line)
}

/// Asserts what REST got and what the client got back.
#[track_caller]
fn assert_understood(upstream: &Upstream, answer: &Answer, sent: &[u8], label: &str, text: &str) {
    assert_eq!(answer.status, 200);
    let content_type = answer.header("content-type");
    assert_eq!(content_type, format!("text/plain; charset={label}"));
    assert!(answer.body.starts_with(b"ics_rcode=1\n"), "{answer:?}");
    assert!(holds(answer, sent), "{answer:?}");
    let customer = upstream.seen().into_iter().rfind(is_customer).unwrap();
    assert_eq!(
        customer.json()["clientReferenceInformation"]["code"],
        text,
        "{label}"
    );
    let instrument = upstream.seen().into_iter().rfind(is_instrument).unwrap();
    assert_ne!(instrument.json()["billTo"]["firstName"], "");
}

fn is_customer(seen: &Seen) -> bool {
    seen.is("POST", "/customers")
}

fn is_instrument(seen: &Seen) -> bool {
    seen.is("POST", "/payment-instruments")
}

fn labelled(gateway: &Running, label: &str, body: &[u8]) -> Answer {
    let header = format!("Content-Type: text/plain; charset={label}\r\n");
    exchange(&gateway.address, &post_with(&header, body))
}

#[test]
fn a_charset_that_is_named_is_kept() {
    let upstream = Upstream::start(tms);
    let gateway = upstream.gateway("");
    for (label, said, (text, name)) in [
        ("Shift_JIS", "Shift_JIS", SHIFT_JIS),
        ("\"sjis\"", "Shift_JIS", SHIFT_JIS),
        ("euc-jp", "EUC-JP", EUC_JP),
        ("UTF-8", "utf-8", (TEXT.as_bytes(), NAME.as_bytes())),
    ] {
        let answer = labelled(&gateway, label, &request(text, name));
        assert_understood(&upstream, &answer, text, said, TEXT);
        let instrument = upstream.seen().into_iter().rfind(is_instrument).unwrap();
        assert_eq!(instrument.json()["billTo"]["firstName"], NAME);
    }
}

#[test]
fn bytes_without_a_label_are_guessed() {
    let upstream = Upstream::start(tms);
    let gateway = upstream.gateway("");
    let latin = request(b"Jos\xe9", b"Ren\xe9");
    let answer = exchange(&gateway.address, &post(&latin));
    assert_understood(&upstream, &answer, b"Jos\xe9", "iso-8859-1", "José");
    let utf8 = request("José".as_bytes(), b"Rene");
    let answer = exchange(&gateway.address, &post(&utf8));
    assert_understood(&upstream, &answer, "José".as_bytes(), "utf-8", "José");
    // A browser's type without a charset says nothing.
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let answer = exchange(&gateway.address, &post_with(form, &latin));
    assert_understood(&upstream, &answer, b"Jos\xe9", "iso-8859-1", "José");
}

#[test]
fn a_merchant_has_a_charset_of_its_own() {
    let upstream = Upstream::start(tms);
    let config = upstream.config("") + "charset = \"Shift_JIS\"\n";
    let gateway = crate::process::Start::serve().config(&config).run();
    let (text, name) = SHIFT_JIS;
    let answer = exchange(&gateway.address, &post(&request(text, name)));
    assert_understood(&upstream, &answer, text, "Shift_JIS", TEXT);
    let answer = labelled(&gateway, "utf-8", &request(TEXT.as_bytes(), b"x"));
    assert_understood(&upstream, &answer, TEXT.as_bytes(), "utf-8", TEXT);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let upstream = Upstream::start(tms);
    let gateway = upstream.gateway("");
    for (label, body, says) in [
        ("klingon", request(b"r", b"n"), "klingon is not supported"),
        (
            "utf-16",
            request(b"r", b"n"),
            "charset utf-16 is not supported",
        ),
        ("utf-8", request(b"r", b"Ren\xe9"), "line 5"),
        ("Shift_JIS", request(b"r", b"\x95"), "Shift_JIS"),
    ] {
        let answer = labelled(&gateway, label, &body);
        assert_eq!(answer.status, 200);
        let reply = fields(&answer.text());
        assert_flag(&reply, "0", "DINVALIDDATA");
        assert!(reply["ics_rmsg"].contains(says), "{reply:?}");
    }
    assert_eq!(upstream.calls(), Vec::<String>::new());
}

/// A character that the client's charset lacks becomes `?`, and never breaks a line.
#[test]
fn what_rest_says_comes_back_in_the_clients_charset() {
    let upstream = Upstream::start(|_| {
        let bill_to = serde_json::json!({"firstName": "田\u{85}é", "lastName": "😀"});
        let instrument = serde_json::json!({"id": "I", "billTo": bill_to});
        reply(
            200,
            &serde_json::json!({"id": CUSTOMER,
            "_embedded": {"defaultPaymentInstrument": instrument}}),
        )
    });
    let gateway = upstream.gateway("");
    let answer = labelled(&gateway, "iso-8859-1", retrieve(CUSTOMER).as_bytes());
    let line = b"\npay_subscription_retrieve_customer_firstname=";
    let at = answer
        .body
        .windows(line.len())
        .position(|part| part == line);
    let value = &answer.body[at.unwrap() + line.len()..];
    assert!(value.starts_with(b"?"), "{answer:?}");
    let end = value.iter().position(|byte| *byte == b'\n').unwrap();
    assert_eq!(value[end - 1], 0xe9, "{answer:?}");
    assert!(!value[..end].contains(&0x85));
}

#[test]
fn a_value_cannot_forge_a_field() {
    let forged = [
        "Jane\nics_rcode=1",
        "Jane\r\nics_rflag=SOK",
        "Jane\rics_rcode=1",
        "Jane\u{2028}ics_rcode=1\u{0}\u{b}\u{c}\u{85}ics_rmsg=x",
    ];
    for (label, name) in forged.iter().flat_map(|n| [("utf-8", n), ("sjis", n)]) {
        let name = (*name).to_owned();
        let upstream = Upstream::start(move |seen| match seen.method.as_str() {
            "GET" => {
                let instrument = serde_json::json!({"id": "I", "billTo": {"firstName": name}});
                reply(
                    200,
                    &serde_json::json!({"id": CUSTOMER,
                    "_embedded": {"defaultPaymentInstrument": instrument}}),
                )
            }
            _ => refusal(&name),
        });
        let gateway = upstream.gateway("");
        let answer = labelled(&gateway, label, retrieve(CUSTOMER).as_bytes());
        // `fields` refuses lines that are no field, and names that come twice.
        let read = fields(&answer.text());
        assert_flag(&read, "1", "SOK");
        let line = &read["pay_subscription_retrieve_customer_firstname"];
        assert!(line.starts_with("Jane") && line.contains("ics_"), "{line}");
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
        let answer = labelled(&gateway, label, create(&[]).as_bytes());
        assert_flag(&fields(&answer.text()), "0", "DDUPLICATE");
    }
}

fn refusal(message: &str) -> Act {
    crate::upstream::error(409, "tokenIdConflict", "card", "number", message)
}
