//! Threads for work with private RSA keys: some 0.65 ms each time, more than the rest of a call together.
//!
//! On the threads that do I/O one merchant's burst would hold up everybody's. So:
//!
//! - **Bounded**: as many threads as cores but one, started when they are needed. What is to be signed is refused when too
//!   much waits, before anything was sent. What came back sealed is never refused: it was sent, and must be opened; there
//!   cannot be more of it than calls under way.
//! - **Fair**: each merchant has a lane, and the lanes take turns. A merchant's share of the room shrinks with the number
//!   of lanes in use, so that none is full because of another.
//! - **Behind I/O**: where there are not cores enough for all, the threads that do I/O come first; a request of another
//!   merchant would otherwise wait for a time slice of this work.
//! - **Replies first**: what is done for a call that was sent comes before what is done for the next.
//! - **In groups**: where one core does both, results are given back a few at a time while more waits. Each interrupts this
//!   work for I/O, and what belongs to one call alone costs I/O half as much again as in company.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// How many pieces of work may wait in all: with one thread, two thirds of a second.
const WAITING_MAX: usize = 1024;

/// The room that a lane has however many others are in use.
const LANE_MIN: usize = 8;

/// How far below the other threads: a thirtieth of their weight, where they compete. With 10, a ninth, Linux lets this work
/// run on for up to 3 ms when I/O wakes up; from 16 on it makes way at once (measured with 10 to 19 on Linux 6.18).
const NICENESS: i32 = 16;

/// On one core, how many results are handed over at once, and how much time may pass from the beginning of the first piece of
/// work of such a group to the end of its last. With more than four another merchant waits longer for the I/O that follows;
/// with fewer there is more I/O in all.
const GROUP: Group = Group {
    results: 4,
    time: Duration::from_millis(2),
};

/// Where each result is handed over by itself.
const NO_GROUP: Group = Group {
    results: 1,
    time: Duration::ZERO,
};

/// Does the work, and gives what hands the result over.
type Work = Box<dyn FnOnce() -> HandOver + Send>;

type HandOver = Box<dyn FnOnce()>;

/// The threads and what waits for them. Its clones share them; they end with the last.
#[derive(Clone)]
pub(super) struct RsaPool(Arc<Owner>);

/// One merchant's place in the pool.
pub(super) struct Lane {
    pool: RsaPool,
    number: usize,
}

/// Why work was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotDone {
    /// Too much of the merchant's waits already.
    Full,
    /// No thread could be started, or the work panicked.
    Failed,
}

/// Ends the threads when it is dropped.
struct Owner(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    more: Condvar,
    threads_max: usize,
    group: Group,
}

/// How large a group of results that are handed over at once may become.
#[derive(Debug, Clone, Copy)]
struct Group {
    results: usize,
    time: Duration,
}

#[derive(Default)]
struct State {
    lanes: Vec<Queue>,
    /// The lanes with work, in the order of their turns.
    turns: VecDeque<usize>,
    threads: usize,
    idle: usize,
    stopped: bool,
}

/// What waits in one lane.
#[derive(Default)]
struct Queue {
    to_open: VecDeque<Work>,
    to_sign: VecDeque<Work>,
}

impl RsaPool {
    /// A pool for this machine; no thread runs before there is work.
    pub(super) fn new() -> RsaPool {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let group = if cores == 1 { GROUP } else { NO_GROUP };
        RsaPool::with_threads((cores - 1).max(1), group)
    }

    fn with_threads(threads_max: usize, group: Group) -> RsaPool {
        RsaPool(Arc::new(Owner(Arc::new(Shared {
            state: Mutex::default(),
            more: Condvar::new(),
            threads_max,
            group,
        }))))
    }

    /// A place for one more merchant.
    pub(super) fn lane(&self) -> Lane {
        let mut state = self.0.0.lock();
        state.lanes.push(Queue::default());
        Lane {
            pool: self.clone(),
            number: state.lanes.len() - 1,
        }
    }
}

impl Lane {
    /// Whether there is room for a call that will need the pool. Asked before a call is sent.
    pub(super) fn has_room(&self) -> bool {
        self.pool.0.0.lock().has_room(self.number)
    }

    /// Does work for a call that was not sent yet.
    pub(super) async fn sign<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (work, done) = parcel(work);
        let shared = &self.pool.0.0;
        {
            let mut state = shared.lock();
            if !state.has_room(self.number) {
                return Err(NotDone::Full);
            }
            state.queue(self.number).to_sign.push_back(work);
        }
        shared.wake()?;
        done.await.map_err(|_| NotDone::Failed)
    }

    /// Does work for a reply to a call that was sent.
    pub(super) async fn open<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let (work, done) = parcel(work);
        let shared = &self.pool.0.0;
        shared.lock().queue(self.number).to_open.push_back(work);
        shared.wake()?;
        done.await.map_err(|_| NotDone::Failed)
    }
}

/// Work that sends its result, and is left undone when nobody waits for that any more.
fn parcel<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> (Work, oneshot::Receiver<T>) {
    let (sender, receiver) = oneshot::channel();
    let work = Box::new(move || {
        let result = (!sender.is_closed()).then(work);
        let hand_over = move || {
            let _nobody_waits = result.map(|result| sender.send(result));
        };
        Box::new(hand_over) as HandOver
    });
    (work, receiver)
}

impl Shared {
    /// A lock that was poisoned by a panic still guards what it guarded: no panic can leave the queues half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes a thread, or starts one while there may be more.
    fn wake(self: &Arc<Shared>) -> Result<(), NotDone> {
        let mut state = self.lock();
        if state.idle >= state.turns.len() || state.threads >= self.threads_max {
            self.more.notify_one();
            return Ok(());
        }
        let shared = Arc::clone(self);
        let started = thread::Builder::new()
            .name("rsa".to_owned())
            .spawn(move || shared.work());
        match started {
            Ok(_) => state.threads += 1,
            // Those that run already do it, later.
            Err(_) if state.threads > 0 => {}
            Err(_) => return Err(NotDone::Failed),
        }
        Ok(())
    }

    fn work(&self) {
        give_way();
        let mut held = Held::default();
        let mut state = self.lock();
        while !state.stopped {
            match state.next() {
                Some(work) => {
                    drop(state);
                    held.add(work, self.group);
                    state = self.lock();
                }
                None if !held.done.is_empty() => {
                    drop(state);
                    held.hand_over();
                    state = self.lock();
                }
                None => {
                    state.idle += 1;
                    state = self
                        .more
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                    state.idle -= 1;
                }
            }
        }
    }
}

/// What one thread has done and not yet handed over.
#[derive(Default)]
struct Held {
    done: Vec<HandOver>,
    /// When the work on the first of it began.
    since: Option<Instant>,
}

impl Held {
    /// Does work, and hands its result over, with those before it, unless there is room in the group, and the next one will
    /// be done within its time, too.
    fn add(&mut self, work: Work, group: Group) {
        let begun = Instant::now();
        let since = *self.since.get_or_insert(begun);
        // After a panic whoever waits sees that the sender is gone.
        self.done.extend(catch_unwind(AssertUnwindSafe(work)));
        let now = Instant::now();
        let next = (now - since) + (now - begun);
        if self.done.len() >= group.results || next >= group.time {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        self.since = None;
        for hand_over in self.done.drain(..) {
            // It drops what nobody waits for; should that panic, the others' results are theirs all the same.
            let _panicked = catch_unwind(AssertUnwindSafe(hand_over));
        }
    }
}

/// Lowers the weight of the thread that calls. On Linux each thread has its own; elsewhere it would be the whole process's.
fn give_way() {
    if cfg!(target_os = "linux") {
        // A system that does not let us go back has its reasons, and all works without.
        let _lowered = rustix::process::nice(NICENESS);
    }
}

impl State {
    fn has_room(&self, lane: usize) -> bool {
        let waiting = &self.lanes[lane];
        let share = WAITING_MAX / self.turns.len().max(1);
        waiting.to_open.len() + waiting.to_sign.len() < share.max(LANE_MIN)
    }

    /// The queue of a lane that is about to get work: it takes its turn.
    fn queue(&mut self, lane: usize) -> &mut Queue {
        let queue = &mut self.lanes[lane];
        if queue.to_open.is_empty() && queue.to_sign.is_empty() {
            self.turns.push_back(lane);
        }
        queue
    }

    /// One piece of work of the lane whose turn it is.
    fn next(&mut self) -> Option<Work> {
        let lane = self.turns.pop_front()?;
        let queue = &mut self.lanes[lane];
        let work = queue
            .to_open
            .pop_front()
            .or_else(|| queue.to_sign.pop_front());
        if !(queue.to_open.is_empty() && queue.to_sign.is_empty()) {
            self.turns.push_back(lane);
        }
        work
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.more.notify_all();
    }
}

impl fmt::Debug for RsaPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.0.lock();
        f.debug_struct("RsaPool")
            .field("threads", &state.threads)
            .field("waiting_lanes", &state.turns.len())
            .finish()
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lane").field(&self.number).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// One thread, held up until the sender is dropped.
    fn held(pool: &RsaPool, lane: &Lane) -> mpsc::Sender<()> {
        let (release, held) = mpsc::channel::<()>();
        let (started, begun) = mpsc::channel();
        let shared = &pool.0.0;
        let work = Box::new(move || {
            started.send(()).unwrap();
            let _released = held.recv();
            Box::new(|| ()) as HandOver
        });
        shared.lock().queue(lane.number).to_sign.push_back(work);
        shared.wake().unwrap();
        begun.recv().unwrap();
        release
    }

    type Order = Arc<Mutex<Vec<String>>>;

    fn note(order: &Order, what: &str) -> impl FnOnce() + Send + 'static {
        let (order, what) = (Arc::clone(order), what.to_owned());
        move || order.lock().unwrap().push(what)
    }

    /// Polls a future once, so that its work is queued.
    async fn queued<F: Future + Unpin>(mut future: F) -> F {
        std::future::poll_fn(|context| {
            assert!(std::pin::Pin::new(&mut future).poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        future
    }

    /// Every result comes with the last.
    const ENDLESS: Group = Group {
        results: usize::MAX,
        time: Duration::from_secs(3600),
    };

    /// Waits for it, but not for ever.
    async fn soon<T>(what: impl Future<Output = T>) -> T {
        let waiting = tokio::time::timeout(Duration::from_secs(20), what);
        waiting.await.expect("it comes soon")
    }

    /// Queues a piece of work that is done at once, and one that lasts until the sender is dropped; gives back when the
    /// second has begun.
    async fn two(
        lane: &Lane,
        pool: &RsaPool,
    ) -> (impl Future + Unpin, impl Future + Unpin, mpsc::Sender<()>) {
        let release = held(pool, lane);
        let (started, begun) = mpsc::channel();
        let (go_on, stopped) = mpsc::channel::<()>();
        let first = queued(Box::pin(lane.sign(|| ()))).await;
        let second = move || {
            started.send(()).unwrap();
            let _released = stopped.recv();
        };
        let second = queued(Box::pin(lane.sign(second))).await;
        drop(release);
        begun.recv_timeout(Duration::from_secs(20)).unwrap();
        (first, second, go_on)
    }

    #[tokio::test]
    async fn results_of_a_group_come_together() {
        let pool = RsaPool::with_threads(1, ENDLESS);
        let lane = pool.lane();
        let (first, second, go_on) = two(&lane, &pool).await;
        let first = queued(first).await;
        drop(go_on);
        soon(first).await;
        soon(second).await;
    }

    #[tokio::test]
    async fn no_result_waits_without_groups_or_in_a_full_one() {
        // What holds up the thread in the beginning belongs to the first group.
        let of_two = Group {
            results: 2,
            ..ENDLESS
        };
        for group in [NO_GROUP, of_two] {
            let pool = RsaPool::with_threads(1, group);
            let lane = pool.lane();
            let (first, second, go_on) = two(&lane, &pool).await;
            soon(first).await;
            drop(go_on);
            soon(second).await;
        }
    }

    /// What panics when it is dropped on a thread that does RSA work.
    struct Fragile;

    impl Drop for Fragile {
        fn drop(&mut self) {
            assert_ne!(thread::current().name(), Some("rsa"), "dropped here");
        }
    }

    #[tokio::test]
    async fn a_result_that_panics_takes_no_other_with_it() {
        let pool = RsaPool::with_threads(1, ENDLESS);
        let lane = pool.lane();
        let release = held(&pool, &lane);
        let (started, begun) = mpsc::channel();
        let (go_on, stopped) = mpsc::channel::<()>();
        let fragile = move || {
            started.send(()).unwrap();
            let _released = stopped.recv();
            Fragile
        };
        let given_up = queued(Box::pin(lane.sign(fragile))).await;
        let waited_for = queued(Box::pin(lane.sign(|| 7))).await;
        drop(release);
        begun.recv_timeout(Duration::from_secs(20)).unwrap();
        drop(given_up);
        drop(go_on);
        assert_eq!(soon(waited_for).await, Ok(7));
        assert_eq!(soon(lane.sign(|| 8)).await, Ok(8));
    }

    #[tokio::test]
    async fn lanes_take_turns_and_replies_come_first() {
        let pool = RsaPool::with_threads(1, NO_GROUP);
        let (busy, quiet) = (pool.lane(), pool.lane());
        let release = held(&pool, &busy);
        let order = Order::default();
        let mut waiting = Vec::new();
        for number in 0..3 {
            let work = note(&order, &format!("busy {number}"));
            waiting.push(queued(Box::pin(busy.sign(work))).await);
        }
        let quietly = queued(Box::pin(quiet.sign(note(&order, "quiet")))).await;
        let opened = queued(Box::pin(busy.open(note(&order, "busy reply")))).await;
        drop(release);
        for waiting in waiting {
            waiting.await.unwrap();
        }
        quietly.await.unwrap();
        opened.await.unwrap();
        let order = order.lock().unwrap().join(", ");
        assert_eq!(order, "busy reply, quiet, busy 0, busy 1, busy 2");
    }

    #[tokio::test]
    async fn a_full_lane_refuses_what_is_not_sent_yet_and_nothing_else() {
        let pool = RsaPool::with_threads(1, NO_GROUP);
        let (busy, quiet) = (pool.lane(), pool.lane());
        let release = held(&pool, &busy);
        let mut waiting = Vec::new();
        while busy.has_room() {
            waiting.push(queued(Box::pin(busy.sign(|| ()))).await);
        }
        assert_eq!(waiting.len(), WAITING_MAX);
        assert_eq!(busy.sign(|| ()).await, Err(NotDone::Full));
        let opened = queued(Box::pin(busy.open(|| 7))).await;
        let quietly = queued(Box::pin(quiet.sign(|| 8))).await;
        // With two in use each has half.
        let mut more = 1;
        let mut quiets = Vec::new();
        while quiet.has_room() {
            quiets.push(queued(Box::pin(quiet.sign(|| ()))).await);
            more += 1;
        }
        assert_eq!(more, WAITING_MAX / 2);
        drop(release);
        assert_eq!((opened.await, quietly.await), (Ok(7), Ok(8)));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_threads_give_way_and_no_others() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        let lane = RsaPool::with_threads(1, NO_GROUP).lane();
        assert_eq!(lane.sign(niceness).await, Ok((before + NICENESS).min(19)));
        assert_eq!(niceness(), before);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_thread_goes_on() {
        let pool = RsaPool::with_threads(1, NO_GROUP);
        let lane = pool.lane();
        let failed = lane.sign(|| std::panic::resume_unwind(Box::new(()))).await;
        assert_eq!(failed, Err::<(), _>(NotDone::Failed));
        assert_eq!(lane.open(|| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_done() {
        let pool = RsaPool::with_threads(1, NO_GROUP);
        let lane = pool.lane();
        let release = held(&pool, &lane);
        let order = Order::default();
        drop(queued(Box::pin(lane.sign(note(&order, "given up")))).await);
        let last = queued(Box::pin(lane.sign(|| ()))).await;
        drop(release);
        last.await.unwrap();
        assert!(order.lock().unwrap().is_empty());
    }

    #[test]
    fn threads_end_with_the_pool() {
        let pool = RsaPool::with_threads(1, NO_GROUP);
        let lane = pool.lane();
        let shared = Arc::downgrade(&pool.0.0);
        drop(held(&pool, &lane));
        drop((pool, lane));
        // The thread holds the last reference until it sees that it is over.
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
