//! `golden`: cases that pass, differ and are rewritten.

use std::fs;

use crate::run::Folder;

const REQUEST: &str = "ics_applications=ics_pay_subscription_delete\n\
    merchant_id=shop\nmerchant_ref_number=r1\nsubscription_id=ABC\n";
const CALLS: &str = r#"[
    {"method": "GET", "path": "/tms/v2/customers/ABC", "reply": {"status": 200, "body": {"id": "ABC"}}},
    {"method": "DELETE", "path": "/tms/v2/customers/ABC", "reply": {"status": 204}}
]"#;

/// A folder with two cases whose replies were written by the runner.
fn blessed() -> Folder {
    let folder = Folder::new();
    for case in ["tokens/one", "tokens/two"] {
        folder.file(&format!("golden/{case}/request.scmp"), REQUEST);
        folder.file(&format!("golden/{case}/calls.json"), CALLS);
    }
    let ended = folder.run("golden --bless");
    assert_eq!(ended.code, 0, "{ended:?}");
    folder
}

#[test]
fn what_was_blessed_passes() {
    let folder = blessed();
    let reply = fs::read_to_string(folder.path("golden/tokens/one/reply.scmp")).unwrap();
    assert!(reply.contains("ics_rcode=1\n"), "{reply}");
    assert!(
        reply.contains("pay_subscription_delete_subscription_id=ABC\n"),
        "{reply}"
    );
    let ended = folder.run("golden");
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "2 passed, 0 failed\n"),
        "{ended:?}"
    );
    let ended = folder.run("golden --filter one");
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "1 passed, 0 failed\n"),
        "{ended:?}"
    );
    let ended = folder.run("golden golden/tokens");
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_difference_is_shown() {
    let folder = blessed();
    let file = folder.path("golden/tokens/two/reply.scmp");
    crate::run::edit(&file, "ics_rflag=SOK", "ics_rflag=DINVALIDDATA");
    let ended = folder.run("golden");
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.out.contains("tokens/two\n") && !ended.out.contains("tokens/one"));
    assert!(ended.out.contains("ics_rflag"), "{}", ended.out);
    assert!(ended.out.contains("SOK") && ended.out.contains("DINVALIDDATA"));
    assert!(ended.out.ends_with("1 passed, 1 failed\n"), "{}", ended.out);
    assert_eq!(folder.run("golden --filter one").code, 0);

    assert_eq!(folder.run("golden --bless").code, 0);
    assert!(fs::read_to_string(&file).unwrap().contains("ics_rflag=SOK"));
    assert_eq!(folder.run("golden").code, 0);
}

/// Order means nothing: a reply is a set of fields, a body is JSON.
#[test]
fn the_order_of_fields_means_nothing() {
    let folder = blessed();
    let file = folder.path("golden/tokens/one/reply.scmp");
    let reply = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = reply.lines().collect();
    lines.reverse();
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    assert_eq!(folder.run("golden").code, 0);
}

#[test]
fn a_call_that_is_not_expected_is_a_difference() {
    let folder = blessed();
    let file = folder.path("golden/tokens/one/calls.json");
    crate::run::edit(&file, "\"DELETE\"", "\"PATCH\"");
    let ended = folder.run("golden");
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.out.contains("DELETE"), "{}", ended.out);
}

#[test]
fn no_case_is_a_fault() {
    let folder = blessed();
    for words in ["golden --filter three", "golden gone"] {
        let ended = folder.run(words);
        assert_eq!(ended.code, 66, "{ended:?}");
        assert!(!ended.err.is_empty());
    }
    folder.file("golden/tokens/one/calls.json", "[{]");
    let ended = folder.run("golden");
    assert_eq!(ended.code, 66, "{ended:?}");
    assert!(ended.err.contains("calls.json"), "{}", ended.err);
}
