//! `translate`: requests as JSON, without a network.

use serde_json::{Value, json};

use crate::run::{CREATE, Ended, Folder};

fn translate(request: &str) -> (i32, Value) {
    read(&Folder::new().run_with("translate -", request, &[]))
}

fn read(ended: &Ended) -> (i32, Value) {
    assert_eq!(ended.err, "");
    let translation: Value = serde_json::from_str(&ended.out).unwrap();
    let keys: Vec<&String> = translation.as_object().unwrap().keys().collect();
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(sorted, ["calls", "errors", "services", "unmapped"]);
    for call in translation["calls"].as_array().unwrap() {
        for key in call.as_object().unwrap().keys() {
            let known = ["method", "path", "headers", "body"];
            assert!(known.contains(&key.as_str()), "{key}");
        }
    }
    (ended.code, translation)
}

#[test]
fn a_create_is_three_calls() {
    let (code, translation) = translate(CREATE);
    let instrument = json!({
        "default": true,
        "card": {"type": "001", "expirationMonth": "12", "expirationYear": "2031"},
        "buyerInformation": {"currency": "USD"},
        "billTo": {"firstName": "Jane", "lastName": "Smith", "address1": "123 Main Street",
            "locality": "Small Town", "administrativeArea": "CA", "postalCode": "98765",
            "country": "US", "email": "jane@example.com"},
        "instrumentIdentifier": {"id": "{identifier.id}"},
    });
    let customer = json!({"buyerInformation": {"email": "jane@example.com"},
        "clientReferenceInformation": {"code": "r1"}});
    let calls = json!([
        {"method": "POST", "path": "/tms/v1/instrumentidentifiers",
            "body": {"card": {"number": "4111111111111111"}}},
        {"method": "POST", "path": "/tms/v2/customers", "body": customer},
        {"method": "POST", "path": "/tms/v2/customers/{customer.id}/payment-instruments",
            "body": instrument},
    ]);
    assert_eq!(code, 0);
    assert_eq!(
        translation["services"],
        json!(["ics_pay_subscription_create"])
    );
    assert_eq!(translation["calls"], calls);
    assert_eq!(translation["unmapped"], json!([]));
    assert_eq!(translation["errors"], json!([]));
}

#[test]
fn an_update_shows_what_it_rests_on() {
    let request = "ics_applications=ICS_PAY_SUBSCRIPTION_UPDATE\nmerchant_id=shop\nmerchant_ref_number=r\n\
        subscription_id=ABC\ncustomer_firstname=Ann\nmy_own_field=1\n";
    let (code, translation) = translate(request);
    assert_eq!(code, 0);
    let customer = "/tms/v2/customers/ABC";
    let instrument =
        format!("{customer}/payment-instruments/{{customer.defaultPaymentInstrument.id}}");
    let calls = translation["calls"].as_array().unwrap();
    let lines: Vec<String> = calls
        .iter()
        .map(|call| format!("{} {}", call["method"], call["path"]).replace('"', ""))
        .collect();
    let wanted = [
        format!("GET {customer}"),
        format!("GET {instrument}"),
        format!("PATCH {instrument}"),
    ];
    assert_eq!(lines, wanted);
    assert_eq!(calls[0]["body"], Value::Null);
    let tag = calls[2]["headers"]["If-Match"].as_str().unwrap();
    assert!(tag.starts_with('{') && tag.ends_with('}'), "{tag}");
    assert_eq!(calls[2]["body"]["billTo"], json!({"firstName": "Ann"}));
    assert_eq!(translation["unmapped"], json!(["my_own_field"]));
}

#[test]
fn everything_that_is_wrong_is_told() {
    let request = CREATE
        .replace("Small Town", "")
        .replace("4111111111111111", "4111111111111112")
        .replace("expmo=12", "expmo=13");
    let (code, translation) = translate(&request);
    assert_eq!(code, 1);
    assert_eq!(translation["calls"], json!([]));
    let errors = translation["errors"].as_array().unwrap();
    for error in errors {
        let keys: Vec<&String> = error.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["field", "flag", "message"]);
        let message = error["message"].as_str().unwrap();
        assert!(!message.contains("4111111111111112"), "{message}");
    }
    let said: Vec<(&str, &str)> = errors
        .iter()
        .map(|error| {
            (
                error["field"].as_str().unwrap(),
                error["flag"].as_str().unwrap(),
            )
        })
        .collect();
    for wanted in [
        ("bill_city", "DMISSINGFIELD"),
        ("customer_cc_number", "DINVALIDCARD"),
        ("customer_cc_expmo", "DINVALIDDATA"),
    ] {
        assert!(said.contains(&wanted), "{said:?}");
    }
}

#[test]
fn what_is_no_request_is_told() {
    for request in [
        "",
        "hello",
        "ics_applications=ics_score\nmerchant_id=shop\n",
    ] {
        let (code, translation) = translate(request);
        assert_eq!(code, 1, "{request}");
        assert_eq!(translation["errors"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_request_comes_from_a_file_and_settings_from_a_configuration() {
    let folder = Folder::new();
    folder.file(
        "request.scmp",
        &CREATE.replace("bill_city=Small Town\n", ""),
    );
    let config = format!("{}relaxed_address = true\n", crate::run::MERCHANT);
    folder.file("gateway.toml", &config);
    let (code, _) = read(&folder.run("translate request.scmp"));
    assert_eq!(code, 1);
    let (code, _) = read(&folder.run("translate --config gateway.toml request.scmp"));
    assert_eq!(code, 0);
    let ended = folder.run("translate gone.scmp");
    assert_eq!(ended.code, 66);
    assert!(ended.err.contains("gone.scmp"), "{}", ended.err);
}
