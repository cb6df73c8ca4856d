//! The SCMP reply, built from the tables' lines.

use std::borrow::Cow;

use crate::mapping::condition::Facts;
use crate::mapping::field::Values;
use crate::mapping::flags::{LocalKind, Verdict};
use crate::mapping::reply::Replies;
use crate::mapping::tables::{Computed, ReplyLine, ReplyValue, Service, Source};
use crate::mapping::validate::Refusal;
use crate::mapping::{Settings, Tables};
use crate::scmp;

use super::Context;

/// What a reply is built from, beside the facts.
pub struct Built<'b> {
    pub tables: &'b Tables,
    pub service: Option<&'b Service>,
    pub verdict: &'b Verdict,
    pub context: &'b Context,
}

/// The reply to a request that is refused before any call.
pub fn refused(
    tables: &Tables,
    service: Option<&Service>,
    refusal: &Refusal,
    request: &scmp::Request<'_>,
    context: &Context,
) -> (scmp::Reply, Verdict) {
    let verdict = tables
        .flags
        .local(refusal.kind, &refusal.field, &refusal.detail);
    let built = Built {
        tables,
        service,
        verdict: &verdict,
        context,
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
    let built = Built {
        tables,
        service: None,
        verdict: &verdict,
        context,
    };
    (
        without_calls(&built, &tables.dictionary.no_values()),
        verdict,
    )
}

fn without_calls(built: &Built<'_>, values: &Values<'_>) -> scmp::Reply {
    let (settings, replies) = (Settings::default(), Replies::new(0));
    let facts = Facts {
        values,
        settings: &settings,
        variant: 0,
        replies: &replies,
        bodies: &[],
        method: None,
    };
    build(built, facts, false)
}

/// Builds a reply. After a failure a service's part is its code, flag and text alone.
pub fn build(built: &Built<'_>, facts: Facts<'_>, success: bool) -> scmp::Reply {
    let mut reply = scmp::Reply::default();
    for line in &built.tables.message {
        add(&mut reply, built, facts, line);
    }
    for line in built.service.iter().flat_map(|service| &service.reply) {
        if success || is_verdict(line) {
            add(&mut reply, built, facts, line);
        }
    }
    reply
}

fn is_verdict(line: &ReplyLine) -> bool {
    use Computed::{Rcode, Rflag, Rmsg};
    matches!(&line.value, ReplyValue::From(sources)
        if matches!(sources[..], [Source::Computed(Rcode | Rflag | Rmsg)]))
}

fn add(reply: &mut scmp::Reply, built: &Built<'_>, facts: Facts<'_>, line: &ReplyLine) {
    if !line.when.holds(facts) {
        return;
    }
    let value = match &line.value {
        ReplyValue::Nothing => None,
        ReplyValue::Constant(text) => Some(text.as_str().into()),
        ReplyValue::From(sources) => sources
            .iter()
            .find_map(|source| value(built, facts, source, line)),
    };
    if let Some(value) = value.or(line.default.as_deref().map(Cow::Borrowed)) {
        reply.push(&line.field, &value);
    }
}

fn value<'v>(
    built: &'v Built<'_>,
    facts: Facts<'v>,
    source: &Source,
    line: &ReplyLine,
) -> Option<Cow<'v, str>> {
    let raw: Cow<'v, str> = match source {
        Source::Field(field) => facts.values.get(*field)?.into(),
        Source::Reply(place) => facts.replies.text(place)?,
        Source::Status(step) => facts.replies.status(*step)?.into(),
        Source::Computed(computed) => match computed {
            Computed::Rcode => built.verdict.rcode.to_string().into(),
            Computed::Rflag => built.verdict.flag.as_str().into(),
            Computed::Rmsg => built.verdict.message.as_str().into(),
            Computed::RequestId => built.context.request_id.as_str().into(),
            Computed::RequestToken => match built.context.request_token.as_str() {
                // There is none before a merchant is known.
                "" => return None,
                token => token.into(),
            },
            Computed::Time => built.context.time.as_str().into(),
        },
    };
    let codes = &built.tables.codes;
    Some(line.transform.from_rest(&raw, codes).into_owned().into())
}
