//! Which services may be asked for together, and what runs in their place.

use toml::Spanned;

use crate::mapping::diagnostic::Diagnostic;
use crate::mapping::schema::RawBundle;
use crate::mapping::source::SourceFile;
use crate::mapping::tables::Programs;

use super::dictionary::named;
use super::program::{Known, scope};
use super::{Names, Sorted};

/// The key of a program: its services' numbers in rising order.
pub fn key(numbers: &[usize]) -> Vec<usize> {
    let mut key = numbers.to_vec();
    key.sort_unstable();
    key
}

/// The services that run together, each that may be asked for alone too, by their numbers in the order in which they run.
pub fn bundles(
    sorted: &Sorted<'_>,
    names: &Names,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Vec<usize>> {
    let mut bundles: Vec<Vec<usize>> = (0..names.asked).map(|number| vec![number]).collect();
    for (file, line) in lines(sorted) {
        match numbers(&line.get_ref().services, names) {
            Ok(numbers) => bundles.push(numbers),
            Err(message) => faults.push(file.at(line.span().start, message)),
        }
    }
    bundles
}

/// Tells each program what runs in its place, and when.
pub fn instead(
    sorted: &Sorted<'_>,
    names: &Names,
    known: Known<'_>,
    programs: &mut Programs,
    faults: &mut Vec<Diagnostic>,
) {
    for (file, line) in lines(sorted) {
        let raw = line.get_ref();
        let linked = match (raw.asked.is_empty(), &raw.when) {
            (true, None) => Ok(()),
            (false, Some(_)) => link(sorted, raw, names, known, programs),
            _ => Err("`asked` and `when` belong together.".to_owned()),
        };
        if let Err(message) = linked {
            faults.push(file.at(line.span().start, message));
        }
    }
}

fn link(
    sorted: &Sorted<'_>,
    raw: &RawBundle,
    names: &Names,
    known: Known<'_>,
    programs: &mut Programs,
) -> Result<(), String> {
    let asked = numbers(&raw.asked, names)?;
    let when = scope(&sorted.of(&asked, names), known).condition(raw.when.as_ref())?;
    let runs = key(&numbers(&raw.services, names)?);
    let program = programs.get_mut(&key(&asked)).ok_or_else(|| {
        let asked = raw.asked.join(", ");
        format!("{asked} may not be asked for together; give them a line of their own first.")
    })?;
    program.instead.push((when, runs));
    Ok(())
}

fn lines<'s>(
    sorted: &'s Sorted<'_>,
) -> impl Iterator<Item = (&'s SourceFile, &'s Spanned<RawBundle>)> {
    let bundles = sorted.bundles.iter();
    bundles.flat_map(|(file, raw)| raw.bundles.iter().map(move |line| (*file, line)))
}

fn numbers(services: &[String], names: &Names) -> Result<Vec<usize>, String> {
    let known: Vec<(&str, usize)> = names
        .services
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .collect();
    let numbers = services.iter();
    numbers.map(|name| named("service", name, &known)).collect()
}
