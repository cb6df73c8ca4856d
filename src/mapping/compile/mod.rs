//! From the tables' text to [`Tables`]: everything that can be wrong is found here, at start.

mod body;
mod bundles;
mod checked;
mod dictionary;
mod flags;
mod lines;
mod lookup;
mod mend;
mod preauthorization;
mod program;
mod scope;
mod sharing;
mod step;
mod vocabulary;

use std::mem::take;

use serde::de::DeserializeOwned;

use super::code::{CodeId, NumberCheck};
use super::diagnostic::{Diagnostic, toml_message};
use super::field::FieldId;
use super::schema::{RawBody, RawFields, RawRest, RawService, Unreadable};
use super::source::SourceFile;
use super::tables::{Programs, Tables};

/// Compiles the tables, or says everything that is wrong with them.
pub fn compile(files: &[SourceFile]) -> Result<Tables, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let sorted = Sorted::read(files, &mut faults);
    if faults.is_empty() {
        return checked(sorted);
    }
    if let Some(mended) = mend::Mended::of(files) {
        faults.extend(mended.faults.iter().cloned());
        let sorted = Sorted::read(&mended.files, &mut Vec::new());
        let more = checked(sorted).err().unwrap_or_default().into_iter();
        faults.extend(more.filter(|fault| !mended.explains(fault)));
    }
    Err(once(faults))
}

/// Compiles files that could be read.
fn checked(mut sorted: Sorted<'_>) -> Result<Tables, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    // What is used but once is let go of at once: what is compiled then takes its place.
    let codes = dictionary::codes(sorted.codes.take().as_ref(), &mut faults);
    let dictionary = dictionary::dictionary(&take(&mut sorted.fields), &codes, &mut faults);
    let vocabulary = vocabulary::Vocabulary::build(&take(&mut sorted.rest), &mut faults);
    let sorted = &sorted;
    let names = Names::of(sorted, &vocabulary);
    let known = program::Known {
        prefixes: &names.prefixes,
        names: &names.services,
        steps: &names.steps,
        body_names: &names.bodies,
        variants: &names.variants,
        message: sorted
            .services
            .iter()
            .find(|(_, raw)| raw.service.get_ref() == "*"),
        dictionary: &dictionary,
        codes: &codes,
        vocabulary: &vocabulary,
        bodies: &sorted.bodies,
    };
    let mut programs = Programs::default();
    let mut shared = sharing::Shared::default();
    for bundle in bundles::bundles(sorted, &names, &mut faults) {
        let raw = sorted.of(&bundle, &names);
        let mut program = program::program(&raw, known, &mut faults);
        shared.share(&mut program);
        programs.insert(bundles::key(&bundle), program);
    }
    bundles::instead(sorted, &names, known, &mut programs, &mut faults);
    let message = program::program(&[], known, &mut faults).message;
    let flags = flags::flags(sorted.flags.as_ref(), &dictionary, &vocabulary, &mut faults);
    let processors = dictionary::needed(dictionary::PROCESSORS, &codes, &mut faults);
    let currencies = dictionary::needed(dictionary::CURRENCIES, &codes, &mut faults);
    let preauthorizations = preauthorization::preauthorizations(
        sorted.preauthorizations.as_ref(),
        &dictionary,
        &codes,
        &mut faults,
    );
    let coded = |wanted: &dyn Fn(CodeId) -> bool| -> Vec<FieldId> {
        let fields = dictionary.iter();
        let fields = fields.filter(|(_, field)| field.code.is_some_and(wanted));
        fields.map(|(id, _)| id).collect()
    };
    let currency = coded(&|code| Some(code) == currencies).first().copied();
    let number_check = |code: CodeId| {
        let mut codes = codes[usize::from(code.0)].codes.iter();
        codes.any(|code| code.number != NumberCheck::Luhn)
    };
    let card_types = coded(&number_check);
    match (flags, processors, currencies) {
        (Some(flags), Some(processors), Some(currencies)) if faults.is_empty() => Ok(Tables {
            dictionary,
            codes,
            services: names.services[..names.asked].to_vec(),
            programs,
            preauthorizations,
            message,
            flags,
            processors,
            currencies,
            currency,
            card_types,
        }),
        _ => Err(once(faults)),
    }
}

/// Names that lines of any service may use.
struct Names {
    /// Those that may be asked for, then those that only run by themselves.
    services: Vec<String>,
    /// How many may be asked for.
    asked: usize,
    prefixes: Vec<String>,
    steps: Vec<(String, Option<String>)>,
    bodies: Vec<String>,
    variants: Vec<String>,
}

impl Names {
    fn of(sorted: &Sorted<'_>, vocabulary: &vocabulary::Vocabulary) -> Names {
        let raw = || sorted.services.iter().map(|(_, raw)| raw);
        let named = |after: bool| {
            let fitting = raw().filter(move |raw| raw.after.is_some() == after);
            let named = fitting.map(|raw| raw.service.get_ref().to_ascii_lowercase());
            let mut names: Vec<String> = named.filter(|name| name != "*").collect();
            names.sort();
            names
        };
        let mut services = named(false);
        let asked = services.len();
        services.extend(named(true));
        let steps = raw().flat_map(|raw| raw.steps.iter()).map(|line| {
            let step = line.get_ref();
            let operation = step
                .call
                .as_ref()
                .and_then(|call| vocabulary.operation(call).ok());
            (
                step.name.clone(),
                operation.and_then(|operation| operation.reply.clone()),
            )
        });
        let mut variants: Vec<String> = Vec::new();
        for line in raw().flat_map(|raw| raw.variants.iter()) {
            if !variants.contains(&line.get_ref().name) {
                variants.push(line.get_ref().name.clone());
            }
        }
        Names {
            variants,
            services,
            asked,
            prefixes: raw().filter_map(|raw| raw.prefix.clone()).collect(),
            steps: steps.collect(),
            bodies: sorted
                .bodies
                .iter()
                .map(|(file, _)| body::name(file).to_owned())
                .collect(),
        }
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
    bundles: Option<Read<'f, super::schema::RawBundles>>,
    preauthorizations: Option<Read<'f, super::schema::RawPreauthorizations>>,
}

impl<'f> Sorted<'f> {
    fn service(&self, name: &str) -> Option<&Read<'f, RawService>> {
        self.services
            .iter()
            .find(|(_, raw)| raw.service.get_ref().eq_ignore_ascii_case(name))
    }

    fn read_file(&mut self, file: &'f SourceFile, faults: &mut Vec<Diagnostic>) {
        let folder = file.path.split_once('/');
        match folder.map_or(file.path.as_str(), |(folder, _)| folder) {
            "fields" => self.fields.extend(parse(file, faults)),
            "rest" => self.rest.extend(parse(file, faults)),
            "bodies" => self.bodies.extend(parse(file, faults)),
            "services" => self.services.extend(parse(file, faults)),
            "codes.toml" => self.codes = parse(file, faults),
            "flags.toml" => self.flags = parse(file, faults),
            "bundles.toml" => self.bundles = parse(file, faults),
            "preauthorization.toml" => self.preauthorizations = parse(file, faults),
            _ => faults.push(Diagnostic {
                file: file.shown.clone(),
                line: None,
                message: "is no table that is known; tables are fields/, rest/, bodies/, services/, codes.toml, \
                          flags.toml, bundles.toml and preauthorization.toml."
                    .to_owned(),
            }),
        }
    }

    /// The services of these numbers.
    fn of(&self, numbers: &[usize], names: &Names) -> Vec<&Read<'f, RawService>> {
        let names = numbers.iter().map(|number| &names.services[*number]);
        names.filter_map(|name| self.service(name)).collect()
    }

    fn read(files: &'f [SourceFile], faults: &mut Vec<Diagnostic>) -> Sorted<'f> {
        let mut sorted = Sorted::default();
        for file in files {
            sorted.read_file(file, faults);
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
