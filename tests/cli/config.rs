//! What `check` says of configurations.

use crate::run::{Folder, MERCHANT};

/// Runs `check` on a configuration; code and words.
fn check(text: &str) -> (i32, String) {
    let folder = Folder::new();
    folder.file("gateway.toml", text);
    let ended = folder.run("check --config gateway.toml");
    assert_eq!(ended.out, "", "words go to standard error");
    (ended.code, ended.err)
}

#[track_caller]
fn assert_refused(text: &str, place: &str, says: &[&str]) {
    let (code, err) = check(text);
    assert_eq!(code, 1, "{text}\n{err}");
    for says in says {
        let line = err.lines().find(|line| line.contains(says));
        let line = line.unwrap_or_else(|| panic!("{says:?} is not said:\n{err}"));
        assert!(line.starts_with(place), "{line}");
    }
}

#[test]
fn a_good_configuration_is_ok() {
    let all = "[server]\nlisten = \"127.0.0.1:8080\"\nadmin = \"127.0.0.1:8081\"\n\
        [rest]\nbase_url = \"https://api.cybersource.com\"\nconnect_timeout = \"2s\"\ntimeout = \"60s\"\n\
        [journal]\nurl = \"file:journal\"\n[resolve]\nfirst_delay = \"60s\"\ndeadline = \"24h\"\n";
    for text in [MERCHANT.to_owned(), format!("{all}{MERCHANT}")] {
        let (code, err) = check(&text);
        assert_eq!(code, 0, "{err}");
        assert!(err.starts_with("ok: "), "{err}");
    }
}

#[test]
fn what_serve_would_refuse_is_not_ok() {
    let (code, err) = check("");
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("no merchant is configured"), "{err}");
    let public = "[rest]\nbase_url = \"https://api.cybersource.com\"\n[merchants.m]\nkey_id = \"k\"\n\
        shared_secret = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n";
    let (code, err) = check(public);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("the sandbox's public secret"), "{err}");
}

#[test]
fn the_example_of_the_documents_is_ok() {
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:8080\"\n[journal]\nurl = \"file:./journal\"\n{MERCHANT}auth = \"jwt\"\n"
    );
    let (code, err) = check(&text);
    assert_eq!(code, 0, "{err}");
    assert!(err.starts_with("ok: "), "{err}");
}

#[test]
fn slips_are_named_with_file_line_and_remedy() {
    for (text, line, says) in [
        (
            "[server]\nlisten = \"127.0.0.1:1\"\nadmn = \"x\"\n",
            3,
            "\"admin\"",
        ),
        (
            "[server]\nadmin = \"127.0.0.1:1\"\nlissten = \"x\"\n",
            3,
            "\"listen\"",
        ),
        ("[rest]\n\ntimout = \"1s\"\n", 3, "\"timeout\""),
        (
            "[merchants.a]\nkey_id = \"k\"\nshared_secrt = \"x\"\n",
            3,
            "\"shared_secret\"",
        ),
    ] {
        let place = format!("gateway.toml:{line}: ");
        assert_refused(text, &place, &[&format!("did you mean {says}?")]);
    }
}

#[test]
fn an_unknown_section_is_named() {
    assert_refused(
        "[servers]\nlisten = \"127.0.0.1:1\"\n",
        "gateway.toml:1: ",
        &["did you mean \"server\"?"],
    );
}

#[test]
fn every_fault_is_told_at_once() {
    let text = "[server]\nlissten = \"x\"\n[rest]\ntimout = \"1s\"\n";
    assert_refused(text, "gateway.toml:2: ", &["lissten"]);
    assert_refused(text, "gateway.toml:4: ", &["timout"]);
}

#[test]
fn values_are_checked() {
    for (text, line, says) in [
        ("[server]\nlisten = \"nowhere\"\n", 2, "nowhere"),
        (
            "[server]\nreceive_timeout = \"ten\"\n",
            2,
            "receive_timeout",
        ),
        ("[server]\nmax_body_bytes = 0\n", 2, "max_body_bytes"),
        ("[server]\nmax_body_bytes = \"much\"\n", 2, "expected usize"),
        (
            "[rest]\nbase_url = \"http://api.cybersource.com\"\n",
            2,
            "https",
        ),
        (
            "[rest]\nbase_url = \"https://api.cybersource.com/pts\"\n",
            2,
            "host",
        ),
        (
            "[rest]\nconnect_timeout = \"9s\"\ntimeout = \"3s\"\n",
            2,
            "shorter",
        ),
        (
            "[merchants.a]\nkey_id = \"k\"\nshared_secret = \"AAAA\"\npreauthorization = true\n",
            4,
            "needs processor",
        ),
        (
            "[merchants.a]\nkey_id = \"k\"\nshared_secret = \"AAAA\"\ntoken_ids = { digits_20 = \"customer\" }\n",
            4,
            "digits_22",
        ),
        (
            "[merchants.a]\nkey_id = \"k\"\nshared_secret = \"AAAA\"\ntoken_ids = { default = \"costumer\" }\n",
            4,
            "customer",
        ),
        ("[rest]\nca_file = \"none.pem\"\n", 2, "none.pem"),
        ("[merchants.a]\nkey_id = \"k\"\n", 1, "no secret"),
        (
            "[merchants.a]\nshared_secret = \"AAAA\"\n",
            1,
            "key_id is missing",
        ),
        (
            "[merchants.a]\nkey_id = \"k\"\nshared_secret = \"AAAA\"\nshared_secret_env = \"X\"\n",
            3,
            "not several",
        ),
        (
            "[merchants.a]\nkey_id = \"k\"\nshared_secret_env = \"SCMP_NONE\"\n",
            3,
            "SCMP_NONE",
        ),
        (
            "[merchants.a]\nkey_id = \"k\"\nshared_secret_file = \"gone\"\n",
            3,
            "gone",
        ),
        ("[server\n", 1, ""),
    ] {
        assert_refused(text, &format!("gateway.toml:{line}: "), &[says]);
    }
}

#[test]
fn secrets_are_not_repeated() {
    for line in [
        "shared_secret = \"sekrit!canary\"",
        "shared_secret = 987654321",
        "shared_secret = sekrit!canary",
    ] {
        let (code, err) = check(&format!("[merchants.a]\nkey_id = \"k\"\n{line}\n"));
        assert_eq!(code, 1);
        assert!(
            !err.contains("canary") && !err.contains("987654321"),
            "{err}"
        );
    }
}

#[test]
fn a_missing_file_is_named() {
    let ended = Folder::new().run("check --config gone.toml");
    assert_eq!(ended.code, 1);
    assert!(ended.err.starts_with("gone.toml: "), "{}", ended.err);
}

#[test]
fn the_network_takes_an_explicit_word() {
    let open = "[server]\nlisten = \"0.0.0.0:8080\"\n";
    let (code, err) = check(&format!("{open}{MERCHANT}"));
    assert_eq!(code, 1);
    assert!(err.contains("server.allow_plaintext"), "{err}");
    let (code, err) = check(&format!("{open}allow_plaintext = true\n{MERCHANT}"));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_fault_of_the_environment_is_told() {
    let folder = Folder::new();
    folder.file("gateway.toml", MERCHANT);
    for (name, value, says) in [
        ("SCMP_GATEWAY__SERVER__LISTEN", "nowhere", "nowhere"),
        ("SCMP_GATEWAY__SERVER__LISSTEN", "127.0.0.1:1", "\"listen\""),
        (
            "SCMP_GATEWAY__SERVER__MAX_CONNECTIONS",
            "many",
            "max_connections",
        ),
    ] {
        let ended = folder.run_with("check --config gateway.toml", "", &[(name, value)]);
        assert_eq!(ended.code, 1, "{name}");
        assert!(ended.err.contains(says), "{name}: {}", ended.err);
    }
}
