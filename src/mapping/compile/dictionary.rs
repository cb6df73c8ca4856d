//! The dictionary of fields and the code tables.

use crate::mapping::code::{Code, CodeId, CodeTable, NumberCheck};
use crate::mapping::diagnostic::{Diagnostic, hint};
use crate::mapping::field::{Dictionary, Field, Kind, OFFER, Sensitivity};
use crate::mapping::schema::{RawCode, RawCodes, RawField, RawFields};

use super::Read;

/// The name of the code table that names the processors.
pub const PROCESSORS: &str = "processor";

/// The name of the code table that holds the currencies' decimals.
pub const CURRENCIES: &str = "iso_currency";

/// Looks a name up in a closed list.
pub fn named<T: Copy>(what: &str, name: &str, known: &[(&str, T)]) -> Result<T, String> {
    known
        .iter()
        .find(|(candidate, _)| *candidate == name)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let hint = hint(name, known.iter().map(|(candidate, _)| *candidate));
            format!("unknown {what} \"{name}\"{hint}")
        })
}

/// Looks a code table up by its name.
pub fn code_table(codes: &[CodeTable], name: &str) -> Result<CodeId, String> {
    (0..)
        .map(CodeId)
        .zip(codes)
        .find(|(_, table)| table.name == name)
        .map(|(id, _)| id)
        .ok_or_else(|| {
            let hint = hint(name, codes.iter().map(|table| table.name.as_str()));
            format!("unknown code table \"{name}\"{hint}")
        })
}

/// A code table that the product itself asks for.
pub fn needed(name: &str, codes: &[CodeTable], faults: &mut Vec<Diagnostic>) -> Option<CodeId> {
    code_table(codes, name)
        .map_err(|message| {
            faults.push(Diagnostic {
                file: "codes.toml".to_owned(),
                line: None,
                message,
            });
        })
        .ok()
}

pub fn codes(raw: Option<&Read<'_, RawCodes>>, faults: &mut Vec<Diagnostic>) -> Vec<CodeTable> {
    let Some((file, raw)) = raw else {
        return Vec::new();
    };
    let mut tables = Vec::new();
    for (name, lines) in raw {
        let mut codes: Vec<Code> = Vec::new();
        for (scmp, line) in lines {
            match code(scmp.get_ref(), line.get_ref(), &codes, name.get_ref()) {
                Ok(code) => codes.push(code),
                Err(message) => faults.push(file.at(scmp.span().start, message)),
            }
        }
        tables.push(CodeTable::new(name.get_ref(), codes));
    }
    tables
}

fn code(scmp: &str, raw: &RawCode, earlier: &[Code], table: &str) -> Result<Code, String> {
    let code = match raw {
        RawCode::Plain(rest) => Code {
            scmp: scmp.to_owned(),
            rest: rest.clone(),
            also: Vec::new(),
            number: NumberCheck::Luhn,
        },
        RawCode::Full(full) => Code {
            scmp: scmp.to_owned(),
            rest: full.rest.clone(),
            also: full.also.clone(),
            number: full
                .number
                .as_deref()
                .map_or(Ok(NumberCheck::Luhn), number)?,
        },
    };
    let spellings = |code: &Code| -> Vec<String> {
        code.also
            .iter()
            .chain([&code.rest])
            .map(|text| text.to_lowercase())
            .collect()
    };
    let mine = spellings(&code);
    let clash = earlier
        .iter()
        .find(|other| spellings(other).iter().any(|s| mine.contains(s)));
    let decimals = ["0", "1", "2", "3", "4"];
    if table == CURRENCIES && !decimals.contains(&code.rest.as_str()) {
        let text = format!("\"{scmp}\" has \"{}\" decimals; write 0 to 4.", code.rest);
        return Err(text);
    }
    match clash {
        // Decimals of currencies are looked up by the currency alone.
        Some(_) if table == CURRENCIES => Ok(code),
        Some(other) => Err(format!(
            "\"{scmp}\" has a REST value that \"{}\" has already; a reply could not tell them apart.",
            other.scmp
        )),
        None => Ok(code),
    }
}

fn number(name: &str) -> Result<NumberCheck, String> {
    let known = [
        ("luhn", NumberCheck::Luhn),
        ("digits", NumberCheck::Digits),
        ("any", NumberCheck::Any),
    ];
    named("number check", name, &known)
}

pub fn dictionary(
    files: &[Read<'_, RawFields>],
    codes: &[CodeTable],
    faults: &mut Vec<Diagnostic>,
) -> Dictionary {
    let mut dictionary = Dictionary::default();
    for (file, raw) in files {
        for (name, line) in raw {
            let at = name.span().start;
            let field = field(name.get_ref(), line.get_ref(), codes).unwrap_or_else(|message| {
                faults.push(file.at(at, message));
                // The other tables still know it by its name.
                Field {
                    name: name.get_ref().clone(),
                    ..Field::default()
                }
            });
            let names = [&field.name].into_iter().chain(&line.get_ref().aliases);
            for name in names {
                let id = dictionary.next_id();
                if dictionary.insert(name, id).is_some() {
                    let text =
                        format!("\"{name}\" is in the dictionary already; remove one of the two.");
                    faults.push(file.at(at, text));
                }
            }
            dictionary.add(field);
        }
    }
    dictionary
}

fn field(name: &str, raw: &RawField, codes: &[CodeTable]) -> Result<Field, String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !name.strip_prefix(OFFER).unwrap_or(name).bytes().all(plain) {
        return Err(format!(
            "\"{name}\" is not a field name; write lower case, digits and _."
        ));
    }
    let known: Vec<(&str, ())> = match code_table(codes, PROCESSORS) {
        Ok(id) => codes[usize::from(id.0)]
            .codes
            .iter()
            .map(|code| (code.scmp.as_str(), ()))
            .collect(),
        Err(_) => Vec::new(),
    };
    for processor in raw.processor_max.keys() {
        named("processor", processor, &known)?;
    }
    Ok(Field {
        name: name.to_owned(),
        kind: raw
            .kind
            .as_deref()
            .map_or(Ok(Kind::Text), |n| named("type", n, &Kind::NAMES))?,
        max: raw.max,
        processor_max: raw
            .processor_max
            .iter()
            .map(|(name, max)| (name.clone(), *max))
            .collect(),
        values: raw.values.clone(),
        exact_case: raw.exact_case,
        code: raw
            .code
            .as_deref()
            .map(|name| code_table(codes, name))
            .transpose()?,
        sensitivity: raw
            .sensitivity
            .as_deref()
            .map(|name| named("sensitivity", name, &Sensitivity::NAMES))
            .transpose()?,
        no_card: raw.no_card,
        control: raw.control,
        export: raw.export.clone(),
    })
}
