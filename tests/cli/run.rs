//! Runs a command to its end.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What a command left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A folder to run commands in.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    /// Copies the repository's tables to `tables`.
    pub fn tables(&self) -> PathBuf {
        let to = self.path("tables");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings"), &to);
        to
    }

    /// Runs a command that is done soon; the words are split at blanks.
    pub fn run(&self, words: &str) -> Ended {
        self.run_with(words, "", &[])
    }

    pub fn run_with(&self, words: &str, input: &str, environment: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scmp-gateway"));
        command.args(words.split_whitespace());
        command.current_dir(self.0.path());
        command.env_remove("SCMP_GATEWAY_LOG");
        command.envs(environment.iter().copied());
        let piped = || Stdio::piped();
        command.stdin(piped()).stdout(piped()).stderr(piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads nothing may be gone already.
        let _written = stdin.write_all(input.as_bytes());
        drop(stdin);
        if words.starts_with("serve") || words.starts_with("sandbox --listen") {
            // It may serve instead of ending: that fails the test, not the machine.
            let begun = Instant::now();
            while child.try_wait().unwrap().is_none() {
                if begun.elapsed() > Duration::from_secs(10) {
                    child.kill().unwrap();
                    panic!("{words} does not end");
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => fs::write(target, fs::read(entry.path()).unwrap()).unwrap(),
        }
    }
}

/// Replaces a text in a file; the line, from 1, on which it begins.
pub fn edit(file: &Path, from: &str, to: &str) -> usize {
    let text = fs::read_to_string(file).unwrap();
    let at = text
        .find(from)
        .unwrap_or_else(|| panic!("no {from:?} in {}", file.display()));
    fs::write(file, text.replacen(from, to, 1)).unwrap();
    1 + text[..at].matches('\n').count()
}

/// A merchant that may call a live host.
pub const MERCHANT: &str = "[merchants.shop]\nkey_id = \"k\"\nshared_secret = \"c2VjcmV0\"\n";

/// A create of a card's token.
pub const CREATE: &str = "ics_applications=ics_pay_subscription_create\n\
    merchant_id=shop\n\
    merchant_ref_number=r1\n\
    recurring_frequency=on-demand\n\
    customer_firstname=Jane\n\
    customer_lastname=Smith\n\
    customer_email=jane@example.com\n\
    bill_address1=123 Main Street\n\
    bill_city=Small Town\n\
    bill_state=CA\n\
    bill_zip=98765\n\
    bill_country=US\n\
    currency=USD\n\
    card_type=001\n\
    customer_cc_number=4111111111111111\n\
    customer_cc_expmo=12\n\
    customer_cc_expyr=2031\n";
