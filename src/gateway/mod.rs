//! The gateway itself: takes SCMP requests over HTTP, finds the merchant, drives the plan through the REST client.
//!
//! [`Gateway`] answers one request; [`listener`] is everything about HTTP; [`admin`] is the operators' listener.
//!
//! Invariants: a request that has begun is finished, even if its client hangs up; nothing that is logged holds a
//! customer's data; this room knows no SCMP field but the merchant's id and no REST path at all.

pub mod admin;
mod breaker;
mod conduct;
mod greeting;
pub mod identity;
mod limits;
pub mod listener;
mod merchants;
mod metrics;
mod repeats;
pub mod resolver;
mod sending;
pub mod side;
mod told;
mod waiting;

use std::time::{Duration, Instant, SystemTime};

use tracing::{info, warn};

use crate::config::{Limits, Resolve, SideStore};
use crate::journal::Journal;
use crate::mapping::flags::LocalKind;
use crate::mapping::{Tables, Verdict};
use crate::pace;
use crate::plan::{self, Context, History, MERCHANT, Opened, Purpose, Refused};
use crate::rest::{Call, Outcome};
use crate::scmp::{self, Charset, Reply, Request};

use conduct::{Conduct, Ended};
use limits::Places;
use merchants::Known;
use metrics::{Metrics, Unread};
use told::Told;

pub use merchants::{Merchant, Merchants};

/// Answers SCMP requests.
pub struct Gateway {
    tables: Tables,
    merchants: Merchants,
    /// How long all calls of one request may take.
    request_timeout: Duration,
    journal: Journal,
    resolve: Resolve,
    places: Places,
    side: SideStore,
    metrics: Metrics,
}

/// An SCMP reply, ready to be sent.
pub struct Response {
    /// The bytes of the reply.
    pub body: Vec<u8>,
    /// The charset that they are in: that of the request.
    pub charset: Charset,
}

impl Gateway {
    /// A gateway for these merchants, with everything on record in this journal.
    pub fn new(
        tables: Tables,
        merchants: Merchants,
        request_timeout: Duration,
        journal: Journal,
        resolve: Resolve,
        limits: &Limits,
        side: SideStore,
    ) -> Gateway {
        Gateway {
            metrics: Metrics::new(&tables.services),
            tables,
            merchants,
            request_timeout,
            journal,
            resolve,
            places: Places::new(limits.requests, limits.queue, limits.queue_timeout),
            side,
        }
    }

    /// What was counted, for Prometheus.
    pub fn metrics(&self) -> String {
        self.metrics.text()
    }

    /// Answers the body of one HTTP request. `content_type` is that header's value.
    pub async fn answer(&self, content_type: Option<&str>, body: &[u8]) -> Response {
        let begun = Instant::now();
        let context = identity::context(SystemTime::now());
        let nobody = Told {
            metrics: &self.metrics,
            merchant: "-",
            service: "-",
            context: &context,
            begun,
        };
        let said = match Charset::from_content_type(content_type) {
            Ok(said) => said,
            Err(error) => return self.malformed(&nobody, &error, Charset::Utf8),
        };
        // ASCII reads the same in every charset: whose it is can be asked once it is parsed.
        let ascii = said.is_none() && body.is_ascii();
        let mut charset = match said {
            Some(said) => said,
            None if ascii => Charset::Utf8,
            None => self.charset(body),
        };
        let text = match charset.decode(body) {
            Ok(text) => text,
            Err(error) => return self.malformed(&nobody, &error, charset),
        };
        let request = match scmp::parse(&text, &self.tables.dictionary) {
            Ok(request) => request,
            Err(scmp::ParseError::NoFields { .. }) => return self.not_scmp(),
            Err(error) => {
                let charset = if ascii { self.charset(body) } else { charset };
                return self.malformed(&nobody, &error, charset);
            }
        };
        // Only what was parsed decides whose account is used; the raw bytes above chose a charset, no more.
        let merchant = request.get(MERCHANT).and_then(|id| self.merchants.find(id));
        if ascii {
            charset = merchant.and_then(Merchant::charset).unwrap_or(charset);
        }
        pace::step().await;
        let reply = self.reply(&request, merchant, context, begun).await;
        Response {
            body: reply.into_bytes(charset),
            charset,
        }
    }

    /// The charset of a request that does not say it: the merchant's, else what its bytes look like.
    fn charset(&self, body: &[u8]) -> Charset {
        let named = scmp::peek(body, MERCHANT).and_then(|id| self.merchants.find(&id));
        let known = named.and_then(Merchant::charset);
        known.unwrap_or_else(|| Charset::guess(body))
    }

    /// The answer to what is no SCMP message at all.
    pub fn not_scmp(&self) -> Response {
        self.metrics.count_unread(Unread::NotScmp);
        info!(
            "something came that is no SCMP message; signed and encrypted messages are not understood"
        );
        self.unreadable(LocalKind::NotScmp, "", Charset::Utf8).0
    }

    /// The answer to a body over the limit, in bytes.
    pub fn too_large(&self, limit: usize) -> Response {
        self.metrics.count_unread(Unread::TooLarge);
        info!(
            limit,
            "a request was refused: larger than server.max_body_bytes"
        );
        self.unreadable(LocalKind::TooLarge, &limit.to_string(), Charset::Utf8)
            .0
    }

    /// The answer when the gateway is at its limit.
    pub fn overloaded(&self) -> Response {
        self.metrics.count_unread(Unread::Overloaded);
        warn!("a connection was refused: server.max_connections is reached");
        self.unreadable(LocalKind::Overload, "", Charset::Utf8).0
    }

    /// The answer when the gateway itself failed.
    pub fn failed(&self) -> Response {
        self.metrics.count_unread(Unread::Failed);
        self.unreadable(LocalKind::Unreadable, "", Charset::Utf8).0
    }

    fn malformed(
        &self,
        told: &Told<'_>,
        error: &dyn std::fmt::Display,
        charset: Charset,
    ) -> Response {
        let (response, verdict) =
            self.unreadable(LocalKind::Malformed, &error.to_string(), charset);
        told.of_refusal(&verdict);
        response
    }

    fn unreadable(
        &self,
        kind: LocalKind,
        detail: &str,
        charset: Charset,
    ) -> (Response, Verdict<'_>) {
        let (reply, verdict) = self.unreadable_reply(kind, detail);
        let body = reply.into_bytes(charset);
        (Response { body, charset }, verdict)
    }

    fn unreadable_reply(&self, kind: LocalKind, detail: &str) -> (Reply, Verdict<'_>) {
        let context = identity::context(SystemTime::now());
        plan::unreadable(&self.tables, kind, detail, &context)
    }

    /// The reply to a request that could be read.
    async fn reply(
        &self,
        request: &Request<'_>,
        merchant: Option<&Merchant>,
        mut context: Context,
        begun: Instant,
    ) -> Reply {
        let (mut known, mut _place) = (None, None);
        if let Some(merchant) = merchant {
            _place = self.places.take(merchant.places()).await;
            if _place.is_none() {
                return self.crowded(merchant, &context, begun);
            }
            known = Some(self.known(merchant, request).await);
        }
        let history: &dyn History = known.as_ref().map_or(&Stranger, |known| known);
        let deadline = begun + self.request_timeout;
        loop {
            let settings = |_: &str| merchant.map(Merchant::settings);
            let mut execution = match plan::open(&self.tables, settings, history, request, &context)
            {
                Opened::Running(execution) => execution,
                Opened::Refused(refused) => {
                    return self.refused(refused, merchant, &context, begun);
                }
            };
            let Some(merchant) = merchant else {
                // Without a merchant nothing is opened.
                return self.unreadable_reply(LocalKind::Unreadable, "").0;
            };
            pace::step().await;
            let services = execution.services();
            let told = Told {
                metrics: &self.metrics,
                merchant: merchant.id(),
                service: services,
                context: &context,
                begun,
            };
            let mut conduct = Conduct::new(self, merchant, request, &execution, &context, deadline);
            let ended = conduct.run(&mut execution).await;
            drop(conduct);
            match ended {
                Ended::Reply(reply, summary) => {
                    pace::step().await;
                    told.of_summary(&summary);
                    return reply;
                }
                Ended::Repeated(reply) => {
                    told.of_repetition(&reply);
                    return reply;
                }
                // The first of two alike came to nothing: this one is the first now.
                Ended::Again => context = identity::context(SystemTime::now()),
            }
        }
    }

    /// Too much is under way: nothing was done, and it may be sent again.
    fn crowded(&self, merchant: &Merchant, context: &Context, begun: Instant) -> Reply {
        let (reply, verdict) = self.unreadable_reply(LocalKind::Overload, "");
        let told = Told {
            metrics: &self.metrics,
            merchant: merchant.id(),
            service: "-",
            context,
            begun,
        };
        warn!(
            merchant = merchant.id(),
            "a request was refused: [limits] are reached"
        );
        told.of_refusal(&verdict);
        reply
    }

    fn refused(
        &self,
        refused: Refused<'_>,
        merchant: Option<&Merchant>,
        context: &Context,
        begun: Instant,
    ) -> Reply {
        let told = Told {
            metrics: &self.metrics,
            merchant: merchant.map_or("-", Merchant::id),
            service: refused.services.unwrap_or("-"),
            context,
            begun,
        };
        told.of_refusal(&refused.verdict);
        refused.reply
    }

    /// What the journal knows of the request that this one follows.
    async fn known<'m>(&self, merchant: &'m Merchant, request: &Request<'_>) -> Known<'m> {
        let kind = match plan::followed(&self.tables, request) {
            // A request that follows another changes something: without a journal it is refused in any case.
            Some(id) => self
                .journal
                .store()
                .kind(merchant.id(), &id)
                .await
                .ok()
                .flatten(),
            None => None,
        };
        Known { merchant, kind }
    }
}

/// What an operator should know of one call; calls that went well are part of the request's line. Only what could not be
/// undone is told with its path, which holds the id of the token that is left.
fn tell_of_call(context: &Context, step: &str, call: &Call, purpose: Purpose, outcome: &Outcome) {
    let id = &context.request_id;
    match (outcome, purpose) {
        (Outcome::Answered(answer), Purpose::Undo)
            if matches!(answer.status, 200..=299 | 404 | 410) =>
        {
            warn!(request_id = %id, step, status = answer.status, "a step was undone, because a later one failed");
        }
        (outcome, Purpose::Undo) => {
            let path = &call.path;
            warn!(request_id = %id, step, %path, ?outcome, "a step could not be undone: delete what is left");
        }
        (Outcome::Answered(answer), Purpose::After) if matches!(answer.status, 200..=299) => {}
        (outcome, Purpose::After) => {
            let path = &call.path;
            warn!(request_id = %id, step, %path, ?outcome, "what follows a service by itself did not go well: do it by hand");
        }
        (Outcome::NotSent(failure), Purpose::Step) => {
            warn!(request_id = %id, step, "a REST call was not sent: {failure}");
        }
        (Outcome::Unknown(failure), Purpose::Step) => {
            warn!(request_id = %id, step, "the outcome of a REST call is unknown: {failure}");
        }
        (Outcome::Answered(answer), Purpose::Step) if answer.status == 401 => {
            warn!(request_id = %id, step, "the REST host refused the merchant's key: check key_id, secret and base_url");
        }
        (Outcome::Answered(answer), Purpose::Step) if answer.status >= 500 => {
            warn!(request_id = %id, step, status = answer.status, "the REST host failed");
        }
        (Outcome::Answered(answer), Purpose::Step) if answer.in_clear && answer.status < 300 => {
            warn!(request_id = %id, step, "a reply that was asked for sealed came in the clear: check that the account has the response key");
        }
        (Outcome::Answered(_), Purpose::Step) => {}
    }
}

/// What is known of one who is no merchant: nothing.
struct Stranger;

impl History for Stranger {
    fn kind(&self, _id: &str, _token: Option<&str>) -> Option<String> {
        None
    }

    fn token(&self, _id: &str, _kind: Option<&str>) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of_val;
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::config;
    use crate::journal::{Memory, Store as _};
    use crate::mapping::{compile::compile, source};
    use crate::workers::Workers;

    fn gateway() -> (Gateway, config::Server) {
        gateway_of(&[], Arc::default(), Duration::ZERO)
    }

    /// One with these variables set, this journal, and so much time for a request.
    fn gateway_of(
        set: &[(&str, &str)],
        journal: Arc<Memory>,
        timeout: Duration,
    ) -> (Gateway, config::Server) {
        let tables = compile(&source::embedded()).expect("the embedded tables are right");
        let set = set
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        let config = config::load(None, set, &tables).expect("the settings are right");
        let merchants = Merchants::new(&config).expect("right ones");
        let journal = Journal::new(journal, "own", timeout);
        let gateway = Gateway::new(
            tables,
            merchants,
            timeout,
            journal,
            config.resolve,
            &config.limits,
            config.side_store,
        );
        (gateway, config.server)
    }

    /// It is kept while the request is under way, and a whole machine's requests are to stay in the processor's cache.
    #[test]
    fn the_task_of_a_request_is_small() {
        let size = size_of_val(&gateway().0.answer(None, b""));
        assert!(size <= 4096, "{size} bytes");
    }

    #[tokio::test]
    async fn a_connection_that_falls_silent_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            let (gateway, server) = gateway();
            let never = std::future::pending();
            let workers = Workers::start(1).expect("one");
            listener::run(listener, Arc::new(gateway), &server, &workers, never).await;
        });
        for (said, answered) in [
            ("", false),
            ("POST / HTTP/1.1\r\nHost:", false),
            ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true),
        ] {
            let mut client = TcpStream::connect(address).await.expect("a connection");
            client.write_all(said.as_bytes()).await.expect("taken");
            let mut reply = Vec::new();
            if answered {
                while !reply.ends_with(b"\n") {
                    assert_ne!(client.read_buf(&mut reply).await.expect("a reply"), 0);
                }
            }
            // From here on the clock runs as soon as nothing else does.
            tokio::time::pause();
            let begun = tokio::time::Instant::now();
            client.read_to_end(&mut reply).await.expect("an end");
            assert_eq!(!reply.is_empty(), answered, "{said}");
            let waited = begun.elapsed();
            let patience = waiting::PATIENCE - Duration::from_secs(1)..waiting::PATIENCE * 2;
            assert!(patience.contains(&waited), "{said}: {waited:?}");
            tokio::time::resume();
        }
    }

    /// Its first was seen under way: whatever became of it, it is not sent again.
    #[tokio::test]
    async fn a_repetition_whose_first_is_forgotten_meanwhile_is_not_sent() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", silent.local_addr().expect("bound"));
        let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let memory = Arc::new(Memory::default());
        let (gateway, _) = gateway_of(
            &[
                ("SCMP_GATEWAY__REST__BASE_URL", &url),
                (
                    "SCMP_GATEWAY__MERCHANTS__SHOP__KEY_ID",
                    "7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2918",
                ),
                ("SCMP_GATEWAY__MERCHANTS__SHOP__SHARED_SECRET", secret),
            ],
            Arc::clone(&memory),
            Duration::from_secs(2),
        );
        let request =
            b"ics_applications=ics_auth\nmerchant_id=shop\nrequest_id=7\nmerchant_ref_number=1\n\
            currency=USD\ngrand_total_amount=1.00\ncustomer_cc_number=4111111111111111\n\
            customer_cc_expmo=12\ncustomer_cc_expyr=2030\nbill_address1=1 Main\nbill_city=X\n\
            bill_state=CA\nbill_zip=94105\nbill_country=US\ncustomer_firstname=A\n\
            customer_lastname=B\ncustomer_email=a@example.com\ncustomer_phone=1\n";
        let forgets = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let open = crate::journal::Filter {
                limit: 9,
                ..Default::default()
            };
            let mut units = memory.list(&open).await.expect("memory");
            assert_eq!(units.len(), 1, "the second knows of the first");
            let mut first = units.remove(0);
            (first.state, first.version) = (crate::journal::State::Finished, first.version + 1);
            assert!(memory.update(&first).await.expect("memory"));
            memory.forget(i64::MAX).await.expect("memory");
        };
        let later = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            gateway.answer(None, request).await
        };
        let (_, told, ()) = tokio::join!(gateway.answer(None, request), later, forgets);
        let told = String::from_utf8_lossy(&told.body).into_owned();
        assert!(told.contains("ics_rflag=ETIMEOUT\n"), "{told}");
        let mut connections = 0;
        while tokio::time::timeout(Duration::from_millis(50), silent.accept())
            .await
            .is_ok()
        {
            connections += 1;
        }
        assert_eq!(connections, 1);
    }
}
