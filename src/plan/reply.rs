//! The SCMP reply, built from the tables' lines.

use std::borrow::Cow;

use crate::mapping::condition::Facts;
use crate::mapping::field::Values;
use crate::mapping::flags::{LocalKind, Verdict};
use crate::mapping::read::{LineText, Read};
use crate::mapping::reply::Replies;
use crate::mapping::tables::{Computed, Copied, Program, ReplyLine, ReplyValue, Source};
use crate::mapping::validate::Refusal;
use crate::mapping::{Settings, Tables};
use crate::scmp;

use super::{Context, History};

/// What became of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartOutcome<'v, 't> {
    /// It was not run: the reply has nothing of it.
    NotRun,
    /// It went well.
    Done,
    /// It failed, at this step where it was one.
    Failed(&'v Verdict<'t>, Option<usize>),
}

/// What a reply is built from, beside the facts.
pub struct Built<'b, 't> {
    pub tables: &'t Tables,
    pub program: Option<&'t Program>,
    /// What became of the service of a number.
    pub part: &'b dyn Fn(usize) -> PartOutcome<'b, 't>,
    pub context: &'b Context,
    pub token: &'b str,
}

/// The reply to a request that is refused before any call: the first of its services speaks.
pub fn refused<'t>(
    tables: &'t Tables,
    program: Option<&'t Program>,
    refusal: &Refusal,
    request: &scmp::Request<'_>,
    context: &Context,
    history: &dyn History,
) -> (scmp::Reply, Verdict<'t>) {
    let verdict = tables
        .flags
        .local(refusal.kind, &refusal.field, &refusal.detail);
    let token = history.token(&context.request_id, None);
    let values = Values::of(request);
    let reply = without_calls(tables, program, &verdict, context, &token, &values);
    (reply, verdict)
}

/// The reply to something that could not be read as a request.
pub fn unreadable<'t>(
    tables: &'t Tables,
    kind: LocalKind,
    detail: &str,
    context: &Context,
) -> (scmp::Reply, Verdict<'t>) {
    let verdict = tables.flags.local(kind, "", detail);
    let values = Values::none();
    let reply = without_calls(tables, None, &verdict, context, "", &values);
    (reply, verdict)
}

fn without_calls<'t>(
    tables: &'t Tables,
    program: Option<&'t Program>,
    verdict: &Verdict<'t>,
    context: &Context,
    token: &str,
    values: &Values<'_>,
) -> scmp::Reply {
    let (settings, replies) = (Settings::default(), Replies::none());
    let facts = Facts::without_request(values, &settings, &replies, &[]);
    let built = Built {
        tables,
        program,
        part: &|part| match part {
            0 => PartOutcome::Failed(verdict, None),
            _ => PartOutcome::NotRun,
        },
        context,
        token,
    };
    build(&built, &facts)
}

/// Builds a reply. A failed service's part is its code, flag and text, and what the very call said that failed.
pub fn build(built: &Built<'_, '_>, facts: &Facts<'_>) -> scmp::Reply {
    let mut reply = scmp::Reply::default();
    let success = built.tables.flags.local(LocalKind::Success, "", "");
    let parts = built.program.map_or(&[][..], |program| &program.parts);
    // A service that runs by itself is none that the caller asked for: its failure decides nothing. Where no service is
    // known, what is wrong is told as if it were the first one's.
    let asked = |at: &usize| parts.get(*at).is_none_or(|part| part.after.is_none());
    let mut numbers = (0..parts.len().max(1)).filter(asked);
    let failure = numbers.find_map(|at| match (built.part)(at) {
        PartOutcome::Failed(verdict, _) => Some(verdict),
        _ => None,
    });
    let decides = failure.unwrap_or(&success);
    let message = built
        .program
        .map_or(&built.tables.message, |program| &program.message);
    for line in message {
        add(&mut reply, built, facts, decides, line, |_| true);
    }
    for (at, part) in parts.iter().enumerate() {
        match (built.part)(at) {
            PartOutcome::NotRun => {}
            PartOutcome::Done => {
                debug_assert_eq!(part.reply.len(), part.copied.len());
                for (line, copied) in part.reply.iter().zip(&part.copied) {
                    let read = |copied: &Copied| facts.replies.read(copied.step);
                    match copied.as_ref().map(|copied| (copied, read(copied))) {
                        Some((copied, Some(read))) => copy(&mut reply, copied, read),
                        _ => add(&mut reply, built, facts, &success, line, |_| true),
                    }
                }
            }
            PartOutcome::Failed(verdict, step) => {
                let told = |source: &Source| match source {
                    Source::Computed(Computed::Rcode | Computed::Rflag | Computed::Rmsg) => true,
                    Source::Reply(place) => Some(place.step) == step,
                    _ => false,
                };
                let lines = part.reply.iter();
                for line in lines.filter(|line| step.is_some() || is_verdict(line)) {
                    add(&mut reply, built, facts, verdict, line, told);
                }
            }
        }
    }
    reply
}

fn copy(reply: &mut scmp::Reply, copied: &Copied, read: &Read) {
    match read.line(copied.slot) {
        None => {}
        Some(LineText::Fits(text)) => reply.append_line(&copied.begin, text),
        Some(LineText::Any(text)) => reply.append(copied.begin.trim_end_matches('='), &text),
    }
}

fn is_verdict(line: &ReplyLine) -> bool {
    use Computed::{Rcode, Rflag, Rmsg};
    matches!(&line.value, ReplyValue::From(sources)
        if matches!(sources[..], [Source::Computed(Rcode | Rflag | Rmsg)]))
}

fn add(
    reply: &mut scmp::Reply,
    built: &Built<'_, '_>,
    facts: &Facts<'_>,
    verdict: &Verdict<'_>,
    line: &ReplyLine,
    allowed: impl Fn(&Source) -> bool,
) {
    if !line.when.holds(facts) {
        return;
    }
    let push = |reply: &mut scmp::Reply, value: &str| match line.alone {
        true => reply.append(&line.field, value),
        false => reply.push(&line.field, value),
    };
    match &line.value {
        ReplyValue::Nothing => {
            if let Some(default) = &line.default {
                push(reply, default);
            }
        }
        ReplyValue::Constant(text) => {
            if allowed(&Source::Absent) {
                push(reply, text);
            }
        }
        ReplyValue::From(sources) => {
            let mut open = sources.iter().filter(|source| allowed(source));
            let found = open.find_map(|source| value(built, facts, verdict, source));
            if let Some(raw) = found {
                push(reply, &line.transform.from_rest(&raw, &built.tables.codes));
            } else if let Some(default) = &line.default
                && sources.iter().all(&allowed)
            {
                push(reply, default);
            }
        }
    }
}

fn value<'v>(
    built: &'v Built<'_, '_>,
    facts: &Facts<'v>,
    verdict: &'v Verdict<'_>,
    source: &Source,
) -> Option<Cow<'v, str>> {
    Some(match source {
        Source::Absent => return None,
        Source::Field(field) => facts.values.get(*field)?.into(),
        Source::Reply(place) => facts.replies.text(place)?,
        Source::Status(step) => facts.replies.status(*step)?.into(),
        Source::Computed(computed) => match computed {
            Computed::Rcode => match verdict.rcode {
                0 => "0".into(),
                1 => "1".into(),
                other => other.to_string().into(),
            },
            Computed::Rflag => verdict.flag.into(),
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
    })
}

/// A reply text has at most 255 characters (seed guide, Table 8).
fn longest(text: &str) -> &str {
    const MOST: usize = 255;
    if text.len() <= MOST {
        return text;
    }
    text.char_indices()
        .nth(MOST)
        .map_or(text, |(end, _)| &text[..end])
}
