//! What `check` says of keys and certificates.

use std::path::Path;
use std::process::Command;

use crate::run::Folder;

const SECRET: &str = "key_id = \"k\"\nshared_secret = \"AAAA\"\n";
const P12: &str = "p12_file = \"merchant.p12\"\n";
const PEM: &str =
    "certificate_file = \"merchant.cert.pem\"\nprivate_key_file = \"merchant.key.pem\"\n";
const SEAL: &str = "mle_certificate_file = \"provider.cert.pem\"\n";
const RESPONSE: &str = "mle_response_private_key_file = \"response.key.pem\"\n\
    mle_response_certificate_file = \"response.cert.pem\"\n";

/// A folder with the keys of the tests in it.
fn folder() -> Folder {
    let folder = Folder::new();
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys");
    for entry in std::fs::read_dir(keys).unwrap() {
        let from = entry.unwrap().path();
        std::fs::copy(
            &from,
            folder.path(from.file_name().unwrap().to_str().unwrap()),
        )
        .unwrap();
    }
    folder
}

/// Runs `check` on a merchant of these lines; code and words.
fn check(lines: &str) -> (i32, String) {
    check_in(&folder(), lines)
}

fn check_in(folder: &Folder, lines: &str) -> (i32, String) {
    folder.file("gateway.toml", &format!("[merchants.mid1234]\n{lines}"));
    let ended = folder.run("check --config gateway.toml");
    (ended.code, ended.err)
}

/// The fault must be told with the line of the setting that starts so.
#[track_caller]
fn assert_refused(lines: &str, setting: &str, says: &[&str]) -> String {
    let (code, err) = check(lines);
    assert_eq!(code, 1, "{lines}\n{err}");
    let at = lines
        .lines()
        .position(|line| line.starts_with(setting))
        .unwrap();
    let place = format!("gateway.toml:{}: ", at + 2);
    let told = err
        .lines()
        .any(|line| line.starts_with(&place) && says.iter().all(|says| line.contains(says)));
    assert!(told, "{place}{says:?} is not said:\n{err}");
    err
}

#[test]
fn every_way_to_give_keys_is_ok() {
    let named =
        "mle_response_private_key_file = \"response.key.pem\"\nmle_response_key_id = \"any\"\n";
    let bundle = "mle_response_p12_file = \"merchant.legacy.p12\"\nmle_response_p12_password = \"mid1234\"\n";
    for lines in [
        P12.to_owned(),
        PEM.to_owned(),
        format!("{P12}p12_password = \"mid1234\"\nkey_id = \"7000000000000000001\"\n"),
        format!("{P12}p12_password_file = \"password\"\n"),
        "p12_file = \"merchant.legacy.p12\"\nauth = \"jwt\"\nmle = \"request\"\n".to_owned(),
        "certificate_file = \"merchant.cert.pem\"\nprivate_key_file = \"merchant.pkcs1.pem\"\n"
            .to_owned(),
        format!("{SECRET}mle = \"request\"\n{SEAL}"),
        format!("{SECRET}mle = \"both\"\n{SEAL}{RESPONSE}"),
        format!("{SECRET}mle = \"both\"\n{SEAL}{named}"),
        format!("{SECRET}unmasked_retrieve = true\n{bundle}"),
        format!("{SECRET}auth = \"http_signature\"\nunmasked_retrieve = true\n{RESPONSE}"),
        format!("{P12}mle = \"both\"\n{RESPONSE}unmasked_retrieve = true\n"),
    ] {
        let folder = folder();
        folder.file("password", "mid1234\n");
        let (code, err) = check_in(&folder, &lines);
        assert_eq!(code, 0, "{lines}\n{err}");
    }
}

#[test]
fn the_last_days_are_shown() {
    let (_, err) = check(&format!("{P12}mle = \"both\"\n{RESPONSE}"));
    let shown: Vec<&str> = err
        .lines()
        .filter(|line| line.starts_with("key "))
        .collect();
    assert_eq!(shown.len(), 3, "{err}");
    for (line, file) in shown
        .iter()
        .zip(["merchant.p12", "merchant.p12", "response.cert.pem"])
    {
        assert!(
            line.contains(file) && line.contains("good until 2046-"),
            "{line}"
        );
    }
    assert!(!err.contains("warning"), "{err}");
}

#[test]
fn a_near_end_is_warned_of() {
    let folder = folder();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-key"])
        .arg(folder.path("merchant.key.pem"))
        .args(["-subj", "/CN=mid1234/serialNumber=1", "-days", "10", "-out"])
        .arg(folder.path("merchant.cert.pem"))
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        assert!(
            std::env::var_os("SCMP_GATEWAY_TEST_NO_SKIP").is_none(),
            "no openssl"
        );
        println!("skipped: there is no openssl to make a certificate with");
        return;
    }
    let (code, err) = check_in(&folder, PEM);
    assert_eq!(code, 0, "{err}");
    let warned = err.lines().find(|line| line.starts_with("warning: "));
    let warned = warned.unwrap_or_else(|| panic!("no warning:\n{err}"));
    assert!(
        warned.contains("merchant.cert.pem") && warned.contains("make a new key"),
        "{warned}"
    );
}

#[test]
fn keys_that_do_not_fit_are_told_with_file_and_remedy() {
    let pair = |certificate: &str, key: &str| {
        format!("certificate_file = \"{certificate}\"\nprivate_key_file = \"{key}\"\n")
    };
    for (lines, setting, says) in [
        (
            format!("{P12}p12_password = \"canary\"\n"),
            "p12_file",
            ["merchant.p12", "is not opened by its password"],
        ),
        (
            "p12_file = \"merchant.cert.pem\"\n".to_owned(),
            "p12_file",
            ["merchant.cert.pem", "no P12 file"],
        ),
        (
            "p12_file = \"absent.p12\"\n".to_owned(),
            "p12_file",
            ["absent.p12", "cannot be read"],
        ),
        (
            pair("provider.cert.pem", "merchant.key.pem"),
            "certificate_file",
            ["provider.cert.pem", "belongs to the private key"],
        ),
        (
            pair("nameless.cert.pem", "nameless.key.pem"),
            "certificate_file",
            ["nameless.cert.pem", "no serialNumber"],
        ),
        (
            pair("short.cert.pem", "short.key.pem"),
            "private_key_file",
            ["short.key.pem", "less than 2048 bits"],
        ),
        (
            pair("curve.cert.pem", "curve.key.pem"),
            "certificate_file",
            ["curve.cert.pem", "not RSA"],
        ),
        (
            pair("merchant.cert.pem", "merchant.protected.pem"),
            "private_key_file",
            ["merchant.protected.pem", "openssl pkey"],
        ),
        (
            pair("merchant.key.pem", "merchant.key.pem"),
            "certificate_file",
            ["merchant.key.pem", "BEGIN CERTIFICATE"],
        ),
        (
            format!("{P12}key_id = \"7000000000000000009\"\n"),
            "key_id",
            ["7000000000000000001", "7000000000000000009"],
        ),
        (
            format!("{SECRET}mle = \"request\"\nmle_certificate_file = \"nameless.cert.pem\"\n"),
            "mle_certificate_file",
            ["nameless.cert.pem", "no serialNumber"],
        ),
        (
            format!("{SECRET}mle = \"both\"\n{SEAL}{RESPONSE}mle_response_key_id = \"9\"\n"),
            "mle_response_key_id",
            ["response.cert.pem", "7000000000000000003"],
        ),
        (
            format!(
                "{SECRET}mle = \"both\"\n{SEAL}mle_response_private_key_file = \"response.key.pem\"\n"
            ),
            "mle_response_private_key_file",
            ["response.key.pem", "give mle_response_key_id"],
        ),
    ] {
        let err = assert_refused(&lines, setting, &says);
        assert!(!err.contains("canary"), "{err}");
    }
}

#[test]
fn settings_that_do_not_go_together_are_told_with_a_remedy() {
    for (lines, setting, says) in [
        (format!("{SECRET}{P12}"), "p12_file", "not several"),
        (format!("{P12}{PEM}"), "p12_file", "not several"),
        (
            format!("{P12}auth = \"http_signature\"\n"),
            "auth",
            "shared secret",
        ),
        (
            format!("{SECRET}auth = \"http_signature\"\nmle = \"request\"\n{SEAL}"),
            "mle =",
            "remove auth = \"http_signature\"",
        ),
        (
            format!("{SECRET}mle = \"request\"\n"),
            "mle",
            "give mle_certificate_file",
        ),
        (
            format!("{SECRET}mle = \"both\"\n{SEAL}"),
            "mle =",
            "give mle_response_p12_file",
        ),
        (
            format!("{SECRET}unmasked_retrieve = true\n"),
            "unmasked_retrieve",
            "give mle_response_p12_file",
        ),
        (
            "private_key_file = \"merchant.key.pem\"\n".to_owned(),
            "private_key_file",
            "needs certificate_file",
        ),
        (
            format!("{SECRET}{RESPONSE}mle_response_p12_file = \"merchant.p12\"\n"),
            "mle_response_p12_file",
            "not both",
        ),
        (format!("{SECRET}mle = \"on\"\n"), "mle", "unknown variant"),
        (
            format!("{P12}p12_password = \"a\"\np12_password_env = \"B\"\n"),
            "p12_password",
            "not several",
        ),
        (
            format!("{P12}p12_password_env = \"ABSENT_VARIABLE\"\n"),
            "p12_password_env",
            "ABSENT_VARIABLE",
        ),
    ] {
        assert_refused(&lines, setting, &[says]);
    }
}
