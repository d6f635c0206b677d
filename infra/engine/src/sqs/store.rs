//! Queues and messages in SQLite. Times are milliseconds since the epoch.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::messages::{MessageAttributes, Outgoing, Receipt, invalid_value, md5_hex, refused};
use super::{QueueDepth, QueueSpec, Received, Result};
use crate::QueueError;

/// SQS's limit of messages in flight in a standard queue.
const MAX_IN_FLIGHT: u64 = 120_000;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS queues (
    name TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    delay_s INTEGER NOT NULL,
    visibility_s INTEGER NOT NULL,
    retention_s INTEGER NOT NULL,
    wait_s INTEGER NOT NULL,
    max_bytes INTEGER NOT NULL,
    dead_letter TEXT,
    max_receives INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL REFERENCES queues (name) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    body TEXT NOT NULL,
    attributes TEXT NOT NULL,
    sender TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    in_flight INTEGER NOT NULL DEFAULT 0,
    receives INTEGER NOT NULL DEFAULT 0,
    receipt INTEGER NOT NULL DEFAULT 0,
    first_received_ms INTEGER,
    dead_from TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS messages_due ON messages (queue, visible_ms, id);
CREATE INDEX IF NOT EXISTS messages_shown ON messages (visible_ms);
CREATE INDEX IF NOT EXISTS messages_age ON messages (queue, sent_ms);
";

/// A message as it is stored, with the receive that found it.
pub(super) struct Stored {
    pub(super) receipt: Receipt,
    pub(super) message_id: String,
    pub(super) body: String,
    pub(super) attributes: MessageAttributes,
    pub(super) sender: String,
    pub(super) sent_ms: i64,
    pub(super) first_received_ms: i64,
    pub(super) receives: u32,
    pub(super) dead_from: Option<String>,
}

/// What a queue is like and when that was decided.
pub(super) struct Queue {
    pub(super) spec: QueueSpec,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
}

impl std::ops::Deref for Queue {
    type Target = QueueSpec;

    fn deref(&self) -> &QueueSpec {
        &self.spec
    }
}

impl Stored {
    pub(super) fn into_received(self) -> Received {
        let instant = |ms| Timestamp::from_millisecond(ms).unwrap_or_default();
        Received {
            md5_of_body: md5_hex(self.body.as_bytes()),
            message_id: self.message_id,
            receipt_handle: self.receipt.handle(),
            body: self.body,
            sender: self.sender,
            sent_at: instant(self.sent_ms),
            first_received_at: instant(self.first_received_ms),
            receives: self.receives,
            dead_from: self.dead_from,
            attributes: self.attributes,
        }
    }
}

/// A commit is in the write-ahead log when it returns and survives the death of the process;
/// `NORMAL` leaves out the wait for the disk, which only the loss of the machine would show.
pub(super) fn prepare(connection: &Connection) -> Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(SCHEMA)?;
    Ok(())
}

pub(super) fn put_queue(tx: &Connection, spec: &QueueSpec, now: i64) -> Result<()> {
    if let Some((dead_letter, _)) = &spec.redrive {
        queue(tx, dead_letter)
            .map_err(|_| invalid_value("Value for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."))?;
    }
    let (dead_letter, max_receives) = spec.redrive.clone().unzip();
    tx.prepare_cached(
        "INSERT INTO queues (name, created_ms, modified_ms, delay_s, visibility_s, retention_s,
            wait_s, max_bytes, dead_letter, max_receives)
         VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (name) DO UPDATE SET modified_ms = ?2, delay_s = ?3, visibility_s = ?4,
            retention_s = ?5, wait_s = ?6, max_bytes = ?7, dead_letter = ?8, max_receives = ?9",
    )?
    .execute(params![
        spec.name,
        now,
        spec.delay_s,
        spec.visibility_s,
        spec.retention_s,
        spec.wait_s,
        spec.max_bytes,
        dead_letter,
        max_receives
    ])?;
    Ok(())
}

pub(super) fn find_queue(tx: &Connection, name: &str) -> Result<Option<Queue>> {
    let read = |row: &Row<'_>| {
        let dead_letter: Option<String> = row.get("dead_letter")?;
        let max_receives: Option<u32> = row.get("max_receives")?;
        let spec = QueueSpec {
            name: row.get("name")?,
            delay_s: row.get("delay_s")?,
            visibility_s: row.get("visibility_s")?,
            retention_s: row.get("retention_s")?,
            wait_s: row.get("wait_s")?,
            max_bytes: row.get("max_bytes")?,
            redrive: dead_letter.zip(max_receives),
        };
        let (created_ms, modified_ms) = (row.get("created_ms")?, row.get("modified_ms")?);
        Ok(Queue { spec, created_ms, modified_ms })
    };
    let mut query = tx.prepare_cached("SELECT * FROM queues WHERE name = ?1")?;
    Ok(query.query_row([name], read).optional()?)
}

pub(super) fn queue(tx: &Connection, name: &str) -> Result<Queue> {
    find_queue(tx, name)?.ok_or_else(|| {
        refused(
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist.",
        )
    })
}

pub(super) fn names(tx: &Connection, prefix: &str) -> Result<Vec<String>> {
    let mut query = tx.prepare_cached("SELECT name FROM queues ORDER BY name")?;
    let names = query.query_map([], |row| row.get::<_, String>(0))?;
    let names = names.collect::<Result<Vec<_>, _>>()?;
    Ok(names.into_iter().filter(|name| name.starts_with(prefix)).collect())
}

pub(super) fn delete_queue(tx: &Connection, name: &str) -> Result<()> {
    queue(tx, name)?;
    tx.execute("DELETE FROM queues WHERE name = ?1", [name])?;
    Ok(())
}

pub(super) fn send(
    tx: &Connection,
    queue: &Queue,
    message: &Outgoing<'_>,
    sender: &str,
    now: i64,
) -> Result<String> {
    message.check(queue.max_bytes)?;
    let delay_s = message.delay_s.unwrap_or_else(|| i64::from(queue.delay_s));
    let id = uuid::Uuid::new_v4().to_string();
    let attributes = serde_json::to_string(message.attributes)?;
    tx.prepare_cached(
        "INSERT INTO messages (queue, message_id, body, attributes, sender, sent_ms, visible_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        queue.name,
        id,
        message.body,
        attributes,
        sender,
        now,
        later(now, delay_s)
    ])?;
    Ok(id)
}

fn later(now: i64, seconds: i64) -> i64 {
    now.saturating_add(seconds.saturating_mul(1_000))
}

/// Receives up to `max` messages; also answers whether messages went to the dead-letter queue.
pub(super) fn receive(
    tx: &Connection,
    queue: &Queue,
    max: u32,
    visibility_s: i64,
    now: i64,
) -> Result<(Vec<Stored>, bool)> {
    expire(tx, queue, now)?;
    let moved = bury(tx, queue, now)?;
    if in_flight(tx, &queue.name, now)? >= MAX_IN_FLIGHT {
        return Err(refused("OverLimit", "OverLimit", "Too many messages in flight."));
    }
    let mut due = tx.prepare_cached(
        "SELECT id FROM messages WHERE queue = ?1 AND visible_ms <= ?2
         ORDER BY visible_ms, id LIMIT ?3",
    )?;
    let ids = due.query_map(params![queue.name, now, max], |row| row.get::<_, i64>(0))?;
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let mut take = tx.prepare_cached(
        "UPDATE messages SET in_flight = 1, receives = receives + 1, receipt = receipt + 1,
            visible_ms = ?2, first_received_ms = COALESCE(first_received_ms, ?3)
         WHERE id = ?1 RETURNING *",
    )?;
    let hidden_until = later(now, visibility_s);
    let mut received = Vec::with_capacity(ids.len());
    for id in ids {
        let (stored, attributes) = take.query_row(params![id, hidden_until, now], |row| {
            Ok((read(row)?, row.get::<_, String>("attributes")?))
        })?;
        received.push(Stored { attributes: serde_json::from_str(&attributes)?, ..stored });
    }
    Ok((received, moved > 0))
}

fn in_flight(tx: &Connection, name: &str, now: i64) -> Result<u64> {
    let mut query = tx.prepare_cached(
        "SELECT COUNT(*) FROM messages WHERE queue = ?1 AND visible_ms > ?2 AND in_flight = 1",
    )?;
    Ok(query.query_row(params![name, now], |row| row.get(0))?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        receipt: Receipt { row: row.get("id")?, receive: row.get("receipt")? },
        message_id: row.get("message_id")?,
        body: row.get("body")?,
        attributes: MessageAttributes::new(),
        sender: row.get("sender")?,
        sent_ms: row.get("sent_ms")?,
        first_received_ms: row.get("first_received_ms")?,
        receives: row.get("receives")?,
        dead_from: row.get("dead_from")?,
    })
}

/// Drops what has passed the queue's retention.
fn expire(tx: &Connection, queue: &Queue, now: i64) -> Result<()> {
    let oldest = later(now, -i64::from(queue.retention_s));
    tx.prepare_cached("DELETE FROM messages WHERE queue = ?1 AND sent_ms <= ?2")?
        .execute(params![queue.name, oldest])?;
    Ok(())
}

/// Moves what has used up its receives to the dead-letter queue; it keeps its id and its age.
fn bury(tx: &Connection, queue: &Queue, now: i64) -> Result<usize> {
    let Some((dead_letter, max_receives)) = &queue.redrive else { return Ok(0) };
    if find_queue(tx, dead_letter)?.is_none() {
        return Ok(0);
    }
    let moved = tx
        .prepare_cached(
            "UPDATE messages SET queue = ?1, dead_from = ?2, in_flight = 0, receives = 0,
                receipt = receipt + 1, visible_ms = ?3
             WHERE queue = ?2 AND visible_ms <= ?3 AND receives >= ?4",
        )?
        .execute(params![dead_letter, queue.name, now, max_receives])?;
    Ok(moved)
}

pub(super) fn delete(tx: &Connection, name: &str, receipt: Receipt) -> Result<()> {
    queue(tx, name)?;
    tx.prepare_cached("DELETE FROM messages WHERE id = ?1 AND queue = ?2 AND receipt = ?3")?
        .execute(params![receipt.row, name, receipt.receive])?;
    Ok(())
}

pub(super) fn change_visibility(
    tx: &Connection,
    name: &str,
    receipt: Receipt,
    seconds: i64,
    now: i64,
) -> Result<()> {
    queue(tx, name)?;
    let changed = tx
        .prepare_cached(
            "UPDATE messages SET visible_ms = ?4
             WHERE id = ?1 AND queue = ?2 AND receipt = ?3 AND in_flight = 1 AND visible_ms > ?5",
        )?
        .execute(params![receipt.row, name, receipt.receive, later(now, seconds), now])?;
    if changed == 1 {
        return Ok(());
    }
    Err(refused(
        "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
        "The message referred to is not in flight.",
    ))
}

pub(super) fn purge(tx: &Connection, name: &str) -> Result<()> {
    queue(tx, name)?;
    tx.execute("DELETE FROM messages WHERE queue = ?1", [name])?;
    Ok(())
}

pub(super) fn forget(tx: &Connection, ids: &[String]) -> Result<()> {
    let mut delete = tx.prepare_cached("DELETE FROM messages WHERE message_id = ?1")?;
    for id in ids {
        delete.execute([id])?;
    }
    Ok(())
}

pub(super) fn redrive(tx: &Connection, dead_letter: &str, now: i64) -> Result<usize> {
    queue(tx, dead_letter)?;
    let moved = tx.execute(
        "UPDATE messages SET queue = dead_from, dead_from = NULL, in_flight = 0, receives = 0,
            receipt = receipt + 1, visible_ms = ?2
         WHERE queue = ?1 AND dead_from IN (SELECT name FROM queues)",
        params![dead_letter, now],
    )?;
    Ok(moved)
}

pub(super) fn depth(tx: &Connection, name: &str, now: i64) -> Result<QueueDepth> {
    let mut query = tx.prepare_cached(
        "SELECT name, dead_letter,
            (SELECT COUNT(*) FROM messages WHERE queue = name AND visible_ms <= ?2) AS visible,
            (SELECT COUNT(*) FROM messages WHERE queue = name AND visible_ms > ?2
                AND in_flight = 0) AS delayed,
            (SELECT COUNT(*) FROM messages WHERE queue = name AND visible_ms > ?2
                AND in_flight = 1) AS in_flight,
            (SELECT COUNT(*) FROM messages WHERE queue = dead_letter
                AND dead_from = name) AS dead_letters
         FROM queues WHERE name = ?1",
    )?;
    let read = |row: &Row<'_>| {
        Ok(QueueDepth {
            name: row.get("name")?,
            visible: row.get("visible")?,
            delayed: row.get("delayed")?,
            in_flight: row.get("in_flight")?,
            dead_letters: row.get("dead_letters")?,
            dead_letter_queue: row.get("dead_letter")?,
        })
    };
    Ok(query.query_row(params![name, now], read)?)
}

pub(super) fn depths(tx: &rusqlite::Transaction<'_>, now: i64) -> Result<Vec<QueueDepth>> {
    let names = names(tx, "")?;
    let depth_of = |name: &String| {
        expire(tx, &queue(tx, name)?, now)?;
        depth(tx, name, now)
    };
    names.iter().map(depth_of).collect()
}

/// When the next hidden message of one queue, or of all, shows.
pub(super) fn next_due(tx: &Connection, name: Option<&str>, now: i64) -> Result<Option<i64>> {
    let due: Result<Option<i64>, rusqlite::Error> = match name {
        Some(name) => tx
            .prepare_cached(
                "SELECT MIN(visible_ms) FROM messages WHERE queue = ?1 AND visible_ms > ?2",
            )?
            .query_row(params![name, now], |row| row.get(0)),
        None => tx
            .prepare_cached("SELECT MIN(visible_ms) FROM messages WHERE visible_ms > ?1")?
            .query_row([now], |row| row.get(0)),
    };
    due.map_err(QueueError::from)
}
