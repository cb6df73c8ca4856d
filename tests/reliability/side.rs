//! Merchant data that TMS has no room for: kept encrypted, so that old callers notice nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection as Database;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::http::Connection;
use crate::process::{PATIENCE, Running, Start};
use crate::requests::{Fields, MERCHANT, assert_flag, create, delete, post, retrieve, update};
use crate::scene::{PAYER, Scene, request};
use crate::server::Server;
use crate::upstream::CUSTOMER;
use crate::vault::{Fault, Vault};

/// 32 bytes each.
const OLD_KEY: &str = "{ id = \"2025\", key = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\" }";
const NEW_KEY: &str = "{ id = \"2026\", key = \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\" }";
const SECURE: &str = "pay_subscription_retrieve_merchant_secure_data1";
const DEFINED: &str = "pay_subscription_retrieve_merchant_defined_data2";

fn settings(keys: &[&str]) -> String {
    let keys = keys.join(", ");
    format!(
        "[server]\nrequest_timeout = \"900ms\"\n[side_store]\nkeys = [{keys}]\nsettle_after = \"950ms\"\n"
    )
}

fn scene(vault: &Vault) -> Scene {
    Scene::new(&vault.host.address, &settings(&[OLD_KEY]))
}

/// A long value that no other part of the run has.
fn secret(word: &str) -> String {
    format!("Grüße, {word}: ")
        .repeat(200)
        .chars()
        .take(2071)
        .collect()
}

fn long_create() -> String {
    create(&[
        ("merchant_secure_data1", &secret("canary one")),
        ("merchant_defined_data2", &"d".repeat(255)),
        ("merchant_defined_data3", "short"),
    ])
}

fn created(gateway: &Running) {
    let reply = gateway.send(&long_create());
    assert_flag(&reply, "1", "SOK");
}

fn secure(gateway: &Running, value: &str) -> Fields {
    gateway.send(&update(CUSTOMER, &[("merchant_secure_data1", value)]))
}

fn retrieved(gateway: &Running) -> Fields {
    let reply = gateway.send(&retrieve(CUSTOMER));
    assert_flag(&reply, "1", "SOK");
    reply
}

/// The kept values' times of doubt, in the embedded journal.
fn in_file(scene: &Scene) -> Vec<Option<i64>> {
    let file = scene.folder().join("journal/journal.sqlite3");
    let database = Database::open(file).unwrap();
    let mut found = database.prepare("select due from side").unwrap();
    let rows = found.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The same in PostgreSQL.
fn in_postgres(server: &Server) -> Vec<Option<i64>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut database = PgConnection::connect(&server.url()).await.unwrap();
        let found = sqlx::query_scalar("select due from side");
        found.fetch_all(&mut database).await.unwrap()
    })
}

/// Waits until so many values are kept, none of them in doubt.
fn wait_for(count: usize, kept: impl Fn() -> Vec<Option<i64>>) {
    let begun = Instant::now();
    loop {
        let kept = kept();
        if kept == vec![None; count] {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{kept:?}, not {count} values");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A token's life; the gateways take turns.
fn a_life(gateways: &[Running; 2], kept: impl Fn() -> Vec<Option<i64>>) {
    let [one, other] = gateways;
    created(one);
    let reply = retrieved(other);
    assert_eq!(reply[SECURE], secret("canary one").trim_end());
    assert_eq!(reply[DEFINED], "d".repeat(255));
    assert_eq!(
        reply["pay_subscription_retrieve_merchant_defined_data3"],
        "short"
    );
    // Some clients write the id in other letters.
    let reply = other.send(&retrieve(&CUSTOMER.to_ascii_lowercase()));
    assert_eq!(reply[SECURE], secret("canary one").trim_end());
    assert_eq!(kept(), [None, None]);

    assert_flag(&secure(other, &secret("canary two")), "1", "SOK");
    let reply = retrieved(one);
    assert_eq!(reply[SECURE], secret("canary two").trim_end());
    assert_eq!(reply[DEFINED], "d".repeat(255));
    assert_eq!(kept(), [None, None]);

    assert_flag(&secure(one, "now short"), "1", "SOK");
    assert_eq!(retrieved(other)[SECURE], "now short");
    assert_eq!(kept(), [None]);

    assert_flag(&secure(other, &secret("canary three")), "1", "SOK");
    assert_eq!(retrieved(one)[SECURE], secret("canary three").trim_end());
    assert_eq!(kept(), [None, None]);

    assert_flag(&one.send(&delete(CUSTOMER)), "1", "SOK");
    assert_eq!(kept(), []);
    assert_flag(&other.send(&retrieve(CUSTOMER)), "0", "DINVALIDDATA");
}

/// Whether a file below a folder holds these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    let found = |entry: std::fs::DirEntry| {
        let path = entry.path();
        match path.is_dir() {
            true => holds(&path, bytes),
            false => {
                let text = std::fs::read(path).unwrap_or_default();
                text.windows(bytes.len()).any(|window| window == bytes)
            }
        }
    };
    std::fs::read_dir(folder).unwrap().flatten().any(found)
}

#[test]
fn a_life_with_an_embedded_journal() {
    let vault = Vault::start();
    let scene = scene(&vault);
    let gateway = scene.gateway();
    created(&gateway);
    assert!(!vault.data().unwrap().contains("canary"));
    assert_eq!(retrieved(&gateway)[SECURE], secret("canary one").trim_end());
    assert_flag(&secure(&gateway, &secret("canary two")), "1", "SOK");
    let log = gateway.end();
    // What was kept is read after a restart, and nowhere in the clear.
    assert!(
        !log.contains("canary") && !log.contains("AAAAAAAA"),
        "{log}"
    );
    assert!(!holds(&scene.folder().join("journal"), b"canary"));
    assert!(!holds(&scene.folder().join("journal"), b"dddddddd"));
    let gateway = scene.gateway();
    let reply = retrieved(&gateway);
    assert_eq!(reply[SECURE], secret("canary two").trim_end());
    assert_eq!(reply[DEFINED], "d".repeat(255));
    let reply = gateway.send(&retrieve(&CUSTOMER.to_ascii_lowercase()));
    assert_eq!(reply[SECURE], secret("canary two").trim_end());
    assert_flag(&secure(&gateway, "now short"), "1", "SOK");
    assert_eq!(retrieved(&gateway)[SECURE], "now short");
    assert_eq!(in_file(&scene), [None]);
    assert_flag(&gateway.send(&delete(CUSTOMER)), "1", "SOK");
    assert_eq!(in_file(&scene), []);
}

#[test]
fn two_gateways_on_one_postgres_see_the_same() {
    let Some(server) = Server::start() else {
        return;
    };
    let vault = Vault::start();
    let folder = tempfile::tempdir().unwrap();
    let more = settings(&[OLD_KEY]);
    let scene = Scene::with_journal(folder, &vault.host.address, &server.url(), &more);
    scene.journal(&["migrate"]);
    let gateways = [scene.gateway(), scene.gateway()];
    a_life(&gateways, || in_postgres(&server));
    // A gateway that dies in the middle is cleared up after by the other.
    created(&gateways[0]);
    vault.fail(Some(Fault::AnswerLost));
    let body = update(
        CUSTOMER,
        &[("merchant_secure_data1", &secret("canary four"))],
    );
    let before = vault.host.calls().len();
    Connection::open(&gateways[0].address).send(&post(body.as_bytes()));
    vault.host.wait_for(before + 2);
    let [mut first, second] = gateways;
    first.kill();
    vault.fail(None);
    assert_eq!(retrieved(&second)[SECURE], secret("canary four").trim_end());
    wait_for(2, || in_postgres(&server));
    assert_eq!(retrieved(&second)[SECURE], secret("canary four").trim_end());
}

#[test]
fn without_a_key_long_values_are_refused() {
    let vault = Vault::start();
    let gateway = Scene::new(&vault.host.address, "").gateway();
    let reply = gateway.send(&long_create());
    assert_flag(&reply, "0", "DINVALIDDATA");
    assert!(
        reply["ics_rmsg"].contains("merchant_defined_data2 (at most 100 characters with REST)")
    );
    assert!(vault.host.calls().is_empty());
}

#[test]
fn keys_take_turns_and_a_missing_one_is_told() {
    let vault = Vault::start();
    let scene = scene(&vault);
    let gateway = scene.gateway();
    created(&gateway);
    gateway.end();
    let with = |keys: &[&str]| {
        let journal = scene.folder().join("journal");
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", journal.display());
        Scene::with_journal(folder, &vault.host.address, &url, &settings(keys))
    };
    let gateway = with(&[NEW_KEY, OLD_KEY]).gateway();
    assert_eq!(retrieved(&gateway)[SECURE], secret("canary one").trim_end());
    assert_flag(&secure(&gateway, &secret("canary two")), "1", "SOK");
    gateway.end();
    let gateway = with(&[NEW_KEY]).gateway();
    let reply = gateway.send(&retrieve(CUSTOMER));
    assert_flag(&reply, "-1", "ESYSTEM");
    assert!(reply["ics_rmsg"].contains(DEFINED), "{reply:?}");
    let log = gateway.wait_for_log("key \"2025\"");
    assert!(!log.contains("canary"));
    // What was written with the new key is read; what cannot be read is replaced.
    let short = [("merchant_defined_data2", "short")];
    assert_flag(&gateway.send(&update(CUSTOMER, &short)), "1", "SOK");
    assert_eq!(retrieved(&gateway)[SECURE], secret("canary two").trim_end());
}

#[test]
fn a_create_that_is_cut_off_leaves_nothing() {
    let vault = Vault::start();
    let scene = scene(&vault);
    let mut gateway = scene.gateway();
    vault.fail(Some(Fault::InstrumentLost));
    Connection::open(&gateway.address).send(&post(long_create().as_bytes()));
    vault.host.wait_for(3);
    assert_eq!(in_file(&scene).len(), 2, "kept before anything is promised");
    gateway.kill();
    vault.fail(None);
    let _gateway = scene.gateway();
    scene.settled(&["settled"]);
    assert_eq!(vault.data(), None);
    wait_for(0, || in_file(&scene));
}

#[test]
fn an_update_that_is_cut_off_leaves_one_value() {
    for (fault, word) in [
        (Fault::ChangeLost, "canary one"),
        (Fault::AnswerLost, "canary two"),
    ] {
        let vault = Vault::start();
        let scene = scene(&vault);
        let mut gateway = scene.gateway();
        created(&gateway);
        vault.fail(Some(fault));
        let body = update(
            CUSTOMER,
            &[("merchant_secure_data1", &secret("canary two"))],
        );
        let before = vault.host.calls().len();
        Connection::open(&gateway.address).send(&post(body.as_bytes()));
        vault.host.wait_for(before + 2);
        assert_eq!(
            in_file(&scene).len(),
            3,
            "both are kept while it is not known"
        );
        gateway.kill();
        vault.fail(None);
        let gateway = scene.gateway();
        assert_eq!(
            retrieved(&gateway)[SECURE],
            secret(word).trim_end(),
            "{fault:?}"
        );
        wait_for(2, || in_file(&scene));
        assert_eq!(
            retrieved(&gateway)[SECURE],
            secret(word).trim_end(),
            "{fault:?}"
        );
    }
}

#[test]
fn a_refused_update_leaves_the_former_value() {
    let vault = Vault::start();
    let scene = scene(&vault);
    let gateway = scene.gateway();
    created(&gateway);
    vault.fail(Some(Fault::ChangeRefused));
    assert_flag(
        &secure(&gateway, &secret("canary two")),
        "0",
        "DINVALIDDATA",
    );
    vault.fail(None);
    assert_eq!(retrieved(&gateway)[SECURE], secret("canary one").trim_end());
    assert_eq!(in_file(&scene), [None, None]);
}

/// What a refusal of the second attempt says is not said of the first.
#[test]
fn an_update_that_may_have_been_made_leaves_what_rest_refers_to() {
    let vault = Vault::start();
    let scene = scene(&vault);
    let gateway = scene.gateway();
    created(&gateway);
    vault.fail(Some(Fault::DoneThenRefused));
    assert_flag(&secure(&gateway, &secret("canary two")), "-1", "ETIMEOUT");
    vault.fail(None);
    wait_for(2, || in_file(&scene));
    assert_eq!(retrieved(&gateway)[SECURE], secret("canary two").trim_end());
}

#[test]
fn a_deletion_that_is_cut_off_takes_the_values_along() {
    let vault = Vault::start();
    let scene = scene(&vault);
    let mut gateway = scene.gateway();
    created(&gateway);
    vault.fail(Some(Fault::DeletionLost));
    let before = vault.host.calls().len();
    Connection::open(&gateway.address).send(&post(delete(CUSTOMER).as_bytes()));
    vault.host.wait_for(before + 2);
    gateway.kill();
    vault.fail(None);
    let _gateway = scene.gateway();
    wait_for(0, || in_file(&scene));
}

/// The sandbox's payments make tokens; what it knows ends with it, and so do the values.
#[test]
fn a_payment_that_makes_a_token_takes_part() {
    let more = settings(&[OLD_KEY])
        .replace("900ms", "10s")
        .replace("950ms", "20s");
    let gateway = Start::sandbox().config(&format!("{MERCHANT}{more}")).run();
    let value = secret("canary");
    let body = format!(
        "{PAYER}grand_total_amount=10.00\nrecurring_frequency=on-demand\nmerchant_secure_data1={value}\n"
    );
    let reply = gateway.send(&request("ics_auth,ics_pay_subscription_create", &body));
    assert_flag(&reply, "1", "SOK");
    let token = &reply["pay_subscription_create_subscription_id"];
    assert_eq!(gateway.send(&retrieve(token))[SECURE], value.trim_end());
}
