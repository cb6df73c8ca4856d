//! `check`: configuration and tables, wholly.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config;

use super::{Ended, environment, expiry, serve, tables};

/// Check configuration and mapping tables, wholly: every error with file, line and remedy. Exit 0 or 1.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The configuration to check.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(arguments: Arguments, mappings: Option<&Path>) -> Ended {
    let mut faults = Vec::new();
    match tables(mappings) {
        Err(found) => faults.extend(found),
        Ok(tables) => {
            match config::load(arguments.config.as_deref(), environment(), &tables) {
                Err(found) => faults.extend(found),
                Ok(config) => {
                    config
                        .warnings
                        .iter()
                        .for_each(|warning| eprintln!("warning: {warning}"));
                    expiry::list(&config.expiries);
                    let exposure = config.server.check_exposure();
                    let live = arguments
                        .config
                        .as_ref()
                        .map_or(Ok(()), |_| serve::check_live(&config));
                    let live = live.map_err(|failed| failed.lines.join(" "));
                    for message in [exposure, live].into_iter().filter_map(Result::err) {
                        let file = arguments.config.as_ref();
                        let file =
                            file.map_or("environment".to_owned(), |f| f.display().to_string());
                        faults.push(crate::mapping::Diagnostic {
                            file,
                            line: None,
                            message,
                        });
                    }
                }
            }
            if faults.is_empty() {
                let fields = tables.dictionary.iter().count();
                eprintln!(
                    "ok: {} services, {fields} request fields",
                    tables.services.len()
                );
            }
        }
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}
