//! Whether the host's books, the journal and the client agree on a request whose gateway died, or whose call met a fault.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::flows::{Before, Flow};
use crate::relay::Done;
use crate::requests::Fields;

/// A request that did not run smoothly, after all was settled.
pub struct Case<'c> {
    pub name: String,
    pub flow: &'c Flow,
    pub reference: &'c str,
    pub before: &'c [Before],
    pub token_before: Option<&'c Fields>,
    pub token_after: Option<Fields>,
    /// What a success makes of the token.
    pub whole: Option<&'c Fields>,
    pub records: Vec<&'c Value>,
    pub done: Vec<Done>,
    /// What the client was told before a death, and when it asked again at once, if it did.
    pub told: Vec<Fields>,
    /// What it was told when it asked again under the same id, after all was settled.
    pub again: &'c Fields,
}

/// What the host did, all in all.
#[derive(Default)]
struct Books {
    /// The ids of movements, with the reference that they were made under.
    movements: Vec<(String, String)>,
    taken_back: BTreeSet<String>,
    /// Customers with their instruments.
    customers: BTreeMap<String, BTreeSet<String>>,
}

fn id(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The id of what a call made; where nobody was shown it, one by the call's own.
fn made(done: &Done) -> String {
    let own = &done.body["clientReferenceInformation"]["transactionId"];
    id(&done.reply["id"]).unwrap_or_else(|| lost(own))
}

fn lost(own: &Value) -> String {
    format!("lost {}", own.as_str().unwrap_or_default())
}

impl Books {
    fn of(done: &[Done]) -> Books {
        let mut books = Books::default();
        let mut own: BTreeMap<String, String> = BTreeMap::new();
        for done in done.iter().filter(|done| (200..300).contains(&done.status)) {
            let path: Vec<&str> = done.path.trim_start_matches('/').split('/').collect();
            let reference = &done.body["clientReferenceInformation"];
            match (done.method.as_str(), &path[..]) {
                ("POST", ["pts", "v2", "reversals" | "voids"]) => {
                    let lost = reference["transactionId"].as_str().unwrap();
                    books.taken_back.insert(own[lost].clone());
                }
                ("POST", ["pts", "v2", _, id, "reversals" | "voids"]) => {
                    books.taken_back.insert((*id).to_owned());
                }
                ("POST", ["pts", ..]) => books.movement(done, &mut own),
                ("POST", ["tms", "v2", "customers"]) => {
                    books.customers.insert(made(done), BTreeSet::new());
                }
                ("POST", ["tms", "v2", "customers", customer, "payment-instruments"]) => {
                    // Where the answer came late the customer may be deleted already, and it with it.
                    if let Some(customer) = books.customers.get_mut(*customer) {
                        customer.insert(made(done));
                    }
                }
                ("DELETE", ["tms", "v2", "customers", customer]) => {
                    books.customers.remove(*customer);
                }
                (
                    "DELETE",
                    [
                        "tms",
                        "v2",
                        "customers",
                        customer,
                        "payment-instruments",
                        gone,
                    ],
                ) => {
                    books.customers.get_mut(*customer).unwrap().remove(*gone);
                }
                ("GET", ["tss", "v2", "transactions", _]) => books.shown(done),
                _ => {}
            }
        }
        books
    }

    /// A look at a payment shows the id of a token whose payment's answer was lost.
    fn shown(&mut self, done: &Done) {
        let own = &done.reply["clientReferenceInformation"]["comments"];
        let customer = id(&done.reply["tokenInformation"]["customer"]["id"]);
        if let Some(customer) = customer
            && let Some(instruments) = self.customers.remove(&lost(own))
        {
            self.customers.insert(customer, instruments);
        }
    }

    fn movement(&mut self, done: &Done, own: &mut BTreeMap<String, String>) {
        let reference = &done.body["clientReferenceInformation"];
        let made = made(done);
        if let Some(named) = id(&reference["transactionId"]) {
            assert_eq!(
                own.insert(named, made.clone()),
                None,
                "one id for two: {}",
                done.path
            );
        }
        self.movements
            .push((made.clone(), id(&reference["code"]).unwrap()));
        let actions = done.body["processingInformation"]["actionList"].as_array();
        if actions.is_some_and(|actions| actions.contains(&"TOKEN_CREATE".into())) {
            let token = &done.reply["tokenInformation"];
            let customer = id(&token["customer"]["id"]).unwrap_or_else(|| made.clone());
            let instrument = id(&token["paymentInstrument"]["id"]).unwrap_or(made);
            self.customers
                .insert(customer, BTreeSet::from([instrument]));
        }
    }

    /// The movements under a reference that stand.
    fn standing(&self, reference: &str) -> Vec<&str> {
        let own = self
            .movements
            .iter()
            .filter(|(id, of)| of == reference && !self.taken_back.contains(id));
        own.map(|(id, _)| id.as_str()).collect()
    }
}

/// All that has to hold.
pub fn judge(case: &Case<'_>) {
    let books = Books::of(&case.done);
    let judged = std::panic::catch_unwind(|| {
        told_once(case);
        money(case, &books);
        tokens(case, &books);
        on_record(case);
    });
    if let Err(fault) = judged {
        println!(
            "{}\ntold {:#?}\nagain {:#?}\nrecords {:#?}",
            case.name, case.told, case.again, case.records
        );
        let calls = case
            .done
            .iter()
            .map(|done| format!("{} {} {}", done.method, done.path, done.status));
        println!("done {:#?}", calls.collect::<Vec<_>>());
        std::panic::resume_unwind(fault);
    }
}

fn went_well(reply: &Fields) -> bool {
    reply["ics_rcode"] == "1"
}

/// Whether money was moved, be it that something else was not done.
fn paid(reply: &Fields) -> bool {
    let services = ["auth", "bill", "credit", "ecp_debit", "ecp_credit"];
    let mut rcodes = services
        .map(|service| reply.get(&format!("{service}_rcode")))
        .into_iter();
    went_well(reply) || rcodes.any(|rcode| rcode.is_some_and(|rcode| rcode == "1"))
}

/// Who asks again hears the same, under its id if it went well. What did nothing, or does nothing twice, is done again
/// instead; what takes something back is looked up, or made again, and told once that is known.
fn told_once(case: &Case<'_>) {
    let is_kept = case.records.iter().any(|record| !record["key"].is_null());
    let is_replayed = is_kept && case.flow.is_replayed();
    for told in case.told.iter().filter(|_| is_replayed) {
        match went_well(told) {
            false if case.flow.takes_back && told["ics_rflag"] == "ETIMEOUT" => {}
            true => assert_eq!(told, case.again, "it is told two things"),
            false => assert_eq!(
                told["ics_rflag"], case.again["ics_rflag"],
                "it is told two things"
            ),
        }
    }
}

fn money(case: &Case<'_>, books: &Books) {
    let standing = books.standing(case.reference);
    match paid(case.again) {
        true => {
            assert_eq!(standing.len(), case.flow.standing, "standing: {standing:?}");
            let told = case.again["request_id"].as_str();
            assert!(
                standing.iter().all(|id| *id == told),
                "not told: {standing:?}"
            );
        }
        false => assert_eq!(standing, [""; 0], "nobody was told of it"),
    }
    for before in case.before {
        let is_back = books.taken_back.contains(&before.id);
        match case.flow.takes_back && before.kind == case.before.last().unwrap().kind {
            true => assert!(
                is_back || !went_well(case.again),
                "{} still stands",
                before.kind
            ),
            false => assert!(!is_back, "{} was taken back", before.kind),
        }
    }
}

fn tokens(case: &Case<'_>, books: &Books) {
    let listed = case.records.iter().any(|record| record["state"] == "stuck");
    let in_part = case
        .records
        .iter()
        .any(|record| record["state"] == "partial");
    let told = case.again.get("pay_subscription_create_subscription_id");
    for (id, instruments) in &books.customers {
        let before = case.before.iter().any(|before| before.id == *id);
        match told == Some(id) || before {
            true if listed || in_part => assert!(!instruments.is_empty(), "{id} has lost its card"),
            true => assert_eq!(instruments.len(), 1, "of {id}: {instruments:?}"),
            false => assert!(
                listed,
                "{id} is left over with {instruments:?}, and not listed"
            ),
        }
        if told != Some(id) && !before && !case.flow.leaves_tokens() {
            assert!(
                instruments.is_empty(),
                "{id} is left over with {instruments:?}"
            );
        }
    }
    if let Some(told) = told {
        assert!(books.customers.contains_key(told), "the token is gone");
    }
    if let (Some(before), Some(after)) = (case.token_before, &case.token_after) {
        match went_well(case.again) {
            true => assert_eq!(Some(after), case.whole, "not what it should be"),
            false if after == before => {}
            false if case.flow.deletes() => {}
            false => assert!(listed || in_part, "changed, and not listed: {after:#?}"),
        }
    }
}

fn on_record(case: &Case<'_>) {
    for reply in case
        .told
        .iter()
        .filter(|reply| went_well(reply) && case.flow.is_recorded())
    {
        let id = reply["request_id"].as_str();
        let names = |record: &Value| {
            let mut made = record["made"].as_array().into_iter().flatten();
            let makes = case.flow.standing > 0 || case.flow.takes_back;
            !makes || made.any(|made| made["id"] == id)
        };
        let has = |record: &&Value| names(record) && (record["rcode"] == 1 || case.flow.takes_back);
        assert!(case.records.iter().any(has), "answered, and not on record");
    }
}
