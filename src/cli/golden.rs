//! `golden`: runs golden cases.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::golden::{Case, load_all};

use super::{EX_NOINPUT, Ended, Failed, print, tables};

/// Run golden cases: each a folder with request.scmp, calls.json and reply.scmp. Exit 1 on any difference.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder of cases.
    #[arg(value_name = "DIR", default_value = "golden")]
    folder: PathBuf,
    /// Rewrite what the cases expect to what is produced now; look at the difference before you keep it.
    #[arg(long)]
    bless: bool,
    /// Only cases whose name holds this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

pub fn run(arguments: Arguments, mappings: Option<&Path>) -> Ended {
    let tables = tables(mappings)?;
    let cases = load_all(&arguments.folder)
        .map_err(|error| Failed::new(EX_NOINPUT, format!("{error}.")))?;
    let wanted = |case: &&Case| match &arguments.filter {
        Some(text) => case.name.contains(text.as_str()),
        None => true,
    };
    let cases: Vec<&Case> = cases.iter().filter(wanted).collect();
    if cases.is_empty() {
        let folder = arguments.folder.display();
        return Err(Failed::new(
            EX_NOINPUT,
            format!("no case under {folder} fits; a case is a folder with request.scmp."),
        ));
    }
    let mut differing = 0;
    for case in &cases {
        let differences = case.differences(&tables);
        if differences.is_empty() {
            continue;
        }
        differing += 1;
        print(&format!("{}\n  {}\n", case.name, differences.join("\n  ")))?;
        if arguments.bless {
            case.bless(&tables)
                .map_err(|error| Failed::new(EX_NOINPUT, format!("{error}.")))?;
        }
    }
    let passed = cases.len() - differing;
    print(&match arguments.bless {
        true => format!("{passed} unchanged, {differing} rewritten\n"),
        false => format!("{passed} passed, {differing} failed\n"),
    })?;
    Ok(ExitCode::from(u8::from(differing > 0 && !arguments.bless)))
}
