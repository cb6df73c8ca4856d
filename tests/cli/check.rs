//! What `check` says of tables.

use std::path::Path;

use crate::run::{Folder, MERCHANT, edit};

#[test]
fn the_built_in_tables_are_ok() {
    let folder = Folder::new();
    assert_eq!(folder.run("check").code, 0);
    folder.tables();
    let ended = folder.run("check --mappings tables");
    assert_eq!((ended.code, ended.out.as_str()), (0, ""), "{ended:?}");
    assert!(ended.err.starts_with("ok: 12 services"), "{}", ended.err);
}

/// Breaks one line of the tables; what is said must name its file and line. A fault in an entry of several lines may be
/// told at the entry's first one.
#[track_caller]
fn assert_named(file: &str, from: &str, to: &str, says: &str) {
    let folder = Folder::new();
    let tables = folder.tables();
    let line = edit(&tables.join(file), from, to);
    let ended = folder.run("check --mappings tables");
    assert_eq!(ended.code, 1, "{ended:?}");
    let text = std::fs::read_to_string(tables.join(file)).unwrap();
    let above = text.lines().take(line).enumerate();
    let entry = above.filter(|(_, text)| text.starts_with("[[")).last();
    let entry = entry.map_or(line, |(at, _)| at + 1);
    let places = [line, entry].map(|line| format!("{file}:{line}: "));
    let at_place = |said: &&str| places.iter().any(|place| said.contains(place));
    let said = ended.err.lines().find(at_place);
    let said = said.unwrap_or_else(|| panic!("{places:?} is not named:\n{}", ended.err));
    assert!(said.contains(says), "{said}");
}

#[test]
fn a_broken_line_is_named() {
    let delete = "services/ics_pay_subscription_delete.toml";
    let create = "services/ics_pay_subscription_create.toml";
    for (file, from, to, says) in [
        (delete, "call = \"DELETE", "cal = \"DELETE", "call"),
        (
            delete,
            "DELETE /tms/v2/customers/",
            "DELETE /tms/v2/customer/",
            "/tms/v2/customers/",
        ),
        (
            delete,
            "{ field = \"subscription_id\" }",
            "{ field = \"subscripton_id\" }",
            "subscription_id",
        ),
        (
            create,
            "\"payment.tokenInformation.customer.id\", \"payment.tokenInformation.paymentInstrument.id\"",
            "\"payment.tokenInformation.customer.ident\"",
            "ident",
        ),
        (create, "from = \"@rcode\"", "from = \"@rcod\"", "@rcod"),
        (
            create,
            "body = \"identifier\"",
            "body = \"identifiers\"",
            "identifier",
        ),
        (
            "bodies/customer.toml",
            "path = \"buyerInformation.email\"",
            "path = \"buyerInformation.emial\"",
            "email",
        ),
        (
            "bodies/address.toml",
            "transform = \"upper\"",
            "transform = \"uper\"",
            "upper",
        ),
        (
            "fields/card.toml",
            "sensitivity = \"pan\"",
            "sensitivity = \"pann\"",
            "pan",
        ),
        (
            "flags.toml",
            "flag = \"DINVALIDCARD\"",
            "flag = \"DINVALIDCRAD\"",
            "DINVALIDCARD",
        ),
    ] {
        assert_named(file, from, to, says);
    }
}

#[test]
fn a_broken_line_about_verification_is_named() {
    let (amounts, bundles) = ("preauthorization.toml", "bundles.toml");
    let reversal = "services/ics_auto_auth_reversal.toml";
    for (file, from, to, says) in [
        (
            amounts,
            "card = \"card_type\"",
            "card = \"bill_city\"",
            "no field with a code",
        ),
        (amounts, "\"moneris\"", "\"monneris\"", "\"moneris\"?"),
        (
            amounts,
            "[\"001\", \"002\", \"036\"]",
            "[\"001\", \"999\"]",
            "\"999\"",
        ),
        (
            amounts,
            "amount = \"1.00\"",
            "amount = \"-1.00\"",
            "no amount",
        ),
        (
            amounts,
            "cards = [\"001\"] }",
            "card = [\"001\"] }",
            "cards",
        ),
        (
            reversal,
            "after   = \"ics_auth\"",
            "after   = \"ics_aut\"",
            "ics_auth",
        ),
        (
            bundles,
            "[\"ics_pay_subscription_create\"], when = [",
            "[\"ics_pay_subscription_crate\"], when = [",
            "create",
        ),
        (
            bundles,
            ", asked = [\"ics_pay_subscription_create\"], when",
            ", when",
            "belong together",
        ),
        (
            bundles,
            "asked = [\"ics_pay_subscription_create\"]",
            "asked = [\"ics_bill\", \"ics_void\"]",
            "a line of their own",
        ),
    ] {
        assert_named(file, from, to, says);
    }
}

#[test]
fn faults_of_several_files_are_told_at_once() {
    let folder = Folder::new();
    let tables = folder.tables();
    let (address, delete) = (
        "bodies/address.toml",
        "services/ics_pay_subscription_delete.toml",
    );
    edit(
        &tables.join(address),
        "path = \"shipTo.firstName\"",
        "path = \"shipTo.frstName\"",
    );
    edit(
        &tables.join(delete),
        "{ field = \"subscription_id\" }",
        "{ field = \"subscripton_id\" }",
    );
    let ended = folder.run("check --mappings tables");
    for file in [address, delete] {
        assert!(ended.err.contains(file), "{file}: {}", ended.err);
    }
}

#[test]
fn a_directory_that_is_none_is_named() {
    let folder = Folder::new();
    let ended = folder.run("check --mappings gone");
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("gone"), "{}", ended.err);
    std::fs::create_dir(folder.path("empty")).unwrap();
    assert_eq!(folder.run("check --mappings empty").code, 1);
    assert!(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("mappings")
            .is_dir()
    );
}

#[test]
fn configuration_and_tables_are_checked_together() {
    let folder = Folder::new();
    folder.tables();
    folder.file(
        "gateway.toml",
        &format!("{MERCHANT}processor = \"monneris\"\n"),
    );
    let ended = folder.run("check --mappings tables --config gateway.toml");
    assert_eq!(ended.code, 1);
    let says = "gateway.toml:4: unknown processor \"monneris\"; did you mean \"moneris\"?";
    assert!(ended.err.contains(says), "{}", ended.err);
}
