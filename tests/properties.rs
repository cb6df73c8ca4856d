//! Properties of the way from a request to its calls and back, for any values at all.

use std::sync::LazyLock;

use proptest::prelude::*;
use scmp_gateway::mapping::{Settings, Tables, compile::compile, source};
use scmp_gateway::plan::{Context, Execution, History, Next, Opened, open};
use scmp_gateway::rest::{Answer, Outcome};
use scmp_gateway::scmp::{self, Charset, Reply};
use serde_json::{Value, json};

/// Compiled once: the properties try them some hundreds of times.
static TABLES: LazyLock<Tables> =
    LazyLock::new(|| compile(&source::embedded()).expect("the embedded tables are right"));

/// Nothing is known of earlier requests.
struct Nothing;

impl History for Nothing {
    fn kind(&self, _id: &str, _token: Option<&str>) -> Option<String> {
        None
    }

    fn token(&self, _id: &str, _kind: Option<&str>) -> String {
        String::new()
    }
}

fn context() -> Context {
    Context {
        request_id: "1".repeat(22).into(),
        time: "2026-01-01T000000Z".into(),
    }
}

/// Text as a merchant may send it: anything printable in one line, with the signs that could hurt.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,40}",
        "\\PC{1,20}",
        Just("\"},\"x\":{\"".to_owned()),
        Just("a\\\"b".to_owned()),
        Just("=x=y=".to_owned()),
    ]
}

/// A create that passes every check but for the texts in it.
fn create(texts: &[(&str, String)]) -> String {
    let mut lines = "ics_applications=ics_pay_subscription_create\nmerchant_id=m\nmerchant_ref_number=r\n\
        recurring_frequency=on-demand\ncurrency=usd\ncard_type=001\ncustomer_cc_number=4111111111111111\n\
        customer_cc_expmo=1\ncustomer_cc_expyr=30\n"
        .to_owned();
    for (name, value) in texts {
        lines.push_str(&format!("{name}={value}\n"));
    }
    lines
}

fn bodies(mut execution: Execution<'_>) -> Vec<Value> {
    let mut bodies = Vec::new();
    while let Next::Call { call, .. } = execution.next_call() {
        if let Some(body) = &call.body {
            bodies.push(serde_json::from_slice(body).expect("a body is JSON"));
        }
        execution.assumed();
    }
    bodies
}

/// All texts in a document.
fn texts_of(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| texts_of(value, found)),
        Value::Object(map) => map.values().for_each(|value| texts_of(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

proptest! {
    /// Whatever a merchant writes into a free text arrives on the REST side as it is, inside of well-formed JSON.
    #[test]
    fn values_arrive_unchanged(name in text(), city in text(), data in text()) {
        let tables = &*TABLES;
        let settings = Settings { relaxed_address: true, ..Settings::default() };
        let fields = [("customer_firstname", name), ("ship_to_city", city), ("merchant_defined_data1", data)];
        let lines = create(&fields);
        let Ok(request) = scmp::parse(&lines, &tables.dictionary) else { return Ok(()) };
        let context = context();
        match open(tables, |_| Some(&settings), &Nothing, &request, &context) {
            Opened::Refused(refused) => prop_assert!(!refused.refusals.is_empty()),
            Opened::Running(execution) => {
                let mut found = Vec::new();
                bodies(execution).iter().for_each(|body| texts_of(body, &mut found));
                for (field, _) in &fields {
                    if let Some(value) = request.get(field) {
                        prop_assert!(found.iter().any(|text| text == value), "{field}");
                    }
                }
            }
        }
    }

    /// Nothing that the REST side returns can add a line to a reply or take the place of another field.
    #[test]
    fn nothing_forges_a_reply_field(city in any::<String>(), number in any::<String>()) {
        let tables = &*TABLES;
        let settings = Settings::default();
        let lines = "ics_applications=ics_pay_subscription_retrieve\nmerchant_id=m\nmerchant_ref_number=r\nsubscription_id=X\n";
        let request = scmp::parse(lines, &tables.dictionary).expect("a request");
        let context = context();
        let Opened::Running(mut execution) = open(tables, |_| Some(&settings), &Nothing, &request, &context) else {
            panic!("nothing is wrong with this request");
        };
        let stored = json!({"id": "X", "_embedded": {"defaultPaymentInstrument": {"state": "ACTIVE",
            "billTo": {"locality": city}, "card": {"type": "001"},
            "_embedded": {"instrumentIdentifier": {"id": "I", "card": {"number": number}}}}}});
        while let Next::Call { .. } = execution.next_call() {
            let body = stored.to_string().into();
            let _fate = execution.answered(Outcome::Answered(Answer { status: 200, etag: None, retry_after: None, body, in_clear: false }));
        }
        let (reply, _) = execution.finish();
        for charset in [Charset::Utf8, Charset::Latin1, Charset::ShiftJis, Charset::EucJp] {
            let bytes = reply.render(charset);
            let text = charset.decode(&bytes).expect("the charset's own bytes");
            let read = Reply::parse(&text);
            prop_assert_eq!(text.lines().count(), reply.iter().count());
            prop_assert_eq!(read.get("ics_rcode"), Some("1"));
            prop_assert_eq!(read.get("pay_subscription_retrieve_subscription_id"), Some("X"));
        }
    }

    /// No request, however odd, brings the plan down; and a refusal never shows a card number.
    #[test]
    fn nothing_panics_and_no_refusal_shows_a_number(
        fields in prop::collection::vec(("[a-z_]{1,12}|customer_cc_number|customer_cc_expmo|card_type|ecp_account_no", text()), 0..20),
        service in "create|retrieve|update|delete",
    ) {
        let tables = &*TABLES;
        let settings = Settings::default();
        let mut lines = format!("ics_applications=ics_pay_subscription_{service}\nmerchant_id=m\n");
        for (name, value) in &fields {
            lines.push_str(&format!("{name}={value}\n"));
        }
        lines.push_str("customer_cc_number=4111111111111112\n");
        let Ok(request) = scmp::parse(&lines, &tables.dictionary) else { return Ok(()) };
        if let Opened::Refused(refused) = open(tables, |_| Some(&settings), &Nothing, &request, &context()) {
            let shown = String::from_utf8_lossy(&refused.reply.render(Charset::Utf8)).into_owned();
            prop_assert!(!shown.contains("4111111111111112"));
        }
    }

    /// The same of payments, whose offers are summed up before anything of them is checked.
    #[test]
    fn no_offer_brings_the_plan_down(amount in "[0-9]{0,2}\\.?[0-9é東x]{0,4}", quantity in "[1-9x]", tax in text()) {
        let tables = &*TABLES;
        let settings = Settings::default();
        let lines = format!(
            "ics_applications=ics_auth\nmerchant_id=m\noffer0=amount:{amount}^quantity:{quantity}^tax_amount:{tax}\n"
        );
        let Ok(request) = scmp::parse(&lines, &tables.dictionary) else { return Ok(()) };
        let context = context();
        let opened = open(tables, |_| Some(&settings), &Nothing, &request, &context);
        prop_assert!(matches!(opened, Opened::Refused(_)));
    }
}
