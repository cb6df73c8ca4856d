//! A configuration and tables of one's own, at run time.

use std::fs;
use std::path::Path;

use crate::process::{Running, Start};
use crate::requests::{MERCHANT, assert_flag, create};
use crate::upstream::{Upstream, tms};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => fs::write(target, fs::read(entry.path()).unwrap()).unwrap(),
        }
    }
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_field_is_added_without_building_anything() {
    let upstream = Upstream::start(tms);
    let folder = tempfile::tempdir().unwrap();
    let tables = folder.path().join("tables");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings");
    copy(&own, &tables);
    let member = "[resources.customer]\n";
    let added = format!("{member}\"buyerInformation.favouriteColour\" = {{ max = 20 }}\n");
    edit(&tables.join("rest/tms.toml"), member, &added);
    let mut fields = fs::read_to_string(tables.join("fields/token.toml")).unwrap();
    fields += "\nfavourite_colour = { max = 20 }\n";
    fs::write(tables.join("fields/token.toml"), fields).unwrap();
    let line = "lines = [\n  { field = \"favourite_colour\", path = \"buyerInformation.favouriteColour\", transform = \"upper\" },\n";
    edit(&tables.join("bodies/customer.toml"), "lines = [\n", line);

    let request = create(&[("favourite_colour", "teal")]);
    let start = upstream.gateway_start("");
    let gateway = start
        .arguments(&["--mappings", tables.to_str().unwrap()])
        .run();
    assert_flag(&gateway.send(&request), "1", "SOK");
    let customer = upstream.seen()[1].json();
    assert_eq!(customer["buyerInformation"]["favouriteColour"], "TEAL");

    let without = upstream.gateway("");
    assert_flag(&without.send(&request), "1", "SOK");
    let customer = upstream.seen()[4].json();
    assert_eq!(customer["buyerInformation"].get("favouriteColour"), None);
}

fn works(gateway: &Running) {
    assert_flag(&gateway.send(&create(&[])), "1", "SOK");
}

#[test]
fn the_environment_overrides_the_file() {
    let config = format!("[server]\nlisten = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:1\"\n{MERCHANT}");
    let gateway = Start::new(&["serve", "--sandbox", "--sandbox-listen", "127.0.0.1:0"])
        .config(&config)
        .env("SCMP_GATEWAY__SERVER__LISTEN", "127.0.0.1:0")
        .env("SCMP_GATEWAY__SERVER__ADMIN", "127.0.0.1:0")
        .env("SCMP_GATEWAY__SERVER__MAX_BODY_BYTES", "2000")
        .run();
    works(&gateway);
    let large = crate::requests::post(&[b'x'; 2001]);
    let answer = crate::http::exchange(&gateway.address, &large);
    assert_eq!(answer.status, 413);
}

#[test]
fn the_environment_alone_is_enough() {
    let sandbox = Start::new(&["sandbox", "--listen", "127.0.0.1:0"]).run();
    let merchant = |key: &str| format!("SCMP_GATEWAY__MERCHANTS__MID1234__{key}");
    let gateway = Start::serve()
        .env(
            "SCMP_GATEWAY__REST__BASE_URL",
            &format!("http://{}", sandbox.address),
        )
        .env(&merchant("KEY_ID"), "08c94330-f618-42a3-b09d-e1e43be5efda")
        .env(
            &merchant("SHARED_SECRET"),
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        )
        .env(&merchant("RELAXED_ADDRESS"), "true")
        .run();
    works(&gateway);
    let relaxed = gateway.send(&create(&[("bill_city", ""), ("customer_lastname", "")]));
    assert_flag(&relaxed, "1", "SOK");
}

/// A key's id is text, even where it looks like a number.
#[test]
fn digits_in_the_environment_stay_text() {
    let upstream = Upstream::start(tms);
    let start = upstream.gateway_start("");
    let gateway = start
        .env("SCMP_GATEWAY__MERCHANTS__MID1234__KEY_ID", "00700")
        .env("SCMP_GATEWAY__MERCHANTS__MID1234__AUTH", "http_signature")
        .run();
    works(&gateway);
    let signature = &upstream.seen()[0].headers["signature"];
    assert!(signature.contains("keyid=\"00700\""), "{signature}");
}

#[test]
fn merchant_ids_keep_their_case() {
    let upstream = Upstream::start(tms);
    let config = upstream.config("").replace("mid1234", "MyShop_1");
    let gateway = Start::serve().config(&config).run();
    let own = create(&[("merchant_id", "MyShop_1")]);
    assert_flag(&gateway.send(&own), "1", "SOK");
    let other = create(&[("merchant_id", "myshop_1")]);
    assert_flag(&gateway.send(&other), "0", "DINVALIDDATA");
    assert_eq!(upstream.seen().len(), 3);
}

#[test]
fn a_secret_comes_from_a_file_or_the_environment() {
    let secret = "c2VjcmV0IGZyb20gc29tZXdoZXJlIGVsc2UsIDMyYiE=";
    let merchant = "[merchants.mid1234]\nkey_id = \"k\"\n";
    // The file is named relative to the configuration, and ends with a newline as files do.
    let config = format!("{merchant}shared_secret_file = \"secrets/mid1234\"\n");
    let start = Start::sandbox().env("PWD", "/");
    let folder = start.file("gateway.toml", &config);
    fs::create_dir(folder.with_file_name("secrets")).unwrap();
    start.file("secrets/mid1234", &format!("{secret}\n"));
    works(&start.config(&config).run());

    let config = format!("{merchant}shared_secret_env = \"SHOP_SECRET\"\n");
    let start = Start::sandbox().config(&config);
    works(&start.env("SHOP_SECRET", secret).run());
}
