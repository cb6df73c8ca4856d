//! The pure path, stage by stage: `cargo bench --bench pure`.

mod stages;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use scmp_gateway::scmp::{self, Charset};

use stages::{Bench, answer, execute, samples};

fn stages(criterion: &mut Criterion) {
    let bench = Bench::new();
    let names = &bench.tables.dictionary;
    for sample in samples() {
        let mut group = criterion.benchmark_group(sample.name);
        group.bench_function("parse", |b| {
            b.iter(|| black_box(scmp::parse(black_box(sample.text), names)).is_ok());
        });
        let request = scmp::parse(sample.text, names).expect("a request");
        group.bench_function("validate and plan", |b| {
            b.iter(|| drop(black_box(bench.opened(black_box(&request)))));
        });
        group.bench_function("map the first call", |b| {
            let opened = || bench.opened(&request);
            b.iter_batched_ref(
                opened,
                |execution| drop(black_box(execution.next_call())),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("map its reply", |b| {
            let called = || {
                let mut execution = bench.opened(&request);
                execution.next_call();
                (execution, answer(sample.replies[0].clone()))
            };
            b.iter_batched(
                called,
                |(mut execution, answer)| {
                    black_box(execution.answered(answer));
                    execution
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function("render", |b| {
            let mut execution = bench.opened(&request);
            execute(&mut execution, &sample);
            b.iter(|| black_box(execution.finish().0.into_bytes(Charset::Utf8)));
        });
        group.bench_function("whole", |b| {
            b.iter(|| black_box(bench.whole(black_box(&sample))));
        });
        group.finish();
    }
}

criterion_group!(benches, stages);
criterion_main!(benches);
