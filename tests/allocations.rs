//! How often the pure path asks for memory: counted, so that no machine is too slow or too busy for this test.

#[path = "../benches/stages/mod.rs"]
mod stages;

use stages::{Bench, samples};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// The most blocks that a sample's whole pure path may ask for: from the request's bytes to those of the reply.
const MOST: [(&str, u64); 5] = [
    ("capture-12", 13),
    ("auth-30", 10),
    ("auth-45", 10),
    ("create-45", 42),
    ("sale-60-offers", 81),
];

#[test]
fn the_pure_path_asks_for_little_memory() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let bench = Bench::new();
    let mut counted = Vec::new();
    for sample in samples() {
        bench.whole(&sample);
        let before = dhat::HeapStats::get().total_blocks;
        let reply = bench.whole(&sample);
        let blocks = dhat::HeapStats::get().total_blocks - before;
        assert!(!reply.is_empty());
        counted.push((sample.name, blocks));
    }
    println!("{counted:?}");
    for ((name, blocks), (known, most)) in counted.iter().zip(MOST) {
        assert_eq!(*name, known);
        assert!(
            *blocks <= most,
            "{name}: {blocks} blocks, {most} at the most"
        );
    }
}
