//! A thread for each core, with a runtime of its own. A connection is given to the thread that has the fewest, and all that
//! belongs to it happens there: its requests, and the connections to REST that they use.
//!
//! A scheduler that spreads tasks over threads moves a request from core to core with all that it touches: on two cores
//! that takes 1.4 times the processor time (docs/performance.md, "What was chosen").

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tracing::warn;

/// How many tasks run before a thread looks whether anything came over the network, while there are tasks to run: so many
/// that all connections hand over what came together, for then it goes in step (`pace`).
const TASKS_A_LOOK: u32 = 1023;

thread_local! {
    static OWN: Cell<usize> = const { Cell::new(0) };
}

/// How many cores there are for this process.
pub fn count() -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

/// The number of the worker that calls, below [`count`]; 0 on a thread that is none.
pub fn own() -> usize {
    OWN.get()
}

/// Makes the thread that calls the worker of this number.
#[cfg(test)]
pub fn be(number: usize) {
    OWN.set(number);
}

/// A runtime for one thread.
pub fn runtime() -> io::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.event_interval(TASKS_A_LOOK).enable_all().build()
}

/// How long the end waits for a look-up of a name, or for a file.
const ENDING: Duration = Duration::from_secs(1);

/// The workers. They end when this is dropped.
pub struct Workers(Vec<Worker>);

struct Worker {
    /// Where it works; none for the runtime that started the others.
    elsewhere: Option<Elsewhere>,
    connections: Arc<AtomicUsize>,
}

struct Elsewhere {
    handle: Handle,
    /// Ends the thread when it is dropped.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// A connection counts as long as this lives.
struct Counted(Arc<AtomicUsize>);

impl Workers {
    /// So many, the runtime that calls being the first.
    ///
    /// # Errors
    ///
    /// When the system gives no more threads or runtimes.
    pub fn start(count: usize) -> io::Result<Workers> {
        let worker = |number| {
            let elsewhere = match number {
                0 => None,
                number => Some(Elsewhere::start(number)?),
            };
            let connections = Arc::default();
            Ok(Worker {
                elsewhere,
                connections,
            })
        };
        (0..count.max(1))
            .map(worker)
            .collect::<io::Result<_>>()
            .map(Workers)
    }

    /// Serves a connection on the worker that has the fewest.
    ///
    /// # Errors
    ///
    /// When the system does not let go of the connection; then it is closed.
    pub fn serve<F: Future<Output = ()> + Send + 'static>(
        &self,
        stream: TcpStream,
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) -> io::Result<()> {
        let load = |worker: &&Worker| worker.connections.load(Ordering::Relaxed);
        // There is always one. The first has more to do than connections, so the last of those that have as few is taken.
        let Some(worker) = self.0.iter().rev().min_by_key(load) else {
            return Ok(());
        };
        let counted = Counted::new(&worker.connections);
        match &worker.elsewhere {
            None => {
                // Made in there, for a future that is moved into another has its room there twice.
                tokio::spawn(async move {
                    serve(stream).await;
                    drop(counted);
                });
            }
            Some(elsewhere) => {
                // A socket belongs to the runtime that it was made in.
                let stream = stream.into_std()?;
                elsewhere.handle.spawn(async move {
                    match TcpStream::from_std(stream) {
                        Ok(stream) => serve(stream).await,
                        Err(error) => warn!("cannot serve a connection: {error}"),
                    }
                    drop(counted);
                });
            }
        }
        Ok(())
    }

    /// Ends the threads, and what is under way on them; waits until nothing runs there any more.
    pub fn stop(self) {
        let elsewhere = self.0.into_iter().filter_map(|worker| worker.elsewhere);
        let stopped = elsewhere.map(|elsewhere| {
            drop(elsewhere.stop);
            elsewhere.thread
        });
        // All are told before one is waited for.
        for thread in stopped.collect::<Vec<_>>() {
            let _panicked = thread.join();
        }
    }
}

impl Elsewhere {
    fn start(number: usize) -> io::Result<Elsewhere> {
        let runtime = runtime()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let work = move || {
            OWN.set(number);
            // It ends when the sender is dropped.
            let _dropped = runtime.block_on(stopped);
            runtime.shutdown_timeout(ENDING);
        };
        let named = thread::Builder::new().name(format!("worker-{number}"));
        let thread = named.spawn(work)?;
        Ok(Elsewhere {
            handle,
            stop,
            thread,
        })
    }
}

impl Counted {
    fn new(connections: &Arc<AtomicUsize>) -> Counted {
        connections.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(connections))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    /// Two ends of a connection.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        (near.expect("a connection"), far.expect("a connection").0)
    }

    #[tokio::test]
    async fn connections_go_to_the_worker_with_the_fewest() {
        let workers = Workers::start(3).expect("threads");
        let (said, told) = mpsc::channel();
        let mut open = Vec::new();
        let mut serve = async || {
            let (mut near, far) = connection().await;
            let said = said.clone();
            let served = workers.serve(far, move |mut stream| async move {
                said.send((own(), thread::current().name().map(str::to_owned)))
                    .expect("heard");
                stream
                    .write_all(b"x")
                    .await
                    .expect("a connection that lives here");
                std::future::pending().await
            });
            served.expect("a socket");
            tokio::io::AsyncReadExt::read_exact(&mut near, &mut [0])
                .await
                .expect("an answer");
            open.push(near);
            told.recv_timeout(Duration::from_secs(20)).expect("it runs")
        };
        let named = |number: usize| Some(format!("worker-{number}"));
        assert_eq!(serve().await, (2, named(2)));
        assert_eq!(serve().await, (1, named(1)));
        assert_eq!(serve().await.0, 0);
        assert_eq!(serve().await.0, 2);
        assert_eq!(serve().await.0, 1);
        workers.stop();
    }

    #[tokio::test]
    async fn threads_end_with_the_workers() {
        let workers = Workers::start(2).expect("threads");
        let mut open = Vec::new();
        let mut held = async || {
            let (near, far) = connection().await;
            let (held, dropped) = mpsc::channel::<()>();
            let served = workers.serve(far, move |_stream| async move {
                let _held = held;
                std::future::pending().await
            });
            served.expect("a socket");
            open.push(near);
            dropped
        };
        let (gone, here) = (held().await, held().await);
        workers.stop();
        // What was under way on the other thread was dropped with it; this runtime goes on.
        assert_eq!(gone.try_recv(), Err(mpsc::TryRecvError::Disconnected));
        assert_eq!(here.try_recv(), Err(mpsc::TryRecvError::Empty));
    }
}
