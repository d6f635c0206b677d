//! SQS: delayed messages out, batches in.
//!
//! A message is a hint; the stored state is the truth. It may come twice, late, out of order or
//! not at all, and every consumer is built for that.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry};
use futures::FutureExt as _;
use futures::future::join_all;
use jiff::SignedDuration;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::Instrument as _;

use crate::aws::Aws;
use crate::meter;
use crate::problem::{Problem, Result, chain};
use crate::telemetry;

/// The longest delay SQS allows, in seconds.
pub const MAX_DELAY_S: i64 = 900;
/// The most messages SQS takes at once.
const MAX_BATCH: usize = 10;
/// The message attribute that carries the id of the request a message stems from.
const TRACE: &str = "request_id";

/// One SQS queue to send to.
#[derive(Clone, Debug)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// The queue did not take or tell what was asked.
#[derive(Debug, thiserror::Error)]
#[error("queue: {0}")]
pub struct QueueError(String);

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        Self::try_again(error)
    }
}

/// One message as its consumer gets it.
#[derive(Clone, Debug)]
pub struct Message<M> {
    /// The body.
    pub body: M,
    /// How often it was delivered, this time included.
    pub receive_count: u32,
}

impl Queue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(aws: &Aws, url: impl Into<String>) -> Self {
        Self { client: aws.sqs().clone(), url: url.into() }
    }

    /// Sends one message, to be delivered after `delay`. A longer delay than SQS allows becomes
    /// the longest: the consumer finds the entity not due yet and sends another hint.
    ///
    /// # Errors
    /// [`QueueError`] when SQS did not take it; it may have taken it all the same.
    pub async fn send<M: Serialize>(
        &self,
        message: &M,
        delay: SignedDuration,
    ) -> Result<(), QueueError> {
        let body = encode(message)?;
        meter::messages(1);
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .delay_seconds(seconds(delay))
            .set_message_attributes(trace_attribute())
            .send()
            .await
            .map(|_| ())
            .map_err(|error| QueueError(DisplayErrorContext(error).to_string()))
    }

    /// Sends many messages without delay, ten at a time.
    ///
    /// # Errors
    /// [`QueueError`] when SQS did not take all of them; some may have been taken.
    pub async fn send_all<M: Serialize>(&self, messages: &[M]) -> Result<(), QueueError> {
        for batch in messages.chunks(MAX_BATCH) {
            let entries = batch.iter().enumerate().map(|(index, message)| {
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(encode(message)?)
                    .set_message_attributes(trace_attribute())
                    .build()
                    .map_err(|error| QueueError(error.to_string()))
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            meter::messages(u32::try_from(entries.len()).unwrap_or(u32::MAX));
            let request = self.client.send_message_batch().queue_url(&self.url);
            let answer = request.set_entries(Some(entries)).send().await;
            let answer = answer.map_err(|e| QueueError(DisplayErrorContext(e).to_string()))?;
            if let Some(failed) = answer.failed.first() {
                return Err(QueueError(format!("not taken: {}", failed.code)));
            }
        }
        Ok(())
    }

    /// How many messages wait, delayed ones included.
    ///
    /// # Errors
    /// [`QueueError`] when SQS does not tell.
    pub async fn depth(&self) -> Result<u64, QueueError> {
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesDelayed)
            .send()
            .await
            .map_err(|error| QueueError(DisplayErrorContext(error).to_string()))?;
        let attributes = answer.attributes.unwrap_or_default();
        Ok(attributes.values().filter_map(|count| count.parse::<u64>().ok()).sum())
    }
}

fn encode<M: Serialize>(message: &M) -> Result<String, QueueError> {
    serde_json::to_string(message).map_err(|error| QueueError(error.to_string()))
}

fn seconds(delay: SignedDuration) -> i32 {
    let whole = delay.as_secs() + i64::from(delay.subsec_nanos() > 0);
    i32::try_from(whole.clamp(0, MAX_DELAY_S)).unwrap_or_default()
}

fn trace_attribute() -> Option<HashMap<String, MessageAttributeValue>> {
    let id = telemetry::request_id()?;
    let value =
        MessageAttributeValue::builder().data_type("String").string_value(id).build().ok()?;
    Some(HashMap::from([(TRACE.to_owned(), value)]))
}

/// Handles each message of an event by itself and answers which ones are to come again.
pub(crate) async fn consume<M, F, R>(event: Value, handler: F) -> Result<Value>
where
    M: DeserializeOwned,
    F: Fn(Message<M>) -> R,
    R: Future<Output = Result<()>>,
{
    let event: SqsEvent = serde_json::from_value(event).map_err(Problem::bug)?;
    let work = event.records.into_iter().map(|record| {
        let handled = handle(&record, &handler);
        async move {
            let failed = handled.await.err().map(|problem| {
                let cause = chain(&problem);
                tracing::warn!(error = %cause, code = problem.code(), "message failed");
                // An empty identifier would send the whole batch back; SQS never omits it.
                record.message_id.clone().unwrap_or_default()
            });
            failed.filter(|id| !id.is_empty())
        }
    });
    let failed: Vec<_> = join_all(work)
        .await
        .into_iter()
        .flatten()
        .map(|id| json!({ "itemIdentifier": id }))
        .collect();
    Ok(json!({ "batchItemFailures": failed }))
}

fn handle<M, F, R>(
    record: &SqsMessage,
    handler: &F,
) -> impl Future<Output = Result<()>> + use<M, F, R>
where
    M: DeserializeOwned,
    F: Fn(Message<M>) -> R,
    R: Future<Output = Result<()>>,
{
    let receive_count = record
        .attributes
        .get("ApproximateReceiveCount")
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    let trace = record
        .message_attributes
        .get(TRACE)
        .and_then(|attribute| attribute.string_value.clone())
        .unwrap_or_default();
    let span = tracing::info_span!("message", request_id = %trace);
    let body = serde_json::from_str(record.body.as_deref().unwrap_or_default());
    let work = body
        .map(|body| span.in_scope(|| handler(Message { body, receive_count })))
        .map_err(|error| Problem::unreadable().because(error));
    async move {
        let caught = AssertUnwindSafe(work?).catch_unwind().instrument(span).await;
        caught.unwrap_or_else(|panic| Err(Problem::bug(telemetry::panic_text(&*panic))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bodies: &[&str]) -> Value {
        let records: Vec<_> = bodies
            .iter()
            .enumerate()
            .map(|(index, body)| {
                json!({
                    "messageId": format!("m{index}"), "body": body, "attributes": {},
                    "messageAttributes": {}, "eventSource": "aws:sqs",
                })
            })
            .collect();
        json!({ "Records": records })
    }

    #[tokio::test]
    async fn only_what_fails_comes_again() {
        let result = consume(
            event(&["1", "\"poison\"", "2", "3", "4"]),
            |message: Message<u32>| async move {
                match message.body {
                    2 => Err(Problem::try_again("not now")),
                    3 => panic!("a bug"),
                    _ => Ok(()),
                }
            },
        )
        .await
        .unwrap();
        let failed: Vec<_> = result["batchItemFailures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap())
            .collect();
        assert_eq!(failed, ["m1", "m2", "m3"]);
    }

    #[test]
    fn delays_are_whole_seconds_within_bounds() {
        assert_eq!(seconds(SignedDuration::from_millis(1)), 1);
        assert_eq!(seconds(SignedDuration::from_secs(-5)), 0);
        assert_eq!(seconds(SignedDuration::from_hours(5)), 900);
    }
}
