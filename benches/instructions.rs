//! Runs one sample's whole pure path so many times, for a profiler that counts instructions:
//! `scripts/instructions` does.

mod stages;

use std::hint::black_box;

use stages::{Bench, samples};

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|one| !one.starts_with("--"));
    let (name, times) = (arguments.next(), arguments.next());
    let (Some(name), Some(times)) = (name, times.and_then(|times| times.parse::<u32>().ok()))
    else {
        // `cargo test` and `cargo bench` run this without arguments, too.
        println!("arguments: SAMPLE TIMES");
        return;
    };
    let bench = Bench::new();
    let samples = samples();
    let sample = samples.iter().find(|sample| sample.name == name);
    let sample = sample.expect("the name of a sample");
    for _ in 0..times {
        black_box(bench.whole(black_box(sample)));
    }
}
