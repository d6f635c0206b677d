//! Receiving, with the wait for messages.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::messages::{md5_hex, md5_of_attributes, select};
use super::protocol::{Fields, within};
use super::settings::arn;
use super::store::{self, Stored};
use super::{Queues, Result};

/// `ReceiveMessage`.
pub(super) async fn receive(queues: &Queues, fields: &Fields) -> Result<Value> {
    let name = fields.queue()?;
    let max = within(fields.max_number_of_messages.unwrap_or(1), 1..=10, "MaxNumberOfMessages")?;
    let max = u32::try_from(max).unwrap_or(1);
    let visibility = fields.visibility_timeout;
    visibility.map_or(Ok(0), |seconds| within(seconds, 0..=43_200, "VisibilityTimeout"))?;
    let queue = queues.transact(|tx, _| store::queue(tx, name))?;
    let wait_s = fields.wait_time_seconds.unwrap_or_else(|| i64::from(queue.wait_s));
    let wait_s = within(wait_s, 0..=20, "WaitTimeSeconds")?;
    let received = wait_for_messages(queues, name, max, visibility, wait_s).await?;
    let messages: Vec<Value> = received.into_iter().map(|m| shown(m, fields)).collect();
    Ok(json!({ "Messages": messages }))
}

/// Waits by the engine's clock, and no longer than `wait_s` of real time either: behind a clock
/// that stands still a caller would otherwise wait for ever.
async fn wait_for_messages(
    queues: &Queues,
    name: &str,
    max: u32,
    visibility_s: Option<i64>,
    wait_s: i64,
) -> Result<Vec<Stored>> {
    let clock = &queues.inner.clock;
    let wait = Duration::from_secs(wait_s.unsigned_abs());
    let deadline = clock.now().checked_add(wait).unwrap_or(jiff::Timestamp::MAX);
    let real_deadline = tokio::time::Instant::now() + wait;
    let mut changes = queues.changes();
    loop {
        changes.mark_unchanged();
        // Read before looking, so that what shows right after the look is not slept over.
        let looked_at = clock.now_ms();
        let received = queues.take(name, max, visibility_s)?;
        let over = clock.now() >= deadline || tokio::time::Instant::now() >= real_deadline;
        if over || !received.is_empty() {
            return Ok(received);
        }
        let due = queues.transact(|tx, _| store::next_due(tx, Some(name), looked_at))?;
        let due = due.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let until = due.map_or(deadline, |due| due.min(deadline));
        tokio::select! {
            _ = changes.changed() => {}
            () = clock.sleep_until(until) => {}
            () = tokio::time::sleep_until(real_deadline) => {}
        }
    }
}

/// A received message with the attributes that were asked for.
fn shown(message: Stored, fields: &Fields) -> Value {
    let mut system = BTreeMap::from([
        ("SenderId", message.sender),
        ("SentTimestamp", message.sent_ms.to_string()),
        ("ApproximateReceiveCount", message.receives.to_string()),
        ("ApproximateFirstReceiveTimestamp", message.first_received_ms.to_string()),
    ]);
    if let Some(source) = &message.dead_from {
        system.insert("DeadLetterQueueSourceArn", arn(source));
    }
    let asked = || fields.attribute_names.iter().chain(&fields.message_system_attribute_names);
    system.retain(|name, _| asked().any(|asked| asked == "All" || asked == name));
    let attributes = select(&message.attributes, &fields.message_attribute_names);
    let mut shown = json!({
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt.handle(),
        "MD5OfBody": md5_hex(message.body.as_bytes()),
        "Body": message.body,
    });
    if let Some(map) = shown.as_object_mut() {
        if !system.is_empty() {
            map.insert("Attributes".into(), json!(system));
        }
        if let Some(md5) = md5_of_attributes(&attributes) {
            map.insert("MD5OfMessageAttributes".into(), md5.into());
            map.insert("MessageAttributes".into(), json!(attributes));
        }
    }
    shown
}
