//! Running a case: the plan's calls are answered from `calls.json`.

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::mapping::Tables;
use crate::mapping::flags::LocalKind;
use crate::plan::find::Settling;
use crate::plan::settle::{End, Task, conclude};
use crate::plan::{Change, Execution, Fate, History, Next, Opened, SideWork, open, unreadable};
use crate::rest::{Answer, Call, Failure, Outcome};
use crate::scmp::{self, Reply};

use super::case::{CannedReply, Case, ExpectedCall, NoReply};

/// What a case gives.
#[derive(Debug)]
pub struct Produced {
    /// The calls, each with the answer that it got.
    pub calls: Vec<ExpectedCall>,
    /// The reply.
    pub reply: Reply,
    /// The names of fields that nothing is done with, sorted.
    pub unmapped: Vec<String>,
    /// What its calls left unknown, and how that ended.
    pub left: Vec<String>,
    /// What it does with values that are too long for REST.
    pub side: Vec<String>,
}

impl Produced {
    fn refused(reply: Reply) -> Produced {
        Produced {
            calls: Vec::new(),
            reply,
            unmapped: Vec::new(),
            left: Vec::new(),
            side: Vec::new(),
        }
    }
}

impl History for Case {
    fn kind(&self, id: &str, _token: Option<&str>) -> Option<String> {
        self.about.context.kinds.get(id).cloned()
    }

    fn token(&self, _id: &str, _kind: Option<&str>) -> String {
        self.about.context.request_token.clone()
    }
}

/// Runs a case.
pub fn produce(case: &Case, tables: &Tables) -> Produced {
    let request = match scmp::parse(&case.request, &tables.dictionary) {
        Ok(request) => request,
        Err(error) => {
            let detail = error.to_string();
            let said = unreadable(tables, LocalKind::Malformed, &detail, &case.context());
            return Produced::refused(said.0);
        }
    };
    let settings = case.settings();
    let context = case.context();
    let mut execution = match open(tables, |_| Some(&settings), case, &request, &context) {
        Opened::Refused(refused) => return Produced::refused(refused.reply),
        Opened::Running(execution) => execution,
    };
    let mut calls: Vec<ExpectedCall> = Vec::new();
    let mut tasks: Vec<Task> = Vec::new();
    let mut side: Vec<String> = Vec::new();
    loop {
        let (call, step, purpose) = match execution.next_call() {
            Next::Call {
                call,
                step,
                purpose,
            } => (call, step, purpose),
            Next::Side(work) => {
                keep_aside(work, case, &mut execution, &mut side);
                continue;
            }
            Next::Done => break,
        };
        // A case with too few answers must end: a call that nobody expected is not answered.
        let expected = case.calls.get(calls.len());
        let reply = expected.map_or(CannedReply::None(NoReply::NotSent), |call| {
            call.reply.clone()
        });
        let change = execution.change(&call, purpose);
        let fate = execution.answered(outcome(&reply));
        calls.push(produced(call, reply));
        if let (Fate::Unknown, Some(change)) = (fate, change) {
            tasks.extend(settling(step, change));
        }
    }
    let ends = execution.side_ends().iter();
    side.extend(ends.map(|end| {
        let stays = if end.stays { "stays" } else { "gone" };
        format!("{stays} {}", end.reference)
    }));
    let of = Settling {
        tables,
        settings: &settings,
        services: execution.services(),
    };
    for task in &mut tasks {
        settle(task, case, &of, &mut calls);
    }
    conclude(&mut tasks);
    let mut unmapped: Vec<String> = execution.unmapped().map(str::to_owned).collect();
    unmapped.sort();
    Produced {
        calls,
        reply: execution.finish().0,
        unmapped,
        left: tasks.iter().map(left).collect(),
        side,
    }
}

/// What settles a call and what it may leave behind; nothing where there is nothing to settle.
fn settling(step: &str, change: Change) -> impl Iterator<Item = Task> {
    // Where the tables have no way, there is nothing to settle; where they say nothing, nobody can.
    let is_nothing = change.ways.as_ref().is_some_and(Vec::is_empty);
    let task = (!is_nothing).then(|| Task::new(step, change.ways.unwrap_or_default()));
    let leftovers = change.leaves.map(|way| Task::leftovers(step, *way));
    task.into_iter().chain(leftovers)
}

/// Keeps values aside, or gives back those that the case has.
fn keep_aside(work: SideWork, case: &Case, execution: &mut Execution<'_>, told: &mut Vec<String>) {
    let context = &case.about.context;
    match work {
        SideWork::Keep(work) => {
            told.extend(work.values.iter().map(|value| {
                let characters = value.text.chars().count();
                let (place, member) = (&work.place, &value.member);
                format!(
                    "keep {} {place} {member} ({characters} characters)",
                    value.reference
                )
            }));
            let replaced = work.replaced.iter();
            told.extend(replaced.map(|reference| format!("doubt {reference}")));
            execution.kept(!context.side_fails);
        }
        SideWork::Recall(wanted) => {
            told.extend(wanted.iter().map(|wanted| {
                format!(
                    "recall {} {} {}",
                    wanted.reference, wanted.place, wanted.member
                )
            }));
            let values = wanted
                .iter()
                .map(|wanted| context.side.get(&wanted.reference));
            execution.recalled(values.map(Option::<&String>::cloned).collect());
        }
    }
}

/// Settles what is not known, for as long as the case has answers. The time to look for a lost call is over once a look
/// does not find it; a search that is refused is none.
fn settle(task: &mut Task, case: &Case, of: &Settling<'_>, calls: &mut Vec<ExpectedCall>) {
    while let (Some(call), Some(expected)) = (task.call(), case.calls.get(calls.len())) {
        let reply = expected.reply.clone();
        task.attempted();
        let refused = matches!(&reply, CannedReply::Answer { status: 300.., .. });
        let looked = call.method == Method::GET || !refused;
        if !task.answered(of, &outcome(&reply)) && looked {
            task.stop_looking(true);
        }
        calls.push(produced(call, reply));
    }
}

fn left(task: &Task) -> String {
    let end = match task.end {
        None => "unknown",
        Some(End::Settled) => "settled",
        Some(End::Kept) => "kept",
        Some(End::Absent) => "absent",
        Some(End::Perhaps) => "perhaps",
        Some(End::Stuck) => "stuck",
    };
    let what = if task.leftovers { " (left behind)" } else { "" };
    format!("{}{what}: {end}", task.step)
}

fn produced(call: Call, reply: CannedReply) -> ExpectedCall {
    let body = call.body.as_deref().map(|bytes| {
        // A body that is no JSON would be a fault of the writer; shown as text it differs from any expectation.
        serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
    });
    ExpectedCall {
        method: call.method.to_string(),
        path: call.path,
        accept: call.accept.header().map(str::to_owned),
        if_match: call.if_match,
        body,
        reply,
    }
}

fn outcome(reply: &CannedReply) -> Outcome {
    let host = || "golden".to_owned();
    match reply {
        CannedReply::Answer {
            status,
            etag,
            body,
            text,
        } => Outcome::Answered(Answer {
            status: *status,
            etag: etag.clone(),
            retry_after: None,
            body: match (body, text) {
                (Some(body), _) => Bytes::from(body.to_string()),
                (None, Some(text)) => Bytes::from(text.clone()),
                (None, None) => Bytes::new(),
            },
            in_clear: false,
        }),
        CannedReply::None(NoReply::NotSent) => Outcome::NotSent(Failure::Connect {
            host: host(),
            reason: "golden case".into(),
        }),
        CannedReply::None(NoReply::Unknown) => Outcome::Unknown(Failure::Cut {
            host: host(),
            reason: "golden case".into(),
        }),
    }
}
