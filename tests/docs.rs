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
