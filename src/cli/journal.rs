//! `journal`: what is on record, for operators.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::config::{self, JournalUrl};
use crate::journal::{self, FileStore, Filter, Journal, Postgres, State, Store, Unit};

use super::{
    EX_NOINPUT, EX_UNAVAILABLE, EX_USAGE, Ended, Failed, environment, print, runtime, tables,
};

/// How many units are read at a time.
const PAGE: usize = 500;

/// What the gateway has on record, and what an operator has to look at.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The gateway's configuration, which names the journal.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How `list` and `show` print.
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// JSON, one object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Requests that are not over, or those of the states asked for.
    List {
        /// Only those of this state; may be said several times.
        #[arg(long, value_enum)]
        state: Vec<State>,
        /// No more than this.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Everything on record of one request.
    Show {
        /// The request's id, or the one that its caller was told.
        id: String,
    },
    /// Mark a request as looked after: nothing more is done about it.
    Resolve {
        /// The request's id, or the one that its caller was told.
        id: String,
        /// What was found and done.
        #[arg(long)]
        note: String,
    },
    /// Everything on record as JSON lines, without replies.
    Export,
    /// Bring the tables in PostgreSQL to the form of this version.
    Migrate,
}

pub fn run(arguments: Arguments, mappings: Option<&Path>) -> Ended {
    let tables = tables(mappings)?;
    let config = config::load(arguments.config.as_deref(), environment(), &tables)?;
    let merchants: Vec<&str> = config.merchants.keys().map(String::as_str).collect();
    let format = arguments.format;
    runtime()?.block_on(async {
        if let Command::Migrate = arguments.command {
            return migrate(&config.journal.url).await;
        }
        let store = open(&config.journal).await?;
        match arguments.command {
            Command::List { state, limit } => list(&*store, state, limit, format).await,
            Command::Show { id } => show(find(&*store, &id, &merchants).await?, format),
            Command::Resolve { id, note } => {
                let unit = find(&*store, &id, &merchants).await?;
                resolve(store, unit, note).await
            }
            Command::Export => export(&*store).await,
            Command::Migrate => Ok(ExitCode::SUCCESS),
        }
    })
}

async fn open(config: &config::Journal) -> Result<Arc<dyn Store>, Failed> {
    let opened: Result<Arc<dyn Store>, _> = match &config.url {
        JournalUrl::Memory => {
            let text = "journal.url = \"memory:\" keeps nothing that another process could read.";
            return Err(Failed::new(EX_USAGE, text));
        }
        JournalUrl::File(directory) => {
            FileStore::visit(directory).map(|store| Arc::new(store) as _)
        }
        JournalUrl::Postgres(url) => {
            let url = String::from_utf8_lossy(url.expose());
            Postgres::connect(&url, config.patience)
                .await
                .map(|store| Arc::new(store) as _)
        }
    };
    opened.map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Failed {
    Failed::new(EX_UNAVAILABLE, error.to_string())
}

async fn migrate(url: &JournalUrl) -> Ended {
    let JournalUrl::Postgres(url) = url else {
        eprintln!("only a journal in PostgreSQL is migrated by hand; others see to it themselves");
        return Ok(ExitCode::SUCCESS);
    };
    let url = String::from_utf8_lossy(url.expose());
    let (from, to) = journal::migrate(&url).await.map_err(failed)?;
    eprintln!("the journal's tables have form {to} (before: {from})");
    Ok(ExitCode::SUCCESS)
}

async fn list(store: &dyn Store, states: Vec<State>, limit: usize, format: Format) -> Ended {
    let unsettled = || {
        let all = State::value_variants().iter().copied();
        all.filter(|state| !state.is_final()).collect()
    };
    let filter = Filter {
        states: if states.is_empty() {
            unsettled()
        } else {
            states
        },
        after: None,
        limit,
    };
    let units = store.list(&filter).await.map_err(failed)?;
    let mut text = String::new();
    for unit in &units {
        text.push_str(&match format {
            Format::Json => format!("{}\n", masked(unit)),
            Format::Text => line(unit),
        });
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn line(unit: &Unit) -> String {
    let (state, flag) = (unit.state.name(), unit.flag.as_deref().unwrap_or("-"));
    let time = time(unit.begun);
    format!(
        "{} {time} {state:<8} {} {} {flag} attempts={}\n",
        unit.id, unit.merchant, unit.services, unit.attempts
    )
}

fn time(millis: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(millis);
    time.map_or_else(
        |_| "-".to_owned(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

fn show(unit: Unit, format: Format) -> Ended {
    let value = masked(&unit);
    match format {
        Format::Json => print(&format!("{value}\n"))?,
        Format::Text => print(&format!("{}{value:#}\n", line(&unit)))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A request by its own id, or by that which its caller was told: that of what it made.
async fn find(store: &dyn Store, id: &str, merchants: &[&str]) -> Result<Unit, Failed> {
    if let Some(unit) = store.unit(id).await.map_err(failed)? {
        return Ok(unit);
    }
    for merchant in merchants {
        if let Some(unit) = store.maker(merchant, id).await.map_err(failed)? {
            return Ok(unit);
        }
    }
    Err(Failed::new(
        EX_NOINPUT,
        format!("no request {id} is on record."),
    ))
}

async fn resolve(store: Arc<dyn Store>, mut unit: Unit, note: String) -> Ended {
    let id = unit.id.clone();
    if unit.state == State::Open {
        let text = format!("request {id} is under way; wait until it has ended or is settled.");
        return Err(Failed::new(EX_USAGE, text));
    }
    let journal = Journal::new(store, "operator", std::time::Duration::from_secs(5));
    unit.state = State::Resolved;
    unit.note = Some(crate::telemetry::scrub(&note).into_owned());
    (unit.due, unit.hold) = (None, None);
    let written = journal.write(&mut unit).await;
    written.map_err(|_| failed("the request was changed at the same time, or the journal cannot be written; try again."))?;
    eprintln!("request {id} is resolved");
    Ok(ExitCode::SUCCESS)
}

async fn export(store: &dyn Store) -> Ended {
    let mut filter = Filter {
        limit: PAGE,
        ..Filter::default()
    };
    loop {
        let units = store.list(&filter).await.map_err(failed)?;
        let lines = units.iter().map(|unit| format!("{}\n", masked(unit)));
        print(&lines.collect::<String>())?;
        match units.last() {
            Some(last) => filter.after = Some(last.id.to_string()),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// A record without what a caller was told, and without the hash of what it sent. The last net of the logs is under it.
fn masked(unit: &Unit) -> Value {
    let mut value = serde_json::to_value(unit).unwrap_or_else(|_| json!({}));
    if let Some(fields) = value.as_object_mut() {
        fields.remove("reply");
        fields.remove("key");
        fields.insert("time".to_owned(), json!(time(unit.begun)));
    }
    value
}
