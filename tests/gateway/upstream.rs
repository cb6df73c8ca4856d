//! A REST host that does as it is told, and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

use crate::process::{PATIENCE, Running, Start};
use crate::requests::MERCHANT;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Method and path.
    pub fn is(&self, method: &str, end_of_path: &str) -> bool {
        self.method == method && self.path.ends_with(end_of_path)
    }
}

/// What to do with a request.
pub enum Act {
    /// Status, header lines and body.
    Reply(u16, String, Vec<u8>),
    /// These bytes, then the connection is closed.
    Cut(Vec<u8>),
    /// Nothing, until the caller gives up.
    Silence,
    /// The same, once the gate is open.
    After(Gate, Box<Act>),
}

/// Holds an answer back.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let open = self.0.0.lock().unwrap();
        let waiting = |open: &mut bool| !*open;
        let _open = self
            .0
            .1
            .wait_timeout_while(open, PATIENCE, waiting)
            .unwrap();
    }
}

pub fn reply(status: u16, body: &Value) -> Act {
    Act::Reply(status, String::new(), body.to_string().into_bytes())
}

/// A TMS error.
pub fn error(status: u16, kind: &str, location: &str, name: &str, message: &str) -> Act {
    let details = json!([{"name": name, "location": location}]);
    let error = json!({"type": kind, "message": message, "details": details});
    reply(status, &json!({"errors": [error]}))
}

pub const CUSTOMER: &str = "C0FFEE00000000000000000000000001";
pub const INSTRUMENT: &str = "C0FFEE00000000000000000000000002";
pub const IDENTIFIER: &str = "7010000000016241111";

/// Token management on a good day: one customer, with one card.
pub fn tms(seen: &Seen) -> Act {
    let identifier = json!({"id": IDENTIFIER, "state": "ACTIVE",
        "card": {"number": "411111XXXXXX1111"}});
    let instrument = json!({"id": INSTRUMENT, "state": "ACTIVE", "default": true,
        "card": {"type": "001", "expirationMonth": "12", "expirationYear": "2031"},
        "billTo": {"firstName": "Jane"}, "instrumentIdentifier": {"id": IDENTIFIER},
        "_embedded": {"instrumentIdentifier": identifier}});
    let customer = json!({"id": CUSTOMER, "defaultPaymentInstrument": {"id": INSTRUMENT},
        "_embedded": {"defaultPaymentInstrument": instrument}});
    let (status, body) = match (seen.method.as_str(), seen.path.as_str()) {
        ("DELETE", _) => return Act::Reply(204, String::new(), Vec::new()),
        ("POST", "/tms/v1/instrumentidentifiers") => (201, identifier),
        ("POST", "/tms/v2/customers") => (201, json!({"id": CUSTOMER})),
        ("POST", _) => (201, json!({"id": INSTRUMENT})),
        ("GET" | "PATCH", path) if path.ends_with(INSTRUMENT) => (200, instrument),
        _ => (200, customer),
    };
    Act::Reply(
        status,
        "ETag: \"1\"\r\n".into(),
        body.to_string().into_bytes(),
    )
}

struct Shared {
    script: Box<dyn Fn(&Seen) -> Act + Send + Sync>,
    seen: Mutex<Vec<Seen>>,
    more: Condvar,
    stop: AtomicBool,
}

/// The host; ends when dropped.
pub struct Upstream {
    pub address: String,
    shared: Arc<Shared>,
}

impl Upstream {
    pub fn start(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            seen: Mutex::default(),
            more: Condvar::new(),
            stop: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if served.stop.load(Ordering::SeqCst) {
                    break;
                }
                let served = Arc::clone(&served);
                std::thread::spawn(move || serve(stream.unwrap(), &served));
            }
        });
        Upstream { address, shared }
    }

    /// A gateway in front of it; `more` goes into the configuration before the merchant.
    pub fn gateway(&self, more: &str) -> Running {
        self.gateway_start(more).run()
    }

    pub fn gateway_start(&self, more: &str) -> Start {
        Start::serve().config(&self.config(more))
    }

    pub fn config(&self, more: &str) -> String {
        let rest = format!("[rest]\nbase_url = \"http://{}\"\n", self.address);
        format!("{rest}{more}\n{MERCHANT}")
    }

    /// What was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub fn wait_for(&self, count: usize) -> Vec<Seen> {
        let seen = self.shared.seen.lock().unwrap();
        let waiting = |seen: &mut Vec<Seen>| seen.len() < count;
        let (seen, _) = self
            .shared
            .more
            .wait_timeout_while(seen, PATIENCE, waiting)
            .unwrap();
        assert!(seen.len() >= count, "only {} of {count} came", seen.len());
        seen.clone()
    }

    /// Methods and paths, in order.
    pub fn calls(&self) -> Vec<String> {
        let of = |seen: &Seen| format!("{} {}", seen.method, seen.path);
        self.seen().iter().map(of).collect()
    }

    /// No POST may ever come twice.
    #[track_caller]
    pub fn assert_no_post_came_twice(&self) {
        let mut posts: Vec<(String, Vec<u8>)> = Vec::new();
        for seen in self.seen().into_iter().filter(|seen| seen.method == "POST") {
            let post = (seen.path, seen.body);
            assert!(!posts.contains(&post), "{} came twice", post.0);
            posts.push(post);
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees the flag.
        let _woken = TcpStream::connect(&self.address);
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let mut stream = BufReader::new(stream);
    while let Some(seen) = read(&mut stream) {
        // Decided before it is shown, so that a script may count on its own.
        let mut act = (shared.script)(&seen);
        shared.seen.lock().unwrap().push(seen);
        shared.more.notify_all();
        while let Act::After(gate, next) = act {
            gate.wait();
            act = *next;
        }
        let out = stream.get_mut();
        // A caller that has given up is none of our concern.
        let written = match act {
            Act::Reply(status, headers, body) => {
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n"
                );
                out.write_all(&[head.as_bytes(), &body].concat())
            }
            Act::Cut(bytes) => {
                let _written = out.write_all(&bytes);
                return;
            }
            Act::Silence => {
                let _ended = stream.read(&mut [0]);
                return;
            }
            Act::After(..) => unreachable!("was waited for"),
        };
        if written.is_err() {
            return;
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let line = |stream: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        let length = stream.read_line(&mut line).unwrap_or(0);
        (length > 0).then(|| line.trim_end().to_owned())
    };
    let first = line(stream)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line(stream)?.split_once(':') {
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Seen {
        method,
        path,
        headers,
        body,
    })
}
