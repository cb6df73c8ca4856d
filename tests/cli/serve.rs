//! What `serve` refuses to start with.

use std::net::TcpListener;

use crate::run::{Folder, MERCHANT};

const PORTS: &str = "--listen 127.0.0.1:0 --admin 127.0.0.1:0";

#[track_caller]
fn assert_refused(config: &str, words: &str, code: i32, says: &[&str]) {
    let folder = Folder::new();
    folder.file("gateway.toml", config);
    let ended = folder.run(&format!("serve --config gateway.toml {words}"));
    assert_eq!(ended.code, code, "{ended:?}");
    for says in says {
        assert!(ended.err.contains(says), "{}", ended.err);
    }
    assert_eq!(ended.out, "");
}

#[test]
fn an_unknown_key() {
    let config = format!("[server]\nlissten = \"127.0.0.1:0\"\n{MERCHANT}");
    let says = ["gateway.toml:2: ", "did you mean \"listen\"?"];
    assert_refused(&config, PORTS, 78, &says);
}

#[test]
fn clear_text_over_a_network() {
    let says = ["0.0.0.0:0", "server.allow_plaintext"];
    let words = "--listen 0.0.0.0:0 --admin 127.0.0.1:0";
    assert_refused(MERCHANT, words, 78, &says);
    let config = format!("[server]\nlisten = \"0.0.0.0:0\"\n{MERCHANT}");
    assert_refused(&config, "--admin 127.0.0.1:0", 78, &says);
    assert_refused(
        &config,
        "--admin 127.0.0.1:0 --sandbox --sandbox-listen 127.0.0.1:0",
        78,
        &says,
    );
}

#[test]
fn no_merchants() {
    let says = ["no merchant is configured", "--sandbox"];
    assert_refused("", PORTS, 64, &says);
    let ended = Folder::new().run(&format!("serve {PORTS}"));
    assert_eq!(ended.code, 64, "{ended:?}");
}

#[test]
fn the_sandbox_secret_before_a_live_host() {
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let merchant = MERCHANT.replace("c2VjcmV0", secret);
    for host in [
        "https://api.cybersource.com",
        "https://apitest.cybersource.com",
    ] {
        let config = format!("[rest]\nbase_url = \"{host}\"\n{merchant}");
        assert_refused(&config, PORTS, 78, &["[merchants.shop]", host]);
    }
    assert_refused(
        &format!("{merchant}base_url = \"https://example.com\"\n"),
        PORTS,
        78,
        &["example.com"],
    );
}

#[test]
fn an_address_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let words = format!("--listen {address} --admin 127.0.0.1:0");
    assert_refused(MERCHANT, &words, 69, &[&address, "server.listen"]);
}

#[test]
fn broken_tables() {
    let folder = Folder::new();
    let tables = folder.tables();
    let file = tables.join("services/ics_pay_subscription_delete.toml");
    let line = crate::run::edit(&file, "call = \"DELETE", "cal = \"DELETE");
    folder.file("gateway.toml", MERCHANT);
    let ended = folder.run(&format!(
        "serve --config gateway.toml {PORTS} --mappings tables"
    ));
    assert_eq!(ended.code, 78, "{ended:?}");
    let place = format!("services/ics_pay_subscription_delete.toml:{line}: ");
    assert!(ended.err.contains(&place), "{}", ended.err);
}

#[test]
fn words_that_mean_nothing() {
    for words in [
        "serve --lissten x",
        "serve --listen nowhere",
        "serve --sandbox-listen 127.0.0.1:0",
        "sandbox --merchant m",
        "nothing",
        "send --to",
    ] {
        let ended = Folder::new().run(words);
        assert_eq!(ended.code, 2, "{words}: {ended:?}");
        assert!(!ended.err.is_empty());
    }
}
