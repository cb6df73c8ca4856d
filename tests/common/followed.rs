//! What requests are said to have made: later requests follow it by this.

use std::path::{Path, PathBuf};

use scmp_gateway::golden::Case;
use scmp_gateway::mapping::Tables;
use scmp_gateway::plan::{Next, Opened, open};
use scmp_gateway::rest::{Answer, Outcome};
use scmp_gateway::scmp;
use serde_json::Value;

/// What a case's request makes.
pub struct Followed {
    case: &'static str,
    /// The kind; none where there is nothing to follow.
    kind: Option<&'static str>,
    known: Case,
    request: String,
    calls: Value,
}

const MADE: [(&str, Option<&str>); 23] = [
    ("payments/auth/all-fields", Some("authorization")),
    ("payments/auth/declined-all-fields", Some("authorization")),
    ("bundles/auth-create/success", Some("authorization")),
    ("preauthorization/one", Some("authorization")),
    ("payments/incremental/of-the-same-id", Some("authorization")),
    ("payments/sale/all-fields", Some("sale")),
    ("bundles/auth-bill-create/no-token", Some("sale")),
    ("payments/bill/all-fields", Some("capture")),
    ("payments/bill/all-fields-verbal", Some("sale")),
    ("payments/credit/all-fields-of-capture", Some("refund")),
    ("payments/credit/all-fields-of-sale", Some("refund")),
    ("payments/credit/all-fields-alone", Some("credit")),
    ("payments/ecp-debit/all-fields", Some("debit")),
    ("payments/ecp-credit/all-fields-refund", Some("refund")),
    ("payments/ecp-credit/all-fields-alone", Some("credit")),
    ("payments/auth-reversal/all-fields", Some("reversal")),
    ("payments/void/capture", Some("void")),
    ("payments/void/sale", Some("void")),
    ("payments/void/refund", Some("void")),
    ("payments/void/credit", Some("void")),
    ("flags/pts/400-missing-field", None),
    ("follow-ons/void-unknown/404-everywhere", None),
    ("delete/card", None),
];

/// Every case of the list.
pub fn on_record() -> Vec<Followed> {
    MADE.map(|(case, kind)| followed(case, kind)).into()
}

fn followed(case: &'static str, kind: Option<&'static str>) -> Followed {
    let root = root();
    let folder = root.join(case);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file of the case");
    Followed {
        case,
        kind,
        known: Case::load(&root, &folder).expect("a case"),
        request: read("request.scmp"),
        calls: serde_json::from_str(&read("calls.json")).expect("JSON"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

impl Followed {
    /// What is wrong with what the request makes; all these cases have the same id.
    pub fn fault(&self, tables: &Tables) -> Option<String> {
        let id = || "4733322354176707701545".to_owned();
        let expected: Vec<_> = self
            .kind
            .map(|kind| (kind.to_owned(), id()))
            .into_iter()
            .collect();
        let made = self.made(tables);
        (made != expected).then(|| format!("{}: expected {expected:?}, got {made:?}", self.case))
    }

    /// Kinds and ids.
    fn made(&self, tables: &Tables) -> Vec<(String, String)> {
        let request = scmp::parse(&self.request, &tables.dictionary).expect("SCMP");
        let (settings, context) = (self.known.settings(), self.known.context());
        let opened = open(tables, |_| Some(&settings), &self.known, &request, &context);
        let Opened::Running(mut execution) = opened else {
            return Vec::new();
        };
        let mut replies = self.calls.as_array().expect("calls").iter();
        while let Next::Call { .. } = execution.next_call() {
            execution.answered(match replies.next() {
                Some(call) => answer(&call["reply"]),
                None => Outcome::NotSent(scmp_gateway::rest::Failure::InvalidCall {
                    host: String::new(),
                    reason: "nobody expected it",
                }),
            });
        }
        let made = execution.made();
        made.map(|made| (made.kind.into(), made.id.into()))
            .collect()
    }
}

fn answer(reply: &Value) -> Outcome {
    let status = reply["status"].as_u64().expect("a status");
    Outcome::Answered(Answer {
        status: u16::try_from(status).expect("a status"),
        etag: None,
        retry_after: None,
        body: reply["body"].to_string().into(),
        in_clear: false,
    })
}
