//! Nothing that is secret is ever written, whatever goes wrong and however much is logged.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::json;

use crate::http::exchange;
use crate::main_job::TOKEN;
use crate::process::{Running, Start};
use crate::requests::{create, create_check, delete, post, post_with, retrieve, update};
use crate::upstream::{Act, Upstream, error, reply, tms};

const CARD: &str = "4024007155550106240";
const SECOND_CARD: &str = "5424180279791732";
const WRONG_CARD: &str = "4532977315508842";
const ACCOUNT: &str = "83104772650193847";
const CVN: &str = "7391";
const SECRET: &str = "Y2FuYXJ5IHNlY3JldCBrZXB0IGluIHRoZSBkYXJrISE=";
const SECRET_TEXT: &str = "canary secret kept in the dark!!";
const OTHER_SECRET: &str = "YSBzZWNvbmQgY2FuYXJ5IHNlY3JldCwgYSB3cm9uZyE=";
const WORDS: [&str; 6] = [
    "proxypass-canary",
    "proxyuser-canary",
    "securedata-canary",
    "Canaria",
    "Vogelsang",
    "canary@example.org",
];

/// Everything about the customer that must stay out of sight.
fn private() -> Vec<(&'static str, &'static str)> {
    vec![
        ("http_proxy_password", WORDS[0]),
        ("http_proxy_username", WORDS[1]),
        ("merchant_secure_data1", WORDS[2]),
        ("customer_firstname", WORDS[3]),
        ("customer_lastname", WORDS[4]),
        ("customer_email", WORDS[5]),
        ("customer_cc_cv_number", CVN),
    ]
}

fn card(number: &'static str) -> Vec<(&'static str, &'static str)> {
    [private(), vec![("customer_cc_number", number)]].concat()
}

/// What must not be found, with the encodings in which it could hide.
fn hidden() -> Vec<String> {
    let mut all = Vec::new();
    for text in [CARD, SECOND_CARD, WRONG_CARD, ACCOUNT, SECRET_TEXT]
        .into_iter()
        .chain(WORDS)
    {
        all.push(text.to_owned());
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        all.extend([hex.to_uppercase(), hex]);
        for shift in 0..3 {
            let shifted = [&b"\0\0"[..shift], text.as_bytes()].concat();
            // The first and last characters also hold bits of the neighbours.
            for engine in [STANDARD, URL_SAFE] {
                let text = engine.encode(&shifted);
                let text = text.trim_end_matches('=');
                all.push(text[4..text.len() - 1].to_owned());
            }
        }
        let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
        all.push(bytes.join(", "));
    }
    let secrets = [SECRET, OTHER_SECRET].map(|text| text.trim_end_matches('=').to_owned());
    all.extend(secrets);
    all
}

#[track_caller]
fn assert_unseen(what: &str, text: &str) {
    for secret in hidden() {
        if let Some(at) = text.find(&secret) {
            let from = text[..at].rfind('\n').map_or(0, |end| end + 1);
            panic!("{secret:?} in {what}: {:?}", text[from..].lines().next());
        }
    }
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    for (at, _) in text.match_indices(CVN) {
        let bytes = text.as_bytes();
        let alone = !digit(bytes[..at].last()) && !digit(bytes.get(at + CVN.len()));
        assert!(!alone, "the CVN is in {what}");
    }
}

/// Every file below a folder but the configuration, which holds the secret.
fn assert_nothing_kept(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_nothing_kept(&path);
        } else if path.file_name().unwrap() != "gateway.toml" {
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert_unseen(&path.display().to_string(), &text);
        }
    }
}

#[track_caller]
fn assert_kept_quiet(gateway: Running) {
    assert_nothing_kept(gateway.folder());
    assert_unseen("the log", &gateway.end());
}

fn merchant(secret: &str) -> String {
    format!(
        "[merchants.mid1234]\nkey_id = \"k\"\nshared_secret = \"{secret}\"\nnetwork_tokens = true\n"
    )
}

fn talkative(start: Start) -> Start {
    start.env("SCMP_GATEWAY_LOG", "trace")
}

#[test]
fn success_is_told_without_secrets() {
    for auth in ["jwt", "http_signature"] {
        let config = merchant(SECRET) + &format!("auth = \"{auth}\"\n");
        let gateway = talkative(Start::sandbox()).config(&config).run();
        let made = gateway.send(&create(&card(CARD)));
        let token = &made[TOKEN];
        gateway.send(&create_check(
            &[private(), vec![("ecp_account_no", ACCOUNT)]].concat(),
        ));
        gateway.send(&update(token, &card(SECOND_CARD)));
        let read = gateway.send(&retrieve(token));
        assert_eq!(
            read["pay_subscription_retrieve_customer_firstname"],
            WORDS[3]
        );
        assert_unseen_numbers(&read.into_values().collect::<Vec<_>>().join("\n"));
        gateway.send(&delete(token));
        assert_kept_quiet(gateway);
    }
}

/// A reply may hold the client's own words, but never a whole number.
fn assert_unseen_numbers(text: &str) {
    for number in [CARD, SECOND_CARD, ACCOUNT] {
        assert!(!text.lines().any(|line| line.contains(number)), "{text}");
    }
    // So few digits may stand in an id by chance.
    assert!(!text.lines().any(|line| line == CVN), "{text}");
}

#[test]
fn refusals_are_told_without_secrets() {
    let gateway = talkative(Start::sandbox()).config(&merchant(SECRET)).run();
    let token = gateway.send(&create(&card(CARD)))[TOKEN].clone();
    let spaced = "4024 0071 5555 0106 240";
    for odd in [
        vec![("customer_cc_number", WRONG_CARD)],
        vec![("customer_cc_number", spaced)],
        vec![("customer_cc_number", "402400XXXXXXXXX6240")],
        vec![("customer_cc_expmo", CARD)],
        vec![("bill_city", CARD)],
        vec![("merchant_ref_number", CARD)],
        vec![("merchant_id", CARD)],
        vec![("ics_applications", CARD)],
        vec![(CARD, WORDS[0])],
        vec![("merchant_id", SECRET_TEXT)],
        vec![("subscription_payment_method", ACCOUNT)],
    ] {
        gateway.send(&create(&[card(CARD), odd].concat()));
    }
    gateway.send(&update(
        &token,
        &[("customer_cc_number", "402400XXXXXX1111")],
    ));
    // A token that is a card number goes into a path.
    for request in [retrieve(CARD), delete(CARD), update(CARD, &private())] {
        gateway.send(&request);
    }
    let mut broken = create(&card(CARD)).into_bytes();
    broken.extend_from_slice(b"x=\xff\x00\n");
    for label in ["utf-8", CARD, WORDS[0]] {
        let header = format!("Content-Type: text/plain; charset={label}\r\n");
        exchange(&gateway.address, &post_with(&header, &broken));
    }
    exchange(&gateway.address, &post(&broken));
    let get = format!("GET /{CARD}?{SECRET_TEXT} HTTP/1.1\r\nHost: {CARD}\r\nX: {CARD}\r\n\r\n");
    exchange(
        &gateway.address,
        get.replace(' ', "%20")
            .replacen("%20", " ", 1)
            .replace("%20HTTP", " HTTP")
            .as_bytes(),
    );
    let large = format!("{}pad={}\n", create(&card(CARD)), CARD.repeat(20_000));
    assert_eq!(
        exchange(&gateway.address, &post(large.as_bytes())).status,
        413
    );
    assert_kept_quiet(gateway);
}

/// A gateway that meets `act` at every call from the second on.
fn meets(act: fn() -> Act) -> Running {
    let upstream = Upstream::start(move |seen| match seen.is("POST", "/customers") {
        true => act(),
        false => tms(seen),
    });
    let rest = format!("[rest]\nbase_url = \"http://{}\"\n", upstream.address);
    let limits = "connect_timeout = \"300ms\"\ntimeout = \"500ms\"\n";
    let config = format!("{rest}{limits}{}", merchant(SECRET));
    let gateway = talkative(Start::serve()).config(&config).run();
    gateway.send(&create(&card(CARD)));
    gateway
}

fn echoed() -> String {
    format!("{CARD} {CVN} {ACCOUNT} {} {}", WORDS[0], WORDS[3])
}

#[test]
fn faults_of_the_rest_side_are_told_without_secrets() {
    let acts: [fn() -> Act; 9] = [
        || error(400, "invalidFields", "card", CARD, &echoed()),
        || error(409, "tokenIdConflict", &echoed(), CARD, &echoed()),
        || error(500, &echoed(), &echoed(), CARD, &echoed()),
        || reply(401, &json!({"response": {"rmsg": echoed()}})),
        || reply(201, &json!({"id": format!("../{CARD}/{}", WORDS[0])})),
        || Act::Reply(201, format!("X: {CARD}\r\n"), echoed().into_bytes()),
        || Act::Cut(format!("HTTP/1.1 {CARD} {CARD}\r\n").into_bytes()),
        || Act::Cut(format!("HTTP/1.1 400 x\r\nContent-Length: 99\r\n\r\n{CARD}").into_bytes()),
        || Act::Silence,
    ];
    for act in acts {
        assert_kept_quiet(meets(act));
    }
}

#[test]
fn keys_that_fail_are_told_without_secrets() {
    let sandbox = talkative(Start::new(&["sandbox", "--listen", "127.0.0.1:0"]))
        .arguments(&["--merchant", "mid1234", "--key-id", "k", "--secret", SECRET])
        .run();
    let rest = format!("[rest]\nbase_url = \"http://{}\"\n", sandbox.address);
    for auth in ["jwt", "http_signature"] {
        let config = format!("{rest}{}auth = \"{auth}\"\n", merchant(OTHER_SECRET));
        let gateway = talkative(Start::serve()).config(&config).run();
        assert_eq!(gateway.send(&create(&card(CARD)))["ics_rflag"], "ESYSTEM");
        assert_kept_quiet(gateway);
        let config = format!("{rest}{}auth = \"{auth}\"\n", merchant(SECRET));
        let gateway = talkative(Start::serve()).config(&config).run();
        assert_eq!(gateway.send(&create(&card(CARD)))["ics_rflag"], "SOK");
        assert_kept_quiet(gateway);
    }
    assert_kept_quiet(sandbox);
}

/// A search that could not find anything would prove nothing.
#[test]
fn the_search_finds_what_is_there() {
    for text in [
        format!("n={CARD};"),
        STANDARD.encode(format!("{{\"number\":\"{CARD}\"}}")),
        format!("cvn {CVN}."),
    ] {
        assert!(std::panic::catch_unwind(|| assert_unseen("a text", &text)).is_err());
    }
    assert_unseen("a text", &format!("1{CVN}1"));
    for number in [CARD, SECOND_CARD, WRONG_CARD] {
        let sum: u32 = number
            .bytes()
            .rev()
            .enumerate()
            .map(|(at, byte)| u32::from(byte - b'0') * (1 + at as u32 % 2))
            .map(|product| product / 10 + product % 10)
            .sum();
        assert_eq!(sum.is_multiple_of(10), number != WRONG_CARD, "{number}");
    }
}
