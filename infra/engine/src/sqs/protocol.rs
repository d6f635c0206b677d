//! SQS's JSON protocol 1.0: requests, answers, errors.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::messages::{
    MessageAttributes, Outgoing, invalid_value, md5_hex, md5_of_attributes, refused,
};
use super::receive::receive;
use super::settings::{self, is_name, with_attributes};
use super::store;
use super::{QueueSpec, Queues, Result};
use crate::{Answer, QueueError};

/// Largest batch in bytes, all messages together.
const MAX_BATCH_BYTES: usize = 1_048_576;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Fields {
    queue_url: Option<String>,
    queue_name: Option<String>,
    queue_name_prefix: Option<String>,
    source_arn: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_system_attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_attribute_names: Vec<String>,
    pub(super) max_number_of_messages: Option<i64>,
    pub(super) wait_time_seconds: Option<i64>,
    pub(super) visibility_timeout: Option<i64>,
    receipt_handle: Option<String>,
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

/// Answers an operation; `None` when there is no such operation.
pub(super) async fn answer(
    queues: &Queues,
    operation: &str,
    body: &[u8],
    caller: &str,
) -> Result<Option<Value>> {
    let fields: Fields = serde_json::from_slice(body)
        .map_err(|error| refused("SerializationException", "MalformedInput", error.to_string()))?;
    let answer = match operation {
        "SendMessage" => send(queues, &fields, caller)?,
        "SendMessageBatch" => send_batch(queues, &fields, caller)?,
        "ReceiveMessage" => receive(queues, &fields).await?,
        "DeleteMessage" => {
            queues.delete(fields.queue()?, required(&fields.receipt_handle, "ReceiptHandle")?)?;
            json!({})
        }
        "ChangeMessageVisibility" => {
            let handle = required(&fields.receipt_handle, "ReceiptHandle")?;
            let after = visibility(fields.visibility_timeout)?;
            queues.change_visibility(fields.queue()?, handle, after)?;
            json!({})
        }
        "DeleteMessageBatch" => each(&fields, |queue, entry| {
            queues.delete(queue, required(&entry.receipt_handle, "ReceiptHandle")?)
        })?,
        "ChangeMessageVisibilityBatch" => each(&fields, |queue, entry| {
            let handle = required(&entry.receipt_handle, "ReceiptHandle")?;
            queues.change_visibility(queue, handle, visibility(entry.visibility_timeout)?)
        })?,
        "PurgeQueue" => {
            queues.purge(fields.queue()?)?;
            json!({})
        }
        _ => return manage(queues, operation, &fields),
    };
    Ok(Some(answer))
}

/// The operations on queues themselves.
fn manage(queues: &Queues, operation: &str, fields: &Fields) -> Result<Option<Value>> {
    let answer = match operation {
        "CreateQueue" => create(queues, fields)?,
        "GetQueueUrl" => {
            let name = required(&fields.queue_name, "QueueName")?;
            queues.transact(|tx, _| store::queue(tx, name).map(drop))?;
            json!({ "QueueUrl": queues.url(name) })
        }
        "ListQueues" => {
            let prefix = fields.queue_name_prefix.as_deref().unwrap_or_default();
            let names = queues.transact(|tx, _| store::names(tx, prefix))?;
            json!({ "QueueUrls": names.iter().map(|name| queues.url(name)).collect::<Vec<_>>() })
        }
        "GetQueueAttributes" => {
            let name = fields.queue()?;
            let (queue, depth) = queues
                .transact(|tx, now| Ok((store::queue(tx, name)?, store::depth(tx, name, now)?)))?;
            json!({ "Attributes": settings::shown(&queue, &depth, &fields.attribute_names)? })
        }
        "SetQueueAttributes" => {
            let name = fields.queue()?;
            queues.transact(|tx, now| {
                let old = store::queue(tx, name)?.spec;
                let spec = with_attributes(old, fields.attributes.as_ref())?;
                store::put_queue(tx, &spec, now)
            })?;
            queues.announce();
            json!({})
        }
        "DeleteQueue" => {
            queues.transact(|tx, _| store::delete_queue(tx, fields.queue()?))?;
            queues.announce();
            json!({})
        }
        "StartMessageMoveTask" => {
            let arn = required(&fields.source_arn, "SourceArn")?;
            queues.redrive(arn.rsplit(':').next().unwrap_or(arn))?;
            // The move is done already; the handle names nothing that could be cancelled.
            json!({ "TaskHandle": uuid::Uuid::new_v4().to_string() })
        }
        _ => return Ok(None),
    };
    Ok(Some(answer))
}

impl Fields {
    /// The queue's name: the last segment of its URL.
    pub(super) fn queue(&self) -> Result<&str> {
        let url = required(&self.queue_url, "QueueUrl")?;
        Ok(url.trim_end_matches('/').rsplit('/').next().unwrap_or(url))
    }
}

fn required<'a>(value: &'a Option<String>, name: &str) -> Result<&'a str> {
    value.as_deref().ok_or_else(|| {
        let message = format!("The request must contain the parameter {name}.");
        refused("MissingParameterException", "MissingParameter", message)
    })
}

pub(super) fn within(value: i64, range: std::ops::RangeInclusive<i64>, name: &str) -> Result<i64> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(invalid_value(format!(
        "Value {value} for parameter {name} is invalid. Reason: Must be between {} and {}, if \
         provided.",
        range.start(),
        range.end()
    )))
}

fn visibility(seconds: Option<i64>) -> Result<Duration> {
    let seconds = within(seconds.unwrap_or(-1), 0..=43_200, "VisibilityTimeout")?;
    Ok(Duration::from_secs(seconds.unsigned_abs()))
}

fn send(queues: &Queues, fields: &Fields, caller: &str) -> Result<Value> {
    let message = Outgoing {
        body: fields.message_body.as_deref().unwrap_or_default(),
        delay_s: fields.delay_seconds,
        attributes: &fields.message_attributes,
    };
    let name = fields.queue()?;
    let id = queues.transact(|tx, now| {
        let queue = store::queue(tx, name)?;
        store::send(tx, &queue, &message, caller, now)
    })?;
    queues.announce();
    Ok(sent(&id, &message))
}

fn sent(id: &str, message: &Outgoing<'_>) -> Value {
    let mut answer =
        json!({ "MessageId": id, "MD5OfMessageBody": md5_hex(message.body.as_bytes()) });
    if let (Some(md5), Some(map)) = (md5_of_attributes(message.attributes), answer.as_object_mut())
    {
        map.insert("MD5OfMessageAttributes".into(), md5.into());
    }
    answer
}

fn send_batch(queues: &Queues, fields: &Fields, caller: &str) -> Result<Value> {
    check_batch(&fields.entries)?;
    let messages: Vec<_> = fields
        .entries
        .iter()
        .map(|entry| Outgoing {
            body: entry.message_body.as_deref().unwrap_or_default(),
            delay_s: entry.delay_seconds,
            attributes: &entry.message_attributes,
        })
        .collect();
    let bytes = messages.iter().map(Outgoing::bytes).fold(0, usize::saturating_add);
    if bytes > MAX_BATCH_BYTES {
        return Err(refused(
            "BatchRequestTooLong",
            "AWS.SimpleQueueService.BatchRequestTooLong",
            format!(
                "Batch requests cannot be longer than {MAX_BATCH_BYTES} bytes. You have sent \
                 {bytes} bytes."
            ),
        ));
    }
    let name = fields.queue()?;
    let answer = queues.transact(|tx, now| {
        let queue = store::queue(tx, name)?;
        let mut outcome = Outcome::default();
        for (entry, message) in fields.entries.iter().zip(&messages) {
            // A refused message has written nothing, so the others of the batch stay.
            let done = store::send(tx, &queue, message, caller, now);
            outcome.add(&entry.id, done.map(|id| sent(&id, message)))?;
        }
        Ok(outcome.into_answer())
    })?;
    queues.announce();
    Ok(answer)
}

/// What became of the entries of a batch.
#[derive(Default)]
struct Outcome {
    successful: Vec<Value>,
    failed: Vec<Value>,
}

impl Outcome {
    fn add(&mut self, id: &str, done: Result<Value>) -> Result<()> {
        match done {
            Ok(mut answer) => {
                if let Some(map) = answer.as_object_mut() {
                    map.insert("Id".into(), id.into());
                }
                self.successful.push(answer);
            }
            Err(QueueError::Refused { query_code, message, .. }) => self.failed.push(json!({
                "Id": id, "SenderFault": true, "Code": query_code, "Message": message,
            })),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn into_answer(self) -> Value {
        json!({ "Successful": self.successful, "Failed": self.failed })
    }
}

fn each(fields: &Fields, work: impl Fn(&str, &Entry) -> Result<()>) -> Result<Value> {
    check_batch(&fields.entries)?;
    let name = fields.queue()?;
    let mut outcome = Outcome::default();
    for entry in &fields.entries {
        let done = work(name, entry);
        if let Err(QueueError::Refused { code: "QueueDoesNotExist", .. }) = done {
            done?;
        } else {
            outcome.add(&entry.id, done.map(|()| json!({})))?;
        }
    }
    Ok(outcome.into_answer())
}

fn check_batch(entries: &[Entry]) -> Result<()> {
    if entries.is_empty() {
        return Err(refused(
            "EmptyBatchRequest",
            "AWS.SimpleQueueService.EmptyBatchRequest",
            "There should be at least one entry in the request.",
        ));
    }
    if entries.len() > 10 {
        return Err(refused(
            "TooManyEntriesInBatchRequest",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            format!(
                "Maximum number of entries per request are 10. You have sent {}.",
                entries.len()
            ),
        ));
    }
    if let Some(entry) = entries.iter().find(|entry| !is_name(&entry.id)) {
        return Err(refused(
            "InvalidBatchEntryId",
            "AWS.SimpleQueueService.InvalidBatchEntryId",
            format!(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores, up to 80: {}",
                entry.id
            ),
        ));
    }
    let ids: BTreeSet<_> = entries.iter().map(|entry| &entry.id).collect();
    if ids.len() < entries.len() {
        return Err(refused(
            "BatchEntryIdsNotDistinct",
            "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        ));
    }
    Ok(())
}

fn create(queues: &Queues, fields: &Fields) -> Result<Value> {
    let name = required(&fields.queue_name, "QueueName")?;
    let spec = with_attributes(QueueSpec::new(name), fields.attributes.as_ref())?;
    queues.transact(|tx, now| match store::find_queue(tx, name)? {
        None => store::put_queue(tx, &spec, now),
        Some(old) if with_attributes(old.spec.clone(), fields.attributes.as_ref())? == old.spec => {
            Ok(())
        }
        Some(_) => Err(refused(
            "QueueNameExists",
            "QueueAlreadyExists",
            "A queue already exists with the same name and a different value for an attribute.",
        )),
    })?;
    queues.announce();
    Ok(json!({ "QueueUrl": queues.url(name) }))
}

/// The error as the JSON protocol writes it, with the header that carries its older name.
pub(super) fn error_answer(error: &QueueError) -> Answer {
    match error {
        QueueError::Refused { code, query_code, message } => {
            let mut answer = Answer::error(400, &format!("com.amazonaws.sqs#{code}"), message);
            answer.query_error = Some(format!("{query_code};Sender"));
            answer
        }
        other => {
            let kind = "com.amazonaws.sqs#InternalFailure";
            let mut answer = Answer::error(500, kind, &other.to_string());
            answer.query_error = Some("InternalFailure;Receiver".to_owned());
            answer
        }
    }
}
