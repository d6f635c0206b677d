//! Events of queues, streams and schedules, and the report of what failed in a batch.

use engine::Received;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::template::REGION;

fn queue_arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{}:{queue}", engine::sqs::ACCOUNT)
}

/// The record of a message, as in the event of a queue.
fn record(queue: &str, message: &Received) -> Value {
    let attributes: Map<String, Value> = message
        .attributes
        .iter()
        .map(|(name, value)| {
            let value = json!({
                "stringValue": value.string_value,
                "binaryValue": value.binary_value,
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value.data_type,
            });
            (name.clone(), value)
        })
        .collect();
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": message.receives.to_string(),
            "SentTimestamp": message.sent_at.as_millisecond().to_string(),
            "SenderId": message.sender,
            "ApproximateFirstReceiveTimestamp":
                message.first_received_at.as_millisecond().to_string(),
        },
        "messageAttributes": attributes,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn(queue),
        "awsRegion": REGION,
    })
}

/// The event of a batch of messages.
#[must_use]
pub fn queue(queue: &str, messages: &[Received]) -> Value {
    let records: Vec<Value> = messages.iter().map(|message| record(queue, message)).collect();
    json!({ "Records": records })
}

/// The event of a batch of stream records, which come as `GetRecords` answers them.
#[must_use]
pub fn stream(table: &str, records: &[Value]) -> Value {
    let arn =
        format!("arn:aws:dynamodb:{REGION}:{}:table/{table}/stream/local", engine::sqs::ACCOUNT);
    let delivered: Vec<Value> = records
        .iter()
        .map(|record| {
            let mut record = record.clone();
            if let Some(record) = record.as_object_mut() {
                record.insert("awsRegion".to_owned(), REGION.into());
                record.insert("eventSourceARN".to_owned(), arn.as_str().into());
            }
            record
        })
        .collect();
    json!({ "Records": delivered })
}

/// The event of a schedule that fired for `at`.
#[must_use]
pub fn schedule(id: &str, name: &str, at: Timestamp) -> Value {
    let account = engine::sqs::ACCOUNT;
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": account,
        "time": instant(at),
        "region": REGION,
        "resources": [format!("arn:aws:scheduler:{REGION}:{account}:schedule/default/{name}")],
        "detail": {},
    })
}

/// What is sent to a queue for an event that was given up.
#[must_use]
pub fn given_up(
    function: &str,
    condition: &str,
    invocations: u32,
    payload: &Value,
    error: &str,
    now: Timestamp,
) -> Value {
    json!({
        "version": "1.0",
        "timestamp": instant(now),
        "requestContext": {
            "functionArn": format!("arn:aws:lambda:{REGION}:{}:function:{function}", engine::sqs::ACCOUNT),
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
        "responseContext": { "statusCode": 200, "functionError": error },
        "requestPayload": payload,
    })
}

/// An instant with three decimals.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// What failed in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Nothing.
    Nothing,
    /// The items with these identifiers.
    Items(Vec<String>),
    /// The whole batch, because the report cannot be read or names what is not in the batch.
    All,
}

/// Reads `batchItemFailures` as Lambda does.
#[must_use]
pub fn batch_failures(answer: &[u8], known: &[&str]) -> Failed {
    let answer = answer.trim_ascii();
    if answer.is_empty() {
        return Failed::Nothing;
    }
    let failures = match serde_json::from_slice::<Value>(answer) {
        Ok(Value::Null) => return Failed::Nothing,
        Ok(Value::Object(answer)) => answer.get("batchItemFailures").cloned().unwrap_or_default(),
        _ => return Failed::All,
    };
    let failures = match failures {
        Value::Null => return Failed::Nothing,
        Value::Array(failures) => failures,
        _ => return Failed::All,
    };
    let identifiers = failures.iter().map(|failure| {
        let identifier = failure.get("itemIdentifier")?.as_str()?;
        known.contains(&identifier).then(|| identifier.to_owned())
    });
    match identifiers.collect::<Option<Vec<_>>>() {
        Some(items) if items.is_empty() => Failed::Nothing,
        Some(items) => Failed::Items(items),
        None => Failed::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_lambda_does() {
        let known = ["a", "b"];
        let items = Failed::Items(vec!["b".to_owned()]);
        for (answer, expected) in [
            ("", Failed::Nothing),
            ("null", Failed::Nothing),
            ("{}", Failed::Nothing),
            ("{\"batchItemFailures\":[]}", Failed::Nothing),
            ("{\"batchItemFailures\":null}", Failed::Nothing),
            ("{\"batchItemFailures\":[{\"itemIdentifier\":\"b\"}]}", items),
            ("{\"batchItemFailures\":[{\"itemIdentifier\":\"\"}]}", Failed::All),
            ("{\"batchItemFailures\":[{\"itemIdentifier\":\"c\"}]}", Failed::All),
            ("{\"batchItemFailures\":[{\"id\":\"a\"}]}", Failed::All),
            ("{\"batchItemFailures\":7}", Failed::All),
            ("\"text\"", Failed::All),
        ] {
            assert_eq!(batch_failures(answer.as_bytes(), &known), expected, "{answer}");
        }
    }

    #[test]
    fn a_schedule_tells_its_own_time() {
        let at = "2026-01-31T12:05:00Z".parse().unwrap();
        let event = schedule("id", "club-ratings-publish", at);
        assert_eq!(event["time"], "2026-01-31T12:05:00.000Z");
        assert_eq!(event["source"], "aws.scheduler");
    }
}
