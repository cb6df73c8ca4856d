//! From a request to REST calls, and from their replies to the SCMP reply.
//!
//! A [`Plan`] is a request that has been checked: its service, its values, the way in which it is meant. An
//! [`Execution`] walks the service's steps: [`Execution::next_call`] says which call to make, [`Execution::answered`] takes
//! what became of it. Whoever drives it owns the network: the gateway a REST client, the golden runner a script, a
//! translation nothing at all.
//!
//! Invariants: no I/O, no clock, no randomness (a [`Context`] brings what they give); no SCMP or REST name stands in this
//! code; an unknown outcome is never taken for a failure.

mod after;
mod calls;
mod change;
mod execution;
pub mod find;
mod judge;
mod keep;
mod reply;
mod select;
pub mod settle;
mod side;
mod side_values;
mod told;
mod total;
mod transaction;

use crate::mapping::condition::{Facts, NO_VARIANT};
use crate::mapping::field::{FieldId, Values};
use crate::mapping::flags::{LocalKind, Verdict};
use crate::mapping::mask::is_masked;
use crate::mapping::reply::Replies;
use crate::mapping::tables::Program;
use crate::mapping::validate::{Refusal, refusals};
use crate::mapping::{Settings, Tables};
use crate::scmp;

use compact_str::CompactString;
use smallvec::SmallVec;

pub use change::{Change, Fate};
pub use execution::{Execution, Made, Next, Purpose, Summary};
pub use reply::unreadable;
pub use select::{SelectError, select};
pub use side::{Keeping, KeptValue, SideEnd, SideWork, Wanted};

use reply::refused;

/// What only the world outside can give to a request.
#[derive(Debug, Clone)]
pub struct Context {
    /// The id of this request: 22 digits.
    pub request_id: CompactString,
    /// The time, `YYYY-MM-DDThhmmssZ` in UTC.
    pub time: CompactString,
}

/// What is known of earlier requests of the merchant.
pub trait History: Sync {
    /// What the request of this id made, e.g. `sale`: by what this gateway did, or by the token that came with the id.
    fn kind(&self, id: &str, token: Option<&str>) -> Option<String>;

    /// The opaque token to go out with an id and what it names.
    fn token(&self, id: &str, kind: Option<&str>) -> String;
}

/// The way in which each service of a request is meant: there are mostly one or two.
type Variants = SmallVec<[u8; 4]>;

/// A request whose services are known and whose values have been checked.
pub struct Plan<'p> {
    tables: &'p Tables,
    program: &'p Program,
    settings: &'p Settings,
    values: Values<'p>,
    variants: Variants,
    decimals: usize,
    total: Option<String>,
    kind: Option<String>,
    preauthorization: Option<String>,
}

impl<'p> Plan<'p> {
    /// Plans a request, or says everything that is wrong with it, first things first.
    pub fn new(
        tables: &'p Tables,
        program: &'p Program,
        settings: &'p Settings,
        history: &dyn History,
        request: &'p scmp::Request<'_>,
    ) -> Result<Plan<'p>, (Refusal, Vec<Refusal>)> {
        let values = Values::of(request);
        let decimals = tables.decimals(&values);
        let total = program
            .total
            .and_then(|rule| total::total(rule, &values, decimals));
        let kind = program.follow_on.and_then(|follow_on| {
            history.kind(values.get(follow_on.id)?, values.get(follow_on.token))
        });
        let variants = Variants::new();
        let may_verify = !program.instead.is_empty();
        let amount = may_verify.then(|| tables.preauthorization(settings, &values));
        let preauthorization = amount.flatten().map(str::to_owned);
        let mut plan = Plan {
            tables,
            program,
            settings,
            values,
            variants,
            decimals,
            total,
            kind,
            preauthorization,
        };
        plan.go_instead();
        let program = plan.program;
        let none = Replies::none();
        plan.variants = plan.meant(&none);
        let mut set_aside = false;
        for rule in &program.unchanged {
            let masked = plan.values.get(rule.field).is_some_and(is_masked);
            if masked && rule.when.holds(&plan.facts(&none, 0)) {
                plan.values.set_aside(rule.field);
                set_aside = true;
            }
        }
        if set_aside {
            plan.variants = plan.meant(&none);
        }
        let mut found = refusals(tables, program, |part| plan.facts(&none, part)).into_iter();
        match found.next() {
            None => Ok(plan),
            Some(first) => Err((first, found.collect())),
        }
    }

    /// Takes the program that runs in place of the one that was asked for, if one does.
    fn go_instead(&mut self) {
        if self.program.instead.is_empty() {
            return;
        }
        let none = Replies::none();
        self.variants = self.meant(&none);
        let facts = self.facts(&none, 0);
        let mut instead = self.program.instead.iter();
        let other = instead.find(|(when, _)| when.holds(&facts));
        if let Some(program) = other.and_then(|(_, key)| self.tables.programs.get(key)) {
            self.program = program;
        }
    }

    /// The way in which each service is meant.
    fn meant(&self, none: &Replies) -> Variants {
        let mut variants = Variants::new();
        let facts = self.facts(none, 0);
        for ways in &self.program.variants {
            let meant = ways.iter().find(|way| way.when.holds(&facts));
            let first = variants.first().copied().unwrap_or(NO_VARIANT);
            variants.push(meant.map_or(first, |way| way.id));
        }
        variants
    }

    /// Names of fields that came and that nothing is done with: unknown ones, and those that these services do not send.
    pub fn unmapped(&self) -> impl Iterator<Item = &str> {
        let dictionary = &self.tables.dictionary;
        let none = Replies::none();
        let used = move |id: &FieldId| self.program.uses(*id, |part| self.facts(&none, part));
        let known = self.values.present().filter(move |id| !used(id));
        let known = known.map(|id| dictionary.get(id).name.as_str());
        self.values.unknown().chain(known)
    }

    /// How many fields came that nothing is done with.
    fn unmapped_count(&self) -> usize {
        let none = Replies::none();
        let used = |id| self.program.uses(id, |part| self.facts(&none, part));
        self.values.count_without(used)
    }

    /// The facts as the service of this number sees them.
    fn facts<'f>(&'f self, replies: &'f Replies, part: usize) -> Facts<'f> {
        let variant = self.variants.get(part).copied().unwrap_or(NO_VARIANT);
        Facts {
            values: &self.values,
            settings: self.settings,
            variant,
            replies,
            bodies: &self.program.bodies,
            method: None,
            offer: None,
            decimals: self.decimals,
            kind: self.kind.as_deref(),
            total: self.total.as_deref(),
            preauthorization: self.preauthorization.as_deref(),
            transaction_id: "",
            side: None,
        }
    }
}

/// The field that names the merchant.
pub const MERCHANT: &str = "merchant_id";

/// A request that has been opened: under way, or refused before any call.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all requests run, and a box costs each of them"
)]
pub enum Opened<'p> {
    /// Every check passed.
    Running(Execution<'p>),
    /// The reply is ready.
    Refused(Refused<'p>),
}

/// A request that is refused before any call.
pub struct Refused<'p> {
    /// The SCMP reply.
    pub reply: scmp::Reply,
    /// What it says.
    pub verdict: Verdict<'p>,
    /// Everything that is wrong; the reply speaks of the first.
    pub refusals: Vec<Refusal>,
    /// The services, where they are known.
    pub services: Option<&'p str>,
}

/// The id of the request that this one follows, where it does.
pub fn followed(tables: &Tables, request: &scmp::Request<'_>) -> Option<String> {
    let program = select(tables, request.get(select::APPLICATIONS)).ok()?;
    let values = Values::of(request);
    values.get(program.follow_on?.id).map(str::to_owned)
}

/// Opens a request: its merchant's settings, its services, its values. `merchant` knows the settings of a merchant id.
pub fn open<'p>(
    tables: &'p Tables,
    merchant: impl FnOnce(&str) -> Option<&'p Settings>,
    history: &'p dyn History,
    request: &'p scmp::Request<'_>,
    context: &'p Context,
) -> Opened<'p> {
    let program = select(tables, request.get(select::APPLICATIONS));
    let refuse = |program: Option<&'p Program>, first: Refusal, others: Vec<Refusal>| {
        let (reply, verdict) = refused(tables, program, &first, request, context, history);
        let refusals = std::iter::once(first).chain(others).collect();
        Opened::Refused(Refused {
            reply,
            verdict,
            refusals,
            services: program.map(|program| program.name.as_str()),
        })
    };
    let settings = match request.get(MERCHANT).map(merchant) {
        Some(Some(settings)) => settings,
        None => return refuse(program.ok(), refusal(LocalKind::Missing, ""), Vec::new()),
        Some(None) => {
            let refusal = refusal(LocalKind::Invalid, " (unknown merchant)");
            return refuse(program.ok(), refusal, Vec::new());
        }
    };
    let program = match program {
        Ok(program) => program,
        Err(error) => return refuse(None, error.refusal(), Vec::new()),
    };
    match Plan::new(tables, program, settings, history, request) {
        Ok(plan) => Opened::Running(Execution::new(plan, context, history)),
        Err((first, others)) => refuse(Some(program), first, others),
    }
}

fn refusal(kind: LocalKind, detail: &str) -> Refusal {
    Refusal {
        kind,
        field: MERCHANT.to_owned(),
        detail: detail.to_owned(),
    }
}
