//! A thread's requests, side by side in one task.
//!
//! For a task to stop for others, tokio needs half a dozen operations that no other thread may see half done; and a request
//! stops a dozen times. Here it goes to the end of a line that is the thread's own. Only what comes from outside (the network,
//! a timer, another thread) goes through a waker.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::mem::{replace, swap, take};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::null;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::task::coop::unconstrained;
use tokio::task::yield_now;

/// How often work goes on before the thread looks at what else there is, such as the network.
const TURNS_A_LOOK: usize = 1023;

/// What a lane carries out.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

thread_local! {
    /// The way into the lane of the runtime that this thread drives.
    static OWN: RefCell<Option<Arc<Door>>> = const { RefCell::new(None) };
    /// By what the waker of the work is known that has its turn.
    static TURN: Cell<*const ()> = const { Cell::new(null()) };
    /// Whether other work stands in line behind it.
    static IN_COMPANY: Cell<bool> = const { Cell::new(false) };
    /// Whether it stopped for that.
    static STOPPED: Cell<bool> = const { Cell::new(false) };
}

/// Carries work out on this thread's runtime. Should it panic, it is dropped and nothing else is touched.
pub fn run(work: Work) {
    OWN.with_borrow_mut(|own| {
        let refused = match own {
            Some(door) => door.take(work),
            None => Some(work),
        };
        if let Some(work) = refused {
            // The first, or the first of another runtime.
            let door = Arc::<Door>::default();
            let lane = Lane::behind(Arc::clone(&door));
            // One task's share of the network is not that of all its requests.
            tokio::spawn(unconstrained(lane.go()));
            let _is_open = door.take(work);
            *own = Some(door);
        }
    });
}

/// Lets the others in the lane come to where this is, if any can go on. Elsewhere it does nothing.
pub async fn step() {
    if !IN_COMPANY.get() {
        return;
    }
    let mut stopped = false;
    poll_fn(|context| {
        // Whoever asks with another waker would not know that it is to ask again.
        if replace(&mut stopped, true) || context.waker().data() != TURN.get() {
            return Poll::Ready(());
        }
        STOPPED.set(true);
        Poll::Pending
    })
    .await;
}

/// Where work comes in, and word of what can go on.
#[derive(Default)]
struct Door(Mutex<Outside>);

#[derive(Default)]
struct Outside {
    /// Work that is new.
    work: Vec<Work>,
    /// The places of work that can go on.
    woken: Vec<usize>,
    /// Wakes the lane, while nothing is in there that can go on.
    lane: Option<Waker>,
    /// The runtime has ended.
    closed: bool,
}

impl Door {
    fn outside(&self) -> MutexGuard<'_, Outside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes work in; gives it back if nothing is carried out any more.
    fn take(&self, work: Work) -> Option<Work> {
        let mut outside = self.outside();
        if outside.closed {
            return Some(work);
        }
        outside.work.push(work);
        call(outside);
        None
    }
}

/// Calls the lane if it waits.
fn call(mut outside: MutexGuard<'_, Outside>) {
    let lane = outside.lane.take();
    drop(outside);
    if let Some(lane) = lane {
        lane.wake();
    }
}

/// A place for work. When it has ended, other work has its place.
struct Place {
    work: Option<Work>,
    bell: Arc<Bell>,
    waker: Waker,
}

/// What wakes the work at a place; whatever stands there when it is heard, for to wake is to ask to look.
struct Bell {
    door: Arc<Door>,
    place: usize,
    /// Whether it was rung since the work had its turn.
    rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            let mut outside = self.door.outside();
            outside.woken.push(self.place);
            call(outside);
        }
    }
}

/// Work side by side.
struct Lane {
    door: Arc<Door>,
    places: Vec<Place>,
    free: Vec<usize>,
    /// The places of what can go on, in this order.
    line: VecDeque<usize>,
    /// Lists that change places with those outside, so that none is made anew.
    work: Vec<Work>,
    woken: Vec<usize>,
}

impl Lane {
    fn behind(door: Arc<Door>) -> Lane {
        Lane {
            door,
            places: Vec::new(),
            free: Vec::new(),
            line: VecDeque::new(),
            work: Vec::new(),
            woken: Vec::new(),
        }
    }

    /// Carries out what comes, as long as the runtime lives.
    async fn go(mut self) {
        loop {
            poll_fn(|context| self.turns(context)).await;
            yield_now().await;
        }
    }

    /// Gives turns until none can go on, or it is time to look elsewhere.
    fn turns(&mut self, context: &Context<'_>) -> Poll<()> {
        for _ in 0..TURNS_A_LOOK {
            let Some(place) = self.line.pop_front() else {
                // Who comes later waits until all who go together went as far as they can: else nobody would go in step.
                if !self.let_in(context) {
                    return Poll::Pending;
                }
                continue;
            };
            self.turn(place);
        }
        Poll::Ready(())
    }

    /// Puts in line who came; false if nobody did.
    fn let_in(&mut self, context: &Context<'_>) -> bool {
        let mut outside = self.door.outside();
        if outside.work.is_empty() && outside.woken.is_empty() {
            outside.lane = Some(context.waker().clone());
            return false;
        }
        swap(&mut outside.work, &mut self.work);
        swap(&mut outside.woken, &mut self.woken);
        drop(outside);
        self.line.extend(self.woken.drain(..));
        let mut work = take(&mut self.work);
        for work in work.drain(..) {
            let place = self.free.pop().unwrap_or_else(|| self.add_place());
            self.places[place].work = Some(work);
            self.line.push_back(place);
        }
        self.work = work;
        true
    }

    fn add_place(&mut self) -> usize {
        let place = self.places.len();
        let bell = Arc::new(Bell {
            door: Arc::clone(&self.door),
            place,
            rung: AtomicBool::new(false),
        });
        self.places.push(Place {
            work: None,
            waker: Arc::clone(&bell).into(),
            bell,
        });
        place
    }

    /// Lets the work at a place go on.
    fn turn(&mut self, at: usize) {
        let place = &mut self.places[at];
        // What is rung for from here on is for the next turn.
        place.bell.rung.swap(false, Ordering::AcqRel);
        let Some(work) = &mut place.work else {
            return;
        };
        TURN.set(place.waker.data());
        IN_COMPANY.set(!self.line.is_empty());
        let mut context = Context::from_waker(&place.waker);
        let went = caught(|| work.as_mut().poll(&mut context));
        TURN.set(null());
        IN_COMPANY.set(false);
        let stopped = STOPPED.take();
        match went {
            Ok(Poll::Pending) if stopped => self.line.push_back(at),
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(())) | Err(_) => {
                let done = place.work.take();
                self.free.push(at);
                let _panicked = caught(|| drop(done));
            }
        }
    }
}

/// Ends with its runtime, and with all that is under way.
impl Drop for Lane {
    fn drop(&mut self) {
        let mut outside = self.door.outside();
        outside.closed = true;
        let (new, lane) = (take(&mut outside.work), outside.lane.take());
        drop(outside);
        drop(lane);
        let begun = self.places.iter_mut().filter_map(|place| place.work.take());
        for work in begun.chain(new) {
            let _panicked = caught(|| drop(work));
        }
    }
}

/// Does something that may panic; what is to be said of it, the hook for panics says.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(work))
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::sync::{mpsc, oneshot};
    use tokio::time::{sleep, timeout};

    use super::*;

    /// What several pieces of work say, that each stop between two of its words.
    async fn said(names: &[&'static str]) -> String {
        let (say, mut heard) = mpsc::unbounded_channel();
        for name in names.iter().copied() {
            let say = say.clone();
            run(Box::pin(async move {
                for what in ["1 ", "2 "] {
                    step().await;
                    say.send([name, what].concat()).expect("heard");
                }
            }));
        }
        drop(say);
        let mut all = String::new();
        while let Some(word) = heard.recv().await {
            all.push_str(&word);
        }
        all
    }

    #[tokio::test]
    async fn many_go_in_step_and_one_alone_does_not_stop() {
        assert_eq!(said(&["a", "b", "c"]).await, "a1 b1 c1 a2 b2 c2 ");
        assert_eq!(said(&["a"]).await, "a1 a2 ");
        step().await;
    }

    #[tokio::test]
    async fn what_waits_goes_on_when_it_is_woken_by_whomever() {
        let (say, mut heard) = mpsc::unbounded_channel();
        let (elsewhere, told) = oneshot::channel();
        std::thread::spawn(move || elsewhere.send("elsewhere"));
        let (later, hears) = oneshot::channel();
        let other = say.clone();
        run(Box::pin(async move {
            other.send(told.await.expect("said")).expect("heard");
            let _gone = later.send("beside");
            sleep(Duration::from_millis(1)).await;
            other.send("time").expect("heard");
        }));
        run(Box::pin(async move {
            say.send(hears.await.expect("said")).expect("heard");
        }));
        let mut all = Vec::new();
        while let Some(word) = heard.recv().await {
            all.push(word);
        }
        assert_eq!(all, ["elsewhere", "beside", "time"]);
    }

    #[tokio::test]
    async fn what_panics_is_dropped_and_the_others_go_on() {
        let (held, mut gone) = mpsc::channel::<()>(1);
        let (say, heard) = oneshot::channel();
        run(Box::pin(async move {
            let _held = held;
            step().await;
            panic!("as the test has it");
        }));
        run(Box::pin(async move {
            sleep(Duration::from_millis(1)).await;
            let _gone = say.send("done");
        }));
        assert_eq!(gone.recv().await, None);
        assert_eq!(heard.await, Ok("done"));
        // And its place is used again.
        assert_eq!(said(&["a", "b"]).await, "a1 b1 a2 b2 ");
    }

    /// A future with wakers of its own for its parts, of which none is ever woken by who stopped.
    #[tokio::test]
    async fn nobody_stops_who_would_not_be_asked_again() {
        let (say, heard) = oneshot::channel();
        let other = Box::pin(async {
            for _ in 0..3 {
                step().await;
            }
        });
        run(Box::pin(async move {
            let mut part = Box::pin(step());
            let mut nobody = Context::from_waker(Waker::noop());
            let _gone = say.send(part.as_mut().poll(&mut nobody).is_ready());
        }));
        run(other);
        assert_eq!(heard.await, Ok(true));
    }

    #[test]
    fn a_lane_ends_with_its_runtime_and_the_next_has_its_own() {
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_all().build().expect("a runtime")
        };
        let (held, mut gone) = mpsc::channel::<()>(1);
        let other = held.clone();
        let first = runtime();
        first.block_on(async {
            run(Box::pin(async move {
                let _held = held;
                pending().await
            }));
            timeout(Duration::from_millis(1), gone.recv())
                .await
                .expect_err("it goes on");
            // This one never has a turn.
            run(Box::pin(async move {
                let _held = other;
                pending().await
            }));
        });
        drop(first);
        assert_eq!(gone.blocking_recv(), None);
        assert_eq!(runtime().block_on(said(&["a"])), "a1 a2 ");
    }

    /// Work that says so when it is dropped, and panics.
    struct Falls(mpsc::UnboundedSender<()>);

    impl Drop for Falls {
        fn drop(&mut self) {
            let _gone = self.0.send(());
            panic!("as the test has it");
        }
    }

    #[test]
    fn what_panics_at_the_end_keeps_nobody_from_ending() {
        let (say, mut heard) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(async {
            for _ in 0..2 {
                let falls = Falls(say.clone());
                run(Box::pin(async move {
                    let _falls = falls;
                    pending().await
                }));
                yield_now().await;
            }
            // And one that has not begun.
            let falls = Falls(say);
            run(Box::pin(async move { drop(falls) }));
        });
        drop(runtime);
        assert_eq!([(); 3].map(|()| heard.blocking_recv()), [Some(()); 3]);
        assert_eq!(heard.blocking_recv(), None);
    }

    #[tokio::test]
    async fn who_always_goes_on_keeps_nobody_from_the_network() {
        run(Box::pin(async {
            run(Box::pin(pending()));
            loop {
                let mut again = true;
                poll_fn(|context| {
                    context.waker().wake_by_ref();
                    match replace(&mut again, false) {
                        true => Poll::Pending,
                        false => Poll::Ready(()),
                    }
                })
                .await;
            }
        }));
        let slept = timeout(Duration::from_secs(20), sleep(Duration::from_millis(5)));
        slept.await.expect("time goes on");
    }
}
