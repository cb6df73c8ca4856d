//! `sandbox`: its options, at work and wrong.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::run::Folder;

/// A sandbox, ended with this value.
struct Running {
    process: Child,
    said: Vec<String>,
    address: String,
}

impl Running {
    fn start(folder: &Folder, words: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_scmp-gateway"))
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args(words.split_whitespace())
            .current_dir(folder.path("."))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("it says where it listens").unwrap();
            if let Some(address) = line.strip_prefix("listening http://") {
                break address.to_owned();
            }
            said.push(line);
        };
        // What it says later is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            said,
            address,
        }
    }

    /// An operator's call.
    fn ask(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn options_set_it_up() {
    let folder = Folder::new();
    let words = "--merchant a --key-id ka --secret AAEC --merchant b --key-id kb --secret AAEC \
                 --strict --seed 7 --clock 2040-01-01T00:00:00Z --state state --keys keys \
                 --tls 127.0.0.1:0 --processor moneris --refuse-duplicates --fault cut-after";
    let sandbox = Running::start(&folder, words);
    let said = sandbox.said.join("\n");
    for line in [
        "merchant  a (key id ka",
        "merchant  b (key id kb",
        "https     https://127",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let status = sandbox.ask("/sandbox");
    for member in [
        r#""balances":"strict""#,
        r#""processor":"moneris""#,
        r#"{"fault":"cut-after","times":1}"#,
        "2040-01-01T00:0",
        r#"["a","b"]"#,
    ] {
        assert!(status.contains(member), "{member}: {status}");
    }
    for file in ["mle.pem", "a.p12", "b-reply-key.pem", "ca.pem"] {
        assert!(folder.path("keys").join(file).exists(), "{file}");
    }
    let pem = std::fs::read_to_string(folder.path("keys/ca.pem")).unwrap();
    assert!(sandbox.ask("/sandbox/keys/ca.pem").ends_with(&pem));
    assert!(folder.path("state.key").exists());
}

#[test]
fn mistakes_are_told_before_it_listens() {
    let folder = Folder::new();
    folder.file("broken.toml", "[[merchants]]\nid = \"a\"\nkey = \"b\"\n");
    folder.file("keys/mle.pem", "nothing");
    folder.file("chain.pem", "nothing");
    folder.file("state", "nothing");
    for (words, code, said) in [
        (
            "--merchant a --key-id k --key-id l --secret AAEC",
            64,
            "each --merchant",
        ),
        ("--merchant a --key-id k --secret ?", 64, "--secret"),
        ("--clock tomorrow", 64, "2026-12-24"),
        ("--date-limit x", 2, "--date-limit"),
        ("--processor chase", 2, "paymentech"),
        ("--fault cut", 2, "no fault"),
        ("--merchants absent.toml", 66, "absent.toml"),
        ("--merchants broken.toml", 78, "unknown field `key`"),
        ("--keys keys", 78, "mle-key.pem"),
        (
            "--tls 127.0.0.1:0 --tls-certificate chain.pem --tls-key chain.pem",
            78,
            "chain.pem",
        ),
        ("--tls-certificate chain.pem", 2, "--tls"),
        ("--state state", 78, "move it away"),
    ] {
        let ended = folder.run(&format!("sandbox --listen 127.0.0.1:0 {words}"));
        assert_eq!(ended.code, code, "{words}: {}", ended.err);
        assert!(ended.err.contains(said), "{words}: {}", ended.err);
        assert!(!ended.err.contains("listening"), "{words}: {}", ended.err);
    }
}
