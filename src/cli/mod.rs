//! The commands, one file each. Data goes to standard output, words to standard error.

mod check;
mod expiry;
mod golden;
mod journal;
mod mappings;
mod sandbox;
mod send;
mod serve;
mod translate;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::mapping::compile::compile;
use crate::mapping::{Diagnostic, Tables, source};
use crate::pages;
use crate::telemetry::{self, LogFormat};
use crate::workers;

/// A fault of configuration, as sysexits.h numbers it.
const EX_CONFIG: u8 = 78;
/// A fault of use.
const EX_USAGE: u8 = 64;
/// Something that is needed is not to be had.
const EX_UNAVAILABLE: u8 = 69;
/// A file cannot be read.
const EX_NOINPUT: u8 = 66;

/// Drop-in endpoint for Cybersource's legacy SCMP API: takes name=value requests and answers them through the REST API.
#[derive(Debug, Parser)]
#[command(name = "scmp-gateway", version, arg_required_else_help = true)]
struct Arguments {
    /// Take the mapping tables from this directory instead of those built in.
    #[arg(long, global = true, value_name = "DIR")]
    mappings: Option<PathBuf>,
    /// How log lines look.
    #[arg(long, global = true, value_enum, default_value_t)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Sandbox(Box<sandbox::Arguments>),
    Send(send::Arguments),
    Translate(translate::Arguments),
    Golden(golden::Arguments),
    Check(check::Arguments),
    Mappings(mappings::Arguments),
    Journal(journal::Arguments),
}

/// What a command ended with: an exit code that is no fault of ours, or a message and its code.
type Ended = Result<ExitCode, Failed>;

/// Why a command failed.
#[derive(Debug)]
struct Failed {
    code: u8,
    lines: Vec<String>,
}

impl Failed {
    fn new(code: u8, line: impl Into<String>) -> Failed {
        Failed {
            code,
            lines: vec![line.into()],
        }
    }
}

impl From<Vec<Diagnostic>> for Failed {
    fn from(faults: Vec<Diagnostic>) -> Failed {
        Failed {
            code: EX_CONFIG,
            lines: faults.iter().map(Diagnostic::to_string).collect(),
        }
    }
}

/// Runs the command of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Command::Serve(_) = arguments.command {
        pages::begin();
    }
    telemetry::start(arguments.log_format);
    let mappings = arguments.mappings.as_deref();
    let ended = match arguments.command {
        Command::Serve(command) => serve::run(command, mappings),
        Command::Sandbox(command) => sandbox::run(*command),
        Command::Send(command) => send::run(command),
        Command::Translate(command) => translate::run(command, mappings),
        Command::Golden(command) => golden::run(command, mappings),
        Command::Check(command) => check::run(command, mappings),
        Command::Mappings(command) => mappings::run(command, mappings),
        Command::Journal(command) => journal::run(command, mappings),
    };
    // What was logged comes before the last word.
    telemetry::flush();
    ended.unwrap_or_else(|failed| {
        for line in &failed.lines {
            eprintln!("{line}");
        }
        ExitCode::from(failed.code)
    })
}

/// The tables: of a directory, or those built in.
fn tables(directory: Option<&Path>) -> Result<Tables, Vec<Diagnostic>> {
    let files = match directory {
        Some(directory) => source::directory(directory).map_err(|fault| vec![fault])?,
        None => source::embedded(),
    };
    compile(&files)
}

/// The variables of this process; those that are no Unicode cannot be ours.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The bytes of a file, or of standard input for `-` and where none is named.
fn input(file: Option<&Path>) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    let (name, read) = match file.filter(|file| *file != Path::new("-")) {
        Some(file) => {
            let opened = std::fs::File::open(file);
            (
                file.display().to_string(),
                opened.and_then(|mut file| file.read_to_end(&mut bytes)),
            )
        }
        None => (
            "standard input".to_owned(),
            std::io::stdin().lock().read_to_end(&mut bytes),
        ),
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failed::new(
            EX_NOINPUT,
            format!("{name} cannot be read: {error}."),
        )),
    }
}

/// Writes to standard output. A reader that has seen enough, such as `head`, is no fault.
fn print(text: &str) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::new(
            EX_UNAVAILABLE,
            format!("cannot write to standard output: {error}."),
        )),
        _ => Ok(()),
    }
}

/// A runtime, on this thread.
fn runtime() -> Result<Runtime, Failed> {
    workers::runtime().map_err(not_started)
}

fn not_started(error: io::Error) -> Failed {
    Failed::new(
        EX_UNAVAILABLE,
        format!("the runtime cannot start: {error}."),
    )
}
