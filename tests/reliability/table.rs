//! Every fault of the sandbox at every call of every flow: what the client is told, how many POSTs are sent, and how it
//! ends; and the verdict on each (`verdict.rs`). The table stands in docs/faults.md; `SCMP_GATEWAY_TEST_BLESS=1` writes it
//! anew.

use std::path::Path;

use crate::flows::{Flow, flows};
use crate::relay::{Done, Effect, Fault};
use crate::trial::{Outcome, Stage, Trial};

const fn fault(value: &'static str, effect: Effect) -> Fault {
    Fault { value, effect }
}

/// The delays are longer than the gateway waits. 429 and 503 ask for no patience: all share one host, and would wait too.
const FAULTS: [Fault; 22] = [
    fault("delay=2800", Effect::Shown),
    fault("delay-before=2800", Effect::Shown),
    fault("silence", Effect::Nothing),
    fault("cut-before", Effect::Nothing),
    fault("cut-after", Effect::Hidden),
    fault("half-body", Effect::Hidden),
    fault("server-timeout", Effect::Hidden),
    fault("wrong-etag", Effect::Shown),
    fault("status=200", Effect::Nothing),
    fault("status=403", Effect::Nothing),
    fault("status=404", Effect::Nothing),
    fault("status=408", Effect::Nothing),
    fault("status=429,0", Effect::Nothing),
    fault("status=502", Effect::Nothing),
    fault("status=503,0", Effect::Nothing),
    fault("status=504", Effect::Nothing),
    fault("status-after=200", Effect::Hidden),
    fault("status-after=404", Effect::Hidden),
    fault("status-after=408", Effect::Hidden),
    fault("status-after=502", Effect::Hidden),
    fault("status-after=503,0", Effect::Hidden),
    fault("status-after=504", Effect::Hidden),
];
/// What is written above the table.
const INTRODUCTION: &str = "# Every fault at every call

Made by `tests/reliability/table.rs`, which fails when it finds something else: the gateway before the [sandbox](sandbox.md), \
whose own faults meet each call of each request in turn, once. After each of these the sandbox's books, the journal and what \
the client was told have to agree, as after a crash ([reliability.md](reliability.md)).

Each field: the reply flag, how many POSTs were sent for the request before it was answered, and the state of its record once \
everything was settled (none where nothing was to be changed yet). The first column is the request without a fault; `·` is \
the same as there. `finished` after a failure: nothing was done, or what was done was undone at once. With a payment that went \
well `ESYSTEM` is said of the token: the payment stands, and the reply says so.

Faults that never differ share a column. The delays are longer than the gateway waits.

| | fault |
|---|---|
";
/// Method and path of a call, without ids.
fn title(call: &Done) -> String {
    let segments = call.path.split('/').skip(3);
    let segments = segments.map(
        |segment| match segment.contains(|c: char| c.is_ascii_digit()) {
            true => "*",
            false => segment,
        },
    );
    format!("{} {}", call.method, segments.collect::<Vec<_>>().join("/"))
}

/// The table: a section for each combination of services, a row for each call, a column for all faults that never differ.
fn written(flows: &[Flow], smooth: &[Outcome], rows: &[&[&str]]) -> String {
    let mut columns: Vec<Vec<usize>> = Vec::new();
    for fault in 0..FAULTS.len() {
        let alike = |column: &&mut Vec<usize>| rows.iter().all(|row| row[column[0]] == row[fault]);
        match columns.iter_mut().find(alike) {
            Some(column) => column.push(fault),
            None => columns.push(vec![fault]),
        }
    }
    let mut text = String::from(INTRODUCTION);
    let names = |faults: &Vec<usize>| {
        let names = faults
            .iter()
            .map(|fault| format!("`{}`", FAULTS[*fault].name()));
        names.collect::<Vec<_>>().join(", ")
    };
    for (column, faults) in ('A'..).zip(&columns) {
        text.push_str(&format!("| {column} | {} |\n", names(faults)));
    }
    let letters: String = ('A'..)
        .zip(&columns)
        .map(|(letter, _)| format!(" {letter} |"))
        .collect();
    let mut section = "";
    let mut rows = rows.iter();
    for (flow, smooth) in flows.iter().zip(smooth) {
        if flow.services() != section {
            section = flow.services();
            let rules = "---|".repeat(columns.len());
            text.push_str(&format!(
                "\n## {}\n\n| request | call | no fault |{letters}\n|---|---|---|{rules}\n",
                section.replace(',', ", ")
            ));
        }
        for call in &smooth.calls {
            let row = rows.next().expect("a row for each call");
            text.push_str(&format!(
                "| {} | {} | {} |",
                flow.name,
                title(call),
                smooth.said
            ));
            for column in &columns {
                let said = row[column[0]];
                text.push_str(&format!(
                    " {} |",
                    if said == smooth.said { "·" } else { said }
                ));
            }
            text.push('\n');
        }
    }
    text
}

/// The flows, those of the same services together.
fn by_services() -> Vec<Flow> {
    let mut flows = flows();
    let order: Vec<String> = flows
        .iter()
        .map(|flow| flow.services().to_owned())
        .collect();
    flows.sort_by_key(|flow| {
        order
            .iter()
            .position(|services| services == flow.services())
    });
    flows
}

#[test]
fn every_fault_at_every_call() {
    let flows = by_services();
    let merchant = |number: usize| format!("m{number}");
    let trials = flows.iter().zip(0..).map(|(flow, number)| Trial {
        flow,
        fault: None,
        merchant: merchant(number),
        whole: None,
    });
    let trials: Vec<Trial<'_>> = trials.collect();
    let smooth = Stage::new(&trials).carry_out(&trials);
    let mut trials = Vec::new();
    for (flow, smooth) in flows.iter().zip(&smooth) {
        for (done, call) in smooth.calls.iter().zip(1..) {
            for fault in FAULTS {
                trials.push(Trial {
                    flow,
                    fault: Some((call, fault, done.status)),
                    merchant: merchant(trials.len()),
                    whole: smooth.token_after.clone(),
                });
            }
        }
    }
    let outcomes = Stage::new(&trials).carry_out(&trials);
    println!("{} cases", trials.len());
    let wrong = trials
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| !outcome.is_right);
    let wrong: Vec<String> = wrong
        .map(|(trial, outcome)| format!("{}: {}", trial.name(), outcome.said))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let said: Vec<&str> = outcomes
        .iter()
        .map(|outcome| outcome.said.as_str())
        .collect();
    let rows: Vec<&[&str]> = said.chunks(FAULTS.len()).collect();
    let table = written(&flows, &smooth, &rows);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    if std::env::var_os("SCMP_GATEWAY_TEST_BLESS").is_some() {
        std::fs::write(&file, &table).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let new = table
        .lines()
        .filter(|line| !kept.lines().any(|kept| kept == *line));
    assert_eq!(new.collect::<Vec<_>>(), [""; 0], "not in docs/faults.md");
    assert_eq!(kept, table);
}
