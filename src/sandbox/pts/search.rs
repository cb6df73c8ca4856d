//! Searches for transactions: `POST /tss/v2/searches`, and those that were saved: `GET /tss/v2/searches/{searchId}`.

use std::collections::HashMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::PtsError;
use super::ledger::{Ledger, Record};
use super::query::Query;
use super::{Rules, lookup, submit_time};
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;

/// How many are listed when nothing is said, and at most (spec's examples).
const LIMIT: usize = 20;
const LIMIT_MAX: usize = 2500;
/// The members by which a list can be sorted.
const SORTS: [&str; 2] = ["id", "submitTimeUtc"];

/// A search as it is asked for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Search {
    #[serde(deserialize_with = "flag")]
    save: bool,
    name: Option<String>,
    timezone: Option<String>,
    query: String,
    offset: usize,
    limit: usize,
    sort: Option<String>,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            save: false,
            name: None,
            timezone: None,
            query: String::new(),
            offset: 0,
            limit: LIMIT,
            sort: None,
        }
    }
}

/// A boolean, or the string that samples send.
fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Ok(flag),
        Value::String(text) if text == "true" || text == "false" => Ok(text == "true"),
        _ => Err(serde::de::Error::custom("neither true nor false")),
    }
}

/// The saved searches of all merchants. They end with the process.
pub(crate) struct Saved {
    /// By merchant and id.
    searches: HashMap<(String, String), Search>,
    /// Apart from the transactions', which must not depend on searches.
    ids: Ids,
}

impl Saved {
    /// None; `seed` decides the ids of those to come.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            searches: HashMap::new(),
            ids: Ids::new(seed),
        }
    }
}

/// The place where a search is handled.
pub(crate) struct Searches<'a> {
    /// The transactions.
    pub(crate) ledger: &'a Ledger,
    /// Those that were saved.
    pub(crate) saved: &'a mut Saved,
    /// Who asks.
    pub(crate) merchant: &'a str,
    /// When.
    pub(crate) now: SystemTime,
    /// What the sandbox was set to.
    pub(crate) rules: Rules,
}

impl Searches<'_> {
    /// Searches, and keeps the search when it is to be saved.
    pub(crate) fn create(&mut self, bytes: &[u8]) -> Result<Reply, PtsError> {
        let search: Search = serde_json::from_slice(bytes).map_err(|_| PtsError::no_field())?;
        if search.query.is_empty() {
            return Err(PtsError::Missing(vec!["query".to_owned()]));
        }
        let id = self.saved.ids.correlation();
        let shown = self.show(&id, &search)?;
        if search.save {
            let key = (self.merchant.to_owned(), id);
            self.saved.searches.insert(key, search);
        }
        Ok(Reply::hal(201, shown))
    }

    /// A saved search, carried out now.
    pub(crate) fn read(&self, id: &str) -> Result<Reply, PtsError> {
        let key = (self.merchant.to_owned(), id.to_owned());
        let search = self.saved.searches.get(&key).ok_or(PtsError::NotOwned)?;
        Ok(Reply::hal(200, self.show(id, search)?))
    }

    fn show(&self, search_id: &str, search: &Search) -> Result<Value, PtsError> {
        let invalid = |field: &str| PtsError::Invalid(vec![field.to_owned()]);
        let query = Query::read(&search.query, self.now).ok_or_else(|| invalid("query"))?;
        if search.limit > LIMIT_MAX {
            return Err(invalid("limit"));
        }
        let own = self.ledger.of(self.merchant);
        let mut found: Vec<(&str, &Record)> = own
            .filter(|(_, record)| self.is_searchable(record))
            .filter(|(id, record)| query.fits(record.at, |field| self.value(id, record, field)))
            .collect();
        // Ids rise with time: they sort as times do.
        found.sort_by(|one, other| one.0.cmp(other.0));
        if is_descending(search.sort.as_deref()).ok_or_else(|| invalid("sort"))? {
            found.reverse();
        }
        let total = found.len();
        let page = found.into_iter().skip(search.offset).take(search.limit);
        let listed: Vec<Value> = page.map(|(id, record)| summary(id, record)).collect();
        let href = format!("/tss/v2/searches/{search_id}");
        let mut shown = json!({
            "searchId": search_id,
            "save": search.save,
            "query": search.query,
            "offset": search.offset,
            "limit": search.limit,
            "count": listed.len(),
            "totalCount": total,
            "submitTimeUtc": submit_time(self.now),
            "_embedded": {"transactionSummaries": listed},
            "_links": {"self": {"href": href, "method": "GET"}},
        });
        let told = [
            ("name", &search.name),
            ("timezone", &search.timezone),
            ("sort", &search.sort),
        ];
        for (member, value) in told {
            if let Some(value) = value {
                shown[member] = json!(value);
            }
        }
        Ok(shown)
    }

    /// Whether it is old enough: a search lags behind.
    fn is_searchable(&self, record: &Record) -> bool {
        let age = self.now.duration_since(record.at).unwrap_or_default();
        age >= self.rules.search_lag
    }

    fn value(&self, id: &str, record: &Record, field: &str) -> Option<String> {
        let told = || record.reply.read();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match field {
            "id" => Some(id.to_owned()),
            "merchantId" => Some(self.merchant.to_owned()),
            "orderInformation.amountDetails.totalAmount" => Some(record.amount.to_string()),
            "orderInformation.amountDetails.currency" => Some(record.currency.clone()),
            "clientReferenceInformation.code" => {
                text(&told()["clientReferenceInformation"]["code"])
            }
            "reconciliationId" => text(&told()["reconciliationId"]),
            _ => None,
        }
    }
}

/// The order, by what comes first; nothing for one that is not served.
fn is_descending(sort: Option<&str>) -> Option<bool> {
    let Some(first) = sort.and_then(|sort| sort.split(',').next()) else {
        return Some(false);
    };
    let mut words = first.trim().split([':', ' ']);
    if !SORTS.contains(&words.next()?) {
        return None;
    }
    match words.next() {
        None | Some("asc") => Some(false),
        Some("desc") => Some(true),
        Some(_) => None,
    }
}

/// What a list shows of a transaction: less than its details do, and no comment.
fn summary(id: &str, record: &Record) -> Value {
    let told = record.reply.read();
    let mut shown = json!({
        "id": id,
        "submitTimeUtc": told["submitTimeUtc"],
        "merchantId": record.merchant,
        "applicationInformation": lookup::applications(record, &told),
        "clientReferenceInformation": {"code": told["clientReferenceInformation"]["code"]},
        "orderInformation": {"amountDetails": {
            "totalAmount": record.amount.to_string(), "currency": record.currency,
        }},
        "_links": {"transactionDetail": {
            "href": format!("/tss/v2/transactions/{id}"), "method": "GET",
        }},
    });
    if let Some(kind) = told["paymentInformation"]["card"].get("type") {
        shown["paymentInformation"] = json!({"card": {"type": kind}});
    }
    shown
}
