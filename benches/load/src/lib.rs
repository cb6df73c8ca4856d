//! What the programs of a measurement share.

pub mod signing;

use std::collections::HashMap;

/// `--name value` pairs of the command line.
pub struct Options(HashMap<String, String>);

impl Options {
    /// Reads the command line. TLS is aws-lc's from here on, where nothing else is said.
    pub fn read() -> Options {
        let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
        let _there_is_one = provider.install_default();
        let mut words = std::env::args().skip(1);
        let mut options = HashMap::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").expect("an option begins with --");
            let value = words.next().expect("an option has a value");
            options.insert(name.to_owned(), value);
        }
        Options(options)
    }

    /// The value of an option, if it is given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of an option that must be given.
    pub fn need(&self, name: &str) -> &str {
        self.get(name)
            .unwrap_or_else(|| panic!("--{name} is missing"))
    }

    /// A number, or what stands for it.
    pub fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.get(name)
            .map_or(otherwise, |text| text.parse().expect("a number"))
    }
}

/// A runtime with so many workers; none is a runtime of the current thread.
pub fn runtime(workers: u64) -> tokio::runtime::Runtime {
    let mut builder = match workers {
        0 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let workers = usize::try_from(workers.max(1)).expect("a small number");
    builder
        .worker_threads(workers)
        .enable_all()
        .build()
        .expect("a runtime")
}
