//! Checks on a request's values, made before any call.

use super::Settings;
use super::card_data::{holds_card_number, luhn};
use super::code::{CodeTable, NumberCheck};
use super::condition::Facts;
use super::field::{Field, FieldId, Kind, OFFER, Values};
use super::flags::LocalKind;
use super::side;
use super::tables::{Checked, Program, Tables};
use super::transform::at_point;

/// Why a request is refused, without the value that is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is said.
    pub kind: LocalKind,
    /// The SCMP field.
    pub field: String,
    /// What is wrong with it, with a blank before it; empty where the kind says it all.
    pub detail: String,
}

/// Everything that is wrong with a request for its services, missing fields first.
pub fn refusals<'f>(
    tables: &Tables,
    program: &Program,
    facts_of: impl Fn(usize) -> Facts<'f>,
) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = Vec::new();
    let facts = facts_of(0);
    let values = facts.values;
    for required in &program.require {
        // A masked value says that the stored one stays: it is not missing.
        let came = values.get(required.field).is_some() || values.masked(required.field).is_some();
        if came {
            continue;
        }
        let facts = facts_of(required.part);
        let name = &tables.dictionary.get(required.field).name;
        let said = refusals.iter().any(|known| known.field == *name);
        if !said && required.when.holds(&facts) {
            let (kind, field) = (required.refusal, name.clone());
            refusals.push(Refusal {
                kind,
                field,
                detail: String::new(),
            });
        }
    }
    for ([one, other], when) in &program.exclude {
        let both = [one, other]
            .iter()
            .all(|field| facts.values.get(**field).is_some());
        if both && when.holds(&facts) {
            let name = |field: &FieldId| tables.dictionary.get(*field).name.clone();
            let detail = format!(" (not together with {})", name(one));
            refusals.push(Refusal {
                kind: LocalKind::Invalid,
                field: name(other),
                detail,
            });
        }
    }
    let number = number_check(tables, values);
    let checks = |id: FieldId, value: &str| {
        let field = tables.dictionary.get(id);
        let wrong = fault(field, value, facts.settings, &tables.codes, number);
        let mut checks = program.checks_of(id);
        checks.find_map(|checked| {
            let beyond = || beyond_rest(value, checked, facts.settings);
            let detail = wrong.clone().or_else(beyond)?;
            checked
                .when
                .holds(&facts_of(checked.part))
                .then_some(detail)
        })
    };
    let mut wrong: Vec<(FieldId, Refusal)> = Vec::new();
    values.for_each_plain(|id| {
        let value = values.get(id).unwrap_or_default();
        if program.is_free(id, value) {
            return;
        }
        if let Some(detail) = checks(id, value) {
            let field = tables.dictionary.get(id);
            wrong.push((id, Refusal::of(field, field.name.clone(), detail)));
        }
    });
    let sum_is_wrong = facts.total == Some("");
    let summed = |id: FieldId| {
        let rule = program.total.filter(|_| sum_is_wrong);
        rule.is_some_and(|rule| [rule.amount, rule.quantity, rule.tax].contains(&id))
    };
    for offer in values.offers() {
        for id in offer.present() {
            let (field, value) = (tables.dictionary.get(id), offer.get(id).unwrap_or_default());
            let in_sum = || fault(field, value, facts.settings, &tables.codes, number);
            let detail = checks(id, value).or_else(|| in_sum().filter(|_| summed(id)));
            if let Some(detail) = detail {
                let name = field.name.strip_prefix(OFFER).unwrap_or(&field.name);
                let name = format!("offer{} {name}", offer.number());
                wrong.push((id, Refusal::of(field, name, detail)));
            }
        }
    }
    // The dictionary's order, in which people read it.
    wrong.sort_by_key(|(id, _)| *id);
    for (_, refusal) in wrong {
        if !refusals.iter().any(|known| known.field == refusal.field) {
            refusals.push(refusal);
        }
    }
    refusals
}

impl Refusal {
    /// What is said of a value that does not fit.
    fn of(field: &Field, name: String, detail: String) -> Refusal {
        let kind = match field.kind {
            Kind::CardNumber => LocalKind::Card,
            _ => LocalKind::Invalid,
        };
        Refusal {
            kind,
            field: name,
            detail,
        }
    }
}

/// The check on the card number that the request's card type asks for.
fn number_check(tables: &Tables, values: &Values<'_>) -> NumberCheck {
    let coded = |id: &FieldId| {
        let field = tables.dictionary.get(*id);
        let code = tables.codes[usize::from(field.code?.0)].by_scmp(values.get(*id)?)?;
        (code.number != NumberCheck::Luhn).then_some(code.number)
    };
    let mut types = tables.card_types.iter();
    types.find_map(coded).unwrap_or_default()
}

/// Why a field can never have a value, whoever the merchant is.
pub fn misfit(field: &Field, value: &str, codes: &[CodeTable]) -> Option<String> {
    fault(field, value, &Settings::default(), codes, NumberCheck::Any)
}

fn fault(
    field: &Field,
    value: &str,
    settings: &Settings,
    codes: &[CodeTable],
    number: NumberCheck,
) -> Option<String> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let letters =
        |count: usize| value.len() == count && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    let wrong = match field.kind {
        Kind::Text => None,
        Kind::Digits => (!digits(value)).then_some("must be digits"),
        Kind::CardNumber => (!is_card_number(value, number)).then_some("is no card number"),
        Kind::Decimal => (!is_decimal(value)).then_some("must be a decimal number"),
        Kind::Month => (!is_month(value)).then_some("must be 01 to 12"),
        Kind::Year => {
            (!digits(value) || ![2, 4].contains(&value.len())).then_some("must be 2 or 4 digits")
        }
        Kind::Alpha2 => (!letters(2)).then_some("must be 2 letters"),
        Kind::Alpha3 => (!letters(3)).then_some("must be 3 letters"),
        Kind::Flag => (!is_flag(value)).then_some("must be yes or no"),
    };
    if let Some(wrong) = wrong {
        return Some(format!(" ({wrong})"));
    }
    let same = |known: &String| match field.exact_case {
        true => known == value,
        false => known.eq_ignore_ascii_case(value),
    };
    if !field.values.is_empty() && !field.values.iter().any(same) {
        return Some(format!(" (must be {})", field.values.join(" or ")));
    }
    if field
        .code
        .is_some_and(|id| codes[usize::from(id.0)].by_scmp(value).is_none())
    {
        return Some(" (unknown code)".to_owned());
    }
    if field.no_card && holds_card_number(value) {
        return Some(" (must hold no card number)".to_owned());
    }
    let shorter = settings.processor.as_ref().and_then(|processor| {
        field
            .processor_max
            .iter()
            .find(|(name, _)| name == processor)
            .map(|(_, max)| *max)
    });
    too_long(value, shorter, "this processor").or_else(|| too_long(value, field.max, "SCMP"))
}

/// What REST does not take: a value that is too long and is not kept aside, or that looks like one kept aside.
fn beyond_rest(value: &str, checked: &Checked, settings: &Settings) -> Option<String> {
    if checked.overflow && side::reference(value).is_some() {
        return Some(" (is a word of the gateway's own)".to_owned());
    }
    let kept = checked.overflow && settings.side_store;
    too_long(value, checked.rest_max.filter(|_| !kept), "REST")
}

fn too_long(value: &str, max: Option<u16>, whose: &str) -> Option<String> {
    // No text has more characters than bytes.
    let max = max.filter(|max| value.len() > usize::from(*max))?;
    (value.chars().count() > usize::from(max))
        .then(|| format!(" (at most {max} characters with {whose})"))
}

/// Not negative, one point at most, nothing but digits besides.
pub(in crate::mapping) fn is_decimal(value: &str) -> bool {
    let (whole, part) = at_point(value);
    !(whole.is_empty() && part.is_empty())
        && whole
            .bytes()
            .chain(part.bytes())
            .all(|byte| byte.is_ascii_digit())
}

fn is_flag(value: &str) -> bool {
    let words = ["yes", "no", "y", "n", "true", "false", "1", "0"];
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn is_month(value: &str) -> bool {
    matches!(
        value.as_bytes(),
        [b'1'..=b'9'] | [b'0', b'1'..=b'9'] | [b'1', b'0'..=b'2']
    )
}

fn is_card_number(value: &str, check: NumberCheck) -> bool {
    let digits =
        value.bytes().all(|byte| byte.is_ascii_digit()) && (12..=19).contains(&value.len());
    match check {
        NumberCheck::Any => true,
        NumberCheck::Digits => digits,
        NumberCheck::Luhn => digits && luhn(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_text() {
        for good in ["10.00", "0", "1.", ".5", "102.210"] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", ".", "-1", "1,0", "1.0.0", "1e3", " 1"] {
            assert!(!is_decimal(bad), "{bad}");
        }
    }

    #[test]
    fn months_are_one_to_twelve() {
        let good = (0..=99).filter(|n| is_month(&n.to_string())).count();
        assert_eq!(good, 12);
        assert!(is_month("09") && !is_month("00") && !is_month("13") && !is_month("001"));
    }
}
