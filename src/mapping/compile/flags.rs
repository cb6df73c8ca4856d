//! The flags table.

use crate::mapping::diagnostic::{Diagnostic, hint};
use crate::mapping::field::Dictionary;
use crate::mapping::flags::{
    FlagText, Flags, HttpPattern, LocalKind, Means, Outcome, SettleOutcome,
};
use crate::mapping::schema::{RawFlags, RawOutcome, RawSettle};

use super::Read;
use super::dictionary::named;
use super::lookup;
use super::vocabulary::Vocabulary;

pub fn flags(
    raw: Option<&Read<'_, RawFlags>>,
    dictionary: &Dictionary,
    vocabulary: &Vocabulary,
    faults: &mut Vec<Diagnostic>,
) -> Option<Flags> {
    let read = raw?;
    let (file, raw) = read;
    let mut local: Vec<Option<FlagText>> = vec![None; LocalKind::NAMES.len()];
    for (name, line) in &raw.local {
        let text = line.get_ref();
        let said = named("kind of outcome", name.get_ref(), &LocalKind::NAMES)
            .and_then(|kind| Ok((kind, flag_text(raw, &text.flag, &text.text)?)));
        match said {
            Ok((kind, said)) => local[kind as usize] = Some(said),
            Err(message) => faults.push(file.at(name.span().start, message)),
        }
    }
    for (name, kind) in LocalKind::NAMES {
        if local[kind as usize].is_none() {
            let at = file.text.find("[local]").unwrap_or(0);
            faults.push(file.at(at, format!("[local] lacks a line for \"{name}\".")));
        }
    }
    let mut rest = Vec::new();
    for line in raw.rest.iter() {
        match outcome(raw, line.get_ref(), dictionary, vocabulary) {
            Ok(outcome) => rest.push(outcome),
            Err(message) => faults.push(file.at(line.span().start, message)),
        }
    }
    if !rest
        .last()
        .is_some_and(|last| last.http == HttpPattern::Any && last.kind.is_none())
    {
        let at = raw.rest.last().map_or(0, |line| line.span().start);
        faults.push(file.at(
            at,
            "the last line of `rest` must be for http = \"*\" and any type.",
        ));
    }
    let mut settle = Vec::new();
    for line in raw.settle.iter() {
        match settle_outcome(line.get_ref(), vocabulary) {
            Ok(outcome) => settle.push(outcome),
            Err(message) => faults.push(file.at(line.span().start, message)),
        }
    }
    let local = local.into_iter().collect::<Option<_>>()?;
    let codes = raw.flags.iter();
    let codes = codes.map(|(name, flag)| (name.clone(), (flag.rcode, flag.text.clone())));
    let lookup = lookup::lookup(read, vocabulary, faults)?;
    Some(Flags::new(local, rest, settle, codes.collect(), lookup))
}

fn flag_text(raw: &RawFlags, flag: &str, text: &str) -> Result<FlagText, String> {
    let known = raw.flags.get(flag).ok_or_else(|| {
        let hint = hint(flag, raw.flags.keys().map(String::as_str));
        format!("unknown flag \"{flag}\"{hint} Flags are listed in [flags].")
    })?;
    match known.rcode {
        rcode @ -1..=1 => Ok(FlagText {
            rcode,
            flag: flag.to_owned(),
            text: text.to_owned(),
            plain: known.text.clone(),
        }),
        rcode => Err(format!(
            "flag \"{flag}\" has code {rcode}; codes are 1, 0 and -1."
        )),
    }
}

fn outcome(
    raw: &RawFlags,
    line: &RawOutcome,
    dictionary: &Dictionary,
    vocabulary: &Vocabulary,
) -> Result<Outcome, String> {
    let http = pattern(&line.http)?;
    let words = (line.group.as_deref(), &line.status, &line.kind);
    known_words(words, vocabulary)?;
    if line.wrong_id && !is_definite(http) {
        let text = "`wrong_id` has the next kind tried, so it belongs to a definite refusal: a 4xx other than 408 and 429.";
        return Err(text.to_owned());
    }
    if let Some(field) = &line.field
        && dictionary.find(field).is_none()
    {
        let hint = hint(
            field,
            dictionary.iter().map(|(_, field)| field.name.as_str()),
        );
        return Err(format!("unknown field \"{field}\"{hint}"));
    }
    let says = flag_text(raw, &line.flag, &line.text)?;
    Ok(Outcome {
        group: line.group.clone(),
        status: line.status.clone(),
        unblamed: line.unblamed,
        wrong_id: line.wrong_id,
        http,
        kind: line.kind.clone(),
        field: line.field.clone(),
        says,
    })
}

type Words<'l> = (Option<&'l str>, &'l Option<String>, &'l Option<String>);

/// Whether the REST side has these words at all.
fn known_words((group, status, reason): Words<'_>, vocabulary: &Vocabulary) -> Result<(), String> {
    if let Some(group) = group {
        vocabulary.group(group)?;
    }
    if let Some(status) = status {
        vocabulary.status(group, status)?;
    }
    match reason {
        Some(reason) => vocabulary.reason(group, reason),
        None => Ok(()),
    }
}

/// Whether a reply of this kind says for sure that nothing was done.
fn is_definite(http: HttpPattern) -> bool {
    match http {
        HttpPattern::Status(status) => {
            (400..500).contains(&status) && status != 408 && status != 429
        }
        HttpPattern::Class(_) | HttpPattern::Any => false,
    }
}

fn settle_outcome(line: &RawSettle, vocabulary: &Vocabulary) -> Result<SettleOutcome, String> {
    known_words((Some(&line.group), &line.status, &line.kind), vocabulary)?;
    let methods = ["GET", "POST", "DELETE"];
    if let Some(method) = line.method.as_deref().filter(|m| !methods.contains(m)) {
        return Err(format!(
            "\"{method}\" is no method of a call that settles another; write one of {}.",
            methods.join(", ")
        ));
    }
    Ok(SettleOutcome {
        group: line.group.clone(),
        method: line.method.clone(),
        http: pattern(&line.http)?,
        status: line.status.clone(),
        kind: line.kind.clone(),
        unblamed: line.unblamed,
        means: named("meaning", &line.means, &Means::NAMES)?,
    })
}

fn pattern(http: &str) -> Result<HttpPattern, String> {
    Ok(match http.as_bytes() {
        b"*" => HttpPattern::Any,
        [class @ b'1'..=b'5', b'x', b'x'] => HttpPattern::Class(u16::from(class - b'0')),
        _ => HttpPattern::Status(
            http.parse()
                .map_err(|_| format!("\"{http}\" is no HTTP status; write 404, 4xx or *."))?,
        ),
    })
}
