//! A gateway with a journal in a directory that outlives it, and what is on record there.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{PATIENCE, Running, Start};
use crate::requests::MERCHANT;

/// Everything that outlives one gateway.
pub struct Scene {
    folder: TempDir,
    config: String,
}

pub const PAYER: &str = "card_type=001\ncustomer_cc_number=4111111111111111\ncustomer_cc_expmo=12\n\
    customer_cc_expyr=2031\ncustomer_firstname=Jane\ncustomer_lastname=Smith\nbill_address1=1 Main\n\
    bill_city=Town\nbill_state=ca\nbill_zip=98765\nbill_country=us\ncustomer_email=a@example.com\n";

/// A request of these services.
pub fn request(services: &str, more: &str) -> String {
    format!(
        "merchant_id=mid1234\nmerchant_ref_number=day\ncurrency=usd\nics_applications={services}\n{more}"
    )
}

/// A sale of ten dollars.
pub fn sale(more: &str) -> String {
    request(
        "ics_auth,ics_bill",
        &format!("{PAYER}grand_total_amount=10.00\n{more}"),
    )
}

impl Scene {
    /// A gateway in front of this host, that settles within milliseconds.
    pub fn new(host: &str, more: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        Scene::with_journal(folder, host, &format!("file:{}", journal.display()), more)
    }

    pub fn with_journal(folder: TempDir, host: &str, url: &str, more: &str) -> Scene {
        let config = format!(
            "[journal]\nurl = \"{url}\"\nlease = \"1s\"\n\
             [resolve]\nfirst_delay = \"40ms\"\nlook_up = \"300ms\"\ndeadline = \"20s\"\n\
             [rest]\nbase_url = \"http://{host}\"\nconnect_timeout = \"500ms\"\ntimeout = \"800ms\"\n{MERCHANT}{more}"
        );
        Scene { folder, config }
    }

    /// With a setting changed.
    pub fn with(mut self, from: &str, to: &str) -> Scene {
        assert!(self.config.contains(from));
        self.config = self.config.replace(from, to);
        self
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A gateway to be started.
    pub fn start(&self) -> Start {
        Start::serve().config(&self.config)
    }

    pub fn gateway(&self) -> Running {
        Start::serve().config(&self.config).run()
    }

    /// Runs a `journal` command; what it printed.
    pub fn journal(&self, arguments: &[&str]) -> String {
        let file = self.folder.path().join("commands.toml");
        std::fs::write(&file, &self.config).unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_scmp-gateway"))
            .arg("journal")
            .args(arguments)
            .arg("--config")
            .arg(&file)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(run.stdout).unwrap()
    }

    /// Everything on record.
    pub fn records(&self) -> Vec<Value> {
        let text = self.journal(&["export"]);
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until all on record are in one of these states.
    pub fn settled(&self, states: &[&str]) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let records = self.records();
            let over = |record: &Value| states.contains(&record["state"].as_str().unwrap());
            if records.iter().all(over) {
                return records;
            }
            let left = records.iter().filter(|record| !over(record));
            let left: Vec<&Value> = left.collect();
            assert!(begun.elapsed() < PATIENCE, "not settled: {left:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
