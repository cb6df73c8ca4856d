//! Many requests through one gateway: what it holds stays the same.
//!
//! `SCMP_GATEWAY_TEST_SOAK` says how many; `scripts/soak` sends half an hour's of a shop with ten requests a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::chance::{Chance, setting};
use crate::client::try_send;
use crate::ledger::Ledger;
use crate::scene::Scene;
use crate::shop::Shop;

const CLIENTS: u64 = 8;
/// Requests before it counts: by then pools, caches and the allocator have what they need. With fewer, what is held grows
/// from request to request as it does with a leak.
const WARM: u64 = 1500;
/// The parts of the others, after each of which it is looked at what is held.
const PARTS: u64 = 12;
/// After so many parts it holds what it will hold: now and then the allocator takes 2 MiB more, and keeps them.
const SETTLED: usize = 7;
/// By how much the memory may grow after that: such a piece, and what comes and goes within a part. With 18,000
/// requests half a kibibyte left behind by each would exceed it; a record of one has twice as much.
const GROWTH_KIB: u64 = 3072;
/// Idle connections come and go.
const MORE_FILES: usize = 16;

#[test]
fn what_a_gateway_holds_stays_the_same() {
    let requests = setting("SCMP_GATEWAY_TEST_SOAK", 3000);
    let ledger = Ledger::start(setting("SCMP_GATEWAY_TEST_SEED", 1));
    // A host that fails now and then is not left alone, so that every request is worked on.
    let scene = Scene::new(&ledger.host.address, "[limits]\nbreaker_failures = 0\n");
    let gateway = scene.gateway();
    let count = AtomicU64::new(0);
    let mut shops: Vec<(Shop, Chance)> = (0..CLIENTS)
        .map(|client| (Shop::default(), Chance::new(client + 1)))
        .collect();
    let mut held = Vec::new();
    for part in 0..=PARTS {
        let until = WARM + requests.saturating_sub(WARM) * part / PARTS;
        thread::scope(|scope| {
            for (shop, chance) in &mut shops {
                let (gateway, count) = (&gateway, &count);
                scope.spawn(move || {
                    while count.load(Ordering::SeqCst) < until {
                        let number = count.fetch_add(1, Ordering::SeqCst);
                        let order = shop.next(chance, number);
                        let reply = try_send(&gateway.address, &order.body).expect("a reply");
                        shop.told(&order, &reply);
                    }
                });
            }
        });
        held.push(gateway.holds());
    }
    println!("{} requests; KiB and files: {held:?}", count.into_inner());
    let (settled, later) = held.split_at(SETTLED);
    let memory = settled.iter().map(|(memory, _)| *memory).max().unwrap();
    let files = settled.iter().map(|(_, files)| *files).max().unwrap();
    for (held, open) in later {
        assert!(*held <= memory + GROWTH_KIB, "{held} KiB after {memory}");
        assert!(*open <= files + MORE_FILES, "{open} files after {files}");
    }
    ledger.behave();
    scene.settled(&["finished", "settled", "partial", "stuck"]);
}
