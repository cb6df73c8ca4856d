//! A REST host that keeps books, so that it can be asked afterwards where the money is. It loses answers at random, before
//! and after it did the work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::upstream::{Act, INSTRUMENT, Seen, Upstream, reply};

/// The amount of a payment that is declined.
pub const DECLINED: &str = "23.03";

/// Something that moved money.
#[derive(Clone, Debug)]
pub struct Movement {
    pub id: String,
    pub kind: &'static str,
    /// The merchant's reference: that of the request.
    pub code: String,
    /// What took it back.
    pub back: Option<Back>,
    /// By what it is found in a search: the comments that came with it.
    mark: Value,
    /// The customer that it made.
    customer: Option<String>,
}

/// What took a movement back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Back {
    /// A reversal or void by its id, under this reference.
    ById(String),
    /// One by the transaction id, as lost calls are settled.
    ByOwnId,
}

/// A reversal or void that was asked for.
struct Taking {
    id: String,
    /// The merchant's reference.
    code: String,
    /// By what it is found in a search: the comments that came with it.
    mark: Value,
}

/// A customer token.
#[derive(Clone, Debug)]
pub struct Customer {
    /// The reference of the request that made it.
    pub code: String,
    /// The first names of its instruments.
    pub instruments: Vec<String>,
    version: u32,
}

/// The books.
#[derive(Default)]
pub struct Books {
    pub movements: Vec<Movement>,
    takings: Vec<Taking>,
    /// Where a transaction id stands in `movements`; nowhere if that was declined.
    own: BTreeMap<String, Option<usize>>,
    pub customers: BTreeMap<String, Customer>,
    /// POSTs whose transaction id had come before.
    pub repeated: Vec<String>,
    next: u64,
    chance: Option<Chance>,
}

/// The host and its books.
pub struct Ledger {
    pub host: Upstream,
    pub books: Arc<Mutex<Books>>,
}

impl Ledger {
    pub fn start(seed: u64) -> Ledger {
        let books = Arc::new(Mutex::new(Books {
            next: 7_000_000_000_000_000_000,
            chance: Some(Chance::new(seed)),
            ..Books::default()
        }));
        let kept = Arc::clone(&books);
        let host = Upstream::start(move |seen| kept.lock().unwrap().answer(seen));
        Ledger { host, books }
    }

    /// From now on every answer arrives.
    pub fn behave(&self) {
        self.books.lock().unwrap().chance = None;
    }
}

fn refuse(reason: &str) -> Act {
    reply(400, &json!({"status": "INVALID_REQUEST", "reason": reason}))
}

impl Books {
    fn answer(&mut self, seen: &Seen) -> Act {
        let (before, after) = match &mut self.chance {
            Some(chance) => (chance.one_in(25), chance.one_in(12)),
            None => (false, false),
        };
        if before {
            return Act::Cut(Vec::new());
        }
        let act = self.act(seen);
        if after { Act::Cut(Vec::new()) } else { act }
    }

    fn act(&mut self, seen: &Seen) -> Act {
        let path: Vec<&str> = seen.path.trim_start_matches('/').split('/').collect();
        match (seen.method.as_str(), &path[..]) {
            ("POST", ["pts", "v2", "payments"]) => {
                let sale = seen.json()["processingInformation"]["capture"] == true;
                self.movement(seen, if sale { "sale" } else { "authorization" })
            }
            ("POST", ["pts", "v2", "credits"]) => self.movement(seen, "credit"),
            ("POST", ["pts", "v2", "payments", id, "captures"]) => {
                match self.stands(id, "authorization") {
                    true => self.movement(seen, "capture"),
                    false => refuse("AUTH_ALREADY_REVERSED"),
                }
            }
            ("POST", ["pts", "v2", collection, id, "refunds"]) => {
                let kind = if *collection == "captures" {
                    "capture"
                } else {
                    "sale"
                };
                match self.stands(id, kind) {
                    true => self.movement(seen, "refund"),
                    false => refuse("INVALID_DATA"),
                }
            }
            ("POST", ["pts", "v2", kind @ ("reversals" | "voids")]) => self.by_own_id(seen, kind),
            ("POST", ["pts", "v2", _, id, kind @ ("voids" | "reversals")]) => {
                self.by_id(seen, id, kind)
            }
            ("POST", ["tss", "v2", "searches"]) => self.search(seen),
            ("GET", ["tss", "v2", "transactions", id]) => self.details(id),
            ("POST", ["tms", "v1", "instrumentidentifiers"]) => reply(
                201,
                &json!({"id": "7010000000016241111", "state": "ACTIVE"}),
            ),
            (_, ["tms", "v2", "customers", ..]) => self.tokens(seen, &path[3..]),
            (method, _) => panic!("{method} {}", seen.path),
        }
    }

    /// All that is under a reference.
    fn search(&self, seen: &Seen) -> Act {
        let query = seen.json()["query"].as_str().unwrap().to_owned();
        let code = query.split([':', ' ']).nth(1).unwrap();
        let movements = self.movements.iter().map(|one| (&one.id, &one.code));
        let takings = self.takings.iter().map(|one| (&one.id, &one.code));
        let found = movements.chain(takings).filter(|(_, of)| *of == code);
        let found: Vec<Value> = found.map(|(id, _)| json!({"id": id})).collect();
        reply(201, &json!({"_embedded": {"transactionSummaries": found}}))
    }

    fn details(&self, id: &str) -> Act {
        let movement = self.movements.iter().find(|movement| movement.id == id);
        let taking = self.takings.iter().find(|taking| taking.id == id);
        let (code, mark) = match (movement, taking) {
            (Some(movement), _) => (&movement.code, &movement.mark),
            (None, Some(taking)) => (&taking.code, &taking.mark),
            (None, None) => return reply(404, &json!({})),
        };
        let mut details = json!({
            "id": id,
            "clientReferenceInformation": {"code": code, "comments": mark},
            "applicationInformation": {"applications": [{"name": "ics_auth", "rCode": "1", "rFlag": "SOK"}]},
        });
        if let Some(customer) = movement.and_then(|movement| movement.customer.as_ref()) {
            details["tokenInformation"] = made(customer);
        }
        reply(200, &details)
    }

    fn tokens(&mut self, seen: &Seen, path: &[&str]) -> Act {
        if let ("POST", []) = (seen.method.as_str(), path) {
            let code = seen.json()["clientReferenceInformation"]["code"]
                .as_str()
                .unwrap()
                .to_owned();
            let id = self.customer(code, Vec::new());
            return reply(201, &json!({"id": id}));
        }
        let id = path[0];
        let Some(customer) = self.customers.get_mut(id) else {
            return reply(410, &json!({}));
        };
        match (seen.method.as_str(), &path[1..]) {
            ("GET", _) => customer.read(id),
            ("POST", ["payment-instruments"]) => {
                customer.instruments.push(first_name(seen).unwrap());
                reply(201, &json!({"id": INSTRUMENT}))
            }
            ("PATCH", below) => {
                let etag = seen.headers.get("if-match");
                if etag.is_some_and(|etag| *etag != customer.etag()) {
                    return reply(412, &json!({"errors": [{"type": "conditionFailed"}]}));
                }
                if let (["payment-instruments", _], Some(name)) = (below, first_name(seen)) {
                    customer.instruments[0] = name;
                }
                customer.version += 1;
                customer.read(id)
            }
            ("DELETE", []) => {
                self.customers.remove(id);
                Act::Reply(204, String::new(), Vec::new())
            }
            (method, _) => panic!("{method} {}", seen.path),
        }
    }

    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("{}001", self.next)
    }

    /// Whether the call's own transaction id is a new one.
    fn is_first(&mut self, seen: &Seen, at: usize) -> bool {
        let own = seen.json()["clientReferenceInformation"]["transactionId"].take();
        let Some(own) = own.as_str().map(str::to_owned) else {
            return true;
        };
        let first = !self.own.contains_key(&own);
        match first {
            true => drop(self.own.insert(own, Some(at))),
            false => self.repeated.push(own),
        }
        first
    }

    fn movement(&mut self, seen: &Seen, kind: &'static str) -> Act {
        if !self.is_first(seen, self.movements.len()) {
            return refuse("INVALID_DATA");
        }
        let body = seen.json();
        let code = body["clientReferenceInformation"]["code"]
            .as_str()
            .unwrap()
            .to_owned();
        let id = self.fresh();
        if body["orderInformation"]["amountDetails"]["totalAmount"] == DECLINED {
            let own = body["clientReferenceInformation"]["transactionId"].as_str();
            self.own.insert(own.unwrap().to_owned(), None);
            let reason = json!({"reason": "PROCESSOR_DECLINED", "message": "no"});
            return reply(
                201,
                &json!({"id": id, "status": "DECLINED", "errorInformation": reason}),
            );
        }
        let creates = body["processingInformation"]["actionList"][0] == "TOKEN_CREATE";
        let customer = creates.then(|| self.customer(code.clone(), vec!["Jane".to_owned()]));
        let status = match kind {
            "sale" | "authorization" => "AUTHORIZED",
            _ => "PENDING",
        };
        let mut said = json!({"id": id, "status": status});
        if let Some(customer) = &customer {
            said["tokenInformation"] = made(customer);
        }
        self.movements.push(Movement {
            id,
            kind,
            code,
            back: None,
            mark: body["clientReferenceInformation"]["comments"].clone(),
            customer,
        });
        reply(201, &said)
    }

    fn stands(&self, id: &str, kind: &str) -> bool {
        let mut own = self.movements.iter().filter(|movement| movement.id == id);
        own.any(|movement| movement.kind == kind && movement.back.is_none())
    }

    fn by_id(&mut self, seen: &Seen, id: &str, kind: &str) -> Act {
        let Some(at) = self.movements.iter().position(|movement| movement.id == id) else {
            return refuse("INVALID_DATA");
        };
        // The place of what takes something back is that of what it takes back: both are asked for by it.
        if !self.is_first(seen, at) {
            return refuse("INVALID_DATA");
        }
        let code = seen.json()["clientReferenceInformation"]["code"]
            .as_str()
            .unwrap()
            .to_owned();
        match (kind, self.movements[at].kind) {
            ("voids", "authorization") => refuse("NOT_VOIDABLE"),
            ("reversals", "authorization") | ("voids", _) => {
                let mark = seen.json()["clientReferenceInformation"]["comments"].take();
                self.take_back(at, Back::ById(code), mark)
            }
            _ => refuse("INVALID_DATA"),
        }
    }

    fn by_own_id(&mut self, seen: &Seen, kind: &str) -> Act {
        let body: Value = seen.json();
        let own = body["clientReferenceInformation"]["transactionId"]
            .as_str()
            .unwrap();
        let Some(at) = self.own.get(own).copied().flatten() else {
            return refuse("INVALID_DATA");
        };
        match (kind, self.movements[at].kind) {
            ("voids", "authorization") => refuse("NOT_VOIDABLE"),
            ("voids", _) | (_, "authorization" | "sale") => {
                self.take_back(at, Back::ByOwnId, Value::Null)
            }
            _ => refuse("INVALID_DATA"),
        }
    }

    fn take_back(&mut self, at: usize, by: Back, mark: Value) -> Act {
        let id = self.fresh();
        let movement = &mut self.movements[at];
        let is_authorization = movement.kind == "authorization";
        if movement.back.is_some() {
            return refuse(if is_authorization {
                "AUTH_ALREADY_REVERSED"
            } else {
                "NOT_VOIDABLE"
            });
        }
        if let Back::ById(code) = &by {
            self.takings.push(Taking {
                id: id.clone(),
                code: code.clone(),
                mark,
            });
        }
        movement.back = Some(by);
        let status = if is_authorization {
            "REVERSED"
        } else {
            "VOIDED"
        };
        reply(201, &json!({"id": id, "status": status}))
    }

    fn customer(&mut self, code: String, instruments: Vec<String>) -> String {
        let id = format!("C{:031}", self.next);
        self.next += 1;
        let customer = Customer {
            code,
            instruments,
            version: 1,
        };
        self.customers.insert(id.clone(), customer);
        id
    }
}

/// What a payment says of the tokens that it made.
fn made(customer: &str) -> Value {
    json!({"customer": {"id": customer}, "paymentInstrument": {"id": INSTRUMENT},
        "instrumentIdentifier": {"id": "7010000000016241111"}})
}

fn first_name(seen: &Seen) -> Option<String> {
    seen.json()["billTo"]["firstName"]
        .as_str()
        .map(str::to_owned)
}

impl Customer {
    fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// The customer, or its instrument: what a gateway reads of either is in both.
    fn read(&self, id: &str) -> Act {
        let card = json!({"type": "001", "expirationMonth": "12", "expirationYear": "2031"});
        let body = json!({"id": id, "card": card, "defaultPaymentInstrument": {"id": INSTRUMENT}});
        let etag = format!("ETag: {}\r\n", self.etag());
        Act::Reply(200, etag, body.to_string().into_bytes())
    }
}
