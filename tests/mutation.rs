//! Every line of the tables counts: without it the tables do not compile, or a golden case differs. And a line that is
//! wrong is found before any request comes, at its place.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use scmp_gateway::golden::{Case, load_all};
use scmp_gateway::mapping::compile::compile;
use scmp_gateway::mapping::diagnostic::Diagnostic;
use scmp_gateway::mapping::export::mappings;
use scmp_gateway::mapping::source::{SourceFile, embedded};

/// Lines of the tables that only `mappings export` shows: what is deliberately not sent, and what REST has nothing for.
const EXPORTED_ONLY: [&str; 3] = ["reason = ", "none = ", "override_payment_method "];

/// Lines on which nothing depends yet: file, section, how the line begins.
const UNUSED: [(&str, &str, &str); 22] = [
    // The total of offers is no total of a reversal.
    ("bodies/reversal.toml", "", "{ computed = \"@total\""),
    // Accepted, and nothing is done with them.
    ("fields/payment.toml", "", "avs_level "),
    ("fields/payment.toml", "", "payment_request_id "),
    ("fields/payment.toml", "", "payment_request_token "),
    ("fields/payment.toml", "", "purchaser_code "),
    ("fields/payment.toml", "", "supplier_order_reference "),
    // The same as a more general line further down.
    (
        "flags.toml",
        "",
        "{ group = \"pts\", http = \"400\", type = \"INVALID_DATA\", flag",
    ),
    ("flags.toml", "", "{ group = \"pts\", http = \"2xx\""),
    // What a request made is looked at in tests/golden.rs.
    ("services/", "[[step]]", "makes = "),
    // Members that no line of a body or a reply names; `status` is read for the flag.
    ("rest/pts.toml", "_reply]", "\"status\""),
    (
        "rest/pts.toml",
        "[resources.payment_reply]",
        "\"tokenInformation.shippingAddress.id\"",
    ),
    (
        "rest/pts.toml",
        "[resources.payment]",
        "\"paymentInformation.tokenizedCard.securityCode\"",
    ),
    (
        "rest/pts.toml",
        "[resources.reversal]",
        "\"orderInformation.lineItems[].quantity\"",
    ),
    (
        "rest/pts.toml",
        "[resources.reversal]",
        "\"orderInformation.lineItems[].unitPrice\"",
    ),
    (
        "rest/pts.toml",
        "[resources.reversal]",
        "\"processingInformation.actionList[]\"",
    ),
    (
        "rest/pts.toml",
        "[resources.reversal]",
        "\"processingInformation.linkId\"",
    ),
    (
        "rest/pts.toml",
        "[resources.reversal]",
        "\"processingInformation.paymentSolution\"",
    ),
    (
        "rest/pts.toml",
        "[resources.reversal]",
        "\"processingInformation.reconciliationId\"",
    ),
    (
        "rest/pts.toml",
        "[resources.void]",
        "\"orderInformation.amountDetails.currency\"",
    ),
    (
        "rest/pts.toml",
        "[resources.void]",
        "\"orderInformation.amountDetails.totalAmount\"",
    ),
    (
        "rest/pts.toml",
        "[resources.void]",
        "\"paymentInformation.paymentType.name\"",
    ),
    (
        "rest/pts.toml",
        "[resources.void]",
        "\"processingInformation.actionList[]\"",
    ),
];

/// How many lines are deleted at once, where it can be told which of them was missed.
const BATCH: usize = 24;

/// How many cases are asked about a batch.
const ASKED: usize = 60;

struct Bench {
    files: Vec<SourceFile>,
    cases: Vec<Case>,
    /// The words of each case's files.
    words: Vec<HashSet<String>>,
    exported: Vec<String>,
}

/// What the cases said of changed tables, as far as they were asked.
enum Said {
    Faults(Vec<String>),
    Differences(Vec<String>),
}

impl Bench {
    fn new() -> Bench {
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
            words: words.collect(),
            cases,
            files,
        }
    }

    /// The tables with some lines of one file replaced.
    fn with(&self, file: usize, replaced: &[(usize, &str)]) -> Vec<SourceFile> {
        let mut files = self.files.clone();
        let text = &mut files[file].text;
        let mut lines: Vec<&str> = self.files[file].text.lines().collect();
        for (at, line) in replaced {
            lines[*at] = line;
        }
        *text = lines.join("\n");
        files
    }

    /// The cases, those first that share most words with a text: what is likeliest to notice comes first.
    fn likeliest(&self, text: &str) -> Vec<usize> {
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
    fn notices(&self, place: &Place<'_>, line: &str) -> bool {
        let files = self.with(place.file, &[(place.line, line)]);
        let Ok(tables) = compile(&files) else {
            return true;
        };
        let differs = |at: &usize| !self.cases[*at].differences(&tables).is_empty();
        self.likeliest(place.text).iter().any(differs)
            || EXPORTED_ONLY.iter().any(|words| place.text.contains(words))
                && exported(&files) != self.exported
    }

    /// The mapping lines of all tables.
    fn lines(&self) -> Vec<Place<'_>> {
        let files = self.files.iter().enumerate();
        files.flat_map(|(at, file)| lines(at, file)).collect()
    }

    fn shown(&self, place: &Place<'_>) -> String {
        let shown = &self.files[place.file].shown;
        format!("{shown}:{}: {}", place.line + 1, place.text.trim())
    }

    /// Which of these replacements nothing noticed, found by two threads.
    fn survivors<'p>(&self, changes: Vec<(&'p Place<'p>, String)>) -> Vec<String> {
        assert!(!changes.is_empty(), "no line was changed");
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
    fn unclear<'p>(&self, batch: &[&'p Place<'p>]) -> Vec<&'p Place<'p>> {
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
fn words(text: &str) -> HashSet<String> {
    let split = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    split
        .filter(|word| word.len() > 1)
        .map(str::to_owned)
        .collect()
}

/// A line of a table.
struct Place<'f> {
    file: usize,
    line: usize,
    section: &'f str,
    text: &'f str,
    /// The member, reply field or dictionary field that the line is about, where its absence can be told by name.
    about: Option<About<'f>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum About<'f> {
    /// A member of a REST body.
    Member(&'f str),
    /// A field of a reply.
    Reply(&'f str),
    /// A field of the dictionary.
    Field(&'f str),
}

impl Place<'_> {
    /// Whether what was said is said of this line.
    fn is_told(&self, said: &Said) -> bool {
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
fn about<'f>(path: &str, text: &'f str) -> Option<About<'f>> {
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
fn without_indices(line: &str) -> String {
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
fn lines(file: usize, source: &SourceFile) -> Vec<Place<'_>> {
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
    // When a field is dropped is seen by `mappings export` alone.
    if key == "when" && text.contains("reason = ") {
        return true;
    }
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

/// Lines that are about different things are deleted together: what is missed by name counts as noticed, and only the
/// others are deleted one by one.
#[test]
fn no_line_can_be_deleted() {
    let bench = Bench::new();
    let places = bench.lines();
    let mut batches: Vec<Vec<&Place<'_>>> = Vec::new();
    let mut alone: Vec<&Place<'_>> = Vec::new();
    for file in 0..bench.files.len() {
        let path = bench.files[file].path.as_str();
        let sampled = |place: &Place<'_>| {
            all_lines() || place.line.is_multiple_of(6) || !is_payment(path, place.text)
        };
        let used =
            |place: &&Place<'_>| place.file == file && sampled(place) && !is_unused(&bench, place);
        let (named, others): (Vec<_>, Vec<_>) = places
            .iter()
            .filter(used)
            .partition(|place| place.about.is_some());
        alone.extend(others);
        // Neighbours go apart: of an object that is missing as a whole no member is named.
        let mut shared: Vec<Vec<&Place<'_>>> = vec![Vec::new(); named.len() / BATCH + 1];
        for (at, place) in named.into_iter().enumerate() {
            let count = shared.len();
            let batch = &mut shared[at % count];
            match batch.iter().all(|other| other.about != place.about) {
                true => batch.push(place),
                false => alone.push(place),
            }
        }
        batches.extend(shared);
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut unclear = Vec::new();
        while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
            unclear.extend(bench.unclear(batch));
        }
        unclear
    };
    let unclear = std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads
            .map(|thread| thread.join().expect("no panic"))
            .concat()
    });
    println!(
        "{} batches, {} alone, {} unclear",
        batches.len(),
        alone.len(),
        unclear.len()
    );
    alone.extend(unclear);
    let changes = alone.into_iter().map(|place| (place, String::new()));
    let survivors = bench.survivors(changes.collect());
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

fn is_unused(bench: &Bench, place: &Place<'_>) -> bool {
    let path = &bench.files[place.file].path;
    let is = |(file, section, start): &(&str, &str, &str)| {
        path.starts_with(file)
            && place.section.ends_with(section)
            && place.text.trim().starts_with(start)
    };
    UNUSED.iter().any(is)
}

/// Whether a line belongs to payments. There are so many that one in six is looked at; with the variable
/// SCMP_GATEWAY_TEST_ALL_LINES all of them are, and every part of them, which takes its time.
fn is_payment(path: &str, text: &str) -> bool {
    let files = [
        "services/ics_auth",
        "services/ics_bill",
        "services/ics_credit",
        "services/ics_void",
        "services/ics_ecp",
        "bodies/payment",
        "bodies/reversal",
        "bodies/void",
        "rest/pts",
        "fields/payment",
        "fields/offers",
        "fields/merchant_data",
    ];
    files.iter().any(|file| path.starts_with(file))
        || text.contains("group = \"pts\"")
        || text.contains("ics_ecp_debit")
}

fn all_lines() -> bool {
    std::env::var_os("SCMP_GATEWAY_TEST_ALL_LINES").is_some()
}

fn is_swept(path: &str, text: &str) -> bool {
    all_lines() || !is_payment(path, text)
}

#[test]
fn no_part_of_a_line_can_be_deleted() {
    let bench = Bench::new();
    let places = bench.lines();
    let mut changes = Vec::new();
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
        "unblamed",
        "wrong_id",
        "status",
    ] {
        for place in &places {
            let file = &bench.files[place.file].path;
            let kept = is_swept(file, place.text) && !is_redundant(key, file, place.text);
            let line = without(place.text, key).filter(|_| kept);
            changes.extend(line.map(|line| (place, line)));
        }
    }
    let survivors = bench.survivors(changes);
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
    let places = bench.lines();
    let mut changes = Vec::new();
    let swept = |place: &&Place<'_>| is_swept(&bench.files[place.file].path, place.text);
    for place in places.iter().filter(swept) {
        let shorter = without_one_of_several(place.text).into_iter();
        changes.extend(shorter.map(|line| (place, line)));
    }
    let survivors = bench.survivors(changes);
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

/// Many lines of a body are wrong at once, and each is told.
#[test]
fn a_wrong_letter_in_a_body_is_found_at_its_place() {
    let bench = Bench::new();
    let places = bench.lines();
    let mut changed = 0;
    for (at, file) in bench.files.iter().enumerate() {
        let lines = places.iter().filter(|place| place.file == at);
        let wrong = lines.map(|place| {
            let (before, path) = place
                .text
                .split_once("path = \"")
                .expect("a body line has a path");
            (place.line, format!("{before}path = \"q{path}"))
        });
        if !file.path.starts_with("bodies/") {
            continue;
        }
        // The search for what was meant takes its time: of a long body one line in ten will do.
        let every = if file.text.lines().count() > 100 {
            10
        } else {
            1
        };
        let wrong: Vec<(usize, String)> = wrong.step_by(every).collect();
        let replaced: Vec<(usize, &str)> = wrong
            .iter()
            .map(|(line, text)| (*line, text.as_str()))
            .collect();
        let faults = faults(&bench.with(at, &replaced));
        let places: HashSet<_> = faults
            .iter()
            .map(|fault| (&fault.file, fault.line))
            .collect();
        let expected: HashSet<_> = wrong
            .iter()
            .map(|(line, _)| (&file.shown, Some(line + 1)))
            .collect();
        assert_eq!(places, expected, "{faults:#?}");
        for fault in &faults {
            let says = |words: &str| fault.message.contains(words);
            assert!(
                says("is not a member of the REST object") && says("; did you mean \""),
                "{fault}"
            );
        }
        changed += wrong.len();
    }
    assert!(changed > 70, "{changed} lines");
}

fn faults(files: &[SourceFile]) -> Vec<Diagnostic> {
    compile(files).err().unwrap_or_default()
}
