//! Values that REST has no room for: kept and given back for a request, and looked after when one did not end clearly.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::Value;
use tracing::{info, warn};

use crate::journal::{Bound, SideMark, SideOf, SideValue, now};
use crate::mapping::side::mark;
use crate::plan::{Execution, Keeping, SideEnd, SideWork, Wanted};
use crate::rest::{Accept, Call, Outcome};

use super::merchants::Merchant;
use super::resolver::{every, millis};
use super::{Gateway, sending};

/// How many values are looked at a time.
const BATCH: usize = 64;
/// How often it is looked for values in doubt, at most and at least.
const LOOK_MIN: Duration = Duration::from_millis(20);
const LOOK_MAX: Duration = Duration::from_secs(60);

impl Gateway {
    /// Does what an execution asks for.
    pub(super) async fn see_to_side(
        &self,
        merchant: &Merchant,
        work: SideWork,
        execution: &mut Execution<'_>,
    ) {
        match work {
            SideWork::Keep(work) => execution.kept(self.keep_aside(merchant, &work).await),
            SideWork::Recall(wanted) => execution.recalled(self.recall(merchant, &wanted).await),
        }
    }

    /// Whether all is durable now.
    async fn keep_aside(&self, merchant: &Merchant, work: &Keeping) -> bool {
        let doubt = now() + millis(self.side.settle_after);
        let seal = |value: &crate::plan::KeptValue| {
            let bound = Bound {
                merchant: merchant.id(),
                place: &work.place,
                member: &value.member,
                reference: &value.reference,
            };
            let (key_id, sealed) = self.side.keys.seal(bound, &value.text)?;
            Some(SideValue {
                merchant: merchant.id().to_owned(),
                place: work.place.clone(),
                reference: value.reference.clone(),
                key_id,
                sealed,
                due: Some(doubt),
            })
        };
        let Some(values) = work.values.iter().map(seal).collect::<Option<Vec<_>>>() else {
            return false;
        };
        if !values.is_empty() && self.journal.side_keep(&values).await.is_err() {
            return false;
        }
        let replaced = SideOf {
            merchant: merchant.id(),
            place: &work.place,
            references: Some(&work.replaced),
            due_by: None,
        };
        work.replaced.is_empty()
            || self
                .journal
                .side_mark(replaced, SideMark::Doubt(doubt))
                .await
                .is_ok()
    }

    /// The values, in their order; nothing for one that cannot be read.
    async fn recall(&self, merchant: &Merchant, wanted: &[Wanted]) -> Vec<Option<String>> {
        let mut places: Vec<&str> = wanted.iter().map(|wanted| &*wanted.place).collect();
        places.dedup();
        let mut kept = Vec::new();
        for place in places {
            let of = SideOf {
                merchant: merchant.id(),
                place,
                references: None,
                due_by: None,
            };
            kept.extend(self.journal.side_values(of).await.unwrap_or_default());
        }
        wanted
            .iter()
            .map(|wanted| self.open(wanted, &kept))
            .collect()
    }

    fn open(&self, wanted: &Wanted, kept: &[SideValue]) -> Option<String> {
        let reference = &wanted.reference;
        let here = |value: &&SideValue| {
            value.place.eq_ignore_ascii_case(&wanted.place) && value.reference == *reference
        };
        let Some(value) = kept.iter().find(here) else {
            warn!(%reference, "a value that REST refers to is not in the journal");
            return None;
        };
        let bound = Bound {
            merchant: &value.merchant,
            place: &value.place,
            member: &wanted.member,
            reference,
        };
        let opened = self.side.keys.open(bound, &value.key_id, &value.sealed);
        opened
            .map_err(|error| warn!(%reference, "a kept value cannot be read: {error}"))
            .ok()
    }

    /// Writes down what is known at the end of a request. What cannot be written REST is asked for later.
    pub(super) async fn conclude_side(&self, merchant: &Merchant, ends: &[SideEnd]) {
        for group in ends.chunk_by(|one, next| (one.stays, &one.place) == (next.stays, &next.place))
        {
            let references: Vec<String> = group.iter().map(|end| end.reference.clone()).collect();
            let of = SideOf {
                merchant: merchant.id(),
                place: &group[0].place,
                references: Some(&references),
                due_by: None,
            };
            let mark = if group[0].stays {
                SideMark::Sure
            } else {
                SideMark::Gone
            };
            // Whoever cannot write says so.
            let _written = self.journal.side_mark(of, mark).await;
        }
    }

    /// A call is about to be made that may delete an object: what was kept of it goes with it.
    pub(super) async fn doubt_side(&self, merchant: &Merchant, call: &Call) {
        if call.method == Method::DELETE {
            let doubt = SideMark::Doubt(now() + millis(self.side.settle_after));
            let of = SideOf {
                merchant: merchant.id(),
                place: &call.path,
                references: None,
                due_by: None,
            };
            let _written = self.journal.side_mark(of, doubt).await;
        }
    }
}

/// Asks REST about values in doubt until it is dropped.
pub async fn run(gateway: Arc<Gateway>) {
    let look = (gateway.side.settle_after / 4).clamp(LOOK_MIN, LOOK_MAX);
    every(look, || settle_due(&gateway)).await;
}

async fn settle_due(gateway: &Gateway) {
    let Ok(due) = gateway.journal.side_due(now(), BATCH).await else {
        // Whoever tries to write says so.
        return;
    };
    let mut objects: Vec<(&str, &str)> = due
        .iter()
        .map(|value| (&*value.merchant, &*value.place))
        .collect();
    objects.sort_unstable();
    objects.dedup();
    for (merchant, place) in objects {
        let of_object = |value: &&SideValue| (&*value.merchant, &*value.place) == (merchant, place);
        let values: Vec<&SideValue> = due.iter().filter(of_object).collect();
        settle(gateway, merchant, place, &values).await;
    }
}

/// Asks for one object which of its values count.
async fn settle(gateway: &Gateway, merchant: &str, place: &str, values: &[&SideValue]) {
    let known = gateway.merchants.find(merchant);
    let object = match known {
        Some(merchant) => read(gateway, merchant, place).await,
        None => None,
    };
    let later = SideMark::Doubt(now() + millis(gateway.side.settle_after));
    let refers = |text: &str, value: &SideValue| text.contains(&mark(&value.reference));
    for value in values {
        let mark = match &object {
            None => later,
            Some(text) if refers(text, value) => SideMark::Sure,
            Some(_) => SideMark::Gone,
        };
        let of = SideOf {
            merchant,
            place,
            references: Some(std::slice::from_ref(&value.reference)),
            // A call that began meanwhile put it in doubt anew.
            due_by: value.due,
        };
        if gateway.journal.side_mark(of, mark).await.is_ok() && mark == SideMark::Gone {
            info!(%merchant, reference = %value.reference, "a kept value that nothing refers to was deleted");
        }
    }
}

/// The object as REST has it, empty where there is none any more; nothing while that is not known.
async fn read(gateway: &Gateway, merchant: &Merchant, place: &str) -> Option<String> {
    let call = Call {
        method: Method::GET,
        path: place.to_owned(),
        if_match: None,
        body: None,
        sealable: false,
        accept: Accept::Json,
    };
    let deadline = Instant::now() + gateway.request_timeout;
    let Outcome::Answered(answer) = sending::send(merchant, &call, deadline).await else {
        return None;
    };
    match answer.status {
        404 | 410 => Some(String::new()),
        200..=299 => {
            // Only the object itself says what it refers to: it names itself as its path does.
            let body: Value = serde_json::from_slice(&answer.body).ok()?;
            let id = place.rsplit('/').next()?;
            let mut members = body.as_object()?.values().filter_map(Value::as_str);
            members
                .any(|text| text.eq_ignore_ascii_case(id))
                .then(|| body.to_string())
        }
        _ => None,
    }
}
