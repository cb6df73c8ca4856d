//! Rules of the house that a compiler does not know.

use std::path::{Path, PathBuf};

use scmp_gateway::mapping::{compile::compile, source};

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pending = vec![root.join(below)];
    let mut found = Vec::new();
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir).expect("a folder of the project") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                found.push((
                    path.strip_prefix(root)
                        .expect("below the root")
                        .to_path_buf(),
                    text,
                ));
            }
        }
    }
    assert!(!found.is_empty(), "{below} holds no sources");
    found
}

/// The part of a file that is shipped.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

fn assert_none(below: &str, words: &[&str], allowed: &[&str], why: &str) {
    let mut hits = Vec::new();
    for (path, text) in sources(below) {
        if allowed.iter().any(|allowed| path.ends_with(allowed)) {
            continue;
        }
        for (at, line) in shipped(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                hits.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
            }
        }
    }
    assert!(hits.is_empty(), "{why}:\n{}", hits.join("\n"));
}

#[test]
fn the_sandbox_shares_no_code_with_the_gateway() {
    let rooms = [
        "cli",
        "config",
        "gateway",
        "golden",
        "mapping",
        "plan",
        "rest",
        "scmp",
        "telemetry",
    ];
    let words: Vec<String> = rooms.iter().map(|room| format!("crate::{room}")).collect();
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .chain(["crate::{"])
        .collect();
    assert_none(
        "src/sandbox",
        &words,
        &[],
        "the sandbox must be an independent reading",
    );
    for room in [
        "src/gateway",
        "src/rest",
        "src/plan",
        "src/mapping",
        "src/scmp",
        "src/golden",
    ] {
        assert_none(
            room,
            &["crate::sandbox", "sandbox::"],
            &[],
            "only commands may start the sandbox",
        );
    }
}

#[test]
fn pure_rooms_do_no_io() {
    let words = [
        "tokio::",
        "std::net",
        "std::fs",
        "SystemTime::now",
        "Instant::now",
        "tracing::",
        "reqwest::",
    ];
    assert_none("src/scmp", &words, &[], "scmp is pure");
    assert_none("src/plan", &words, &[], "plan is pure");
    assert_none(
        "src/mapping",
        &words,
        &["source.rs"],
        "mapping reads its tables and does nothing else",
    );
}

#[test]
fn no_field_name_stands_in_code() {
    let tables = compile(&source::embedded()).expect("the embedded tables are right");
    let names: Vec<String> = tables
        .dictionary
        .iter()
        .filter(|(_, field)| !field.control)
        .map(|(_, field)| field.name.clone())
        // The two by which a request finds its way to the tables.
        .filter(|name| name != "merchant_id" && name != "ics_applications")
        .map(|name| format!("\"{name}"))
        .collect();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    for room in [
        "src/scmp",
        "src/mapping",
        "src/plan",
        "src/rest",
        "src/golden",
    ] {
        assert_none(
            room,
            &words,
            &["properties.rs"],
            "mappings are data, not code",
        );
    }
    assert_none(
        "src/gateway",
        &words,
        &["mod.rs", "identity.rs"],
        "mappings are data, not code",
    );
}

#[test]
fn files_keep_to_one_purpose() {
    for below in ["src", "tests"] {
        for (path, text) in sources(below) {
            let lines = shipped(&text).lines().count();
            assert!(
                lines <= 400,
                "{} has {lines} lines; split it by purpose",
                path.display()
            );
        }
    }
}

#[test]
fn nothing_unfinished_is_left() {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "FIXME"];
    assert_none("src", &words, &[], "finish it");
}
