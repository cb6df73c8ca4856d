//! The tables with lines taken out, and whether a golden case notices.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use scmp_gateway::golden::{Case, load_all};
use scmp_gateway::mapping::Tables;
use scmp_gateway::mapping::compile::compile;
use scmp_gateway::mapping::export::mappings;
use scmp_gateway::mapping::source::{SourceFile, embedded};

use crate::followed::{self, Followed};
use crate::limits::{self, Limit};

/// Lines of the tables that only `mappings export` shows: what is deliberately not sent, and what REST has nothing for.
const EXPORTED_ONLY: [&str; 3] = ["reason = ", "none = ", "override_payment_method "];

/// Fields that are known and with which nothing is done: `mappings export` alone shows that they are.
const KNOWN_ONLY: [&str; 5] = [
    "avs_level",
    "payment_request_id",
    "payment_request_token",
    "purchaser_code",
    "supplier_order_reference",
];

/// A build for debugging tries one change in so many: all of them take minutes there.
pub const STEP: usize = if cfg!(debug_assertions) { 20 } else { 1 };

/// How many lines are deleted at once, where it can be told which of them was missed.
pub const BATCH: usize = 24;

/// How many cases are asked about a batch.
pub const ASKED: usize = 60;

pub struct Bench {
    pub files: Vec<SourceFile>,
    pub cases: Vec<Case>,
    /// The words of each case's files.
    pub words: Vec<HashSet<String>>,
    pub exported: Vec<String>,
    /// What values may be.
    limits: Vec<Limit>,
    /// What requests make that later ones can follow.
    followed: Vec<Followed>,
}

/// What the cases said of changed tables, as far as they were asked.
pub enum Said {
    Faults(Vec<String>),
    Differences(Vec<String>),
}

impl Bench {
    pub fn new() -> Bench {
        let files = embedded();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        let cases = load_all(&root).expect("the cases can be read");
        let words = cases.iter().map(|case| {
            let files = ["request.scmp", "calls.json", "reply.scmp", "case.toml"];
            let read = files.map(|name| std::fs::read(root.join(&case.name).join(name)));
            let text = read.into_iter().flatten().collect::<Vec<_>>().concat();
            words(&String::from_utf8_lossy(&text))
        });
        Bench {
            exported: exported(&files),
            limits: limits::on_record(),
            followed: followed::on_record(),
            words: words.collect(),
            cases,
            files,
        }
    }

    /// The tables with some lines of one file replaced.
    pub fn with(&self, file: usize, replaced: &[(usize, &str)]) -> Vec<SourceFile> {
        let mut files = self.files.clone();
        let text = &mut files[file].text;
        let mut lines: Vec<&str> = self.files[file].text.lines().collect();
        for (at, line) in replaced {
            lines[*at] = line;
        }
        *text = lines.join("\n").into();
        files
    }

    /// The cases, those first that share most words with a text: what is likeliest to notice comes first.
    pub fn likeliest(&self, text: &str) -> Vec<usize> {
        let wanted = words(text);
        let shared = |at: usize| {
            wanted
                .iter()
                .filter(|word| self.words[at].contains(*word))
                .count()
        };
        let mut order: Vec<(usize, usize)> =
            (0..self.cases.len()).map(|at| (shared(at), at)).collect();
        order.sort_by_key(|(shared, at)| (std::cmp::Reverse(*shared), *at));
        order.into_iter().map(|(_, at)| at).collect()
    }

    /// Whether a test would notice that a line was replaced.
    pub fn notices(&self, place: &Place<'_>, line: &str) -> bool {
        let files = self.with(place.file, &[(place.line, line)]);
        let Ok(tables) = compile(&files) else {
            return true;
        };
        let differs = |at: &usize| !self.cases[*at].differences(&tables).is_empty();
        self.likeliest(place.text).iter().any(differs)
            || place.is_exported_only() && exported(&files) != self.exported
            || self.breaks_a_limit(place, &tables)
            || place.text.starts_with("makes = ")
                && self.followed.iter().any(|one| one.fault(&tables).is_some())
    }

    fn breaks_a_limit(&self, place: &Place<'_>, tables: &Tables) -> bool {
        let of_rest = self.files[place.file].path.starts_with("rest/");
        let about = |limit: &&Limit| match place.about {
            Some(About::Field(name)) => limit.field == name,
            _ => of_rest && limit.rest_max.is_some(),
        };
        let mut limits = self.limits.iter().filter(about);
        limits.any(|limit| !limit.faults(tables).is_empty())
    }

    /// The mapping lines of all tables.
    pub fn lines(&self) -> Vec<Place<'_>> {
        let files = self.files.iter().enumerate();
        files.flat_map(|(at, file)| lines(at, file)).collect()
    }

    pub fn shown(&self, place: &Place<'_>) -> String {
        let shown = &self.files[place.file].shown;
        format!("{shown}:{}: {}", place.line + 1, place.text.trim())
    }

    /// Which of these replacements nothing noticed, found by two threads.
    pub fn survivors<'p>(&self, changes: Vec<(&'p Place<'p>, String)>) -> Vec<String> {
        assert!(!changes.is_empty(), "no line was changed");
        let changes: Vec<_> = changes.into_iter().step_by(STEP).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut survivors = Vec::new();
            while let Some((place, line)) = changes.get(next.fetch_add(1, Ordering::Relaxed)) {
                if !self.notices(place, line) {
                    survivors.push(format!("{} -> {}", self.shown(place), line.trim()));
                }
            }
            survivors
        };
        std::thread::scope(|scope| {
            let threads = [scope.spawn(work), scope.spawn(work)];
            let found = threads.map(|thread| thread.join().expect("no panic"));
            found.concat()
        })
    }

    /// Deletes lines of one file together and says which of them nothing can be said of: they are deleted one by one then.
    pub fn unclear<'p>(&self, batch: &[&'p Place<'p>]) -> Vec<&'p Place<'p>> {
        let Some(first) = batch.first() else {
            return Vec::new();
        };
        let deleted: Vec<(usize, &str)> = batch.iter().map(|place| (place.line, "")).collect();
        let tables = compile(&self.with(first.file, &deleted));
        let mut open: Vec<&Place<'_>> = batch.to_vec();
        match tables {
            Err(faults) => {
                let said = Said::Faults(faults.into_iter().map(|fault| fault.message).collect());
                open.retain(|place| !place.is_told(&said));
                // What is left over was hidden by those faults.
                match open.len() < batch.len() {
                    true => self.unclear(&open),
                    false => open,
                }
            }
            Ok(tables) => {
                let text: String = batch.iter().map(|place| place.text).collect();
                for case in self.likeliest(&text).into_iter().take(ASKED) {
                    if open.is_empty() {
                        break;
                    }
                    let said = Said::Differences(self.cases[case].differences(&tables));
                    open.retain(|place| !place.is_told(&said));
                }
                open
            }
        }
    }
}

/// The words of a text: names and numbers.
pub fn words(text: &str) -> HashSet<String> {
    let split = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    split
        .filter(|word| word.len() > 1)
        .map(str::to_owned)
        .collect()
}

/// A line of a table.
pub struct Place<'f> {
    pub file: usize,
    pub line: usize,
    pub section: &'f str,
    pub text: &'f str,
    /// The member, reply field or dictionary field that the line is about, where its absence can be told by name.
    pub about: Option<About<'f>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum About<'f> {
    /// A member of a REST body.
    Member(&'f str),
    /// A field of a reply.
    Reply(&'f str),
    /// A field of the dictionary.
    Field(&'f str),
}

impl Place<'_> {
    /// Whether only `mappings export` shows the line.
    fn is_exported_only(&self) -> bool {
        let known = matches!(self.about, Some(About::Field(name)) if KNOWN_ONLY.contains(&name));
        known || EXPORTED_ONLY.iter().any(|words| self.text.contains(words))
    }

    /// Whether what was said is said of this line.
    pub fn is_told(&self, said: &Said) -> bool {
        match (self.about, said) {
            (None, _) => false,
            (
                Some(About::Member(name) | About::Field(name) | About::Reply(name)),
                Said::Faults(faults),
            ) => {
                let quoted = format!("\"{name}\"");
                faults.iter().any(|fault| fault.contains(&quoted))
            }
            (Some(About::Member(path)), Said::Differences(lines)) => {
                let place = format!(": body.{path}: ");
                lines
                    .iter()
                    .any(|line| without_indices(line).contains(&place))
            }
            (Some(About::Reply(name)), Said::Differences(lines)) => {
                let place = format!("reply: {name}: ");
                lines.iter().any(|line| line.starts_with(&place))
            }
            (Some(About::Field(_)), Said::Differences(_)) => false,
        }
    }
}

/// What a line is about. Elements of an array that a key tells apart move when one of them is missing, so they are about
/// nothing that could be told.
pub fn about<'f>(path: &str, text: &'f str) -> Option<About<'f>> {
    let quoted = |key: &str| Some(text.split_once(key)?.1.split_once('"')?.0);
    if path.starts_with("rest/") {
        return Some(About::Member(
            text.trim().strip_prefix('"')?.split_once('"')?.0,
        ));
    }
    if path.starts_with("fields/") {
        let name = text.split_once(" = ")?.0.trim();
        return Some(About::Field(name.trim_matches('"')));
    }
    if path.starts_with("bodies/") {
        return quoted("path = \"")
            .filter(|path| !path.contains('['))
            .map(About::Member);
    }
    let is_reply = path.starts_with("services/") && text.contains("from = ");
    quoted("{ field = \"")
        .filter(|_| is_reply)
        .map(About::Reply)
}

/// A path of a difference with its array places left open, as the tables of REST have them.
pub fn without_indices(line: &str) -> String {
    let mut open = String::new();
    let mut inside = false;
    for c in line.chars() {
        inside = (inside || c == '[') && c != ']';
        if !inside || c == '[' {
            open.push(c);
        }
    }
    open
}

/// The mapping lines of a file: entries in braces, keys of steps, lines of the dictionary, of codes and of flags.
pub fn lines(file: usize, source: &SourceFile) -> Vec<Place<'_>> {
    let in_lists = source.path.starts_with("bodies/") || source.path.starts_with("services/");
    // A hundred fields that differ in their number alone: tests/golden.rs looks at each of them.
    let numbered = |text: &str| {
        let number = text
            .split_once("merchant_defined_data")
            .map(|(_, rest)| rest);
        let digits = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
        number.is_some_and(|rest| digits(rest) > 1 || rest.as_bytes()[0] > b'5')
    };
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
            // The names of processors are words of the configuration, and no mapping; currencies are a list of names.
            false => (is_entry || is_key) && !["[processor]", "[iso_currency]"].contains(&section),
        };
        if counts && !numbered(text) {
            let about = about(&source.path, text);
            found.push(Place {
                file,
                line,
                section,
                text,
                about,
            });
        }
    }
    found
}

pub fn exported(files: &[SourceFile]) -> Vec<String> {
    let Ok(tables) = compile(files) else {
        return Vec::new();
    };
    let text = |mapping| serde_json::to_string(&mapping).expect("JSON");
    mappings(&tables).into_iter().map(text).collect()
}
