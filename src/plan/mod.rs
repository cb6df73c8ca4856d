//! From a request to REST calls, and from their replies to the SCMP reply.
//!
//! A [`Plan`] is a request that has been checked: its service, its values, the way in which it is meant. An
//! [`Execution`] walks the service's steps: [`Execution::next_call`] says which call to make, [`Execution::answered`] takes
//! what became of it. Whoever drives it owns the network: the gateway a REST client, the golden runner a script, a
//! translation nothing at all.
//!
//! Invariants: no I/O, no clock, no randomness (a [`Context`] brings what they give); no SCMP or REST name stands in this
//! code; an unknown outcome is never taken for a failure.

mod calls;
mod execution;
mod keep;
mod reply;
mod select;

use crate::mapping::condition::Facts;
use crate::mapping::field::Values;
use crate::mapping::flags::{LocalKind, Verdict};
use crate::mapping::mask::is_masked;
use crate::mapping::reply::Replies;
use crate::mapping::tables::Service;
use crate::mapping::validate::{Refusal, refusals};
use crate::mapping::{Settings, Tables};
use crate::scmp;

pub use execution::{Execution, Next, Purpose, Summary};
pub use reply::unreadable;
pub use select::{SelectError, select};

use reply::refused;

/// What only the world outside can give to a request.
#[derive(Debug, Clone)]
pub struct Context {
    /// The id of this request: 22 digits.
    pub request_id: String,
    /// The opaque token of this request.
    pub request_token: String,
    /// The time, `YYYY-MM-DDThhmmssZ` in UTC.
    pub time: String,
}

/// A request whose service is known and whose values have been checked.
pub struct Plan<'p> {
    tables: &'p Tables,
    service: &'p Service,
    settings: &'p Settings,
    values: Values<'p>,
    variant: u8,
}

impl<'p> Plan<'p> {
    /// Plans a request, or says everything that is wrong with it, first things first.
    pub fn new(
        tables: &'p Tables,
        service: &'p Service,
        settings: &'p Settings,
        request: &'p scmp::Request<'_>,
    ) -> Result<Plan<'p>, (Refusal, Vec<Refusal>)> {
        let mut values = tables.dictionary.values(request);
        for rule in &service.unchanged {
            if values.get(rule.field).is_some_and(is_masked) {
                values.set_aside(rule.field);
            }
        }
        let mut plan = Plan {
            tables,
            service,
            settings,
            values,
            variant: 0,
        };
        let none = Replies::new(service.steps.len());
        let variant = service
            .variants
            .iter()
            .find(|v| v.when.holds(plan.facts(&none)));
        plan.variant = variant.map_or(0, |variant| variant.id);
        let mut found = refusals(tables, service, plan.facts(&none)).into_iter();
        match found.next() {
            None => Ok(plan),
            Some(first) => Err((first, found.collect())),
        }
    }

    /// Names of fields that came and that nothing is done with: unknown ones, and those that this service does not send.
    pub fn unmapped(&self) -> Vec<&str> {
        let dictionary = &self.tables.dictionary;
        let none = Replies::new(self.service.steps.len());
        let used = |id| {
            let field = dictionary.get(id);
            field.control || field.export.is_some() || self.service.uses(id, self.facts(&none))
        };
        let known = self.values.present().filter(|id| !used(*id));
        let known = known.map(|id| dictionary.get(id).name.as_str());
        self.values.unknown().iter().copied().chain(known).collect()
    }

    fn facts<'f>(&'f self, replies: &'f Replies) -> Facts<'f> {
        Facts {
            values: &self.values,
            settings: self.settings,
            variant: self.variant,
            replies,
            bodies: &self.service.bodies,
            method: None,
        }
    }
}

/// The field that names the merchant.
pub const MERCHANT: &str = "merchant_id";

/// A request that has been opened: under way, or refused before any call.
pub enum Opened<'p> {
    /// Every check passed.
    Running(Box<Execution<'p>>),
    /// The reply is ready.
    Refused(Refused),
}

/// A request that is refused before any call.
pub struct Refused {
    /// The SCMP reply.
    pub reply: scmp::Reply,
    /// What it says.
    pub verdict: Verdict,
    /// Everything that is wrong; the reply speaks of the first.
    pub refusals: Vec<Refusal>,
    /// The service, where it is known.
    pub service: Option<String>,
}

/// Opens a request: its merchant's settings, its service, its values. `merchant` knows the settings of a merchant id.
pub fn open<'p>(
    tables: &'p Tables,
    merchant: impl FnOnce(&str) -> Option<&'p Settings>,
    request: &'p scmp::Request<'_>,
    context: &Context,
) -> Opened<'p> {
    let service = select(tables, request.get(select::APPLICATIONS));
    let refuse = |service: Option<&Service>, first: Refusal, others: Vec<Refusal>| {
        let (reply, verdict) = refused(tables, service, &first, request, context);
        let refusals = std::iter::once(first).chain(others).collect();
        let service = service.map(|service| service.name.clone());
        Opened::Refused(Refused {
            reply,
            verdict,
            refusals,
            service,
        })
    };
    let settings = match request.get(MERCHANT).map(merchant) {
        Some(Some(settings)) => settings,
        None => return refuse(service.ok(), refusal(LocalKind::Missing, ""), Vec::new()),
        Some(None) => {
            let refusal = refusal(LocalKind::Invalid, " (unknown merchant)");
            return refuse(service.ok(), refusal, Vec::new());
        }
    };
    let service = match service {
        Ok(service) => service,
        Err(error) => return refuse(None, error.refusal(), Vec::new()),
    };
    match Plan::new(tables, service, settings, request) {
        Ok(plan) => Opened::Running(Box::new(Execution::new(plan, context.clone()))),
        Err((first, others)) => refuse(Some(service), first, others),
    }
}

fn refusal(kind: LocalKind, detail: &str) -> Refusal {
    Refusal {
        kind,
        field: MERCHANT.to_owned(),
        detail: detail.to_owned(),
    }
}
