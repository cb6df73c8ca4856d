//! The amounts with which accounts are verified.

use crate::mapping::code::CodeTable;
use crate::mapping::diagnostic::Diagnostic;
use crate::mapping::field::{Dictionary, FieldId};
use crate::mapping::preauthorization::{Preauthorization, Preauthorizations};
use crate::mapping::schema::{RawPreauthorization, RawPreauthorizations};
use crate::mapping::validate::is_decimal;

use super::Read;
use super::dictionary::{PROCESSORS, code_table, named};

pub fn preauthorizations(
    raw: Option<&Read<'_, RawPreauthorizations>>,
    dictionary: &Dictionary,
    codes: &[CodeTable],
    faults: &mut Vec<Diagnostic>,
) -> Preauthorizations {
    let mut compiled = Preauthorizations::default();
    let Some((file, raw)) = raw else {
        return compiled;
    };
    let card = dictionary.find(raw.card.get_ref());
    let Some(card) = card.filter(|card| dictionary.get(*card).code.is_some()) else {
        let text = format!("\"{}\" is no field with a code.", raw.card.get_ref());
        faults.push(file.at(raw.card.span().start, text));
        return compiled;
    };
    compiled.card = Some(card);
    for line in raw.amounts.iter() {
        match amount(line.get_ref(), card, dictionary, codes) {
            Ok(amount) => compiled.amounts.push(amount),
            Err(message) => faults.push(file.at(line.span().start, message)),
        }
    }
    compiled
}

fn amount(
    raw: &RawPreauthorization,
    card: FieldId,
    dictionary: &Dictionary,
    codes: &[CodeTable],
) -> Result<Preauthorization, String> {
    let known = |table: &CodeTable| -> Vec<String> {
        table.codes.iter().map(|code| code.scmp.clone()).collect()
    };
    let is_one = |what: &str, name: &str, known: &[String]| {
        let known: Vec<(&str, ())> = known.iter().map(|name| (name.as_str(), ())).collect();
        named(what, name, &known)
    };
    let processors = code_table(codes, PROCESSORS)?;
    is_one(
        "processor",
        &raw.processor,
        &known(&codes[usize::from(processors.0)]),
    )?;
    for code in &raw.cards {
        let table = dictionary
            .get(card)
            .code
            .map(|id| &codes[usize::from(id.0)]);
        is_one("card", code, &table.map(known).unwrap_or_default())?;
    }
    match is_decimal(&raw.amount) {
        true => Ok(Preauthorization {
            processor: raw.processor.clone(),
            amount: raw.amount.clone(),
            cards: raw.cards.clone(),
        }),
        false => Err(format!(
            "\"{}\" is no amount; write one like 1.00.",
            raw.amount
        )),
    }
}
