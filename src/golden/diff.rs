//! Differences, one line each: where, what was expected, what came.

use serde_json::Value;

use crate::scmp::Reply;
use crate::telemetry::scrub;

use super::case::ExpectedCall;

/// The differences between the expected calls and those made.
pub fn calls(expected: &[ExpectedCall], made: &[ExpectedCall]) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, pair) in
        (0..expected.len().max(made.len())).map(|at| (at, (expected.get(at), made.get(at))))
    {
        let title = |call: &ExpectedCall| format!("{} {}", call.method, call.path);
        match pair {
            (Some(expected), None) => {
                lines.push(format!("call {at}: expected {}, not made", title(expected)))
            }
            (None, Some(made)) => {
                lines.push(format!("call {at}: {} was not expected", title(made)))
            }
            (Some(expected), Some(made)) => {
                if title(expected) != title(made) {
                    lines.push(format!(
                        "call {at}: expected {}, got {}",
                        title(expected),
                        title(made)
                    ));
                }
                if expected.if_match != made.if_match {
                    let (want, got) = (&expected.if_match, &made.if_match);
                    lines.push(format!(
                        "call {at}: if-match: expected {want:?}, got {got:?}"
                    ));
                }
                if expected.accept != made.accept {
                    let (want, got) = (&expected.accept, &made.accept);
                    lines.push(format!("call {at}: accept: expected {want:?}, got {got:?}"));
                }
                let (want, got) = (expected.body.as_ref(), made.body.as_ref());
                json(&format!("call {at}: body"), want, got, &mut lines);
            }
            (None, None) => {}
        }
    }
    lines
}

/// The differences between the expected reply and the one that came, as sets of fields.
pub fn replies(expected: &Reply, made: &Reply, extra_fields: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, want) in expected.iter() {
        match made.get(name) {
            Some(got) if got == want => {}
            Some(got) => lines.push(format!("reply: {name}: expected \"{want}\", got \"{got}\"")),
            None => lines.push(format!("reply: {name}: expected \"{want}\", missing")),
        }
    }
    for (name, got) in made.iter().filter(|_| !extra_fields) {
        if expected.get(name).is_none() {
            lines.push(format!("reply: {name}: not expected, got \"{got}\""));
        }
    }
    lines
        .into_iter()
        .map(|line| scrub(&line).into_owned())
        .collect()
}

fn json(place: &str, expected: Option<&Value>, made: Option<&Value>, lines: &mut Vec<String>) {
    match (expected, made) {
        (Some(Value::Object(want)), Some(Value::Object(got))) => {
            for (name, value) in want {
                json(
                    &format!("{place}.{name}"),
                    Some(value),
                    got.get(name),
                    lines,
                );
            }
            for (name, value) in got.iter().filter(|(name, _)| !want.contains_key(*name)) {
                json(&format!("{place}.{name}"), None, Some(value), lines);
            }
        }
        (Some(Value::Array(want)), Some(Value::Array(got))) => {
            for at in 0..want.len().max(got.len()) {
                json(&format!("{place}[{at}]"), want.get(at), got.get(at), lines);
            }
        }
        (want, got) if want == got => {}
        (want, got) => {
            let words =
                |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
            let line = format!("{place}: expected {}, got {}", words(want), words(got));
            lines.push(scrub(&line).into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_differences_name_their_place() {
        let mut lines = Vec::new();
        let (want, got) = (
            json!({"a": {"b": [1, 2]}, "c": 1}),
            json!({"a": {"b": [1, 3]}, "d": 1}),
        );
        json("body", Some(&want), Some(&got), &mut lines);
        assert_eq!(
            lines,
            [
                "body.a.b[1]: expected 2, got 3",
                "body.c: expected 1, got nothing",
                "body.d: expected nothing, got 1"
            ]
        );
    }

    #[test]
    fn replies_are_sets_of_fields() {
        let want = Reply::parse("a=1\nb=2\n");
        let got = Reply::parse("b=2\na=1\nc=3\n");
        assert!(replies(&want, &got, true).is_empty());
        assert_eq!(
            replies(&want, &got, false),
            ["reply: c: not expected, got \"3\""]
        );
        assert_eq!(
            replies(&got, &want, true),
            ["reply: c: expected \"3\", missing"]
        );
    }
}
