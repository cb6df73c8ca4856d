//! The limits on record: how long a field's value may be and what it must look like.

use std::path::{Path, PathBuf};

use scmp_gateway::golden::Case;
use scmp_gateway::mapping::Tables;
use scmp_gateway::plan::{Opened, open};
use scmp_gateway::scmp;

/// A line of `golden/limits.tsv`.
pub struct Limit {
    /// The case whose request is changed.
    case: Case,
    request: String,
    /// The field; a field of an offer begins with `offer.`.
    pub field: String,
    kind: String,
    max: Option<usize>,
    /// REST's limit, where it is narrower.
    pub rest_max: Option<usize>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// All lines of `golden/limits.tsv`.
pub fn on_record() -> Vec<Limit> {
    let text = std::fs::read_to_string(root().join("limits.tsv")).expect("golden/limits.tsv");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(limit).collect()
}

fn limit(line: &str) -> Limit {
    let columns: Vec<&str> = line.split('\t').collect();
    let [case, field, kind, max, rest_max] = columns[..] else {
        panic!("not five columns: {line}");
    };
    let folder = root().join(case);
    let request = std::fs::read_to_string(folder.join("request.scmp")).expect("a request");
    Limit {
        case: Case::load(&root(), &folder).expect("a case"),
        request,
        field: field.to_owned(),
        kind: kind.to_owned(),
        max: characters(max),
        rest_max: characters(rest_max),
    }
}

fn characters(column: &str) -> Option<usize> {
    (column != "-").then(|| column.parse().expect("a number of characters"))
}

impl Limit {
    /// What these tables get wrong about the limit.
    pub fn faults(&self, tables: &Tables) -> Vec<String> {
        let mut faults = Vec::new();
        let mut expect = |value: &str, expected: Option<&str>| {
            let said = self.refusal(tables, value);
            if said.as_deref() != expected {
                let Limit { case, field, .. } = self;
                let length = value.len();
                faults.push(format!(
                    "{}, {field}, {length} characters: expected {expected:?}, got {said:?}",
                    case.name
                ));
            }
        };
        let (letter, other, wrong) = match self.kind.as_str() {
            "text" => ("x", None, ""),
            "words" => (
                "x",
                Some("card 4111111111111111"),
                " (must hold no card number)",
            ),
            "digits" => ("1", Some("x"), " (must be digits)"),
            "decimal" => ("1", Some("1,5"), " (must be a decimal number)"),
            "flag" => ("1", Some("maybe"), " (must be yes or no)"),
            kind => panic!("unknown kind {kind}"),
        };
        if let Some(other) = other {
            expect(other, Some(wrong));
        }
        for (max, whose) in [(self.max, "SCMP"), (self.rest_max, "REST")] {
            if let Some(max) = max {
                let told = format!(" (at most {max} characters with {whose})");
                expect(&letter.repeat(max + 1), Some(&told));
            }
        }
        let longest = self.rest_max.or(self.max).unwrap_or(1);
        expect(&letter.repeat(longest), None);
        faults
    }

    /// What is said of the field when it has this value.
    fn refusal(&self, tables: &Tables, value: &str) -> Option<String> {
        let (line, told) = match self.field.strip_prefix("offer.") {
            Some(name) => (
                format!("offer7=amount:1.00^{name}:{value}"),
                format!("offer7 {name}"),
            ),
            None => (format!("{}={value}", self.field), self.field.clone()),
        };
        // The last of a field's lines counts.
        let text = format!("{}\n{line}\n", self.request);
        let request = scmp::parse(&text, &tables.dictionary).expect("SCMP");
        let (settings, context) = (self.case.settings(), self.case.context());
        let opened = open(tables, |_| Some(&settings), &self.case, &request, &context);
        match opened {
            Opened::Running(_) => None,
            Opened::Refused(refused) => {
                let about = refused.refusals.into_iter().find(|one| one.field == told);
                about.map(|refusal| refusal.detail)
            }
        }
    }
}
