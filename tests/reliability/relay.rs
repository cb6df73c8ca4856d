//! Stands between a gateway and the sandbox, remembers what was done, and holds one call so that the gateway can be killed
//! while it waits.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use serde_json::Value;

use crate::http::Connection;
use crate::process::PATIENCE;
use crate::upstream::{Act, Seen, Upstream};

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

/// A call that the host has done.
#[derive(Clone, Debug)]
pub struct Done {
    pub method: String,
    pub path: String,
    pub body: Value,
    pub status: u16,
    pub reply: Value,
}

#[derive(Default)]
struct State {
    /// Which of the next calls is held, and where.
    trap: Option<(usize, Point)>,
    /// Calls since the trap was set.
    count: usize,
    held: bool,
    done: Vec<Done>,
}

#[derive(Default)]
struct Line {
    state: Mutex<State>,
    more: Condvar,
}

/// The relay of one merchant.
pub struct Relay {
    pub host: Upstream,
    line: Arc<Line>,
}

impl Relay {
    pub fn start(sandbox: &str) -> Relay {
        let line = Arc::new(Line::default());
        let (own, sandbox) = (Arc::clone(&line), sandbox.to_owned());
        let host = Upstream::start(move |seen| own.answer(seen, &sandbox));
        Relay { host, line }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.line.state.lock().unwrap()
    }

    /// Holds this one of the calls that come from now on, counted from 1; 0 holds none.
    pub fn hold(&self, call: usize, point: Point) {
        let mut state = self.state();
        (state.trap, state.count, state.held) = (Some((call, point)), 0, false);
    }

    /// Waits until the call is held.
    pub fn wait(&self) {
        let waiting = |state: &mut State| !state.held;
        let (state, _) = self
            .line
            .more
            .wait_timeout_while(self.state(), PATIENCE, waiting)
            .unwrap();
        assert!(
            state.held,
            "the call does not come: {:?}, {} came",
            state.trap, state.count
        );
    }

    /// Lets go of it.
    pub fn release(&self) {
        self.state().trap = None;
        self.line.more.notify_all();
    }

    pub fn forget(&self) {
        self.state().done.clear();
    }

    /// How many calls came since the trap was set.
    pub fn count(&self) -> usize {
        self.state().count
    }

    /// Everything that was done since [`Relay::forget`].
    pub fn done(&self) -> Vec<Done> {
        self.state().done.clone()
    }
}

impl Line {
    fn answer(&self, seen: &Seen, sandbox: &str) -> Act {
        let mut state = self.state.lock().unwrap();
        state.count += 1;
        let held = state
            .trap
            .filter(|(call, _)| *call == state.count)
            .map(|(_, point)| point);
        drop(state);
        if held == Some(Point::Received) {
            self.wait();
            return Act::Cut(Vec::new());
        }
        let (act, done) = forward(seen, sandbox);
        self.state.lock().unwrap().done.push(done);
        match held {
            Some(point) => {
                self.wait();
                if point == Point::Answered {
                    act
                } else {
                    Act::Cut(Vec::new())
                }
            }
            None => act,
        }
    }

    fn wait(&self) {
        let mut state = self.state.lock().unwrap();
        state.held = true;
        self.more.notify_all();
        let waiting = |state: &mut State| state.trap.is_some();
        drop(
            self.more
                .wait_timeout_while(state, PATIENCE, waiting)
                .unwrap(),
        );
    }
}

fn forward(seen: &Seen, sandbox: &str) -> (Act, Done) {
    let mut head = format!("{} {} HTTP/1.1\r\n", seen.method, seen.path);
    for (name, value) in &seen.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let bytes = [head.as_bytes(), &seen.body].concat();
    let answer = Connection::open(sandbox).send(&bytes).read_of(&seen.method);
    let kept = answer.headers.iter().filter(|(name, _)| *name == "etag");
    let headers: String = kept
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let done = Done {
        method: seen.method.clone(),
        path: seen.path.clone(),
        body: serde_json::from_slice(&seen.body).unwrap_or_default(),
        status: answer.status,
        reply: serde_json::from_slice(&answer.body).unwrap_or_default(),
    };
    (Act::Reply(answer.status, headers, answer.body), done)
}
