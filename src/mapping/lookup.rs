//! How a call is found again whose answer was lost: what a search lists, and what became of a transaction.

use serde_json::Value;

use super::flags::{Flags, LocalKind, Verdict};
use super::path::JsonPath;

/// How the answers of a look-up are read.
#[derive(Debug)]
pub struct LookUp {
    /// The transactions that a search lists.
    pub(in crate::mapping) listed: JsonPath,
    /// The member with the id of one.
    pub(in crate::mapping) id: String,
    /// The path of one transaction, with `{id}`.
    pub(in crate::mapping) read: String,
    /// Where a transaction shows the id that its call was sent with.
    pub(in crate::mapping) mark: JsonPath,
    /// Where it shows the tokens that it made.
    pub(in crate::mapping) tokens: JsonPath,
    /// Where it shows the services that ran.
    pub(in crate::mapping) services: JsonPath,
    /// The member of a service with its flag.
    pub(in crate::mapping) flag: String,
    /// The member with its text.
    pub(in crate::mapping) text: String,
    /// What the services' ends mean: the first line that fits.
    pub(in crate::mapping) outcomes: Vec<FoundOutcome>,
}

/// What a transaction that was found means.
#[derive(Debug)]
pub struct FoundOutcome {
    /// The member of a service that is looked at.
    pub member: String,
    /// What it must hold.
    pub value: String,
    /// Whether all services must have it so, or one.
    pub every: bool,
    /// What that means.
    pub became: Became,
}

/// What became of a call that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It was carried out, and stands.
    Done,
    /// It was refused.
    Refused,
}

impl Became {
    /// The meanings by the names that tables use.
    pub const NAMES: [(&'static str, Became); 2] =
        [("done", Became::Done), ("refused", Became::Refused)];
}

impl LookUp {
    /// The path of one transaction, with `{id}`.
    pub fn read(&self) -> &str {
        &self.read
    }

    /// The ids that a search lists.
    pub fn listed(&self, answer: &Value) -> Vec<String> {
        let listed = self.listed.find(answer).and_then(Value::as_array);
        let ids = listed.into_iter().flatten();
        ids.filter_map(|one| Some(one.get(&self.id)?.as_str()?.to_owned()))
            .collect()
    }

    /// Whether this is the transaction of the call that was sent with this id.
    pub fn is_marked(&self, found: &Value, mark: &str) -> bool {
        self.mark.find(found).and_then(Value::as_str) == Some(mark)
    }

    /// What became of it; nothing where that is not clear.
    pub fn became(&self, found: &Value) -> Option<Became> {
        let services = self.services(found);
        let fits = |line: &&FoundOutcome| {
            let mut has = services.iter().map(|service| {
                service.get(&line.member).and_then(Value::as_str) == Some(line.value.as_str())
            });
            match line.every {
                true => !services.is_empty() && has.all(|has| has),
                false => has.any(|has| has),
            }
        };
        self.outcomes.iter().find(fits).map(|line| line.became)
    }

    /// Whether it shows tokens that it made.
    pub fn shows_tokens(&self, found: &Value) -> bool {
        self.tokens.find(found).is_some_and(Value::is_object)
    }

    /// Takes the tokens away: they were deleted.
    pub fn without_tokens(&self, mut found: Value) -> Value {
        if let Some(tokens) = self.tokens.find_mut(&mut found) {
            *tokens = Value::Null;
        }
        found
    }

    /// What a caller is told of it: what the first service says that did not go well. Nothing where a flag is not known.
    pub fn verdict<'t>(&self, flags: &'t Flags, found: &Value) -> Option<Verdict<'t>> {
        for service in self.services(found) {
            let mut said = flags.known(service.get(&self.flag)?.as_str()?)?;
            let text = service.get(&self.text).and_then(Value::as_str);
            if said.rcode != 1 {
                if let Some(text) = text {
                    said.message = text.to_owned().into();
                }
                return Some(said);
            }
        }
        Some(flags.local(LocalKind::Success, "", ""))
    }

    fn services<'v>(&self, found: &'v Value) -> &'v [Value] {
        let services = self.services.find(found).and_then(Value::as_array);
        services.map_or(&[], Vec::as_slice)
    }
}
