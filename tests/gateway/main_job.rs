//! What the gateway is for: tokens made, read, changed and deleted.

use std::process::Command;

use crate::process::{Running, Start};
use crate::requests::{
    Fields, assert_flag, create, create_check, delete, fields, retrieve, update,
};

pub const TOKEN: &str = "pay_subscription_create_subscription_id";
const IDENTIFIER: &str = "pay_subscription_create_instrument_identifier_id";
const IDENTIFIER_IS_NEW: &str = "pay_subscription_create_instrument_identifier_new";

fn retrieved<'f>(reply: &'f Fields, name: &str) -> &'f str {
    let name = format!("pay_subscription_retrieve_{name}");
    reply.get(&name).map_or("", String::as_str)
}

fn ok(gateway: &Running, request: &str) -> Fields {
    let reply = gateway.send(request);
    assert_flag(&reply, "1", "SOK");
    reply
}

/// The body of the printed line, for machines without curl.
fn printed_body(line: &str) -> String {
    let from = line.find("printf '").unwrap() + "printf '".len();
    let text = &line[from..line.rfind('\'').unwrap()];
    text.replace(r"\n", "\n")
}

#[test]
fn the_printed_line_works() {
    let gateway = Start::sandbox().run();
    let log = gateway.wait_for_log("curl");
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("curl")).collect();
    let [line] = lines[..] else {
        panic!("one line, not {lines:?}");
    };
    assert!(line.starts_with("curl "), "{line}");
    assert!(line.contains(&gateway.address), "{line}");
    assert!(line.contains(r#"--data-binary "$(printf '"#), "{line}");
    let run = Command::new("curl").arg("--version").output();
    let reply = match run {
        Ok(_) => {
            let output = Command::new("sh").args(["-c", line]).output().unwrap();
            assert!(output.status.success());
            fields(&String::from_utf8(output.stdout).unwrap())
        }
        Err(_) => gateway.send(&printed_body(line)),
    };
    assert_flag(&reply, "1", "SOK");
    assert_eq!(reply["ics_rmsg"], "Request was processed successfully.");
    assert_eq!(reply[IDENTIFIER_IS_NEW], "Y");
    let again = ok(&gateway, &printed_body(line));
    assert_eq!(again[IDENTIFIER_IS_NEW], "N");
    assert_eq!(again[IDENTIFIER], reply[IDENTIFIER]);
    assert_ne!(again[TOKEN], reply[TOKEN]);
}

#[test]
fn a_card_lives_and_dies() {
    card_life(&Start::sandbox().run());
}

/// Creates, reads, changes and deletes a card.
pub fn card_life(gateway: &Running) {
    let ship = [
        ("ship_to_firstname", "Joe"),
        ("ship_to_city", "Far Town"),
        ("merchant_defined_data1", "gold"),
    ];
    let created = ok(gateway, &create(&ship));
    assert_eq!(created["merchant_ref_number"], "ref-1");
    let token = &created[TOKEN];
    assert_eq!(token.len(), 32);

    let read = ok(gateway, &retrieve(token));
    for (name, value) in [
        ("subscription_id", token.as_str()),
        ("status", "CURRENT"),
        ("payment_method", "credit card"),
        ("customer_firstname", "Jane"),
        ("card_type", "001"),
        ("customer_cc_number", "411111XXXXXX1111"),
        ("customer_cc_expmo", "12"),
        ("customer_cc_expyr", "2031"),
        ("ship_to_city", "Far Town"),
        ("merchant_defined_data1", "gold"),
    ] {
        assert_eq!(retrieved(&read, name), value, "{name}");
    }

    let changes = [
        ("customer_lastname", "Miller"),
        ("customer_cc_expyr", "2035"),
        ("customer_cc_number", "5555555555554444"),
        ("card_type", "002"),
        ("ship_to_city", "Near Town"),
        ("merchant_defined_data2", "blue"),
    ];
    let updated = ok(gateway, &update(token, &changes));
    assert_eq!(&updated["pay_subscription_update_subscription_id"], token);
    let new = &updated["pay_subscription_update_instrument_identifier_new"];
    assert_eq!(new, "Y");
    let read = ok(gateway, &retrieve(token));
    for (name, value) in [
        ("customer_firstname", "Jane"),
        ("customer_lastname", "Miller"),
        ("card_type", "002"),
        ("customer_cc_number", "555555XXXXXX4444"),
        ("customer_cc_expyr", "2035"),
        ("ship_to_firstname", "Joe"),
        ("ship_to_city", "Near Town"),
        ("merchant_defined_data1", "gold"),
        ("merchant_defined_data2", "blue"),
    ] {
        assert_eq!(retrieved(&read, name), value, "{name}");
    }
    ok(gateway, &delete(token));
    for request in [retrieve(token), delete(token), update(token, &changes)] {
        assert_flag(&gateway.send(&request), "0", "DINVALIDDATA");
    }
}

/// What a retrieve showed may be sent back: it means no change.
#[test]
fn a_masked_number_is_no_change() {
    let gateway = Start::sandbox().run();
    let token = &ok(&gateway, &create(&[]))[TOKEN];
    let masked = [("customer_cc_number", "411111XXXXXX1111")];
    let updated = ok(&gateway, &update(token, &masked));
    assert_eq!(&updated["pay_subscription_update_subscription_id"], token);
    let foreign = [("customer_cc_number", "555555XXXXXX4444")];
    assert_flag(&gateway.send(&update(token, &foreign)), "0", "DINVALIDCARD");
    let deleted = ok(&gateway, &delete(token));
    assert_eq!(&deleted["pay_subscription_delete_subscription_id"], token);
}

#[test]
fn a_bank_account_lives_and_dies() {
    account_life(&Start::sandbox().run());
}

/// The same with a bank account.
pub fn account_life(gateway: &Running) {
    let created = ok(gateway, &create_check(&[]));
    assert_eq!(created[IDENTIFIER_IS_NEW], "Y");
    let again = ok(gateway, &create_check(&[]));
    assert_eq!(again[IDENTIFIER_IS_NEW], "N");
    assert_eq!(again[IDENTIFIER], created[IDENTIFIER]);

    let token = &created[TOKEN];
    let read = ok(gateway, &retrieve(token));
    for (name, value) in [
        ("payment_method", "echeck"),
        ("ecp_account_type", "C"),
        ("ecp_rdfi", "071923284"),
        ("ecp_sec_code", "WEB"),
        ("card_type", ""),
        ("customer_cc_number", ""),
    ] {
        assert_eq!(retrieved(&read, name), value, "{name}");
    }
    let shown = retrieved(&read, "ecp_account_no");
    assert!(
        shown.contains("XX") && shown.ends_with("3456") && !shown.contains("4100123"),
        "{shown}"
    );

    let changes = [("ecp_account_type", "S"), ("customer_firstname", "Ann")];
    ok(gateway, &update(token, &changes));
    let read = ok(gateway, &retrieve(token));
    assert_eq!(retrieved(&read, "ecp_account_type"), "S");
    assert_eq!(retrieved(&read, "customer_firstname"), "Ann");
    ok(gateway, &delete(token));
    assert_flag(&gateway.send(&retrieve(token)), "0", "DINVALIDDATA");
}

#[test]
fn a_card_becomes_a_bank_account_and_a_card_again() {
    let gateway = Start::sandbox().run();
    let token = &ok(&gateway, &create(&[]))[TOKEN];
    let bank = [
        ("ecp_account_no", "4100987654"),
        ("ecp_account_type", "C"),
        ("ecp_rdfi", "071923284"),
        ("ecp_sec_code", "WEB"),
    ];
    ok(&gateway, &update(token, &bank));
    let read = ok(&gateway, &retrieve(token));
    assert_eq!(retrieved(&read, "payment_method"), "echeck");
    assert_eq!(retrieved(&read, "customer_firstname"), "Jane");
    assert_eq!(retrieved(&read, "customer_cc_number"), "");

    let card = [
        ("customer_cc_number", "378282246310005"),
        ("card_type", "003"),
        ("customer_cc_expmo", "01"),
        ("customer_cc_expyr", "2032"),
    ];
    ok(&gateway, &update(token, &card));
    let read = ok(&gateway, &retrieve(token));
    assert_eq!(retrieved(&read, "payment_method"), "credit card");
    assert_eq!(retrieved(&read, "card_type"), "003");
    assert_eq!(retrieved(&read, "customer_firstname"), "Jane");
    assert_eq!(retrieved(&read, "ecp_rdfi"), "");
}

#[test]
fn what_is_wrong_is_said_before_any_call() {
    let gateway = Start::sandbox().run();
    for (fields, flag) in [
        (vec![("bill_city", "")], "DMISSINGFIELD"),
        (
            vec![("customer_cc_number", "4111111111111112")],
            "DINVALIDCARD",
        ),
        (vec![("customer_cc_number", "")], "DINVALIDCARD"),
        (vec![("customer_cc_expmo", "13")], "DINVALIDDATA"),
        (vec![("merchant_id", "stranger")], "DINVALIDDATA"),
        (vec![("merchant_id", "")], "DMISSINGFIELD"),
        (vec![("ics_applications", "ics_nothing")], "DINVALIDDATA"),
        (vec![("ics_applications", "")], "DMISSINGFIELD"),
    ] {
        let reply = gateway.send(&create(&fields));
        assert_flag(&reply, "0", flag);
        assert!(!reply.contains_key(TOKEN), "{reply:?}");
    }
    assert!(!gateway.end().contains("/tms/"), "nothing was called");
}
