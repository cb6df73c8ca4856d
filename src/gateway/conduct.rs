//! Carrying a request out: its calls one after the other, each on record before it is sent.
//!
//! What is written, and when: the unit with the intent of its first changing call; the outcome of each call together with the
//! intent of the next; the last outcome with the reply. A request of one call costs two writes. Nothing is sent that is not
//! on record, and nothing is answered that is not.

use std::time::{Duration, Instant};

use smallvec::smallvec;
use tracing::{error, warn};

use crate::journal::{Begun, CallFate, CallRecord, Key, KeyOf, NotWritten, State, Unit, now};
use crate::pace;
use crate::plan::{Change, Context, Execution, Next, Purpose, Summary};
use crate::rest::{Call, Failure, Outcome};
use crate::scmp::{Reply, Request};

use super::merchants::Merchant;
use super::{Gateway, repeats, sending, tell_of_call};

/// One request that is carried out.
pub struct Conduct<'g> {
    gateway: &'g Gateway,
    merchant: &'g Merchant,
    context: &'g Context,
    deadline: Instant,
    /// By what the request is known if it comes again, and since when one like it counts.
    key: Option<(Key, i64)>,
    /// The record, once something was to be changed.
    unit: Option<Box<Unit>>,
    /// Whether the journal failed this request.
    unrecorded: bool,
}

/// How soon, and at the longest how often, it is asked whether the first of two alike has ended.
const REPEAT_PAUSE: Duration = Duration::from_millis(5);
const REPEAT_PAUSE_MAX: Duration = Duration::from_millis(200);

/// How a request ended.
pub enum Ended<'p> {
    /// It was carried out.
    Reply(Reply, Summary<'p>),
    /// It came again: the first one's reply.
    Repeated(Reply),
    /// It came again, and the first changed nothing.
    Again,
}

/// What came of writing down an intent.
enum Intent {
    Recorded,
    /// Nothing may be changed: the journal cannot be written, or another gateway settles this request.
    NotRecorded,
    /// The request is on record already.
    Known(Box<Unit>),
}

impl<'g> Conduct<'g> {
    /// Begins.
    pub fn new(
        gateway: &'g Gateway,
        merchant: &'g Merchant,
        request: &Request<'_>,
        execution: &Execution<'_>,
        context: &'g Context,
        deadline: Instant,
    ) -> Conduct<'g> {
        let key = execution.creates().then(|| {
            let dictionary = &gateway.tables.dictionary;
            repeats::key(merchant, dictionary, request)
        });
        Conduct {
            gateway,
            merchant,
            context,
            deadline,
            key: key.flatten(),
            unit: None,
            unrecorded: false,
        }
    }

    /// Makes the calls and writes them down.
    pub async fn run<'p>(&mut self, execution: &mut Execution<'p>) -> Ended<'p> {
        loop {
            let (call, step, purpose) = match execution.next_call() {
                Next::Call {
                    call,
                    step,
                    purpose,
                } => (call, step, purpose),
                Next::Side(work) => {
                    let merchant = self.merchant;
                    // What is rare is put in boxes, here and below: every request's task would have room for it.
                    let seen = self.gateway.see_to_side(merchant, work, execution);
                    Box::pin(seen).await;
                    continue;
                }
                Next::Done => break,
            };
            pace::step().await;
            let change = execution.change(&call, purpose);
            let changes = change.is_some();
            let intent = match change {
                Some(change) => self.intend(execution, &call, step, change).await,
                None => Intent::Recorded,
            };
            let outcome = match (intent, purpose) {
                (Intent::Known(first), _) => {
                    return Box::pin(self.repeated(*first, execution)).await;
                }
                // What undoes something is safe, and better done than recorded.
                (Intent::Recorded, _) | (Intent::NotRecorded, Purpose::Undo) => {
                    self.send(&call, purpose).await
                }
                (Intent::NotRecorded, Purpose::Step | Purpose::After) => {
                    Outcome::NotSent(Failure::NotRecorded)
                }
            };
            pace::step().await;
            tell_of_call(self.context, step, &call, purpose, &outcome);
            let fate = execution.answered(outcome);
            let record = self.unit.as_mut().and_then(|unit| unit.calls.last_mut());
            if let Some(record) = record.filter(|_| changes) {
                record.ended(fate);
            }
        }
        pace::step().await;
        self.finish(execution).await
    }

    /// Writes down that a call is about to be made, with what is known of the one before.
    async fn intend(
        &mut self,
        execution: &Execution<'_>,
        call: &Call,
        step: &str,
        change: Change,
    ) -> Intent {
        let record = CallRecord::intended(step, call, change);
        pace::step().await;
        let journal = &self.gateway.journal;
        let written = match &mut self.unit {
            Some(unit) => {
                unit.intend(record);
                // Once it failed, only what undoes something comes here, and does not wait for the journal.
                match self.unrecorded {
                    true => Err(NotWritten::Unavailable),
                    false => journal.write(unit).await.map(|()| Begun::Fresh),
                }
            }
            None => {
                let (key, since) = self.key.clone().unzip();
                let unit = self.unit.insert(Box::new(Unit {
                    id: self.context.request_id.as_str().into(),
                    merchant: self.merchant.id().into(),
                    services: execution.services().into(),
                    key,
                    begun: now(),
                    owner: journal.owner().into(),
                    calls: smallvec![record],
                    ..Unit::default()
                }));
                journal.begin(unit, since.unwrap_or(0)).await
            }
        };
        match written {
            Ok(Begun::Fresh) => Intent::Recorded,
            Ok(Begun::Known(known)) => Intent::Known(known),
            Err(_) => {
                self.unrecorded = true;
                Intent::NotRecorded
            }
        }
    }

    /// Makes one call within the time that is left for the whole request: the caller does not wait longer. What undoes a
    /// step has time of its own.
    async fn send(&self, call: &Call, purpose: Purpose) -> Outcome {
        let deadline = match purpose {
            Purpose::Step => self.deadline,
            Purpose::Undo | Purpose::After => Instant::now() + self.gateway.request_timeout,
        };
        sending::send(self.merchant, call, deadline).await
    }

    /// Writes down how it ended, then answers.
    async fn finish<'p>(&mut self, execution: &Execution<'p>) -> Ended<'p> {
        let (reply, summary) = execution.finish();
        pace::step().await;
        let Some(mut unit) = self.unit.take() else {
            return Ended::Reply(reply, summary);
        };
        unit.flag = Some(summary.flag.into());
        unit.rcode = Some(summary.rcode);
        unit.made(execution.made());
        unit.partial.clone_from(&summary.partial);
        let nothing = unit.calls.iter().all(|call| call.fate == CallFate::Nothing);
        let declined = unit.rcode == Some(0);
        let of_content = unit
            .key
            .as_ref()
            .is_some_and(|key| key.of == KeyOf::Content);
        if unit.did_nothing() || (declined && of_content) {
            unit.key = None;
        }
        if unit.key.is_some() {
            unit.reply = Some(reply.text().to_owned());
        }
        unit.close();
        self.gateway.schedule(&mut unit);
        let journal = &self.gateway.journal;
        let written = match self.unrecorded {
            true => Err(NotWritten::Unavailable),
            false => journal.write(&mut unit).await,
        };
        if written.is_ok() {
            let ends = execution.side_ends();
            Box::pin(self.gateway.conclude_side(self.merchant, ends)).await;
            return Ended::Reply(reply, summary);
        }
        if nothing {
            journal.write_late(*unit);
            return Ended::Reply(reply, summary);
        }
        // Nobody may say that it went well before that is on record: it counts as cut off, and is taken back.
        self.gateway.abandon(*unit);
        let (reply, summary) = execution.lost(&self.context.request_id);
        Ended::Reply(reply, summary)
    }

    /// What became of the first of two alike whose answer was lost, and which was found since.
    async fn found_again(&self, first: &Unit, execution: &mut Execution<'_>) -> Option<Reply> {
        let (step, found) = first.found()?;
        let outcome = self.send(&found.call(), Purpose::Step).await;
        let Outcome::Answered(answer) = outcome else {
            return None;
        };
        let body = (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok())??;
        execution
            .as_found(step, found, body)
            .map(|(reply, _)| reply)
    }

    /// Answers a request that is on record already: waits for the first one while it is under way.
    async fn repeated<'p>(&mut self, mut first: Unit, execution: &mut Execution<'p>) -> Ended<'p> {
        self.unit = None;
        let mut pause = REPEAT_PAUSE;
        while first.state == State::Open && Instant::now() + pause < self.deadline {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(REPEAT_PAUSE_MAX);
            match self.gateway.journal.store().unit(&first.id).await {
                Ok(Some(unit)) => first = unit,
                // It ended, and was forgotten since: how, nobody can say.
                Ok(None) => break,
                Err(error) => warn!("{error}"),
            }
        }
        if let Some(reply) = self.found_again(&first, execution).await {
            return Ended::Repeated(reply);
        }
        let text = first.reply.take();
        match (first.state, text) {
            (State::Open, _) => {}
            (_, Some(text)) => return Ended::Repeated(Reply::parse(&text)),
            // It changed nothing, so it let go of its key.
            (_, None) if first.key.is_none() => return Ended::Again,
            (_, None) => {}
        }
        let (reply, summary) = execution.lost(&first.id);
        Ended::Reply(reply, summary)
    }
}

/// A request that does not come to its end, because something panicked, is settled like one whose gateway died.
impl Drop for Conduct<'_> {
    fn drop(&mut self) {
        if let Some(unit) = self.unit.take() {
            error!(request_id = %unit.id, "a request broke off: what it did is taken back");
            self.gateway.abandon(*unit);
        }
    }
}
