//! What becomes of a call whose outcome is not known: the ways in which it is settled, tried one after the other.
//!
//! A [`Task`] is a state machine without clock or network, like the execution that it comes from: whoever drives it makes
//! [`Task::call`], waits as long as it should, and says what came of it. It holds no card data, for it is written down.

use compact_str::CompactString;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mapping::flags::Means;
use crate::mapping::lookup::Became;
use crate::rest::{Accept, Call, Failure, Outcome};

use super::find::{Find, Found, Look, Settling};

/// How often in a row REST must say that there is nothing to settle: the lost call may still be on its way.
const ABSENT_ENOUGH: u8 = 2;

/// A call that settles another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The method.
    pub method: CompactString,
    /// The path.
    pub path: CompactString,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The family of operations, by which the answer is judged.
    pub group: CompactString,
    /// Whether it is the lost call itself, once more.
    #[serde(default)]
    pub again: bool,
    /// Whether REST takes its body sealed.
    #[serde(default)]
    pub sealable: bool,
    /// What it looks for, where it takes nothing back but looks for the lost call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<Box<Find>>,
    /// By what it shows that the lost call changed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<Box<Unchanged>>,
}

/// By what it is seen that a lost call changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchanged {
    /// The ETag that the object had before.
    pub etag: String,
    /// What is listed as changed perhaps.
    pub perhaps: String,
}

impl Way {
    /// Whether it reads what the lost call was to delete.
    fn is_read(&self) -> bool {
        self.method == "GET" && self.unchanged.is_none()
    }
}

/// Something to be settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The step that it settles.
    pub step: CompactString,
    /// The ways, in the order in which they are tried.
    pub ways: Vec<Way>,
    /// The way that is tried now.
    #[serde(default)]
    pub at: usize,
    /// How many attempts were made.
    #[serde(default)]
    pub attempts: u32,
    /// Whether an attempt is under way: one that is found so was cut off.
    #[serde(default)]
    under_way: bool,
    /// Whether an attempt at this way had no answer: it may have done it.
    #[serde(default)]
    unanswered: bool,
    /// How often in a row there was nothing to settle.
    #[serde(default)]
    absent: u8,
    /// Whether it takes back what the lost call left behind, and not that call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leftovers: bool,
    /// What a search listed, while it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    look: Option<Look>,
    /// Whether a look was seen through, and did not find it.
    #[serde(default)]
    looked: bool,
    /// The lost call, once it is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// What was lost is taken back, or carried out after all where it was to be.
    Settled,
    /// What was lost was found, and stands.
    Kept,
    /// What was lost had not been carried out.
    Absent,
    /// Something was changed, by what was lost or by another: it is listed as changed in part.
    Perhaps,
    /// It cannot be settled: an operator has to look.
    Stuck,
}

impl Task {
    /// A task to settle a step; one without ways is stuck from the start.
    pub fn new(step: &str, ways: Vec<Way>) -> Task {
        Task {
            step: step.into(),
            end: ways.is_empty().then_some(End::Stuck),
            ways,
            at: 0,
            attempts: 0,
            under_way: false,
            unanswered: false,
            absent: 0,
            leftovers: false,
            look: None,
            looked: false,
            found: None,
        }
    }

    /// A task to take back what a step left behind, found in this way.
    pub fn leftovers(step: &str, way: Way) -> Task {
        Task {
            leftovers: true,
            ..Task::new(step, vec![way])
        }
    }

    /// An attempt is about to be made: to be on record before it is.
    pub fn attempted(&mut self) {
        self.unanswered |= self.under_way;
        self.under_way = true;
        self.attempts += 1;
    }

    /// Whether the call at hand may be made at once: it takes nothing back that may still be on its way, and what it reads
    /// does not lag behind.
    pub fn is_prompt(&self) -> bool {
        let way = self.ways.get(self.at);
        way.is_some_and(|way| way.again || way.is_read())
    }

    /// The call to make now; nothing once it has ended.
    pub fn call(&self) -> Option<Call> {
        let way = self.ways.get(self.at).filter(|_| self.end.is_none())?;
        if let (Some(find), Some(look)) = (&way.find, &self.look) {
            return look.call(find);
        }
        Some(Call {
            method: Method::from_bytes(way.method.as_bytes()).ok()?,
            path: way.path.to_string(),
            if_match: None,
            body: way.body.clone().map(Into::into),
            sealable: way.sealable,
            accept: Accept::Json,
        })
    }

    /// Whether it looks for the lost call now, and takes nothing back.
    pub fn is_looking(&self) -> bool {
        let way = self.ways.get(self.at).filter(|_| self.end.is_none());
        way.is_some_and(|way| way.find.is_some())
    }

    /// The time to look for the lost call is over: it is taken back if a look was seen through, or `anyway`. Whether
    /// another call should be made at once: the next way.
    pub fn stop_looking(&mut self, anyway: bool) -> bool {
        self.is_looking() && (self.looked || anyway) && self.next_way()
    }

    /// The time to settle it is over.
    pub fn give_up(&mut self) {
        let way = self.ways.get(self.at);
        let end = match way.and_then(|way| way.unchanged.as_ref()) {
            Some(_) => End::Perhaps,
            None => End::Stuck,
        };
        self.end.get_or_insert(end);
    }

    /// What may have been changed by what was lost, and was not: the object is as it was, or is no more.
    pub fn unchanged(&self) -> Option<&str> {
        let seen = matches!(self.end, Some(End::Absent | End::Settled));
        let way = self.ways.get(self.at).filter(|_| seen)?;
        Some(&way.unchanged.as_ref()?.perhaps)
    }

    /// Takes what became of the call. Whether another should be made at once: the next way.
    pub fn answered(&mut self, of: &Settling<'_>, outcome: &Outcome) -> bool {
        let looking = self.at;
        self.take(of, outcome) || (self.at == looking && self.looks_once() && self.next_way())
    }

    /// Whether it looks for a call that may be made again: one look is enough, for twice does no more than once.
    fn looks_once(&self) -> bool {
        let mut ways = self.ways.iter().skip(self.at);
        let looks = |way: &Way| way.find.is_some() || way.is_read();
        self.end.is_none()
            && ways.next().is_some_and(looks)
            && ways.next().is_some_and(|way| way.again)
    }

    fn take(&mut self, of: &Settling<'_>, outcome: &Outcome) -> bool {
        self.under_way = false;
        let Some(way) = self.ways.get(self.at) else {
            self.end = Some(End::Stuck);
            return false;
        };
        let answer = match outcome {
            Outcome::NotSent(_) => return false,
            // A search changes nothing, so whoever refuses it is believed: it cannot be looked up.
            Outcome::Unknown(Failure::Foreign { .. })
                if way.find.is_some() && self.look.is_none() =>
            {
                return self.next_way();
            }
            Outcome::Unknown(_) => {
                self.unanswered = true;
                return false;
            }
            Outcome::Answered(answer) => answer,
        };
        let body = || serde_json::from_slice(&answer.body).unwrap_or_default();
        if let Some(look) = self.look.take() {
            return self.read(look, answer.status, body(), of);
        }
        let flags = &of.tables.flags;
        let means = flags.means(&way.group, &way.method, answer.status, answer.body.clone());
        let means = match (&way.unchanged, means) {
            (Some(before), Some(Means::Next)) => match answer.etag.as_ref() == Some(&before.etag) {
                true => Some(Means::Absent),
                false => {
                    self.end = Some(End::Perhaps);
                    return false;
                }
            },
            (_, means) => means,
        };
        if way.find.is_some() {
            return match means {
                Some(Means::Settled) => self.listed(Look::listed(flags.lookup.listed(&body()))),
                // It cannot be looked up.
                Some(_) => self.next_way(),
                None => false,
            };
        }
        let done_by_us = way.again || self.unanswered;
        match means {
            Some(Means::Settled) => {
                let went_well = (200..=299).contains(&answer.status);
                if went_well && way.again && way.method == "POST" && !self.leftovers {
                    self.found = of.repeated(&self.step, &body());
                }
                self.end = Some(End::Settled);
            }
            Some(Means::Already) if done_by_us => self.end = Some(End::Settled),
            Some(Means::Already) if self.at + 1 < self.ways.len() => return self.next_way(),
            Some(Means::Next) => return self.next_way(),
            Some(Means::Already | Means::Stuck) => self.end = Some(End::Stuck),
            Some(Means::Absent) => {
                self.absent += 1;
                self.end = (self.absent >= ABSENT_ENOUGH).then_some(End::Absent);
            }
            None => self.unanswered |= matches!(answer.status, 408 | 500..),
        }
        false
    }
}

impl Task {
    /// Goes on to the next way; without one an operator has to look.
    fn next_way(&mut self) -> bool {
        (self.unanswered, self.absent, self.look) = (false, 0, None);
        if self.at + 1 < self.ways.len() {
            self.at += 1;
            return true;
        }
        self.end = Some(End::Stuck);
        false
    }

    /// Takes what was read of one that the search had listed.
    fn read(&mut self, mut look: Look, status: u16, body: Value, of: &Settling<'_>) -> bool {
        let find = self.ways.get(self.at).and_then(|way| way.find.as_deref());
        let Some(find) = find else { return false };
        // What cannot be read now is read at the next look.
        look.read(find, (status, body), &self.step, of);
        self.listed(look)
    }

    /// Goes on with what a search listed. Whether another call should be made at once.
    fn listed(&mut self, look: Look) -> bool {
        if !look.is_over() {
            self.look = Some(look);
            return true;
        }
        self.looked |= look.is_whole();
        let mut found = look.into_found();
        match (found.pop(), found.is_empty()) {
            (None, _) => false,
            (Some(found), true) if self.leftovers => self.take_back(found),
            (Some(found), true) => {
                self.end = found.became.map(|became| match became {
                    Became::Done => End::Kept,
                    Became::Refused => End::Absent,
                });
                self.found = Some(found).filter(|_| self.end.is_some());
                false
            }
            // Which one it is nobody knows.
            (Some(_), false) => self.next_way(),
        }
    }

    /// Takes back what a call left behind that was found.
    fn take_back(&mut self, found: Found) -> bool {
        if let Some(undo) = found.undo.clone() {
            self.ways.push(undo);
            self.found = Some(found);
            return self.next_way();
        }
        // It shows what it made, and nothing of it is to be taken back; or it made nothing.
        if found.shows || found.became == Some(Became::Refused) {
            self.end = Some(End::Settled);
        }
        false
    }
}

/// What is left behind by a call that was not carried out cannot be found, and is not there: it need not be looked for.
pub fn conclude(tasks: &mut [Task]) {
    let absent = tasks
        .iter()
        .filter(|task| !task.leftovers && task.end == Some(End::Absent));
    let absent: Vec<CompactString> = absent.map(|task| task.step.clone()).collect();
    for task in tasks {
        let open = matches!(task.end, None | Some(End::Stuck));
        if task.leftovers && open && absent.contains(&task.step) {
            task.end = Some(End::Absent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::LazyLock;

    use serde_json::json;

    use crate::mapping::{Settings, Tables, compile::compile, source};
    use crate::rest::{Answer, Failure};

    fn way(path: &str, again: bool) -> Way {
        Way {
            method: "POST".into(),
            path: path.into(),
            body: Some("{}".into()),
            group: "pts".into(),
            again,
            sealable: false,
            find: None,
            unchanged: None,
        }
    }

    static SETTINGS: LazyLock<Settings> = LazyLock::new(Settings::default);

    fn of(tables: &Tables) -> Settling<'_> {
        Settling {
            tables,
            settings: &SETTINGS,
            services: "ics_auth,ics_pay_subscription_create",
        }
    }

    fn answer(status: u16, body: &str) -> Outcome {
        Outcome::Answered(Answer {
            status,
            etag: None,
            retry_after: None,
            body: body.to_owned().into(),
            in_clear: false,
        })
    }

    fn lost() -> Outcome {
        Outcome::Unknown(Failure::Cut {
            host: "h".into(),
            reason: "r".into(),
        })
    }

    fn end(ways: Vec<Way>, outcomes: &[Outcome]) -> (Option<End>, usize) {
        let tables = compile(&source::embedded()).expect("tables");
        let of = of(&tables);
        let mut task = Task::new("payment", ways);
        for outcome in outcomes {
            assert!(task.call().is_some(), "no call is left");
            task.attempted();
            task.answered(&of, outcome);
        }
        (task.end, task.at)
    }

    const REVERSED: &str = r#"{"status":"REVERSED"}"#;
    const NOTHING: &str = r#"{"status":"INVALID_REQUEST","reason":"INVALID_DATA"}"#;
    const NOT_VOIDABLE: &str = r#"{"status":"INVALID_REQUEST","reason":"NOT_VOIDABLE"}"#;

    #[test]
    fn a_definite_answer_ends_it() {
        let ways = || vec![way("/r", false)];
        assert_eq!(end(ways(), &[answer(201, REVERSED)]).0, Some(End::Settled));
        assert_eq!(end(ways(), &[lost(), answer(503, "<html>")]).0, None);
        let settled = r#"{"reason":"TRANSACTION_ALREADY_SETTLED"}"#;
        assert_eq!(end(ways(), &[answer(400, settled)]).0, Some(End::Stuck));
    }

    #[test]
    fn that_there_is_nothing_must_be_said_twice() {
        let ways = || vec![way("/r", false)];
        assert_eq!(end(ways(), &[answer(400, NOTHING)]).0, None);
        let twice = [answer(400, NOTHING), lost(), answer(400, NOTHING)];
        assert_eq!(end(ways(), &twice).0, Some(End::Absent));
    }

    #[test]
    fn a_sale_that_cannot_be_voided_is_reversed() {
        let ways = || vec![way("/v", false), way("/r", false)];
        let outcomes = [answer(400, NOT_VOIDABLE), answer(201, REVERSED)];
        assert_eq!(end(ways(), &outcomes), (Some(End::Settled), 1));
        // Voided by an attempt whose answer got lost.
        let outcomes = [lost(), answer(400, NOT_VOIDABLE)];
        assert_eq!(end(ways(), &outcomes), (Some(End::Settled), 0));
        assert_eq!(
            end(vec![way("/v", false)], &[answer(400, NOT_VOIDABLE)]).0,
            Some(End::Stuck)
        );
    }

    #[test]
    fn an_attempt_that_was_cut_off_may_have_done_it() {
        let tables = compile(&source::embedded()).expect("tables");
        let of = of(&tables);
        let mut task = Task::new("capture", vec![way("/v", false)]);
        task.attempted();
        let text = serde_json::to_string(&task).expect("JSON");
        let mut task: Task = serde_json::from_str(&text).expect("a task");
        task.attempted();
        task.answered(&of, &answer(400, NOT_VOIDABLE));
        assert_eq!(task.end, Some(End::Settled));
    }

    #[test]
    fn a_void_that_cannot_be_repeated_was_carried_out() {
        let outcomes = [answer(400, NOT_VOIDABLE)];
        assert_eq!(end(vec![way("/v", true)], &outcomes).0, Some(End::Settled));
    }

    #[test]
    fn without_a_way_an_operator_has_to_look() {
        let task = Task::new("customer", Vec::new());
        assert_eq!((task.end, task.call()), (Some(End::Stuck), None));
    }

    const SERVICES: &str = "applicationInformation";

    fn search() -> Way {
        Way {
            group: "tss".into(),
            find: Some(Box::new(Find {
                mark: "mark".into(),
                read: "/t/{id}".into(),
                kind: Some("sale".into()),
            })),
            ..way("/s", false)
        }
    }

    fn list(ids: &[&str]) -> Outcome {
        let listed: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        let body = json!({"_embedded": {"transactionSummaries": listed}});
        answer(201, &body.to_string())
    }

    fn found(mark: &str, rcode: &str) -> Outcome {
        let body = json!({"clientReferenceInformation": {"comments": mark},
            SERVICES: {"applications": [{"rCode": rcode}]}});
        answer(200, &body.to_string())
    }

    #[test]
    fn the_one_that_bears_the_lost_calls_id_is_kept() {
        let ways = || vec![search(), way("/v", false)];
        let kept = [list(&["1", "2"]), found("other", "1"), found("mark", "1")];
        assert_eq!(end(ways(), &kept), (Some(End::Kept), 0));
        let refused = [list(&["1"]), found("mark", "0")];
        assert_eq!(end(ways(), &refused), (Some(End::Absent), 0));
        for unclear in [
            found("other", "1"),
            found("mark", "-1"),
            answer(404, "{}"),
            lost(),
        ] {
            assert_eq!(end(ways(), &[list(&["1"]), unclear]), (None, 0));
        }
        assert_eq!(end(ways(), &[list(&[]), list(&["../x"])]), (None, 0));
    }

    #[test]
    fn of_several_none_is_kept() {
        let ways = vec![search(), way("/v", false)];
        let several = [list(&["1", "2"]), found("mark", "1"), found("mark", "1")];
        assert_eq!(end(ways, &several), (None, 1));
    }

    #[test]
    fn what_cannot_be_searched_is_taken_back() {
        let ways = || vec![search(), way("/r", false)];
        let outcomes = [answer(403, "{}"), answer(201, REVERSED)];
        assert_eq!(end(ways(), &outcomes), (Some(End::Settled), 1));
        assert_eq!(end(ways(), &[answer(502, "{}"), lost()]), (None, 0));
        let mut task = Task::new("payment", ways());
        assert!(task.stop_looking(true) && !task.stop_looking(true));
        assert_eq!((task.end, task.at), (None, 1));
    }

    #[test]
    fn only_a_look_that_was_seen_through_ends_the_looking() {
        let tables = compile(&source::embedded()).expect("tables");
        let stops = |outcomes: &[Outcome]| {
            let mut task = Task::new("payment", vec![search(), way("/r", false)]);
            for outcome in outcomes {
                task.answered(&of(&tables), outcome);
            }
            task.stop_looking(false)
        };
        let gone = || answer(404, "{}");
        assert!(stops(&[list(&[])]) && stops(&[list(&["1"]), gone()]));
        assert!(!stops(&[]) && !stops(&[lost()]) && !stops(&[answer(502, "{}")]));
        assert!(!stops(&[list(&["1", "2"]), answer(502, "{}"), gone()]));
    }

    /// A void, made again without a look that finds it.
    fn voided(outcomes: &[Outcome]) -> Task {
        let tables = compile(&source::embedded()).expect("tables");
        let of = Settling {
            services: "ics_void",
            ..of(&tables)
        };
        let mut task = Task::new("void_sale", vec![search(), way("/v", true)]);
        for outcome in outcomes {
            assert!(task.call().is_some(), "no call is left");
            task.attempted();
            task.answered(&of, outcome);
        }
        task
    }

    #[test]
    fn a_void_that_is_found_is_not_made_again() {
        let task = voided(&[list(&["9"]), found("mark", "1")]);
        assert_eq!((task.end, task.at), (Some(End::Kept), 0));
        assert_eq!(task.found.map(|found| found.id), Some("9".to_owned()));
        let task = voided(&[list(&["9"]), found("mark", "0")]);
        assert_eq!((task.end, task.at), (Some(End::Absent), 0));
    }

    #[test]
    fn one_look_for_a_void_is_enough_and_what_is_made_again_is_known() {
        let not_sent = || Outcome::NotSent(Failure::Busy { host: "h".into() });
        for looked in [
            vec![list(&[])],
            vec![lost()],
            vec![not_sent()],
            vec![answer(503, "")],
            vec![answer(403, "{}")],
            vec![list(&["1"]), found("other", "1")],
            vec![list(&["1"]), found("mark", "-1")],
            vec![list(&["1", "2"]), lost()],
        ] {
            let mut outcomes = looked;
            outcomes.push(answer(201, r#"{"id":"70","status":"VOIDED"}"#));
            let task = voided(&outcomes);
            assert_eq!((task.end, task.at), (Some(End::Settled), 1));
            let found = task.found.expect("it is known");
            let said = (
                found.id.as_str(),
                found.path.as_str(),
                found.kind.as_deref(),
            );
            assert_eq!(said, ("70", "/tss/v2/transactions/70", Some("void")));
        }
        let task = voided(&[list(&[]), answer(400, NOT_VOIDABLE)]);
        assert_eq!((task.end, task.found), (Some(End::Settled), None));
        // What says that it was done before has no id of a void.
        let before = r#"{"id":"70","status":"INVALID_REQUEST","reason":"CAPTURE_ALREADY_VOIDED"}"#;
        let task = voided(&[list(&[]), answer(400, before)]);
        assert_eq!((task.end, task.found), (Some(End::Settled), None));
        // An id that cannot be one is none.
        let task = voided(&[list(&[]), answer(201, r#"{"id":"../x","status":"VOIDED"}"#)]);
        assert_eq!((task.end, task.found), (Some(End::Settled), None));
    }

    #[test]
    fn a_search_that_a_page_refuses_is_none() {
        let tables = compile(&source::embedded()).expect("tables");
        let page = Outcome::Unknown(Failure::Foreign {
            host: "h".into(),
            status: 404,
        });
        let mut task = Task::new("payment", vec![search(), way("/v", false)]);
        task.attempted();
        assert!(
            task.answered(&of(&tables), &page),
            "it is taken back at once"
        );
        assert_eq!((task.end, task.at), (None, 1));
        // What settles it may have been done behind such a page.
        task.attempted();
        assert!(!task.answered(&of(&tables), &page));
        assert_eq!((task.end, task.at), (None, 1));
    }

    #[test]
    fn what_was_to_be_deleted_is_deleted_again_where_it_is_still_there() {
        let of_token = |method: &str, again| Way {
            method: method.into(),
            group: "tms".into(),
            ..way("/c", again)
        };
        let ways = || vec![of_token("GET", false), of_token("DELETE", true)];
        assert!(Task::new("deletion", ways()).is_prompt());
        assert!(!Task::new("payment", vec![search(), way("/v", true)]).is_prompt());
        for gone in [404, 410] {
            assert_eq!(end(ways(), &[answer(gone, "")]), (Some(End::Settled), 0));
        }
        for looked in [answer(200, "{}"), answer(403, ""), answer(503, ""), lost()] {
            assert_eq!(
                end(ways(), &[looked, answer(204, "")]),
                (Some(End::Settled), 1)
            );
        }
    }

    #[test]
    fn whether_a_change_was_made_shows_in_the_etag() {
        let look = || Way {
            method: "GET".into(),
            group: "tms".into(),
            unchanged: Some(Box::new(Unchanged {
                etag: "\"1\"".into(),
                perhaps: "customer (perhaps)".into(),
            })),
            ..way("/c", false)
        };
        let tagged = |etag: &str| match answer(200, "{}") {
            Outcome::Answered(answer) => Outcome::Answered(Answer {
                etag: Some(etag.into()),
                ..answer
            }),
            other => other,
        };
        // It may still be on its way: it is not looked at once, nor once only.
        assert!(!Task::new("profile", vec![look()]).is_prompt());
        let (same, other) = (|| tagged("\"1\""), || tagged("\"2\""));
        assert_eq!(end(vec![look()], &[same()]).0, None);
        for (outcomes, ended) in [
            (vec![same(), same()], Some(End::Absent)),
            (vec![same(), other()], Some(End::Perhaps)),
            (vec![other()], Some(End::Perhaps)),
            (vec![answer(200, "{}")], Some(End::Perhaps)),
            (vec![answer(410, "")], Some(End::Settled)),
            (vec![answer(503, ""), lost(), answer(403, "")], None),
        ] {
            assert_eq!(end(vec![look()], &outcomes).0, ended, "{outcomes:?}");
        }
        let mut task = Task::new("profile", vec![look()]);
        assert_eq!(task.unchanged(), None);
        task.give_up();
        assert_eq!((task.end, task.unchanged()), (Some(End::Perhaps), None));
        task.end = Some(End::Absent);
        assert_eq!(task.unchanged(), Some("customer (perhaps)"));
    }

    #[test]
    fn what_a_call_left_behind_that_was_not_carried_out_is_not_there() {
        let mut tasks = [
            Task::new("payment", Vec::new()),
            Task::leftovers("payment", search()),
        ];
        tasks[1].stop_looking(true);
        conclude(&mut tasks);
        assert_eq!(tasks[1].end, Some(End::Stuck));
        tasks[0].end = Some(End::Absent);
        conclude(&mut tasks);
        assert_eq!(tasks[1].end, Some(End::Absent));
    }
}
