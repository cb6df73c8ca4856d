//! Every line of the tables counts: without it the tables do not compile, or a golden case differs. And a line that is
//! wrong is found before any request comes, at its place.

use std::path::Path;

use scmp_gateway::golden::{Case, load_all};
use scmp_gateway::mapping::compile::compile;
use scmp_gateway::mapping::diagnostic::Diagnostic;
use scmp_gateway::mapping::export::mappings;
use scmp_gateway::mapping::source::{SourceFile, embedded};

/// Lines of the tables that only `mappings export` shows: what is deliberately not sent, and what REST has nothing for.
const EXPORTED_ONLY: [&str; 3] = ["reason = ", "none = ", "override_payment_method "];

struct Bench {
    files: Vec<SourceFile>,
    cases: Vec<Case>,
    exported: Vec<String>,
}

impl Bench {
    fn new() -> Bench {
        let files = embedded();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        Bench {
            exported: exported(&files),
            cases: load_all(&root).expect("the cases can be read"),
            files,
        }
    }

    /// The tables with one line replaced; none if the line stays as it is.
    fn with(&self, place: &Place<'_>, line: &str) -> Vec<SourceFile> {
        let mut files = self.files.clone();
        let file = &mut files[place.file];
        let lines = file.text.lines().enumerate();
        let lines: Vec<&str> = lines
            .map(|(at, text)| if at == place.line { line } else { text })
            .collect();
        file.text = lines.join("\n");
        files
    }

    /// Whether a test would notice that a line was replaced.
    fn notices(&self, place: &Place<'_>, line: &str) -> bool {
        let files = self.with(place, line);
        let Ok(tables) = compile(&files) else {
            return true;
        };
        let differs = |case: &Case| !case.differences(&tables).is_empty();
        self.cases.iter().any(differs)
            || EXPORTED_ONLY.iter().any(|words| place.text.contains(words))
                && exported(&files) != self.exported
    }

    /// The mapping lines of all tables.
    fn lines(&self) -> Vec<Place<'_>> {
        let files = self.files.iter().enumerate();
        files.flat_map(|(at, file)| lines(at, file)).collect()
    }

    /// Replaces each line by what `change` makes of it and says which replacements nothing noticed.
    fn survivors(&self, change: impl Fn(&Place<'_>) -> Option<String>) -> Vec<String> {
        let mut changed = 0;
        let mut survivors = Vec::new();
        for place in self.lines() {
            let Some(line) = change(&place) else {
                continue;
            };
            changed += 1;
            if !self.notices(&place, &line) {
                let shown = &self.files[place.file].shown;
                survivors.push(format!("{shown}:{}: {}", place.line + 1, place.text.trim()));
            }
        }
        assert!(changed > 0, "no line was changed");
        survivors
    }
}

/// A line of a table.
struct Place<'f> {
    file: usize,
    line: usize,
    text: &'f str,
}

/// The mapping lines of a file: entries in braces, keys of steps, lines of the dictionary, of codes and of flags.
fn lines(file: usize, source: &SourceFile) -> Vec<Place<'_>> {
    let in_lists = source.path.starts_with("bodies/") || source.path.starts_with("services/");
    let mut section = "";
    let mut found = Vec::new();
    for (line, text) in source.text.lines().enumerate() {
        let trimmed = text.trim();
        if trimmed.starts_with('[') {
            section = trimmed;
        }
        let is_entry = trimmed.starts_with('{');
        let is_key = trimmed.contains(" = ") && !trimmed.starts_with(['#', '[', '{']);
        let counts = match in_lists {
            true => is_entry || (is_key && section == "[[step]]"),
            // The names of processors are words of the configuration, and no mapping.
            false => (is_entry || is_key) && section != "[processor]",
        };
        if counts {
            found.push(Place { file, line, text });
        }
    }
    found
}

fn exported(files: &[SourceFile]) -> Vec<String> {
    let Ok(tables) = compile(files) else {
        return Vec::new();
    };
    let text = |mapping| serde_json::to_string(&mapping).expect("JSON");
    mappings(&tables).into_iter().map(text).collect()
}

/// A line in braces without one of its keys; none if it has no such key.
fn without(line: &str, key: &str) -> Option<String> {
    let start = [format!("{{ {key} = "), format!(", {key} = ")]
        .iter()
        .find_map(|words| Some(line.find(words)? + 1))?;
    let (before, rest) = line.split_at(start);
    let (mut depth, mut quoted) = (0, false);
    let end = rest.char_indices().find_map(|(at, c)| {
        match c {
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted && depth > 0 => depth -= 1,
            ',' | '}' if !quoted && depth == 0 => return Some(at),
            _ => {}
        }
        None
    })?;
    // The key goes with the comma that parts it from the one before, or else from the next one.
    let rest = &rest[end..];
    Some(match before.strip_suffix(',') {
        Some(before) => format!("{before}{rest}"),
        None => format!("{before}{}", rest.strip_prefix(',').unwrap_or(rest)),
    })
}

/// Whether a part of a line says nothing that the rest of the tables does not say too.
fn is_redundant(key: &str, file: &str, text: &str) -> bool {
    let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
    let unchecked = [
        "ecp_check_no",
        "grand_total_amount",
        "override_payment_method",
        "recurring_disable_auto_auth",
    ];
    // REST's limits that are narrower than SCMP's.
    let narrow = [
        "card.number",
        "card.issueNumber",
        "Information[].value",
        "Identification[].id",
    ];
    match key {
        // The same three digits on both sides; the table of codes is for the words of older replies.
        "transform" => says(&["path = \"card.type\""]),
        // What is not sent is not checked; what chooses merchant and service is looked up.
        "type" => says(&unchecked),
        "max" if file.starts_with("rest/") => !says(&narrow),
        "max" => {
            says(&unchecked)
                || says(&["ics_applications", "merchant_id"])
                || says(&["\"alpha", "\"month\"", "\"year\"", "\"card_number\""])
                || says(&["values = ", "code = "])
        }
        _ => false,
    }
}

#[test]
fn no_line_can_be_deleted() {
    let survivors = Bench::new().survivors(|_| Some(String::new()));
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

#[test]
fn no_part_of_a_line_can_be_deleted() {
    let bench = Bench::new();
    let mut survivors = Vec::new();
    for key in [
        "transform",
        "when",
        "default",
        "trigger",
        "checked",
        "refusal",
        "type",
        "field",
        "max",
        "processor_max",
        "values",
        "code",
        "aliases",
        "also",
        "number",
    ] {
        let found = bench.survivors(|place| {
            without(place.text, key)
                .filter(|_| !is_redundant(key, &bench.files[place.file].path, place.text))
        });
        survivors.extend(found.into_iter().map(|line| format!("{key}: {line}")));
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

/// A line without each one of the texts of its lists, where a list has several.
fn without_one_of_several(line: &str) -> Vec<String> {
    let mut shorter = Vec::new();
    for (at, _) in line.match_indices("[\"") {
        let list = &line[at + 1..];
        let Some(end) = list.find("\"]") else {
            continue;
        };
        let texts: Vec<&str> = list[..=end].split(", ").collect();
        for left_out in (0..texts.len()).filter(|_| texts.len() > 1) {
            let mut texts = texts.clone();
            texts.remove(left_out);
            let rest = &list[end + 1..];
            shorter.push(format!("{}{}{rest}", &line[..=at], texts.join(", ")));
        }
    }
    shorter
}

#[test]
fn no_text_of_a_list_can_be_deleted() {
    let bench = Bench::new();
    let mut survivors = Vec::new();
    for place in bench.lines() {
        let shown = &bench.files[place.file].shown;
        for line in without_one_of_several(place.text) {
            if !bench.notices(&place, &line) {
                survivors.push(format!("{shown}:{}: {}", place.line + 1, line.trim()));
            }
        }
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

#[test]
fn a_wrong_letter_in_a_body_is_found_at_its_place() {
    let bench = Bench::new();
    let mut changed = 0;
    for place in bench.lines() {
        let file = &bench.files[place.file];
        if !file.path.starts_with("bodies/") {
            continue;
        }
        let (before, path) = place
            .text
            .split_once("path = \"")
            .expect("a body line has a path");
        let wrong = format!("{before}path = \"q{}", &path[1..]);
        let faults = faults(&bench.with(&place, &wrong));
        let [fault] = &faults[..] else {
            panic!("{wrong}: {faults:?}");
        };
        assert_eq!(fault.file, file.shown, "{fault}");
        assert_eq!(fault.line, Some(place.line + 1), "{fault}");
        assert!(
            fault.message.contains("is not a member of the REST object"),
            "{fault}"
        );
        assert!(fault.message.contains("; did you mean \""), "{fault}");
        changed += 1;
    }
    assert!(changed > 50, "{changed} lines");
}

fn faults(files: &[SourceFile]) -> Vec<Diagnostic> {
    compile(files).err().unwrap_or_default()
}
