//! A line's field, or an offer's element: its name, found among those that are known, and its value.

use std::borrow::Cow;

use super::grammar::pair;
use super::names::{Names, Within};
use super::text::{fold_name, fold_value, trim};

/// A name and a value.
pub(super) struct Split<'a> {
    /// The name as it is compared; it may be empty.
    pub(super) name: Cow<'a, str>,
    /// The value as it came.
    pub(super) value: &'a str,
    /// The name's number, where it is known. Then it is in lower case.
    pub(super) number: Option<u16>,
}

/// Splits at the first separator; nothing where there is none. `before` is the number of the last name before it that has
/// one.
#[inline]
pub(super) fn split<'a>(
    text: &'a str,
    within: Within,
    before: Option<u16>,
    names: &impl Names,
) -> Option<Split<'a>> {
    let separator = within.separator();
    if let Some((number, name)) = names.likely(within, before)
        && let Some(rest) = text.strip_prefix(name)
        && let Some(value) = rest.strip_prefix(char::from(separator))
    {
        return Some(Split {
            name: text[..name.len()].into(),
            value,
            number: Some(number),
        });
    }
    look_up(text, within, before, names)
}

/// The same, where the name is none that was to be expected.
#[inline(never)]
fn look_up<'a>(
    text: &'a str,
    within: Within,
    before: Option<u16>,
    names: &impl Names,
) -> Option<Split<'a>> {
    let (name, value) = pair(text, within.separator())?;
    let (name, number) = numbered(trim(name), within, names);
    if let Some(number) = number {
        names.followed(within, before, number);
    }
    Some(Split {
        name,
        value,
        number,
    })
}

/// A trimmed name as it is compared, and its number. One that is known is in lower case.
fn numbered<'a>(name: &'a str, within: Within, names: &impl Names) -> (Cow<'a, str>, Option<u16>) {
    if let Some(number) = names.number(within, name) {
        return (name.into(), Some(number));
    }
    let name = fold_name(name);
    let number = match name {
        Cow::Borrowed(_) => None,
        Cow::Owned(_) => names.number(within, &name),
    };
    (name, number)
}

/// A value without blanks at its ends, and with single ones within; in a plain text there are no others.
pub(super) fn folded(value: &str, plain: bool) -> Cow<'_, str> {
    match plain {
        true => trim(value).into(),
        false => fold_value(value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse::parse;
    use super::*;

    /// Knows a few names, and expects one whatever stands before.
    struct Expecting(Option<u16>);

    const NAMES: [&str; 3] = ["a", "ab", "amount"];

    impl Names for Expecting {
        fn count(&self) -> usize {
            NAMES.len()
        }

        fn number(&self, _within: Within, name: &str) -> Option<u16> {
            let number = NAMES.iter().position(|known| *known == name)?;
            Some(number as u16)
        }

        fn likely(&self, _within: Within, _before: Option<u16>) -> Option<(u16, &str)> {
            let number = self.0?;
            Some((number, NAMES[usize::from(number)]))
        }
    }

    proptest! {
        /// What is expected saves a look-up, and changes nothing.
        #[test]
        fn what_is_expected_changes_nothing(
            text in "((a|ab|A|amount|x| a|a |offer0)(=|:|==|)(1|b| 2|amount:3\\^ab:4|a:|)\n){0,6}",
            expected in 0_u16..3,
        ) {
            let read = |names| {
                let request = parse(&text, &names)?;
                let fields = request.fields().chain(request.offers().iter().flat_map(|o| o.pairs()));
                let fields: Vec<_> = fields
                    .map(|f| (f.name.to_string(), f.value.to_string(), f.number))
                    .collect();
                Ok::<_, crate::scmp::ParseError>((fields, request.unusable_lines()))
            };
            prop_assert_eq!(read(Expecting(Some(expected))), read(Expecting(None)));
        }
    }
}
