//! Gateways are killed at random under load. Afterwards the books of the host, the journal and what the clients were told
//! must agree.
//!
//! `SCMP_GATEWAY_TEST_KILLS` says how often, `SCMP_GATEWAY_TEST_SEED` repeats a run as far as the machine allows.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::chance::{Chance, setting};
use crate::client::try_send;
use crate::ledger::Ledger;
use crate::process::Running;
use crate::requests::{Fields, create};
use crate::scene::{PAYER, Scene, request};
use crate::server::Server;

const CLIENTS: u64 = 6;

/// What a client sent, by its reference, and what it was told in the end.
type Told = Mutex<BTreeMap<String, (&'static str, Fields)>>;

struct Run {
    gateways: Vec<Mutex<Running>>,
    over: AtomicBool,
    told: Told,
    count: AtomicU64,
}

impl Run {
    /// Sends until there is an answer; under the same id, as the old library does.
    fn send(&self, at: usize, body: &str) -> Fields {
        for attempt in 0.. {
            let address = self.gateways[(at + attempt) % self.gateways.len()]
                .lock()
                .unwrap()
                .address
                .clone();
            if let Some(reply) = try_send(&address, body) {
                return reply;
            }
            thread::sleep(Duration::from_millis(2));
        }
        unreachable!("an attempt is always left")
    }

    fn client(&self, mut chance: Chance) {
        let mut authorized: Option<String> = None;
        while !self.over.load(Ordering::SeqCst) {
            let number = self.count.fetch_add(1, Ordering::SeqCst);
            let reference = format!("r{number}");
            let own = format!("merchant_ref_number={reference}\nrequest_id=0000{number}\n");
            let amount = format!("{own}grand_total_amount=10.00\n");
            let (kind, body) = match (chance.below(4), authorized.take()) {
                (0, _) => (
                    "sale",
                    request("ics_auth,ics_bill", &format!("{PAYER}{amount}")),
                ),
                (1, _) => (
                    "create",
                    create(&[
                        ("merchant_ref_number", &reference),
                        ("request_id", &reference),
                    ]),
                ),
                (_, Some(id)) => (
                    "capture",
                    request("ics_bill", &format!("auth_request_id={id}\n{amount}")),
                ),
                _ => (
                    "authorization",
                    request("ics_auth", &format!("{PAYER}{amount}")),
                ),
            };
            let body = match kind {
                "create" => body,
                // The reference of the request, not that of the scene.
                _ => body.replacen("merchant_ref_number=day\n", "", 1),
            };
            let at = usize::try_from(chance.below(2)).unwrap();
            let reply = self.send(at, &body);
            if kind == "authorization" && reply["ics_rcode"] == "1" {
                authorized = Some(reply["request_id"].clone());
            }
            self.told.lock().unwrap().insert(reference, (kind, reply));
        }
    }
}

fn run(store: &str, scene: &Scene, ledger: &Ledger, gateways: usize) {
    let kills = setting("SCMP_GATEWAY_TEST_KILLS", 6);
    let seed = setting("SCMP_GATEWAY_TEST_SEED", 1);
    let mut chance = Chance::new(seed);
    let run = Run {
        gateways: (0..gateways).map(|_| Mutex::new(scene.gateway())).collect(),
        over: AtomicBool::new(false),
        told: Mutex::default(),
        count: AtomicU64::new(0),
    };
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (run, chance) = (&run, Chance::new(seed * 1000 + client + 1));
            scope.spawn(move || run.client(chance));
        }
        for _ in 0..kills {
            thread::sleep(Duration::from_millis(20 + chance.below(120)));
            let victim = usize::try_from(chance.below(gateways as u64)).unwrap();
            let mut gateway = run.gateways[victim].lock().unwrap();
            gateway.kill();
            *gateway = scene.gateway();
        }
        run.over.store(true, Ordering::SeqCst);
    });
    ledger.behave();
    let records = scene.settled(&["finished", "settled", "stuck"]);
    let told = run.told.into_inner().unwrap();
    println!(
        "{store}: seed {seed}, {kills} kills, {} requests, {} on record",
        told.len(),
        records.len()
    );
    judge(ledger, &told, &records);
}

/// The books, the journal and the clients agree.
fn judge(ledger: &Ledger, told: &BTreeMap<String, (&'static str, Fields)>, records: &[Value]) {
    let books = ledger.books.lock().unwrap();
    assert_eq!(books.repeated, Vec::<String>::new(), "sent twice");
    let record = |id: &str| {
        records.iter().find(|record| {
            record["id"] == id
                || record["made"]
                    .as_array()
                    .is_some_and(|made| made.iter().any(|made| made["id"] == id))
        })
    };
    for (reference, (kind, reply)) in told {
        let went_well = reply["ics_rcode"] == "1";
        if *kind != "create" {
            let own = books
                .movements
                .iter()
                .filter(|movement| movement.code == *reference);
            let standing: Vec<&str> = own
                .filter(|m| !m.taken_back)
                .map(|m| m.id.as_str())
                .collect();
            match went_well {
                true => assert_eq!(
                    standing,
                    [reply["request_id"].as_str()],
                    "{reference} {kind}: {reply:#?}"
                ),
                false => assert_eq!(standing, [""; 0], "{reference} {kind}: {reply:#?}"),
            }
        }
        if went_well {
            assert!(
                record(&reply["request_id"]).is_some(),
                "{reference} is answered and not on record"
            );
        }
    }
    let tokens: Vec<&String> = told
        .values()
        .filter_map(|(_, reply)| reply.get("pay_subscription_create_subscription_id"))
        .collect();
    let listed = records
        .iter()
        .filter(|record| record["state"] == "stuck")
        .count();
    let mut bare = 0;
    for (id, customer) in &books.customers {
        if !tokens.contains(&id) {
            assert_eq!(customer.instruments, 0, "{id} is left over with a card");
            bare += 1;
        }
    }
    assert!(
        tokens
            .iter()
            .all(|token| books.customers.contains_key(*token)),
        "a token is gone"
    );
    assert!(
        bare <= listed,
        "{bare} customers are left over, {listed} are listed"
    );
    println!(
        "{} movements, {} tokens, {bare} customers without a card, all listed",
        books.movements.len(),
        tokens.len()
    );
}

#[test]
fn of_the_embedded_journal() {
    let ledger = Ledger::start(setting("SCMP_GATEWAY_TEST_SEED", 1));
    let scene = Scene::new(&ledger.host.address, "");
    run("file", &scene, &ledger, 1);
}

#[test]
fn of_two_on_postgresql() {
    let Some(server) = Server::start() else {
        return;
    };
    let ledger = Ledger::start(setting("SCMP_GATEWAY_TEST_SEED", 1) + 1);
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::with_journal(folder, &ledger.host.address, &server.url(), "");
    scene.journal(&["migrate"]);
    run("postgresql", &scene, &ledger, 2);
}
