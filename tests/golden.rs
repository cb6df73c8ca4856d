//! The golden cases, and the runner that shows in what they differ.

#[path = "common/followed.rs"]
mod followed;

use std::path::{Path, PathBuf};
use std::process::Output;

use scmp_gateway::golden::load_all;
use scmp_gateway::mapping::compile::compile;
use scmp_gateway::mapping::export::mappings;
use scmp_gateway::mapping::source::embedded;
use scmp_gateway::mapping::tables::Tables;
use serde_json::Value;

const CASE: &str = "seed-002/example-03-create";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn tables() -> Tables {
    compile(&embedded()).expect("the tables compile")
}

/// A copy of two cases, to be changed.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a directory");
    for case in [CASE, "delete/card"] {
        let to = copy.path().join(case);
        std::fs::create_dir_all(&to).expect("a directory");
        for entry in std::fs::read_dir(root().join(case)).expect("a case") {
            let from = entry.expect("a file").path();
            let name = from.file_name().expect("a name");
            std::fs::copy(&from, to.join(name)).expect("a copy");
        }
    }
    copy
}

fn change(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).expect("a file");
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replacen(from, to, 1)).expect("a file");
}

fn run(folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, .. } =
        std::process::Command::new(env!("CARGO_BIN_EXE_scmp-gateway"))
            .arg("golden")
            .arg(folder)
            .args(more)
            .output()
            .expect("the program runs");
    (status.code(), String::from_utf8(stdout).expect("text"))
}

#[test]
fn all_cases_hold() {
    let tables = tables();
    let cases = load_all(&root()).expect("the cases can be read");
    assert!(cases.len() > 800, "{} cases", cases.len());
    let differences: Vec<String> = cases
        .iter()
        .flat_map(|case| {
            let lines = case.differences(&tables).into_iter();
            lines.map(|line| format!("{}: {line}", case.name))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_case_says_what_it_shows() {
    for case in load_all(&root()).expect("the cases can be read") {
        assert!(!case.about.shows.is_empty(), "{}", case.name);
    }
}

#[test]
fn every_flag_is_shown_by_a_case() {
    let shown: Vec<String> = load_all(&root())
        .expect("the cases can be read")
        .iter()
        .map(|case| std::fs::read_to_string(root().join(&case.name).join("reply.scmp")))
        .map(Result::unwrap_or_default)
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/flags.toml");
    let text = std::fs::read_to_string(path).expect("the flags");
    let table: toml::Table = toml::from_str(&text).expect("TOML");
    let flags = table["flags"].as_table().expect("the flags");
    for flag in flags.keys() {
        let line = format!("ics_rflag={flag}\n");
        assert!(shown.iter().any(|reply| reply.contains(&line)), "{flag}");
    }
}

/// What `mappings export` prints is kept beside the cases: it shows the lines that no request can.
#[test]
fn the_exported_mappings_are_those_on_record() {
    let file = root().join("mappings.jsonl");
    let recorded = std::fs::read_to_string(file).expect("golden/mappings.jsonl");
    let exported: Vec<String> = mappings(&tables())
        .iter()
        .map(|mapping| serde_json::to_string(mapping).expect("JSON"))
        .collect();
    let recorded: Vec<&str> = recorded.lines().collect();
    let only = |some: &[&str], others: &[&str]| -> Vec<String> {
        let lone = some.iter().filter(|line| !others.contains(line));
        lone.map(|line| (*line).to_owned()).collect()
    };
    let exported: Vec<&str> = exported.iter().map(String::as_str).collect();
    assert_eq!(
        recorded,
        exported,
        "\nno more: {:#?}\nnew: {:#?}\nWrite it with: scmp-gateway mappings export > golden/mappings.jsonl",
        only(&recorded, &exported),
        only(&exported, &recorded)
    );
}

#[test]
fn a_changed_call_is_shown_and_exits_1() {
    let copy = copy();
    let calls = copy.path().join(CASE).join("calls.json");
    change(
        &calls,
        "\"locality\": \"Small Town\"",
        "\"locality\": \"Smalltown\"",
    );
    let (code, text) = run(copy.path(), &[]);
    assert_eq!(code, Some(1));
    assert_eq!(
        text,
        format!(
            "{CASE}\n  call 2: body.billTo.locality: expected \"Smalltown\", got \"Small Town\"\n\
             1 passed, 1 failed\n"
        )
    );
}

#[test]
fn a_changed_reply_is_shown_in_process_too() {
    let copy = copy();
    let reply = copy.path().join(CASE).join("reply.scmp");
    change(&reply, "identifier_new=Y", "identifier_new=N");
    change(&reply, "ics_rflag=SOK\n", "ics_rflag=SOK\nauth_rflag=SOK\n");
    let cases = load_all(copy.path()).expect("the cases can be read");
    let case = cases
        .iter()
        .find(|case| case.name == CASE)
        .expect("the case");
    let mut lines = case.differences(&tables());
    lines.sort();
    assert_eq!(
        lines,
        [
            "reply: auth_rflag: expected \"SOK\", missing",
            "reply: pay_subscription_create_instrument_identifier_new: expected \"N\", got \"Y\"",
        ]
    );
}

#[test]
fn a_field_more_differs_where_the_case_does_not_allow_it() {
    let copy = copy();
    let about = copy.path().join(CASE).join("case.toml");
    change(&about, "extra_fields = true", "extra_fields = false");
    let (code, text) = run(copy.path(), &["--filter", "seed-002"]);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("  reply: request_token: not expected, got \"token\"\n"),
        "{text}"
    );
}

#[test]
fn fewer_and_more_calls_are_shown() {
    let copy = copy();
    let request = copy.path().join(CASE).join("request.scmp");
    let text = std::fs::read_to_string(&request).expect("a file");
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("ship_to_"))
        .collect();
    std::fs::write(&request, kept.join("\n")).expect("a file");
    let calls = copy.path().join("delete/card/calls.json");
    let text = std::fs::read_to_string(&calls).expect("a file");
    let all: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let first = serde_json::json!([all[0]]).to_string();
    std::fs::write(&calls, first).expect("a file");
    let (code, text) = run(copy.path(), &[]);
    assert_eq!(code, Some(1));
    let id = "554FDB92B1DAD8F9E0539599D30A3100";
    for line in [
        format!("  call 3: expected POST /tms/v2/customers/{id}/shipping-addresses, not made\n"),
        format!("  call 1: DELETE /tms/v2/customers/{id} was not expected\n"),
        "0 passed, 2 failed\n".to_owned(),
    ] {
        assert!(text.contains(&line), "{line} in {text}");
    }
}

#[test]
fn a_field_that_nothing_is_done_with_is_shown_where_the_case_is_about_it() {
    let copy = copy();
    let request = copy.path().join("delete/card/request.scmp");
    change(&request, "merchant_id=", "bill_county=Kings\nmerchant_id=");
    let (code, text) = run(copy.path(), &["--filter", "delete/card"]);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("  unmapped: expected [], got [\"bill_county\"]\n"),
        "{text}"
    );
}

#[test]
fn a_filter_leaves_the_others_out() {
    let copy = copy();
    let calls = copy.path().join(CASE).join("calls.json");
    change(&calls, "Small Town", "Smalltown");
    let (code, text) = run(copy.path(), &["--filter", "delete"]);
    assert_eq!((code, text.as_str()), (Some(0), "1 passed, 0 failed\n"));
    let (code, _) = run(copy.path(), &["--filter", "no such case"]);
    assert_eq!(code, Some(66));
}

#[test]
fn blessing_rewrites_what_is_expected_and_keeps_the_answers() {
    let copy = copy();
    let case = copy.path().join("delete/card");
    let before: Vec<String> = ["calls.json", "reply.scmp"]
        .map(|name| std::fs::read_to_string(case.join(name)).expect("a file"))
        .to_vec();
    change(
        &case.join("calls.json"),
        "\"method\": \"DELETE\"",
        "\"method\": \"?\"",
    );
    change(&case.join("reply.scmp"), "SOK", "?");
    let (code, text) = run(copy.path(), &["--bless"]);
    assert_eq!(
        (code, text.lines().last()),
        (Some(0), Some("1 unchanged, 1 rewritten"))
    );
    let after: Vec<String> = ["calls.json", "reply.scmp"]
        .map(|name| std::fs::read_to_string(case.join(name)).expect("a file"))
        .to_vec();
    assert_eq!(before, after);
    assert_eq!(run(copy.path(), &[]).0, Some(0));
}

/// The calls that a case expects.
fn calls(case: &str) -> Value {
    let file = root().join(case).join("calls.json");
    let text = std::fs::read_to_string(&file).expect("calls.json");
    serde_json::from_str(&text).expect("JSON")
}

/// The table of currencies is a list that no case can hold whole: some of each kind are looked at.
#[test]
fn amounts_have_the_decimals_of_their_currency() {
    for (case, total) in [
        ("grand-total-cut", "10.99"),
        ("usd-cut", "1.99"),
        ("currency-eur", "12.34"),
        ("currency-gbp", "12.34"),
        ("grand-total-jpy", "100"),
        ("currency-krw", "12"),
        ("grand-total-kwd", "1.234"),
        ("currency-bhd", "12.345"),
    ] {
        let calls = calls(&format!("amounts/{case}"));
        let sent = calls.pointer("/0/body/orderInformation/amountDetails/totalAmount");
        assert_eq!(sent.and_then(Value::as_str), Some(total), "{case}");
    }
    let files = embedded();
    let codes = files.iter().find(|file| file.path == "codes.toml");
    let text = &codes.expect("codes.toml").text;
    for line in ["USD = \"2\"", "JPY = \"0\"", "KWD = \"3\""] {
        assert!(text.lines().any(|known| known == line), "{line}");
    }
}

/// A hundred lines that differ in their number alone: each sends its own field to its own key.
#[test]
fn merchant_data_keeps_its_numbers() {
    for case in [
        "auth/all-fields",
        "bill/all-fields",
        "credit/all-fields-alone",
    ] {
        let calls = calls(&format!("payments/{case}"));
        let sent = calls.pointer("/0/body/merchantDefinedInformation");
        let sent = sent.and_then(Value::as_array).expect("merchant data");
        let expected: Vec<Value> = (1..=100)
            .map(|n| serde_json::json!({"key": n.to_string(), "value": format!("data {n}")}))
            .collect();
        assert_eq!(*sent, expected, "{case}");
    }
}

/// What a request is said to have made: later requests follow it by this.
#[test]
fn what_a_request_made_can_be_followed() {
    let tables = tables();
    let followed = followed::on_record();
    let faults: Vec<String> = followed
        .iter()
        .filter_map(|one| one.fault(&tables))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
