//! From the tables' text to [`Tables`]: everything that can be wrong is found here, at start.

mod body;
mod dictionary;
mod flags;
mod scope;
mod service;
mod step;
mod vocabulary;

use std::collections::HashMap;

use serde::de::DeserializeOwned;

use super::diagnostic::{Diagnostic, toml_message};
use super::schema::{RawBody, RawFields, RawRest, RawService, Unreadable};
use super::source::SourceFile;
use super::tables::Tables;

/// Compiles the tables, or says everything that is wrong with them.
pub fn compile(files: &[SourceFile]) -> Result<Tables, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let sorted = Sorted::read(files, &mut faults);
    // What follows would only repeat the faults of files that could not be read.
    if !faults.is_empty() {
        return Err(faults);
    }
    let codes = dictionary::codes(sorted.codes.as_ref(), &mut faults);
    let dictionary = dictionary::dictionary(&sorted.fields, &codes, &mut faults);
    let vocabulary = vocabulary::Vocabulary::build(&sorted.rest, &mut faults);
    let mut services = HashMap::new();
    let mut message = Vec::new();
    let prefixes: Vec<String> = sorted
        .services
        .iter()
        .filter_map(|(_, raw)| raw.prefix.clone())
        .collect();
    let known = service::Known {
        prefixes: &prefixes,
        dictionary: &dictionary,
        codes: &codes,
        vocabulary: &vocabulary,
        bodies: &sorted.bodies,
    };
    for (file, raw) in &sorted.services {
        let service = service::service(file, raw, known, &mut faults);
        if service.name == "*" {
            message = service.reply;
        } else {
            services.insert(service.name.clone(), service);
        }
    }
    let flags = flags::flags(sorted.flags.as_ref(), &dictionary, &mut faults);
    let processors = dictionary::processors(&codes, &mut faults);
    match (flags, processors) {
        (Some(flags), Some(processors)) if faults.is_empty() => Ok(Tables {
            dictionary,
            codes,
            services,
            message,
            flags,
            processors,
        }),
        _ => Err(once(faults)),
    }
}

/// A body is compiled for each service that sends it, but its faults are worth saying once.
fn once(mut faults: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut known = Vec::new();
    faults.retain(|fault| {
        let new = !known.contains(fault);
        if new {
            known.push(fault.clone());
        }
        new
    });
    faults
}

/// A file and what it holds.
type Read<'f, T> = (&'f SourceFile, T);

/// The files by their kind.
#[derive(Default)]
struct Sorted<'f> {
    fields: Vec<Read<'f, RawFields>>,
    rest: Vec<Read<'f, RawRest>>,
    bodies: Vec<Read<'f, RawBody>>,
    services: Vec<Read<'f, RawService>>,
    codes: Option<Read<'f, super::schema::RawCodes>>,
    flags: Option<Read<'f, super::schema::RawFlags>>,
}

impl<'f> Sorted<'f> {
    fn read(files: &'f [SourceFile], faults: &mut Vec<Diagnostic>) -> Sorted<'f> {
        let mut sorted = Sorted::default();
        for file in files {
            match file.path.split_once('/').map_or(file.path.as_str(), |(dir, _)| dir) {
                "fields" => sorted.fields.extend(parse(file, faults)),
                "rest" => sorted.rest.extend(parse(file, faults)),
                "bodies" => sorted.bodies.extend(parse(file, faults)),
                "services" => sorted.services.extend(parse(file, faults)),
                "codes.toml" => sorted.codes = parse(file, faults),
                "flags.toml" => sorted.flags = parse(file, faults),
                _ => faults.push(Diagnostic {
                    file: file.shown.clone(),
                    line: None,
                    message: "is no table that is known; tables are fields/, rest/, bodies/, services/, codes.toml \
                              and flags.toml."
                        .to_owned(),
                }),
            }
        }
        for (name, missing) in [
            ("codes.toml", sorted.codes.is_none()),
            ("flags.toml", sorted.flags.is_none()),
        ] {
            if missing && !files.iter().any(|file| file.path == name) {
                faults.push(absent(name));
            }
        }
        sorted
    }
}

fn absent(name: &str) -> Diagnostic {
    Diagnostic {
        file: name.to_owned(),
        line: None,
        message: "is missing; copy it from the product's mappings/.".to_owned(),
    }
}

/// Where the key stands that a message calls unknown, in an entry of several lines that begins at `at`.
fn unknown_key(text: &str, at: usize, message: &str) -> Option<usize> {
    let key = message.strip_prefix("unknown field `")?.split('`').next()?;
    let entry = text.get(at..)?;
    let end = entry.find("\n[").unwrap_or(entry.len());
    let mut from = at;
    for line in entry[..end].split_inclusive('\n') {
        let rest = line.trim_start().strip_prefix(key);
        if rest.is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return Some(from);
        }
        from += line.len();
    }
    None
}

fn parse<'f, T: DeserializeOwned + Unreadable>(
    file: &'f SourceFile,
    faults: &mut Vec<Diagnostic>,
) -> Option<Read<'f, T>> {
    match toml::from_str::<T>(&file.text) {
        Ok(raw) => {
            for (at, message) in raw.unreadable() {
                let at = unknown_key(&file.text, at, &message).unwrap_or(at);
                faults.push(file.at(at, toml_message(&message)));
            }
            Some((file, raw))
        }
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            faults.push(file.at(at, toml_message(error.message())));
            None
        }
    }
}
