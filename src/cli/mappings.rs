//! `mappings export`: every mapping as JSON.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use crate::mapping::export;

use super::{EX_UNAVAILABLE, Ended, Failed, print, tables};

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
    for mapping in export::mappings(&tables(mappings)?) {
        let line = serde_json::to_string(&mapping)
            .map_err(|error| Failed::new(EX_UNAVAILABLE, error.to_string()))?;
        print(&format!("{line}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
