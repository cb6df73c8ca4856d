//! The stages of the pure path, for benchmarks and for the test that counts allocations.

use bytes::Bytes;
use scmp_gateway::mapping::{Settings, Tables, compile::compile, source};
use scmp_gateway::plan::{Context, Execution, History, Next, Opened, open};
use scmp_gateway::rest::{Answer, Outcome};
use scmp_gateway::scmp::{self, Charset};

/// A payment's reply, as REST sends it.
const PAYMENT: &str = include_str!("payment.json");

/// A request of the kind that shops send.
pub struct Sample {
    /// Its name in the results.
    pub name: &'static str,
    /// What the shop sends.
    pub text: &'static str,
    /// What REST answers to each of its calls.
    pub replies: Vec<Bytes>,
}

/// The samples: by how many fields they have.
pub fn samples() -> Vec<Sample> {
    let sample = |name, text, replies: &[&'static str]| Sample {
        name,
        text,
        replies: replies
            .iter()
            .map(|text| Bytes::from_static(text.as_bytes()))
            .collect(),
    };
    let created = [
        r#"{"id":"7010000000016241111","object":"instrumentIdentifier","state":"ACTIVE","card":{"number":"411111XXXXXX1111"}}"#,
        r#"{"id":"AB695DA801DD1BB6E05341588E0A3BDC","clientReferenceInformation":{"code":"order"}}"#,
        r#"{"id":"AB6A54B982A6FCB6E05341588E0A3935","default":true,"state":"ACTIVE"}"#,
        r#"{"id":"AB6A54B97C00FCB6E05341588E0A3935","default":true}"#,
    ];
    vec![
        sample("capture-12", include_str!("capture_12.scmp"), &[PAYMENT]),
        sample("auth-30", include_str!("auth_30.scmp"), &[PAYMENT]),
        sample("auth-45", include_str!("auth_45.scmp"), &[PAYMENT]),
        sample("create-45", include_str!("create_45.scmp"), &created),
        sample(
            "sale-60-offers",
            include_str!("sale_60_offers.scmp"),
            &[PAYMENT],
        ),
    ]
}

/// What a request needs beside its text.
pub struct Bench {
    pub tables: Tables,
    settings: Settings,
    context: Context,
}

/// Nothing is known of earlier requests, and a token is a text.
struct Nothing;

impl History for Nothing {
    fn kind(&self, _id: &str, _token: Option<&str>) -> Option<String> {
        None
    }

    fn token(&self, _id: &str, _kind: Option<&str>) -> String {
        "AZOqPflLt8vXPV_l1fW6Dz8".to_owned()
    }
}

impl Bench {
    /// The embedded tables, and a merchant without special settings.
    pub fn new() -> Bench {
        Bench {
            tables: compile(&source::embedded()).expect("the embedded tables are right"),
            settings: Settings::default(),
            context: Context {
                request_id: "7958361234567890123456".into(),
                time: "2026-11-27T150000Z".into(),
            },
        }
    }

    /// Validates and plans.
    pub fn opened<'b>(&'b self, request: &'b scmp::Request<'_>) -> Execution<'b> {
        let settings = |_: &str| Some(&self.settings);
        match open(&self.tables, settings, &Nothing, request, &self.context) {
            Opened::Running(execution) => execution,
            Opened::Refused(refused) => panic!("refused: {}", refused.verdict.message),
        }
    }

    /// From a sample's bytes to the bytes of its reply, without network.
    pub fn whole(&self, sample: &Sample) -> Vec<u8> {
        let text = Charset::guess(sample.text.as_bytes());
        let text = text.decode(sample.text.as_bytes()).expect("UTF-8");
        let request = scmp::parse(&text, &self.tables.dictionary).expect("a request");
        let mut execution = self.opened(&request);
        execute(&mut execution, sample);
        execution.finish().0.into_bytes(Charset::Utf8)
    }
}

/// Makes the calls of an execution; their answers are the sample's.
pub fn execute(execution: &mut Execution<'_>, sample: &Sample) {
    let mut replies = sample.replies.iter();
    while let Next::Call { .. } = execution.next_call() {
        let body = replies.next().expect("a reply to each call").clone();
        execution.answered(answer(body));
    }
}

/// The answer of a host that made something.
pub fn answer(body: Bytes) -> Outcome {
    Outcome::Answered(Answer {
        status: 201,
        etag: None,
        retry_after: None,
        body,
        in_clear: false,
    })
}
