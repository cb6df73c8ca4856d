//! Stands between a gateway and the sandbox, remembers what was done for each merchant, and holds one of a merchant's calls,
//! so that the gateway can be killed while it waits, or has the sandbox meet it with a fault.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use serde_json::Value;

use crate::process::{PATIENCE, Running, Start};
use crate::upstream::{Act, Seen, Upstream};

/// The merchants' secret: worthless, as it is the sandbox's.
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Where a call is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The host has it and does nothing yet; nor will it.
    Received,
    /// The host has done the work, and its answer does not go out.
    Processed,
    /// The same, but the answer goes out in the end.
    Answered,
}

/// A fault of the sandbox, and what can be known of the call that meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The value of `x-sandbox-fault`.
    pub value: &'static str,
    pub effect: Effect,
}

impl Fault {
    /// The value without its number of milliseconds or seconds.
    pub fn name(&self) -> &'static str {
        let name = self.value.split(',').next().unwrap();
        match name.starts_with("delay") {
            true => name.split('=').next().unwrap(),
            false => name,
        }
    }
}

/// What becomes of the work that a call with a fault asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is not done.
    Nothing,
    /// It is done, and the answer does not show it.
    Hidden,
    /// It is done, and the answer shows it, be it too late.
    Shown,
}

/// What one call meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trap {
    Hold(Point),
    /// With the status that the call has without it.
    Fault(Fault, u16),
}

/// A call that the host has done.
#[derive(Clone, Debug)]
pub struct Done {
    pub method: String,
    pub path: String,
    pub body: Value,
    pub status: u16,
    /// Nothing where it was not shown.
    pub reply: Value,
}

#[derive(Default)]
struct State {
    /// Which of the next calls meets something, and what.
    trap: Option<(usize, Trap)>,
    /// Calls since the trap was set.
    came: Vec<Seen>,
    held: bool,
    done: Vec<Done>,
}

/// The calls of one merchant.
#[derive(Default)]
pub struct Line {
    state: Mutex<State>,
    more: Condvar,
}

/// The relay. Merchants have to sign by HTTP Signature, which names them.
pub struct Relay {
    host: Upstream,
    lines: Arc<Mutex<BTreeMap<String, Arc<Line>>>>,
}

impl Relay {
    /// A sandbox with these merchants behind a relay, and a gateway's configuration of them; each has settings of its own.
    pub fn before_sandbox(merchants: &[(String, &str)]) -> (Running, Relay, String) {
        let mut known = String::new();
        for (id, _) in merchants {
            known.push_str(&format!(
                "[[merchants]]\nid = \"{id}\"\nkey_id = \"{id}\"\nsecret = \"{SECRET}\"\n"
            ));
        }
        let sandbox = Start::new(&["sandbox", "--listen", "127.0.0.1:0"]);
        let file = sandbox.file("merchants.toml", &known);
        let sandbox = sandbox
            .arguments(&["--merchants", file.to_str().unwrap()])
            .run();
        let relay = Relay::start(&sandbox.address);
        let mut config = String::new();
        for (id, settings) in merchants {
            config.push_str(&format!(
                "[merchants.{id}]\nkey_id = \"{id}\"\nshared_secret = \"{SECRET}\"\nauth = \"http_signature\"\n\
                 base_url = \"http://{}\"\n{settings}",
                relay.host.address
            ));
        }
        (sandbox, relay, config)
    }

    fn start(sandbox: &str) -> Relay {
        let lines: Arc<Mutex<BTreeMap<String, Arc<Line>>>> = Arc::default();
        let (own, sandbox) = (Arc::clone(&lines), sandbox.to_owned());
        let host = Upstream::start(move |seen| {
            let merchant = seen.headers["v-c-merchant-id"].as_str();
            let line = Arc::clone(own.lock().unwrap().entry(merchant.to_owned()).or_default());
            line.answer(seen, &sandbox)
        });
        Relay { host, lines }
    }

    /// The line of a merchant.
    pub fn line(&self, merchant: &str) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap();
        Arc::clone(lines.entry(merchant.to_owned()).or_default())
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn set(&self, trap: Option<(usize, Trap)>) {
        let mut state = self.state();
        (state.trap, state.held) = (trap, false);
        state.came.clear();
    }

    /// Counts the calls that come from now on.
    pub fn watch(&self) {
        self.set(None);
    }

    /// Holds this one of the calls that come from now on, counted from 1.
    pub fn hold(&self, call: usize, point: Point) {
        self.set(Some((call, Trap::Hold(point))));
    }

    /// Has this one of the calls that come from now on meet a fault, counted from 1. Without it, it has this status.
    pub fn fail(&self, call: usize, fault: Fault, status: u16) {
        self.set(Some((call, Trap::Fault(fault, status))));
    }

    /// Waits until the call is held.
    pub fn wait(&self) {
        let waiting = |state: &mut State| !state.held;
        let (state, _) = self
            .more
            .wait_timeout_while(self.state(), PATIENCE, waiting)
            .unwrap();
        assert!(
            state.held,
            "the call does not come: {:?}, {} came",
            state.trap,
            state.came.len()
        );
    }

    /// Lets go of it.
    pub fn release(&self) {
        self.state().trap = None;
        self.more.notify_all();
    }

    pub fn forget(&self) {
        self.state().done.clear();
    }

    /// The calls that came since they were counted anew.
    pub fn came(&self) -> Vec<Seen> {
        self.state().came.clone()
    }

    /// Everything that was done since [`Line::forget`].
    pub fn done(&self) -> Vec<Done> {
        self.state().done.clone()
    }

    fn answer(&self, seen: &Seen, sandbox: &str) -> Act {
        let mut state = self.state();
        state.came.push(seen.clone());
        let count = state.came.len();
        let trap = state
            .trap
            .filter(|(call, _)| *call == count)
            .map(|(_, trap)| trap);
        drop(state);
        let act = match trap {
            Some(Trap::Hold(Point::Received)) => Act::Cut(Vec::new()),
            Some(Trap::Fault(fault, status)) => self.forward(seen, sandbox, Some((fault, status))),
            Some(Trap::Hold(_)) | None => self.forward(seen, sandbox, None),
        };
        match trap {
            Some(Trap::Hold(point)) => {
                self.held();
                match point {
                    Point::Received | Point::Processed => Act::Cut(Vec::new()),
                    Point::Answered => act,
                }
            }
            Some(Trap::Fault(..)) | None => act,
        }
    }

    fn held(&self) {
        let mut state = self.state();
        state.held = true;
        self.more.notify_all();
        let waiting = |state: &mut State| state.trap.is_some();
        drop(
            self.more
                .wait_timeout_while(state, PATIENCE, waiting)
                .unwrap(),
        );
    }

    /// Has the sandbox do it, and passes on what comes, to the byte.
    fn forward(&self, seen: &Seen, sandbox: &str, fault: Option<(Fault, u16)>) -> Act {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nConnection: close\r\n",
            seen.method, seen.path
        );
        for (name, value) in &seen.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some((fault, _)) = fault {
            head.push_str(&format!("x-sandbox-fault: {}\r\n", fault.value));
        }
        head.push_str("\r\n");
        let answer = exchange(sandbox, &[head.as_bytes(), &seen.body].concat());
        let (status, reply) = match fault.map(|(fault, status)| (fault.effect, status)) {
            Some((Effect::Nothing, _)) => return Act::Cut(answer),
            Some((Effect::Hidden, status)) => (status, Value::Null),
            Some((Effect::Shown, _)) | None => read(&answer),
        };
        self.state().done.push(Done {
            method: seen.method.clone(),
            path: seen.path.clone(),
            body: serde_json::from_slice(&seen.body).unwrap_or_default(),
            status,
            reply,
        });
        Act::Cut(answer)
    }
}

/// What comes for these bytes, until the other side closes.
fn exchange(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // A reset is an end too, and so is silence.
    let _end = stream.read_to_end(&mut answer);
    answer
}

/// The status of a whole answer, and its JSON.
fn read(answer: &[u8]) -> (u16, Value) {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.expect("an answer") + 4);
    let head = std::str::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_slice(body).unwrap_or_default())
}
