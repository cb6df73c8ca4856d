//! The documents say what is true.

use std::collections::BTreeSet;

use scmp_gateway::config;
use scmp_gateway::mapping::{Tables, compile::compile, export, source};

fn tables() -> Tables {
    compile(&source::embedded()).expect("the embedded tables are right")
}

fn read(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join(path)).expect("a document of the project")
}

#[test]
fn unsupported_fields_are_all_listed() {
    let tables = tables();
    let listed: BTreeSet<String> = read("docs/unsupported.md")
        .lines()
        .filter_map(|line| {
            line.strip_prefix("- `")?
                .split('`')
                .next()
                .map(str::to_owned)
        })
        .collect();
    let controls: Vec<&str> = tables
        .dictionary
        .iter()
        .filter(|(_, f)| f.control)
        .map(|(_, f)| f.name.as_str())
        .collect();
    let exported: BTreeSet<String> = export::mappings(&tables)
        .into_iter()
        .filter(|mapping| mapping.path == "@none" && !controls.contains(&mapping.field.as_str()))
        .map(|mapping| mapping.field)
        .collect();
    assert_eq!(listed, exported);
}

#[test]
fn every_field_that_is_known_is_exported() {
    let tables = tables();
    let exported: BTreeSet<String> = export::mappings(&tables)
        .into_iter()
        .map(|mapping| mapping.field)
        .collect();
    for (_, field) in tables.dictionary.iter() {
        let name = field.name.strip_prefix("offer.").unwrap_or(&field.name);
        assert!(exported.contains(name), "{name}");
    }
}

#[test]
fn the_example_configuration_is_right() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("deploy/gateway.toml");
    let secret = (
        "SCMP_GATEWAY__MERCHANTS__YOUR_MERCHANT_ID__SHARED_SECRET".to_owned(),
        "AAAA".to_owned(),
    );
    let config = config::load(Some(&file), [secret], &tables()).expect("a right example");
    assert!(config.merchants.contains_key("your_merchant_id"));
}

#[test]
fn the_readme_names_every_service() {
    let (readme, tables) = (read("README.md"), tables());
    for name in &tables.services {
        assert!(readme.contains(name.as_str()), "{name}");
    }
}

/// The script that compares the tables with a catalogue, with one of two fields.
#[test]
fn the_coverage_script_counts() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    let run = || {
        let ran = std::process::Command::new(root.join("docs/coverage.sh"))
            .arg(folder.path())
            .arg(env!("CARGO_BIN_EXE_scmp-gateway"))
            .output()
            .expect("the script runs");
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        (ran.status.code(), out)
    };
    write(
        "request_fields.tsv",
        "scmp_name\ttier\nbill_city\t1\navs_level\t2\nship_to_company_name\t2\nno_such_field\t3\n",
    );
    write("reply_fields.tsv", "tier\tscmp_name\n2\tauth_rcode\n");
    let said = |request: &str, reply: &str, missing: &str| {
        format!(
            "request fields of tier 1 and 2: {request}, neither {}\n{missing}\
             reply fields of tier 1 and 2: {reply}, neither 0\n",
            missing.lines().count()
        )
    };
    let three = "3, mapped 2, listed as unsupported 1";
    let reply = "1, mapped 1, listed as unsupported 0";
    assert_eq!(run(), (Some(0), said(three, reply, "")));
    write("request_fields.tsv", "scmp_name\ttier\nno_such_field\t1\n");
    let none = "1, mapped 0, listed as unsupported 0";
    assert_eq!(run(), (Some(1), said(none, reply, "  no_such_field\n")));
}
