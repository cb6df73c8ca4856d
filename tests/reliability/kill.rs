//! Gateways are killed at random under load. Afterwards the books of the host, the journal and what the clients were told
//! must agree.
//!
//! `SCMP_GATEWAY_TEST_KILLS` says how often, `SCMP_GATEWAY_TEST_SEED` repeats a run as far as the machine allows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::chance::{Chance, setting};
use crate::client::try_send;
use crate::ledger::{Back, Books, Ledger, Movement};
use crate::process::Running;
use crate::requests::Fields;
use crate::scene::Scene;
use crate::server::Server;
use crate::shop::{Kind, Order, Shop};

const CLIENTS: u64 = 6;

/// What the clients sent, and what they were told in the end; of each client in order.
type Told = Vec<(Order, Fields)>;

struct Run {
    gateways: Vec<Mutex<Running>>,
    over: AtomicBool,
    told: Mutex<Told>,
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
        let mut shop = Shop::default();
        while !self.over.load(Ordering::SeqCst) {
            let number = self.count.fetch_add(1, Ordering::SeqCst);
            let order = shop.next(&mut chance, number);
            let at = usize::try_from(chance.below(2)).unwrap();
            let reply = self.send(at, &order.body);
            shop.told(&order, &reply);
            self.told.lock().unwrap().push((order, reply));
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
            thread::sleep(Duration::from_millis(20 + chance.below(250)));
            let victim = usize::try_from(chance.below(gateways as u64)).unwrap();
            let mut gateway = run.gateways[victim].lock().unwrap();
            gateway.kill();
            *gateway = scene.gateway();
        }
        run.over.store(true, Ordering::SeqCst);
    });
    ledger.behave();
    let records = scene.settled(&["finished", "settled", "partial", "stuck"]);
    let told = run.told.into_inner().unwrap();
    println!(
        "{store}: seed {seed}, {kills} kills, {} requests, {} on record",
        told.len(),
        records.len()
    );
    let mut kinds: BTreeMap<Kind, (u32, u32)> = BTreeMap::new();
    for (order, reply) in &told {
        let count = kinds.entry(order.kind).or_default();
        count.0 += 1;
        count.1 += u32::from(reply["ics_rcode"] == "1");
    }
    println!("requests and successes: {kinds:?}");
    let books = ledger.books.lock().unwrap();
    assert_eq!(books.repeated, Vec::<String>::new(), "sent twice");
    let judge = Judge {
        books: &books,
        told: &told,
        records: &records,
    };
    judge.money();
    judge.tokens();
    judge.updates();
}

/// Whether the books, the journal and the clients agree.
struct Judge<'r> {
    books: &'r Books,
    told: &'r Told,
    records: &'r [Value],
}

impl Judge<'_> {
    fn money(&self) {
        let on_record = self.on_record();
        let mut movements: BTreeMap<&str, Vec<&Movement>> = BTreeMap::new();
        for movement in &self.books.movements {
            movements.entry(&movement.code).or_default().push(movement);
        }
        let mut back: BTreeMap<&str, (&Order, &Fields)> = BTreeMap::new();
        for (order, reply) in self.told {
            if let Kind::Void | Kind::Reversal = order.kind {
                back.insert(order.about.as_deref().unwrap(), (order, reply));
            }
        }
        for (order, reply) in self.told {
            let of_it = movements.get(order.reference.as_str());
            let of_it = of_it.into_iter().flatten();
            let standing: Vec<&str> = of_it
                // Taken back without anybody's having asked for it.
                .filter(|movement| movement.back != Some(Back::ByOwnId))
                .map(|movement| movement.id.as_str())
                .collect();
            // A payment whose token could not be made is told of by itself.
            let paid = reply.get("auth_rcode").unwrap_or(&reply["ics_rcode"]) == "1";
            let moves = !matches!(
                order.kind,
                Kind::Void | Kind::Reversal | Kind::Create | Kind::Update | Kind::Delete
            );
            let told = [reply["request_id"].as_str()];
            let expected: &[&str] = if moves && paid { &told } else { &[] };
            assert_eq!(
                standing, expected,
                "{} {:?}: {reply:#?}",
                order.reference, order.kind
            );
            if paid && order.kind != Kind::Delete {
                let id = &reply["request_id"];
                assert!(
                    on_record.contains(id.as_str()),
                    "{} is not on record: {reply:#?}",
                    order.reference
                );
            }
        }
        for movement in &self.books.movements {
            let asked = back.get(movement.id.as_str());
            match (&movement.back, asked) {
                (Some(Back::ById(code)), Some((order, reply))) => {
                    assert_eq!(*code, order.reference);
                    assert_ne!(
                        reply["ics_rcode"], "0",
                        "{code} was told that it did nothing"
                    );
                }
                (Some(Back::ById(code)), None) => panic!("nobody asked for {code}"),
                (_, Some((order, reply))) => {
                    assert_ne!(
                        reply["ics_rcode"], "1",
                        "{} took nothing back",
                        order.reference
                    );
                }
                (_, None) => {}
            }
        }
    }

    /// The ids of what is on record as done.
    fn on_record(&self) -> BTreeSet<&str> {
        let mut ids = BTreeSet::new();
        for record in self.records {
            let made = record["made"].as_array().into_iter().flatten();
            ids.extend(made.filter_map(|made| made["id"].as_str()));
            ids.extend(record["id"].as_str());
        }
        ids
    }

    fn count(&self, state: &str) -> usize {
        let of_it = self.records.iter();
        of_it.filter(|record| record["state"] == state).count()
    }

    fn tokens(&self) {
        let mut tokens: BTreeMap<&str, &Order> = BTreeMap::new();
        for (order, reply) in self.told {
            if let Some(token) = reply.get("pay_subscription_create_subscription_id") {
                tokens.insert(token, order);
            }
        }
        let deletions = self
            .told
            .iter()
            .filter(|(order, _)| order.kind == Kind::Delete);
        // Refused for want of an answer, nothing is deleted.
        let deleted = deletions.filter(|(_, reply)| reply["ics_rflag"] != "ESYSTEM");
        let deleted: BTreeSet<&str> = deleted
            .map(|(order, _)| order.about.as_deref().unwrap())
            .collect();
        for token in tokens.keys() {
            let is_there = self.books.customers.contains_key(*token);
            assert_eq!(is_there, !deleted.contains(token), "{token}");
        }
        let with_payment = self.told.iter().filter(|(order, _)| {
            matches!(
                order.kind,
                Kind::AuthorizationAndCreate | Kind::SaleAndCreate
            )
        });
        let with_payment: BTreeSet<&str> = with_payment
            .map(|(order, _)| order.reference.as_str())
            .collect();
        let (mut bare, mut unknown) = (0, 0);
        for (id, customer) in &self.books.customers {
            let cards = customer.instruments.len();
            match tokens.contains_key(id.as_str()) {
                true => assert_eq!(cards, 1, "{id}"),
                // Its id was in the lost answer.
                false if with_payment.contains(customer.code.as_str()) => unknown += 1,
                false => {
                    assert_eq!(cards, 0, "{id} is left over with a card");
                    bare += 1;
                }
            }
        }
        let listed = self.count("stuck");
        assert!(
            bare + unknown <= listed,
            "{bare} customers without a card and {unknown} of lost payments are left over, {listed} are listed"
        );
        println!(
            "{} movements, {} tokens; listed: {bare} customers without a card, {unknown} of lost payments",
            self.books.movements.len(),
            tokens.len()
        );
    }

    /// What a token holds is what the last update said that went well, or a later one that is listed.
    fn updates(&self) {
        let mut updates: BTreeMap<&String, Vec<(&Order, &Fields)>> = BTreeMap::new();
        for (order, reply) in self.told {
            if let (Kind::Update, Some(token)) = (order.kind, &order.about) {
                updates.entry(token).or_default().push((order, reply));
            }
        }
        let mut perhaps = 0;
        for (id, customer) in &self.books.customers {
            let Some(name) = customer.instruments.first() else {
                continue;
            };
            let mut may_be = vec![("Jane", true)];
            for (order, reply) in updates.get(id).into_iter().flatten() {
                match reply["ics_rcode"].as_str() {
                    "1" => may_be = vec![(&order.reference, true)],
                    "-1" => may_be.push((&order.reference, false)),
                    other => panic!("{other}: {reply:#?}"),
                }
            }
            let found = may_be.iter().find(|(may_be, _)| may_be == name);
            let Some((_, is_told)) = found else {
                panic!("{id} has {name}, which is none of {may_be:?}");
            };
            perhaps += usize::from(!is_told);
        }
        let listed = self.count("partial");
        assert!(
            perhaps <= listed,
            "{perhaps} tokens were changed, {listed} are listed"
        );
    }
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
