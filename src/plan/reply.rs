//! The SCMP reply, built from the tables' lines.

use std::borrow::Cow;

use crate::mapping::condition::Facts;
use crate::mapping::field::Values;
use crate::mapping::flags::{LocalKind, Verdict};
use crate::mapping::reply::Replies;
use crate::mapping::tables::{Computed, Program, ReplyLine, ReplyValue, Source};
use crate::mapping::validate::Refusal;
use crate::mapping::{Settings, Tables};
use crate::scmp;

use super::{Context, History};

/// What became of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartOutcome {
    /// It was not run: the reply has nothing of it.
    NotRun,
    /// It went well.
    Done,
    /// It failed, at this step where it was one.
    Failed(Verdict, Option<usize>),
}

/// What a reply is built from, beside the facts.
pub struct Built<'b> {
    pub tables: &'b Tables,
    pub program: Option<&'b Program>,
    pub parts: &'b [PartOutcome],
    pub context: &'b Context,
    pub token: &'b str,
}

/// The reply to a request that is refused before any call: the first of its services speaks.
pub fn refused(
    tables: &Tables,
    program: Option<&Program>,
    refusal: &Refusal,
    request: &scmp::Request<'_>,
    context: &Context,
    history: &dyn History,
) -> (scmp::Reply, Verdict) {
    let verdict = tables
        .flags
        .local(refusal.kind, &refusal.field, &refusal.detail);
    let token = history.token(&context.request_id, None);
    let parts = [PartOutcome::Failed(verdict.clone(), None)];
    let built = Built {
        tables,
        program,
        parts: &parts,
        context,
        token: &token,
    };
    (
        without_calls(&built, &tables.dictionary.values(request)),
        verdict,
    )
}

/// The reply to something that could not be read as a request.
pub fn unreadable(
    tables: &Tables,
    kind: LocalKind,
    detail: &str,
    context: &Context,
) -> (scmp::Reply, Verdict) {
    let verdict = tables.flags.local(kind, "", detail);
    let parts = [PartOutcome::Failed(verdict.clone(), None)];
    let built = Built {
        tables,
        program: None,
        parts: &parts,
        context,
        token: "",
    };
    (
        without_calls(&built, &tables.dictionary.no_values()),
        verdict,
    )
}

fn without_calls(built: &Built<'_>, values: &Values<'_>) -> scmp::Reply {
    let steps = built.program.map_or(0, |program| program.steps.len());
    let (settings, replies) = (Settings::default(), Replies::new(steps));
    let facts = Facts {
        values,
        settings: &settings,
        variant: super::NO_VARIANT,
        replies: &replies,
        bodies: &[],
        method: None,
        offer: None,
        decimals: 2,
        kind: None,
        total: None,
        preauthorization: None,
        transaction_id: "",
        side: None,
    };
    build(built, facts)
}

/// Builds a reply. A failed service's part is its code, flag and text, and what the very call said that failed.
pub fn build(built: &Built<'_>, facts: Facts<'_>) -> scmp::Reply {
    let mut reply = scmp::Reply::default();
    let success = built.tables.flags.local(LocalKind::Success, "", "");
    // A service that runs by itself is none that the caller asked for: its failure decides nothing.
    let asked = |at: usize| {
        let part = built.program.and_then(|program| program.parts.get(at));
        part.is_none_or(|part| part.after.is_none())
    };
    let mut parts = built.parts.iter().enumerate();
    let failure = parts.find_map(|(at, part)| match part {
        PartOutcome::Failed(verdict, _) if asked(at) => Some(verdict),
        _ => None,
    });
    let decides = failure.unwrap_or(&success);
    let message = built
        .program
        .map_or(&built.tables.message, |program| &program.message);
    for line in message {
        add(&mut reply, built, facts, decides, line, |_| true);
    }
    let parts = built
        .program
        .iter()
        .flat_map(|program| &program.parts)
        .zip(built.parts);
    for (part, outcome) in parts {
        for line in &part.reply {
            match outcome {
                PartOutcome::NotRun => {}
                PartOutcome::Done => add(&mut reply, built, facts, &success, line, |_| true),
                PartOutcome::Failed(verdict, step) if is_verdict(line) || step.is_some() => {
                    add(
                        &mut reply,
                        built,
                        facts,
                        verdict,
                        line,
                        |source| match source {
                            Source::Computed(
                                Computed::Rcode | Computed::Rflag | Computed::Rmsg,
                            ) => true,
                            Source::Reply(place) => Some(place.step) == *step,
                            _ => false,
                        },
                    );
                }
                PartOutcome::Failed(..) => {}
            }
        }
    }
    reply
}

fn is_verdict(line: &ReplyLine) -> bool {
    use Computed::{Rcode, Rflag, Rmsg};
    matches!(&line.value, ReplyValue::From(sources)
        if matches!(sources[..], [Source::Computed(Rcode | Rflag | Rmsg)]))
}

fn add(
    reply: &mut scmp::Reply,
    built: &Built<'_>,
    facts: Facts<'_>,
    verdict: &Verdict,
    line: &ReplyLine,
    allowed: impl Fn(&Source) -> bool,
) {
    if !line.when.holds(facts) {
        return;
    }
    let (value, all) = match &line.value {
        ReplyValue::Nothing => (None, true),
        ReplyValue::Constant(text) => (Some(text.as_str().into()), allowed(&Source::Absent)),
        ReplyValue::From(sources) => {
            let mut open = sources.iter().filter(|source| allowed(source));
            let found = open.find_map(|source| value(built, facts, verdict, source, line));
            (found, sources.iter().all(&allowed))
        }
    };
    let default = line.default.as_deref().filter(|_| all).map(Cow::Borrowed);
    let value = match &line.value {
        ReplyValue::Constant(_) if !all => None,
        _ => value.or(default),
    };
    if let Some(value) = value {
        reply.push(&line.field, &value);
    }
}

fn value<'v>(
    built: &'v Built<'_>,
    facts: Facts<'v>,
    verdict: &'v Verdict,
    source: &Source,
    line: &ReplyLine,
) -> Option<Cow<'v, str>> {
    let raw: Cow<'v, str> = match source {
        Source::Absent => return None,
        Source::Field(field) => facts.values.get(*field)?.into(),
        Source::Reply(place) => facts.replies.text(place)?,
        Source::Status(step) => facts.replies.status(*step)?.into(),
        Source::Computed(computed) => match computed {
            Computed::Rcode => verdict.rcode.to_string().into(),
            Computed::Rflag => verdict.flag.as_str().into(),
            Computed::Rmsg => longest(&verdict.message).into(),
            Computed::RequestId => built.context.request_id.as_str().into(),
            // There is none before a merchant is known.
            Computed::RequestToken if built.token.is_empty() => return None,
            Computed::RequestToken => built.token.into(),
            Computed::Time => built.context.time.as_str().into(),
            Computed::Total | Computed::Preauthorization | Computed::TransactionId => {
                return None;
            }
        },
    };
    let codes = &built.tables.codes;
    Some(line.transform.from_rest(&raw, codes).into_owned().into())
}

/// A reply text has at most 255 characters (seed guide, Table 8).
fn longest(text: &str) -> &str {
    text.char_indices()
        .nth(255)
        .map_or(text, |(end, _)| &text[..end])
}
