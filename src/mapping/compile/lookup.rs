//! How a lost call is looked up: checked against the REST side's own words.

use crate::mapping::diagnostic::Diagnostic;
use crate::mapping::lookup::{Became, FoundOutcome, LookUp};
use crate::mapping::path::JsonPath;
use crate::mapping::schema::{RawFlags, RawFound, RawLookUp};

use super::Read;
use super::dictionary::named;
use super::vocabulary::Vocabulary;

/// What is read of a look-up's two answers, if it can be.
pub fn lookup(
    (file, raw): &Read<'_, RawFlags>,
    vocabulary: &Vocabulary,
    faults: &mut Vec<Diagnostic>,
) -> Option<LookUp> {
    let start = raw.lookup.span().start;
    let mut compiled = match reading(raw.lookup.get_ref(), vocabulary) {
        Ok(compiled) => compiled,
        Err(message) => {
            faults.push(file.within(start, message));
            return None;
        }
    };
    for line in raw.found.iter() {
        match outcome(line.get_ref(), raw.lookup.get_ref(), vocabulary) {
            Ok(outcome) => compiled.outcomes.push(outcome),
            Err(message) => faults.push(file.at(line.span().start, message)),
        }
    }
    Some(compiled)
}

fn reading(raw: &RawLookUp, vocabulary: &Vocabulary) -> Result<LookUp, String> {
    let list = reply(&raw.search, vocabulary)?;
    let one = reply(&raw.read, vocabulary)?;
    let at = |text: &str, reply: &str| {
        let path = JsonPath::parse(text)?;
        vocabulary.place(reply, &path).map(|()| path)
    };
    let member = |array: &str, name: &str, reply: &str| {
        let path = JsonPath::parse(name)?;
        vocabulary
            .member_below(reply, &format!("{array}[]."), &path)
            .map(|_| name.to_owned())
    };
    let path = raw.read.strip_prefix("GET ").filter(|p| p.contains("{id}"));
    let path = path.ok_or("`read` is a GET of the transaction {id}.")?;
    Ok(LookUp {
        listed: at(&raw.listed, list)?,
        id: member(&raw.listed, &raw.id, list)?,
        read: path.to_owned(),
        mark: at(&raw.mark, one)?,
        tokens: at(&raw.tokens, one)?,
        services: at(&raw.services, one)?,
        flag: member(&raw.services, &raw.flag, one)?,
        text: member(&raw.services, &raw.text, one)?,
        outcomes: Vec::new(),
    })
}

fn reply<'v>(operation: &str, vocabulary: &'v Vocabulary) -> Result<&'v str, String> {
    let known = vocabulary.operation(operation)?.reply.as_deref();
    known.ok_or_else(|| format!("\"{operation}\" has a reply without a body."))
}

fn outcome(
    raw: &RawFound,
    lookup: &RawLookUp,
    vocabulary: &Vocabulary,
) -> Result<FoundOutcome, String> {
    let below = format!("{}[].", lookup.services);
    let path = JsonPath::parse(&raw.member)?;
    vocabulary.member_below(reply(&lookup.read, vocabulary)?, &below, &path)?;
    let (value, every) = match (&raw.every, &raw.one) {
        (Some(value), None) => (value, true),
        (None, Some(value)) => (value, false),
        _ => return Err("a line of `found` has either `every` or `one`.".to_owned()),
    };
    Ok(FoundOutcome {
        member: raw.member.clone(),
        value: value.clone(),
        every,
        became: named("meaning", &raw.means, &Became::NAMES)?,
    })
}
