//! The queries of a search: `field:value AND field:(one OR other) AND submitTimeUtc:[NOW/DAY-7DAYS TO NOW/DAY+1DAY}`.
//!
//! Of the guide's fields these are served: `id`, `merchantId`, `clientReferenceInformation.code`,
//! `orderInformation.amountDetails.totalAmount` and `.currency`, `reconciliationId`, and times. Whatever else is asked for
//! is refused, so that nobody takes an empty list for an answer. A value of more than letters, digits and `-_.@` stands
//! between quotation marks (choice: the guide has no example). A value is compared whole.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{Span, Timestamp, Unit, Zoned, tz::TimeZone};

/// The fields that can be searched for by a value.
const FIELDS: &[&str] = &[
    "clientReferenceInformation.code",
    "id",
    "merchantId",
    "orderInformation.amountDetails.currency",
    "orderInformation.amountDetails.totalAmount",
    "reconciliationId",
];
/// The field of times.
const TIME: &str = "submitTimeUtc";

/// A query: all clauses must hold.
#[derive(Debug, PartialEq)]
pub(crate) struct Query(Vec<Clause>);

#[derive(Debug, PartialEq)]
enum Clause {
    /// A field has one of these values.
    Is(&'static str, Vec<String>),
    /// It was submitted in this time.
    Within(Bound, Bound),
}

/// An end of a time, and whether it belongs to it.
#[derive(Debug, PartialEq)]
struct Bound {
    time: SystemTime,
    included: bool,
}

impl Query {
    /// Reads a query; `now` is what it means by NOW. Nothing for one that is not served.
    pub(crate) fn read(text: &str, now: SystemTime) -> Option<Self> {
        let mut rest = text.trim();
        let mut clauses = Vec::new();
        loop {
            let (clause, after) = clause(rest, now)?;
            clauses.push(clause);
            rest = after.trim_start();
            if rest.is_empty() {
                return Some(Self(clauses));
            }
            rest = rest.strip_prefix("AND ")?.trim_start();
        }
    }

    /// Whether a transaction is meant, of which this is known.
    pub(crate) fn fits(&self, at: SystemTime, value: impl Fn(&str) -> Option<String>) -> bool {
        self.0.iter().all(|clause| match clause {
            Clause::Is(field, values) => value(field).is_some_and(|value| values.contains(&value)),
            Clause::Within(from, to) => {
                (at > from.time || from.included && at == from.time)
                    && (at < to.time || to.included && at == to.time)
            }
        })
    }
}

fn clause(text: &str, now: SystemTime) -> Option<(Clause, &str)> {
    let (name, rest) = text.split_once(':')?;
    if name == TIME {
        let (from, to, rest) = range(rest, now)?;
        return Some((Clause::Within(from, to), rest));
    }
    let field = FIELDS.iter().find(|field| **field == name)?;
    let Some(mut rest) = rest.strip_prefix('(') else {
        let (value, rest) = term(rest)?;
        return Some((Clause::Is(field, vec![value]), rest));
    };
    let mut values = Vec::new();
    loop {
        let (value, after) = term(rest.trim_start())?;
        values.push(value);
        let after = after.trim_start();
        if let Some(after) = after.strip_prefix(')') {
            return Some((Clause::Is(field, values), after));
        }
        rest = after.strip_prefix("OR ")?;
    }
}

/// A value, with or without quotation marks.
fn term(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
        let end = text.find(|c| !plain(c)).unwrap_or(text.len());
        let value = &text[..end];
        let is_word = !value.is_empty() && !matches!(value, "AND" | "OR" | "NOT" | "TO");
        return is_word.then(|| (value.to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

fn range(text: &str, now: SystemTime) -> Option<(Bound, Bound, &str)> {
    let end = text.find([']', '}'])?;
    let (from, to) = text.get(1..end)?.split_once(" TO ")?;
    let included = match text.as_bytes()[0] {
        b'[' => true,
        b'{' => false,
        _ => return None,
    };
    let from = Bound {
        time: time(from.trim(), now)?,
        included,
    };
    let to = Bound {
        time: time(to.trim(), now)?,
        included: text.as_bytes()[end] == b']',
    };
    Some((from, to, &text[end + 1..]))
}

/// Milliseconds since 1970, a time as replies show it, or NOW with what is done to it from left to right.
fn time(text: &str, now: SystemTime) -> Option<SystemTime> {
    if let Ok(millis) = text.parse() {
        return UNIX_EPOCH.checked_add(Duration::from_millis(millis));
    }
    let Some(mut rest) = text.strip_prefix("NOW") else {
        return text.parse::<Timestamp>().ok().map(SystemTime::from);
    };
    let mut time = Timestamp::try_from(now).ok()?.to_zoned(TimeZone::UTC);
    while let Some(sign) = rest.chars().next() {
        let end = rest[1..]
            .find(['/', '+', '-'])
            .map_or(rest.len(), |at| at + 1);
        time = moved(&time, sign, &rest[1..end])?;
        rest = &rest[end..];
    }
    Some(SystemTime::from(time.timestamp()))
}

fn moved(time: &Zoned, sign: char, by: &str) -> Option<Zoned> {
    if sign == '/' {
        return match unit(by)? {
            Unit::Month => time.first_of_month().ok()?.start_of_day().ok(),
            Unit::Day => time.start_of_day().ok(),
            unit => {
                let round = jiff::ZonedRound::new().smallest(unit);
                time.round(round.mode(jiff::RoundMode::Trunc)).ok()
            }
        };
    }
    let digits = by.find(|c: char| !c.is_ascii_digit())?;
    let count: i64 = by[..digits].parse().ok()?;
    let span = match unit(&by[digits..])? {
        Unit::Month => Span::new().try_months(count),
        Unit::Day => Span::new().try_days(count),
        Unit::Hour => Span::new().try_hours(count),
        _ => Span::new().try_minutes(count),
    };
    match sign {
        '+' => time.checked_add(span.ok()?).ok(),
        '-' => time.checked_sub(span.ok()?).ok(),
        _ => None,
    }
}

fn unit(name: &str) -> Option<Unit> {
    Some(match name.strip_suffix('S').unwrap_or(name) {
        "MONTH" => Unit::Month,
        "DAY" => Unit::Day,
        "HOUR" => Unit::Hour,
        "MINUTE" => Unit::Minute,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SystemTime {
        SystemTime::from(text.parse::<Timestamp>().expect("a time"))
    }

    #[test]
    fn the_guides_times() {
        let now = at("2019-05-03T16:12:30Z");
        for (text, means) in [
            ("NOW", "2019-05-03T16:12:30Z"),
            ("NOW/HOUR", "2019-05-03T16:00:00Z"),
            ("NOW/DAY-1DAY", "2019-05-02T00:00:00Z"),
            ("NOW/DAY-7DAYS", "2019-04-26T00:00:00Z"),
            ("NOW/MONTH-1MONTH", "2019-04-01T00:00:00Z"),
            ("NOW-5MINUTES", "2019-05-03T16:07:30Z"),
            ("1556712000000", "2019-05-01T12:00:00Z"),
            ("2022-05-11T03:21:03Z", "2022-05-11T03:21:03Z"),
        ] {
            assert_eq!(time(text, now), Some(at(means)), "{text}");
        }
        for text in ["NOW/YEAR", "NOW+DAY", "NOW*2DAYS", "yesterday", "NOW/DAY-1"] {
            assert_eq!(time(text, now), None, "{text}");
        }
    }

    #[test]
    fn what_fits() {
        let now = at("2019-05-03T16:12:30Z");
        let value = |name: &str| match name {
            "clientReferenceInformation.code" => Some("order 1 \"x\"".to_owned()),
            "id" => Some("22".to_owned()),
            _ => None,
        };
        for (query, fits) in [
            ("id:22", true),
            ("id:23", false),
            ("id:(21 OR 22)", true),
            ("merchantId:m", false),
            (
                "clientReferenceInformation.code:\"order 1 \\\"x\\\"\" AND id:22",
                true,
            ),
            ("clientReferenceInformation.code:\"order 1\"", false),
            ("id:22 AND submitTimeUtc:[NOW/DAY TO NOW/DAY+1DAY}", true),
            ("submitTimeUtc:[NOW TO NOW}", false),
            ("submitTimeUtc:[NOW TO NOW]", true),
            ("submitTimeUtc:{NOW TO NOW+1DAY]", false),
        ] {
            let read = Query::read(query, now).expect(query);
            assert_eq!(read.fits(now, value), fits, "{query}");
        }
    }

    #[test]
    fn what_is_not_served_is_no_query() {
        for query in [
            "",
            "id",
            "id:",
            "id:(1 OR",
            "id:1 id:2",
            "id:1 OR id:2",
            "id:AND",
            "id:\"1",
            "paymentInformation.card.suffix:1111",
            "submitTimeUtc:2019-05-03",
            "submitTimeUtc:[NOW",
            "submitTimeUtc:",
        ] {
            assert_eq!(Query::read(query, UNIX_EPOCH), None, "{query}");
        }
    }
}
