//! What makes jobs run: queues, change streams, schedules and the expiry of items, by the one
//! clock.
//!
//! One task looks at everything that may be due and starts it; it looks again whenever a table,
//! a queue or the clock has changed, an invocation has ended or the next due instant has come.
//! When it has looked, found nothing to start and nothing runs any more, the stack is *quiet* at
//! this instant. Moving the clock is a walk: from quiet to the next due instant, until quiet
//! there, and so on to the target. So what falls due runs in order, and a caller who waits for
//! quiet knows that everything has happened.

mod clock;
mod queues;
mod schedules;
mod streams;

use std::collections::VecDeque;

use engine::{Clock, Engine};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

pub use clock::{CatchUp, ClockAnswer, ClockError, Move, RestoreError, restore};

use crate::expression::Expression;
use crate::invoke::Invoker;
use crate::out;
use crate::store::{Store, StoreError};
use crate::template::Wiring;
use clock::Walk;
use queues::QueueWorker;
use schedules::Scheduler;
use streams::StreamWorker;

/// How often items are looked through for expired ones, by the clock.
const SWEEP: SignedDuration = SignedDuration::from_secs(60);

/// What every worker works with.
#[derive(Clone)]
struct Context {
    engine: Engine,
    invoker: Invoker,
    store: Store,
}

/// The task that makes jobs run.
pub(crate) struct Conductor {
    context: Context,
    queues: Vec<QueueWorker>,
    streams: Vec<StreamWorker>,
    schedules: Vec<Scheduler>,
    commands: mpsc::Receiver<Command>,
    jobs: JoinSet<Done>,
    walks: VecDeque<Walk>,
    idlers: Vec<oneshot::Sender<()>>,
    swept_at: Timestamp,
    /// When the next hidden message shows.
    message_due: Option<Timestamp>,
    new: New,
    stopping: bool,
}

/// What an ended job was.
enum Done {
    Queue(usize),
    Stream(usize, streams::Outcome),
    Schedule(usize, schedules::Outcome),
}

enum Command {
    Idle(oneshot::Sender<()>),
    Move(Move, oneshot::Sender<Result<ClockAnswer, ClockError>>),
    Stop,
}

/// The way to speak to the conductor.
#[derive(Clone)]
pub(crate) struct Conducting {
    commands: mpsc::Sender<Command>,
}

impl Conducting {
    /// Waits until nothing is due any more. False when the stack is stopping.
    pub(crate) async fn idle(&self) -> bool {
        let (quiet, told) = oneshot::channel();
        self.commands.send(Command::Idle(quiet)).await.is_ok() && told.await.is_ok()
    }

    /// Moves, freezes or resumes the clock and waits until what fell due has run.
    pub(crate) async fn move_clock(&self, change: Move) -> Result<ClockAnswer, ClockError> {
        let (answer, told) = oneshot::channel();
        let sent = self.commands.send(Command::Move(change, answer)).await;
        match (sent, told.await) {
            (Ok(()), Ok(answer)) => answer,
            _ => Err(ClockError::Stopping),
        }
    }

    /// Starts nothing more and ends when what runs has ended.
    pub(crate) async fn stop(&self) {
        let _ = self.commands.send(Command::Stop).await;
    }
}

struct Changes {
    tables: watch::Receiver<u64>,
    queues: watch::Receiver<u64>,
    clock: watch::Receiver<u64>,
    ended: watch::Receiver<u64>,
}

/// Which of the things that are costly to look at may have something new.
#[derive(Clone, Copy, Default)]
struct New {
    tables: bool,
    queues: bool,
}

impl Changes {
    fn take(&mut self) -> New {
        let changed = |each: &mut watch::Receiver<u64>| {
            let changed = each.has_changed().unwrap_or(false);
            each.borrow_and_update();
            changed
        };
        changed(&mut self.ended);
        let tables = changed(&mut self.tables);
        let (queues, clock) = (changed(&mut self.queues), changed(&mut self.clock));
        New { tables, queues: queues || clock }
    }

    fn any(&self) -> bool {
        [&self.tables, &self.queues, &self.clock]
            .iter()
            .any(|each| each.has_changed().unwrap_or(false))
    }
}

/// What one look came to.
#[derive(Clone, Copy, Default)]
struct Look {
    /// There is more to look at, right now.
    again: bool,
    /// Something waits for room to run.
    starved: bool,
}

impl Look {
    const AGAIN: Self = Self { again: true, starved: false };
    const STARVED: Self = Self { again: false, starved: true };

    fn and(&mut self, other: Self) {
        self.again |= other.again;
        self.starved |= other.starved;
    }
}

impl Conductor {
    pub(crate) fn new(
        engine: Engine,
        invoker: Invoker,
        store: Store,
        wiring: &Wiring,
    ) -> Result<(Self, Conducting), StartError> {
        let now = engine.clock().now();
        let context = Context { engine, invoker, store };
        let queues = wiring.queue_sources.iter().cloned().map(QueueWorker::new).collect();
        let mut streams = Vec::new();
        for source in &wiring.stream_sources {
            streams.push(StreamWorker::new(source.clone(), &context.store)?);
        }
        let mut schedules = Vec::new();
        for spec in &wiring.schedules {
            let expression = Expression::parse(&spec.expression)
                .map_err(|what| StartError::Expression(spec.function.clone(), what))?;
            schedules.push(Scheduler::new(spec.clone(), expression, &context.store, now)?);
        }
        let (sender, commands) = mpsc::channel(64);
        let conductor = Self {
            context,
            queues,
            streams,
            schedules,
            commands,
            jobs: JoinSet::new(),
            walks: VecDeque::new(),
            idlers: Vec::new(),
            swept_at: now,
            message_due: None,
            new: New { tables: true, queues: true },
            stopping: false,
        };
        Ok((conductor, Conducting { commands: sender }))
    }

    fn clock(&self) -> &Clock {
        self.context.engine.clock()
    }

    pub(crate) async fn run(mut self) {
        let engine = &self.context.engine;
        let mut changes = Changes {
            tables: engine.table_changes(),
            queues: engine.queues().changes(),
            clock: engine.clock().subscribe(),
            ended: self.context.invoker.ended(),
        };
        loop {
            let new = changes.take();
            self.new.tables |= new.tables;
            self.new.queues |= new.queues;
            let look = if self.stopping { Look::default() } else { self.look().await };
            if self.stopping && self.jobs.is_empty() {
                return;
            }
            if look.again {
                tokio::task::yield_now().await;
                continue;
            }
            let nothing_runs = self.jobs.is_empty() && !look.starved && !changes.any();
            if nothing_runs && self.quiet() {
                continue;
            }
            self.wait(&mut changes, look.starved).await;
        }
    }

    /// Starts whatever can be started.
    async fn look(&mut self) -> Look {
        let now = self.clock().now();
        let mut look = Look::default();
        if now.duration_since(self.swept_at) >= SWEEP {
            self.swept_at = now;
            match self.context.engine.sweep_ttl().await {
                Ok(swept) => look.again |= swept > 0,
                Err(error) => out::complain(format_args!("expired items: {error}")),
            }
        }
        for (index, worker) in self.schedules.iter_mut().enumerate() {
            look.and(complain(worker.start(index, now, &self.context, &mut self.jobs)));
        }
        let new = std::mem::take(&mut self.new);
        if new.queues || self.message_due.is_some_and(|due| due <= now) {
            for (index, worker) in self.queues.iter_mut().enumerate() {
                look.and(complain(worker.start(index, &self.context, &mut self.jobs)));
            }
            self.message_due =
                complain(self.context.engine.queues().next_due().map_err(WorkError::from));
        }
        for (index, worker) in self.streams.iter_mut().enumerate() {
            let (context, jobs) = (&self.context, &mut self.jobs);
            look.and(complain(worker.start(index, now, new.tables, context, jobs).await));
        }
        self.new.queues |= look.starved;
        look
    }

    /// Nothing is due at this instant. True when there is something to look at again.
    fn quiet(&mut self) -> bool {
        if !self.walks.is_empty() {
            return self.step();
        }
        for idler in self.idlers.drain(..) {
            let _ = idler.send(());
        }
        false
    }

    /// Waits until something may have become due.
    async fn wait(&mut self, changes: &mut Changes, starved: bool) {
        let clock = self.clock().clone();
        let due = self.next_due(clock.now());
        let sweep = self.swept_at.checked_add(SWEEP).unwrap_or(Timestamp::MAX);
        let due = due.unwrap_or(sweep).min(sweep);
        tokio::select! {
            Some(done) = self.jobs.join_next(), if !self.jobs.is_empty() => self.finish(done),
            Some(command) = self.commands.recv() => self.obey(command),
            // To wait for a change is to have seen it: it has to be kept for the next look.
            _ = changes.tables.changed() => self.new.tables = true,
            _ = changes.queues.changed() => self.new.queues = true,
            _ = changes.clock.changed() => self.new.queues = true,
            _ = changes.ended.changed(), if starved => {}
            () = clock.sleep_until(due) => {}
        }
    }

    fn finish(&mut self, done: Result<Done, tokio::task::JoinError>) {
        let now = self.clock().now();
        self.new.queues = true;
        match done {
            Ok(Done::Queue(index)) => {
                if let Some(worker) = self.queues.get_mut(index) {
                    worker.ended();
                }
            }
            Ok(Done::Stream(index, outcome)) => {
                if let Some(worker) = self.streams.get_mut(index) {
                    complain(worker.ended(outcome, now, &self.context));
                }
            }
            Ok(Done::Schedule(index, outcome)) => {
                if let Some(worker) = self.schedules.get_mut(index) {
                    complain(worker.ended(outcome, now, &self.context));
                }
            }
            Err(error) => out::complain(format_args!("a job of the runner itself: {error}")),
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Idle(quiet) => self.idlers.push(quiet),
            Command::Move(change, answer) => self.walks.push_back(Walk::new(change, answer)),
            Command::Stop => self.stopping = true,
        }
    }

    /// The earliest instant after `now` at which something falls due.
    fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let schedules = self.schedules.iter().filter_map(|worker| worker.next_due(now));
        let streams = self.streams.iter().filter_map(StreamWorker::next_due);
        schedules.chain(streams).chain(self.message_due).filter(|due| *due > now).min()
    }
}

/// The runner cannot start with these templates or this state.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A schedule that cannot be read.
    #[error("schedule of {0}: {1}")]
    Expression(String, String),
    /// The runner's own memory.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a worker could not do; the next look tries again.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("queue: {0}")]
    Queue(#[from] engine::QueueError),
    #[error("stream of {0}: {1}")]
    Stream(String, String),
}

fn complain<T: Default>(result: Result<T, WorkError>) -> T {
    result.unwrap_or_else(|error| {
        out::complain(error);
        T::default()
    })
}
