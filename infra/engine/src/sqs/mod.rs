//! Standard queues: state in SQLite, time from the engine's clock.
//!
//! What AWS leaves open is decided strictly here: the receipt handle of an earlier receive neither
//! deletes a message nor moves its visibility, and a message that has used up its receives goes
//! to the dead-letter queue at the next receive.

mod messages;
mod protocol;
mod receive;
mod settings;
mod store;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::watch;

pub use messages::{AttributeValue, MessageAttributes};

use crate::{Answer, Clock, EngineError, QueueError};
use store::Stored;

/// The account all queues belong to.
pub const ACCOUNT: &str = "000000000000";

/// What a queue is like. Times in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    /// Name: letters, digits, `-` and `_`, at most 80.
    pub name: String,
    /// How long a new message stays hidden, 0–900.
    pub delay_s: u32,
    /// How long a received message stays hidden, 0–43,200.
    pub visibility_s: u32,
    /// After which age a message is dropped, 60–1,209,600.
    pub retention_s: u32,
    /// How long a receive waits for a message by default, 0–20.
    pub wait_s: u32,
    /// Largest message in bytes, attributes included, 1,024–1,048,576.
    pub max_bytes: u32,
    /// Dead-letter queue and after how many receives a message goes there, 1–1,000.
    pub redrive: Option<(String, u32)>,
}

impl QueueSpec {
    /// A queue with the defaults of AWS.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            delay_s: 0,
            visibility_s: 30,
            retention_s: 345_600,
            wait_s: 0,
            max_bytes: 1_048_576,
            redrive: None,
        }
    }

    /// How long a new message stays hidden, in seconds.
    #[must_use]
    pub fn delay_s(mut self, seconds: u32) -> Self {
        self.delay_s = seconds;
        self
    }

    /// How long a received message stays hidden, in seconds.
    #[must_use]
    pub fn visibility_s(mut self, seconds: u32) -> Self {
        self.visibility_s = seconds;
        self
    }

    /// After which age a message is dropped, in seconds.
    #[must_use]
    pub fn retention_s(mut self, seconds: u32) -> Self {
        self.retention_s = seconds;
        self
    }

    /// Where a message goes after so many receives. That queue has to exist.
    #[must_use]
    pub fn redrive(mut self, dead_letter: &str, max_receives: u32) -> Self {
        self.redrive = Some((dead_letter.to_owned(), max_receives));
        self
    }
}

/// How full a queue is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// The queue.
    pub name: String,
    /// Messages that a receive would get now.
    pub visible: u64,
    /// Sent messages whose delay has not passed.
    pub delayed: u64,
    /// Received messages that are still hidden.
    pub in_flight: u64,
    /// Messages of this queue that ended up in its dead-letter queue and are still there.
    pub dead_letters: u64,
    /// The dead-letter queue.
    pub dead_letter_queue: Option<String>,
}

/// A received message.
#[derive(Clone, Debug)]
pub struct Received {
    /// Stays the same over all receives.
    pub message_id: String,
    /// Names this receive; the key to deleting the message.
    pub receipt_handle: String,
    /// The text.
    pub body: String,
    /// MD5 of the text, in hexadecimal.
    pub md5_of_body: String,
    /// Who sent it: the access key id.
    pub sender: String,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it was received for the first time.
    pub first_received_at: Timestamp,
    /// How often it has been received, this time included.
    pub receives: u32,
    /// The queue it came from, in a dead-letter queue.
    pub dead_from: Option<String>,
    /// The sender's attributes.
    pub attributes: MessageAttributes,
}

/// The queues; clones share them.
#[derive(Clone)]
pub struct Queues {
    inner: Arc<Inner>,
}

struct Inner {
    database: Mutex<Connection>,
    clock: Clock,
    changes: watch::Sender<u64>,
    base_url: Mutex<String>,
}

type Result<T, E = QueueError> = std::result::Result<T, E>;

impl Queues {
    pub(crate) fn memory(clock: Clock) -> Result<Self, EngineError> {
        let connection = Connection::open_in_memory().map_err(QueueError::from)?;
        Ok(Self::over(connection, clock)?)
    }

    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, EngineError> {
        let connection = Connection::open(path).map_err(QueueError::from)?;
        Ok(Self::over(connection, clock)?)
    }

    fn over(connection: Connection, clock: Clock) -> Result<Self> {
        store::prepare(&connection)?;
        let database = Mutex::new(connection);
        let changes = watch::channel(0).0;
        let base_url = Mutex::new(format!("http://sqs.local/{ACCOUNT}"));
        Ok(Self { inner: Arc::new(Inner { database, clock, changes, base_url }) })
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        // A panic in the middle of a transaction rolls it back, so the connection stays usable.
        self.inner.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in one transaction at one instant.
    fn transact<T>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>, i64) -> Result<T>,
    ) -> Result<T> {
        let mut database = self.database();
        let now = self.inner.clock.now_ms();
        let tx = database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let done = work(&tx, now)?;
        tx.commit()?;
        Ok(done)
    }

    fn announce(&self) {
        self.inner.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Announces every change of a queue, so that pollers need not look when nothing happened.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Sets the part of queue URLs before the name, e.g. `http://127.0.0.1:9324/000000000000`.
    /// A queue is found by the last segment of its URL, whatever stands before it.
    pub fn set_base_url(&self, url: &str) {
        let mut base = self.inner.base_url.lock().unwrap_or_else(PoisonError::into_inner);
        url.trim_end_matches('/').clone_into(&mut base);
    }

    /// The URL of a queue.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        let base = self.inner.base_url.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{base}/{name}")
    }

    /// Makes a queue, or gives an existing one these settings; its messages stay.
    ///
    /// # Errors
    /// When a setting is out of its bounds or the dead-letter queue does not exist.
    pub fn create(&self, spec: &QueueSpec) -> Result<()> {
        settings::check(spec)?;
        self.transact(|tx, now| store::put_queue(tx, spec, now))?;
        self.announce();
        Ok(())
    }

    /// Sends a message; `delay` instead of the queue's own. Answers the message's id.
    ///
    /// # Errors
    /// As `SendMessage`.
    pub fn send(&self, queue: &str, body: &str, delay: Option<Duration>) -> Result<String> {
        let delay_s = delay.map(|delay| i64::try_from(delay.as_secs()).unwrap_or(i64::MAX));
        let attributes = MessageAttributes::new();
        let message = messages::Outgoing { body, delay_s, attributes: &attributes };
        let id = self.transact(|tx, now| {
            let spec = store::queue(tx, queue)?;
            store::send(tx, &spec, &message, "", now)
        })?;
        self.announce();
        Ok(id)
    }

    /// Receives up to `max` messages and hides them for `visibility`, or for the queue's own
    /// time. Does not wait.
    ///
    /// # Errors
    /// When the queue does not exist.
    pub fn receive(
        &self,
        queue: &str,
        max: u32,
        visibility: Option<Duration>,
    ) -> Result<Vec<Received>> {
        let visibility_s = visibility.map(|time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        let received = self.take(queue, max, visibility_s)?;
        Ok(received.into_iter().map(Stored::into_received).collect())
    }

    fn take(&self, queue: &str, max: u32, visibility_s: Option<i64>) -> Result<Vec<Stored>> {
        let (received, moved) = self.transact(|tx, now| {
            let spec = store::queue(tx, queue)?;
            let visibility_s = visibility_s.unwrap_or_else(|| i64::from(spec.visibility_s));
            store::receive(tx, &spec, max, visibility_s, now)
        })?;
        if moved || !received.is_empty() {
            self.announce();
        }
        Ok(received)
    }

    /// Deletes a received message. An old receipt handle deletes nothing, without an error.
    ///
    /// # Errors
    /// When the queue does not exist or the handle is none.
    pub fn delete(&self, queue: &str, receipt_handle: &str) -> Result<()> {
        let receipt = messages::Receipt::parse(receipt_handle)?;
        self.transact(|tx, _| store::delete(tx, queue, receipt))?;
        self.announce();
        Ok(())
    }

    /// Shows a received message again after `after` from now.
    ///
    /// # Errors
    /// When the message is no longer in flight under this handle.
    pub fn change_visibility(
        &self,
        queue: &str,
        receipt_handle: &str,
        after: Duration,
    ) -> Result<()> {
        let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        let receipt = messages::Receipt::parse(receipt_handle)?;
        self.transact(|tx, now| store::change_visibility(tx, queue, receipt, seconds, now))?;
        self.announce();
        Ok(())
    }

    /// Drops all messages of a queue.
    ///
    /// # Errors
    /// When the queue does not exist.
    pub fn purge(&self, queue: &str) -> Result<()> {
        self.transact(|tx, _| store::purge(tx, queue))?;
        self.announce();
        Ok(())
    }

    /// Sends the messages of a dead-letter queue back to where they came from, with no receives
    /// counted, and answers their number.
    ///
    /// # Errors
    /// When the queue does not exist.
    pub fn redrive(&self, dead_letter_queue: &str) -> Result<usize> {
        let moved = self.transact(|tx, now| store::redrive(tx, dead_letter_queue, now))?;
        self.announce();
        Ok(moved)
    }

    /// Takes out the messages with these ids, as if they had never been sent.
    pub(crate) fn forget(&self, ids: &[String]) {
        // Should the database fail, the messages come after all: late, not lost.
        let _ = self.transact(|tx, _| store::forget(tx, ids));
        self.announce();
    }

    /// How full the queues are, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn depths(&self) -> Result<Vec<QueueDepth>> {
        self.transact(store::depths)
    }

    /// The earliest instant at which a hidden message, delayed or in flight, shows; `None` when
    /// none is hidden. Messages that can be received already are not counted.
    ///
    /// # Errors
    /// When the database fails.
    pub fn next_due(&self) -> Result<Option<Timestamp>> {
        self.next_due_after(None, self.inner.clock.now())
    }

    /// The earliest instant after `after` at which a message of one queue, or of all, can be
    /// received. A poller reads the clock, receives, and sleeps until what this answers for the
    /// instant it has read: so nothing that shows in between is slept over.
    ///
    /// # Errors
    /// When the database fails.
    pub fn next_due_after(
        &self,
        queue: Option<&str>,
        after: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let due = store::next_due(&self.database(), queue, after.as_millisecond())?;
        Ok(due.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    }

    /// Answers one operation of the JSON protocol.
    pub(crate) async fn call(&self, operation: &str, body: &[u8], caller: &str) -> Answer {
        match protocol::answer(self, operation, body, caller).await {
            Ok(Some(body)) => Answer::ok(body.to_string()),
            Ok(None) => Answer::unknown_operation(),
            Err(error) => protocol::error_answer(&error),
        }
    }
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queues").finish_non_exhaustive()
    }
}
