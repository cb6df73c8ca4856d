//! A running `scmp-gateway`, ended when it is dropped.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::http::exchange;
use crate::requests::{Fields, fields, post};

/// The longest wait for anything that should happen at once; a loaded machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A program to be started in a folder of its own.
pub struct Start {
    folder: TempDir,
    command: Command,
}

impl Start {
    /// A command with its arguments.
    pub fn new(arguments: &[&str]) -> Start {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_scmp-gateway"));
        command.args(arguments).current_dir(folder.path());
        // What it writes anywhere is to be found.
        command
            .env("TMPDIR", folder.path())
            .env("HOME", folder.path());
        command.env_remove("SCMP_GATEWAY_LOG");
        Start { folder, command }
    }

    /// `serve` on ports of its own.
    pub fn serve() -> Start {
        Start::new(&["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
    }

    /// `serve --sandbox`.
    pub fn sandbox() -> Start {
        Start::serve().arguments(&["--sandbox", "--sandbox-listen", "127.0.0.1:0"])
    }

    pub fn arguments(mut self, arguments: &[&str]) -> Start {
        self.command.args(arguments);
        self
    }

    /// With a configuration file of this text.
    pub fn config(self, text: &str) -> Start {
        let file = self.file("gateway.toml", text);
        let file = file.to_str().unwrap().to_owned();
        self.arguments(&["--config", &file])
    }

    /// Writes a file into the folder.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    pub fn env(mut self, name: &str, value: &str) -> Start {
        self.command.env(name, value);
        self
    }

    /// No file of it may grow beyond so many KiB, until the limit is lifted. For the tests of reliability.
    #[allow(dead_code)]
    pub fn limited(self, kibibytes: u32) -> Start {
        let mut shell = Command::new("bash");
        // The signal would end it; a full disk does not.
        let script = format!("trap '' XFSZ; ulimit -S -f {kibibytes}; exec \"$0\" \"$@\"");
        shell.arg("-c").arg(script).arg(self.command.get_program());
        shell.args(self.command.get_args());
        shell.current_dir(self.folder.path());
        let folder = self.folder;
        Start {
            folder,
            command: shell,
        }
    }

    /// Runs it and waits until it listens.
    pub fn run(mut self) -> Running {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let log = Arc::new(Log::default());
        let readers = vec![
            read(child.stdout.take().unwrap(), Arc::clone(&log)),
            read(child.stderr.take().unwrap(), Arc::clone(&log)),
        ];
        let mut running = Running {
            address: String::new(),
            admin: String::new(),
            sandbox: String::new(),
            folder: self.folder,
            child,
            log,
            readers,
        };
        let said = running.wait_for_log("listening http://");
        let address = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name));
            let rest = line.and_then(|line| line.trim().strip_prefix("http://"));
            rest.map_or("", |rest| rest.split('/').next().unwrap())
                .to_owned()
        };
        running.address = address("listening");
        running.admin = address("admin");
        running.sandbox = address("sandbox");
        running
    }
}

/// What a program has written, and whether it has ended.
#[derive(Default)]
struct Log {
    text: Mutex<String>,
    more: Condvar,
}

fn read(pipe: impl Read + Send + 'static, log: Arc<Log>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
            let text = String::from_utf8_lossy(&line).into_owned();
            log.text.lock().unwrap().push_str(&text);
            log.more.notify_all();
            line.clear();
        }
    })
}

/// A program that listens on loopback.
pub struct Running {
    /// Where SCMP requests are taken.
    pub address: String,
    /// Where operators ask.
    pub admin: String,
    /// Where the embedded sandbox listens.
    pub sandbox: String,
    folder: TempDir,
    child: Child,
    log: Arc<Log>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    /// Everything written to standard output and standard error so far.
    pub fn log(&self) -> String {
        self.log.text.lock().unwrap().clone()
    }

    /// Does something while nobody reads what the program writes.
    #[allow(dead_code)]
    pub fn unread(&self, work: impl FnOnce()) {
        let _held = self.log.text.lock().unwrap();
        work();
    }

    /// Waits until a whole line holds `text`; everything written until then.
    pub fn wait_for_log(&self, text: &str) -> String {
        let log = self.log.text.lock().unwrap();
        let waiting = |log: &mut String| !log.contains(text);
        let (log, _) = self
            .log
            .more
            .wait_timeout_while(log, PATIENCE, waiting)
            .unwrap();
        assert!(log.contains(text), "{text:?} is not in the log:\n{log}");
        log.clone()
    }

    /// Sends SCMP lines; the fields of the reply.
    pub fn send(&self, body: &str) -> Fields {
        let answer = exchange(&self.address, &post(body.as_bytes()));
        assert_eq!(answer.status, 200, "{}", answer.text());
        fields(&answer.text())
    }

    /// Where it runs and writes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(asked.success());
    }

    /// Lifts the limit of [`Start::limited`].
    #[allow(dead_code)]
    pub fn lift_limit(&self) {
        self.limit("unlimited");
    }

    /// Sets the limit of [`Start::limited`] anew, in bytes; with 0 no file can be written at all.
    #[allow(dead_code)]
    pub fn limit(&self, bytes: &str) {
        let id = self.child.id().to_string();
        let limited = Command::new("prlimit")
            .args(["--pid", &id, &format!("--fsize={bytes}:unlimited")])
            .status();
        assert!(limited.unwrap().success());
    }

    /// The memory of its own in KiB, without the pages of its file, and how many files and sockets are open.
    #[allow(dead_code)]
    pub fn holds(&self) -> (u64, usize) {
        let own = self.status("RssAnon:");
        let files = format!("/proc/{}/fd", self.child.id());
        let open = std::fs::read_dir(files).unwrap().count();
        (own.trim_end_matches(" kB").parse().unwrap(), open)
    }

    /// Whether Linux may give it large pages of memory.
    #[allow(dead_code)]
    pub fn takes_large_pages(&self) -> bool {
        self.status("THP_enabled:") == "1"
    }

    /// What the system says of the process.
    fn status(&self, name: &str) -> String {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let mut lines = status.lines();
        let found = lines.find_map(|line| line.strip_prefix(name));
        found.unwrap().trim().to_owned()
    }

    /// Ends it as a power cut does. For the tests of reliability, which share this file.
    #[allow(dead_code)]
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end; with that, everything it wrote is in the log.
    pub fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                // A process cannot be waited for with a limit but by asking again.
                None => std::thread::sleep(Duration::from_millis(5)),
            }
            assert!(begun.elapsed() < PATIENCE, "does not end:\n{}", self.log());
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        status
    }

    /// Ends it in good order; everything it wrote.
    pub fn end(mut self) -> String {
        self.terminate();
        let status = self.wait();
        assert!(status.success(), "{status}: {}", self.log());
        self.log()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
        if std::thread::panicking() {
            let _written = writeln!(std::io::stderr(), "what it wrote:\n{}", self.log());
        }
    }
}
