//! SCMP requests as text, and replies as fields.

use std::collections::BTreeMap;

/// Fields by name.
pub type Fields = BTreeMap<String, String>;

/// The ready-made merchant's configuration.
pub const MERCHANT: &str = "[merchants.mid1234]\n\
    key_id = \"08c94330-f618-42a3-b09d-e1e43be5efda\"\n\
    shared_secret = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n";

/// The fields of a reply. Two of one name are a fault.
pub fn fields(text: &str) -> Fields {
    let mut fields = Fields::new();
    for line in text.lines() {
        let (name, value) = line
            .split_once('=')
            .unwrap_or_else(|| panic!("no field: {line:?}"));
        let known = fields.insert(name.to_owned(), value.to_owned());
        assert_eq!(known, None, "{name} comes twice:\n{text}");
    }
    fields
}

/// A POST of this body.
pub fn post(body: &[u8]) -> Vec<u8> {
    post_with("", body)
}

/// A POST with more header lines, each with its end.
pub fn post_with(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn lines(service: &str, fields: &[(&str, &str)]) -> String {
    let head = [
        ("ics_applications", service),
        ("merchant_id", "mid1234"),
        ("merchant_ref_number", "ref-1"),
    ];
    let mut all: Vec<(&str, &str)> = head.to_vec();
    for (name, value) in fields {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = value,
            None => all.push((name, value)),
        }
    }
    all.iter().map(|(n, v)| format!("{n}={v}\n")).collect()
}

const ADDRESS: [(&str, &str); 10] = [
    ("recurring_frequency", "on-demand"),
    ("customer_firstname", "Jane"),
    ("customer_lastname", "Smith"),
    ("customer_email", "jane@example.com"),
    ("bill_address1", "123 Main Street"),
    ("bill_city", "Small Town"),
    ("bill_state", "CA"),
    ("bill_zip", "98765"),
    ("bill_country", "US"),
    ("currency", "USD"),
];

/// Creates a token of a card. `fields` replace or add.
pub fn create(fields: &[(&str, &str)]) -> String {
    let card = [
        ("card_type", "001"),
        ("customer_cc_number", "4111111111111111"),
        ("customer_cc_expmo", "12"),
        ("customer_cc_expyr", "2031"),
    ];
    let all = [&ADDRESS[..], &card[..], fields].concat();
    lines("ics_pay_subscription_create", &all)
}

/// Creates a token of a bank account.
pub fn create_check(fields: &[(&str, &str)]) -> String {
    let check = [
        ("subscription_payment_method", "check"),
        ("ecp_account_no", "4100123456"),
        ("ecp_account_type", "C"),
        ("ecp_rdfi", "071923284"),
        ("ecp_sec_code", "WEB"),
    ];
    let all = [&ADDRESS[..], &check[..], fields].concat();
    lines("ics_pay_subscription_create", &all)
}

pub fn retrieve(token: &str) -> String {
    lines(
        "ics_pay_subscription_retrieve",
        &[("subscription_id", token)],
    )
}

pub fn update(token: &str, fields: &[(&str, &str)]) -> String {
    let all = [&[("subscription_id", token)], fields].concat();
    lines("ics_pay_subscription_update", &all)
}

pub fn delete(token: &str) -> String {
    lines("ics_pay_subscription_delete", &[("subscription_id", token)])
}

/// Asserts what every reply says: code and flag.
#[track_caller]
pub fn assert_flag(reply: &Fields, code: &str, flag: &str) {
    let said = (reply["ics_rcode"].as_str(), reply["ics_rflag"].as_str());
    assert_eq!(said, (code, flag), "{reply:#?}");
}
