//! `mappings export`, line by line.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::run::{Folder, edit};

fn exported(folder: &Folder, words: &str) -> Vec<Value> {
    let ended = folder.run(&format!("mappings export {words}"));
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    ended.out.lines().map(read).collect()
}

#[test]
fn each_line_has_the_six_keys() {
    let keys = [
        "direction",
        "field",
        "operation",
        "path",
        "service",
        "transform",
    ];
    let lines = exported(&Folder::new(), "");
    assert!(lines.len() > 200, "{}", lines.len());
    for line in &lines {
        let object = line.as_object().unwrap();
        let found: BTreeSet<&str> = object.keys().map(String::as_str).collect();
        assert_eq!(found, BTreeSet::from(keys), "{line}");
        assert!(object.values().all(Value::is_string), "{line}");
        assert!(
            line["direction"] == "request" || line["direction"] == "reply",
            "{line}"
        );
        assert_ne!(line["field"], "", "{line}");
    }
    let texts: BTreeSet<String> = lines.iter().map(Value::to_string).collect();
    assert_eq!(texts.len(), lines.len(), "no line comes twice");
}

#[test]
fn paths_and_operations_have_the_promised_forms() {
    for line in exported(&Folder::new(), "") {
        let path = line["path"].as_str().unwrap();
        let operation = line["operation"].as_str().unwrap();
        let known = ["@computed", "@constant", "@none"].contains(&path)
            || path.starts_with("@header:")
            || path.starts_with("@path:/");
        assert_eq!(path.starts_with('@'), known, "{line}");
        if !known {
            let word = |c: char| c.is_ascii_alphanumeric() || "._[]".contains(c);
            assert!(!path.is_empty() && path.chars().all(word), "{line}");
            let arrays = path.matches('[').count();
            assert_eq!(arrays, path.matches("[]").count(), "{line}");
        }
        if operation.is_empty() {
            assert!(path.starts_with('@'), "{line}");
        } else {
            let (method, path) = operation.split_once(' ').unwrap();
            assert!(
                ["GET", "POST", "PATCH", "DELETE"].contains(&method),
                "{line}"
            );
            assert!(
                path.starts_with("/tms/") || path.starts_with("/pts/"),
                "{line}"
            );
        }
    }
}

#[test]
fn known_mappings_are_there() {
    let lines = exported(&Folder::new(), "");
    let (create, retrieve) = (
        "ics_pay_subscription_create",
        "ics_pay_subscription_retrieve",
    );
    let instruments = "POST /tms/v2/customers/{customerId}/payment-instruments";
    for (direction, service, field, operation, path) in [
        (
            "request",
            create,
            "customer_cc_number",
            "POST /tms/v1/instrumentidentifiers",
            "card.number",
        ),
        (
            "request",
            create,
            "bill_address1",
            instruments,
            "billTo.address1",
        ),
        (
            "request",
            create,
            "merchant_defined_data1",
            "POST /tms/v2/customers",
            "merchantDefinedInformation[].value",
        ),
        (
            "reply",
            create,
            "pay_subscription_create_subscription_id",
            "POST /tms/v2/customers",
            "id",
        ),
        (
            "reply",
            retrieve,
            "pay_subscription_retrieve_bill_city",
            "GET /tms/v2/customers/{customerId}",
            "_embedded.defaultPaymentInstrument.billTo.locality",
        ),
        ("request", "*", "merchant_id", "", "@header:v-c-merchant-id"),
        ("reply", "*", "ics_rcode", "", "@computed"),
    ] {
        let fits = |line: &&Value| {
            line["direction"] == direction && line["service"] == service && line["field"] == field
        };
        let found: Vec<&Value> = lines.iter().filter(fits).collect();
        let same = |line: &&&Value| line["operation"] == operation && line["path"] == path;
        assert!(found.iter().any(|line| same(&line)), "{field}: {found:#?}");
    }
    let keyed = lines
        .iter()
        .find(|line| line["field"] == "merchant_defined_data1" && line["service"] == create);
    let transform = keyed.unwrap()["transform"].as_str().unwrap();
    assert!(transform.contains("data1"), "{transform}");
}

#[test]
fn tables_of_ones_own_are_exported() {
    let folder = Folder::new();
    let file = folder.tables().join("bodies/address.toml");
    edit(
        &file,
        "path = \"shipTo.firstName\"",
        "path = \"shipTo.lastName\"",
    );
    edit(
        &file,
        "field = \"ship_to_lastname\", path = \"shipTo.lastName\"",
        "field = \"ship_to_lastname\", path = \"shipTo.firstName\"",
    );
    let lines = exported(&folder, "--mappings tables");
    let first = lines.iter().find(|line| {
        line["field"] == "ship_to_firstname"
            && line["operation"] == "POST /tms/v2/customers/{customerId}/shipping-addresses"
    });
    assert_eq!(first.unwrap()["path"], "shipTo.lastName");
}
