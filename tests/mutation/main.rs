//! Every line of the tables counts: without it the tables do not compile, or a golden case differs. And a line that is
//! wrong is found before any request comes, at its place.

mod bench;
#[path = "../common/followed.rs"]
mod followed;
#[path = "../common/limits.rs"]
mod limits;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use scmp_gateway::mapping::compile::compile;
use scmp_gateway::mapping::diagnostic::Diagnostic;
use scmp_gateway::mapping::source::SourceFile;

use bench::*;

/// A line in braces without one of its keys; none if it has no such key.
fn without(line: &str, key: &str) -> Option<String> {
    let start = [format!("{{ {key} = "), format!(", {key} = ")]
        .iter()
        .find_map(|words| Some(line.find(words)? + 1))?;
    let (before, rest) = line.split_at(start);
    let (mut depth, mut quoted) = (0, false);
    let end = rest.char_indices().find_map(|(at, c)| {
        match c {
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted && depth > 0 => depth -= 1,
            ',' | '}' if !quoted && depth == 0 => return Some(at),
            _ => {}
        }
        None
    })?;
    // The key goes with the comma that parts it from the one before, or else from the next one.
    let rest = &rest[end..];
    Some(match before.strip_suffix(',') {
        Some(before) => format!("{before}{rest}"),
        None => format!("{before}{}", rest.strip_prefix(',').unwrap_or(rest)),
    })
}

/// Whether a part of a line says nothing that the rest of the tables does not say too.
fn is_redundant(key: &str, file: &str, place: &Place<'_>) -> bool {
    let says = |words: &[&str]| words.iter().any(|words| place.text.contains(words));
    let unchecked = [
        "ecp_check_no",
        "grand_total_amount",
        "override_payment_method",
        "recurring_disable_auto_auth",
    ];
    // REST's limits that are narrower than SCMP's. A service's calls share the narrowest: of payments that is enough.
    let narrow = match place.section {
        "[resources.payment]" => &["Identification[].id"][..],
        _ if file == "rest/pts.toml" => &[],
        _ => &[
            "card.number",
            "card.issueNumber",
            "Information[].value",
            "Identification[].id",
        ],
    };
    // When a field is dropped is seen by `mappings export` alone.
    if key == "when" && place.text.contains("reason = ") {
        return true;
    }
    match key {
        // What is not sent is not checked; what chooses merchant and service is looked up.
        "type" => says(&unchecked),
        "max" if file.starts_with("rest/") => !says(narrow),
        "max" => {
            says(&unchecked)
                || says(&["ics_applications", "merchant_id"])
                || says(&["\"alpha", "\"month\"", "\"year\"", "\"card_number\""])
                || says(&["values = ", "code = "])
        }
        _ => false,
    }
}

/// Lines that are about different things are deleted together: what is missed by name counts as noticed, and only the
/// others are deleted one by one.
#[test]
fn no_line_can_be_deleted() {
    let bench = Bench::new();
    let places = bench.lines();
    let mut batches: Vec<Vec<&Place<'_>>> = Vec::new();
    let mut alone: Vec<&Place<'_>> = Vec::new();
    for file in 0..bench.files.len() {
        let (named, others): (Vec<_>, Vec<_>) = places
            .iter()
            .filter(|place| place.file == file)
            .partition(|place| place.about.is_some());
        alone.extend(others);
        // Neighbours go apart: of an object that is missing as a whole no member is named.
        let mut shared: Vec<Vec<&Place<'_>>> = vec![Vec::new(); named.len() / BATCH + 1];
        for (at, place) in named.into_iter().enumerate() {
            let count = shared.len();
            let batch = &mut shared[at % count];
            match batch.iter().all(|other| other.about != place.about) {
                true => batch.push(place),
                false => alone.push(place),
            }
        }
        batches.extend(shared);
    }
    let batches: Vec<_> = batches.into_iter().step_by(STEP).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut unclear = Vec::new();
        while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
            unclear.extend(bench.unclear(batch));
        }
        unclear
    };
    let unclear = std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads
            .map(|thread| thread.join().expect("no panic"))
            .concat()
    });
    println!(
        "{} batches, {} alone, {} unclear",
        batches.len(),
        alone.len(),
        unclear.len()
    );
    alone.extend(unclear);
    let changes = alone.into_iter().map(|place| (place, String::new()));
    let survivors = bench.survivors(changes.collect());
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

#[test]
fn no_part_of_a_line_can_be_deleted() {
    let bench = Bench::new();
    let places = bench.lines();
    let mut changes = Vec::new();
    for key in [
        "transform",
        "when",
        "default",
        "trigger",
        "checked",
        "refusal",
        "type",
        "field",
        "max",
        "processor_max",
        "values",
        "code",
        "aliases",
        "also",
        "number",
        "unblamed",
        "wrong_id",
        "no_card",
        "overflow",
        "status",
        "find",
        "within",
    ] {
        for place in &places {
            let file = &bench.files[place.file].path;
            let kept = !is_redundant(key, file, place);
            let line = without(place.text, key).filter(|_| kept);
            changes.extend(line.map(|line| (place, line)));
        }
    }
    let survivors = bench.survivors(changes);
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

/// A line without each one of the texts of its lists, where a list has several.
fn without_one_of_several(line: &str) -> Vec<String> {
    let mut shorter = Vec::new();
    for (at, _) in line.match_indices("[\"") {
        let list = &line[at + 1..];
        let Some(end) = list.find("\"]") else {
            continue;
        };
        let texts: Vec<&str> = list[..=end].split(", ").collect();
        for left_out in (0..texts.len()).filter(|_| texts.len() > 1) {
            let mut texts = texts.clone();
            texts.remove(left_out);
            let rest = &list[end + 1..];
            shorter.push(format!("{}{}{rest}", &line[..=at], texts.join(", ")));
        }
    }
    shorter
}

#[test]
fn no_text_of_a_list_can_be_deleted() {
    let bench = Bench::new();
    let places = bench.lines();
    let mut changes = Vec::new();
    for place in &places {
        let shorter = without_one_of_several(place.text).into_iter();
        changes.extend(shorter.map(|line| (place, line)));
    }
    let survivors = bench.survivors(changes);
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

/// Many lines of a body are wrong at once, and each is told.
#[test]
fn a_wrong_letter_in_a_body_is_found_at_its_place() {
    let bench = Bench::new();
    let places = bench.lines();
    let mut changed = 0;
    for (at, file) in bench.files.iter().enumerate() {
        let lines = places.iter().filter(|place| place.file == at);
        let wrong = lines.map(|place| {
            let (before, path) = place
                .text
                .split_once("path = \"")
                .expect("a body line has a path");
            (place.line, format!("{before}path = \"q{path}"))
        });
        if !file.path.starts_with("bodies/") {
            continue;
        }
        // The search for what was meant takes its time: of a long body one line in ten will do.
        let every = if file.text.lines().count() > 100 {
            10
        } else {
            1
        };
        let wrong: Vec<(usize, String)> = wrong.step_by(every).collect();
        let replaced: Vec<(usize, &str)> = wrong
            .iter()
            .map(|(line, text)| (*line, text.as_str()))
            .collect();
        let faults = faults(&bench.with(at, &replaced));
        let places: HashSet<_> = faults
            .iter()
            .map(|fault| (&fault.file, fault.line))
            .collect();
        let expected: HashSet<_> = wrong
            .iter()
            .map(|(line, _)| (&file.shown, Some(line + 1)))
            .collect();
        assert_eq!(places, expected, "{faults:#?}");
        for fault in &faults {
            let says = |words: &str| fault.message.contains(words);
            assert!(
                says("is not a member of the REST object") && says("; did you mean \""),
                "{fault}"
            );
        }
        changed += wrong.len();
    }
    assert!(changed > 70, "{changed} lines");
}

fn faults(files: &[SourceFile]) -> Vec<Diagnostic> {
    compile(files).err().unwrap_or_default()
}
