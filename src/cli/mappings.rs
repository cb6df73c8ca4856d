//! `mappings export`: every mapping as JSON.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use crate::mapping::export;

use super::{EX_UNAVAILABLE, Ended, Failed, tables};

/// Look at the mapping tables.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print one JSON object per line and mapping: direction, service, field, operation, path, transform.
    Export,
}

pub fn run(arguments: Arguments, mappings: Option<&Path>) -> Ended {
    let Command::Export = arguments.command;
    let mut out = std::io::stdout().lock();
    for mapping in export::mappings(&tables(mappings)?) {
        let line = serde_json::to_string(&mapping).map_err(std::io::Error::from);
        if let Err(error) = line.and_then(|line| writeln!(out, "{line}")) {
            // A reader such as `head` that has seen enough is no fault.
            return match error.kind() {
                std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
                _ => Err(Failed::new(
                    EX_UNAVAILABLE,
                    format!("cannot write: {error}."),
                )),
            };
        }
    }
    Ok(ExitCode::SUCCESS)
}
