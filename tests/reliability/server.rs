//! A PostgreSQL of a test's own: its directory, its port, not as root.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::PATIENCE;

pub struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    child: Option<Child>,
}

/// Where Debian's package and others put the programs.
fn programs() -> Option<PathBuf> {
    let named = std::env::var_os("SCMP_GATEWAY_TEST_POSTGRES").map(PathBuf::from);
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut places = named.into_iter().chain(debian).chain(path);
    places.find(|place| place.join("initdb").exists() && place.join("postgres").exists())
}

/// An account for a server that refuses to run as root: that of the package, else the one that owns nothing.
fn account() -> (u32, u32) {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |name: &str| {
        let line = accounts
            .lines()
            .find(|line| line.starts_with(&format!("{name}:")))?;
        let mut parts = line.split(':').skip(2);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    of("postgres")
        .or_else(|| of("nobody"))
        .unwrap_or((65534, 65534))
}

impl Server {
    /// A running server; nothing, with a word, where none is installed.
    pub fn start() -> Option<Server> {
        let Some(programs) = programs() else {
            println!("skipped: no PostgreSQL is installed (apt-get install postgresql)");
            let must = std::env::var_os("SCMP_GATEWAY_TEST_NO_SKIP").is_some();
            assert!(!must, "no PostgreSQL is installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut server = Server {
            folder,
            programs,
            port,
            child: None,
        };
        if server.is_root() {
            let (user, group) = account();
            chown(server.folder.path(), Some(user), Some(group)).unwrap();
        }
        let mut make = server.command("initdb");
        make.args(["-A", "trust", "-U", "postgres", "--no-sync", "-D"]);
        let made = make.arg(server.data()).output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        server.resume();
        Some(server)
    }

    fn is_root(&self) -> bool {
        std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        if self.is_root() {
            let (user, group) = account();
            command.uid(user).gid(group);
        }
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// A session of somebody else's that does this.
    pub fn session(&self, statements: &str) -> Command {
        let mut session = self.command("psql");
        let port = self.port.to_string();
        session.args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres"]);
        session.args(["-qAt", "-c", statements, "postgres"]);
        session
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Starts it, and waits until it takes connections.
    pub fn resume(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        let folder = Path::new(self.folder.path()).display().to_string();
        let child = self
            .command("postgres")
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                &format!("port={}", self.port),
            ])
            .args(["-c", &format!("unix_socket_directories={folder}"), "-D"])
            .arg(self.data())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
        let begun = Instant::now();
        let ready = || {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let last = log.rfind("starting PostgreSQL").map_or("", |at| &log[at..]);
            last.contains("ready to accept connections")
                && TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        };
        while !ready() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "does not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once, as a crash does.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        // SIGQUIT: its children end with it.
        let id = child.id().to_string();
        let _asked = Command::new("kill").args(["-QUIT", &id]).status();
        let _ended = child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
