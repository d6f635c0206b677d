//! The table's change stream: at least once, in order for each item.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::problem::{Problem, Result, chain};
use crate::table::Item;
use crate::telemetry;

/// One change of one item.
#[derive(Clone, Debug)]
pub struct Change {
    /// The item before; `None` when it was made.
    pub old: Option<Item>,
    /// The item after; `None` when it was deleted.
    pub new: Option<Item>,
}

impl Change {
    /// The item's kind.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.new.as_ref().or(self.old.as_ref()).and_then(|item| item.text("kind"))
    }
}

/// Handles the changes one after another. From the first that fails on they are delivered
/// again: handling one twice must be harmless anyway, skipping one must not happen.
pub(crate) async fn consume<F, R>(event: Value, handler: F) -> Result<Value>
where
    F: Fn(Change) -> R,
    R: Future<Output = Result<()>>,
{
    let event: Event = serde_json::from_value(event).map_err(Problem::bug)?;
    for record in event.records {
        let sequence = record.change.sequence_number.clone().unwrap_or_default();
        let work = AssertUnwindSafe(handler(change(record))).catch_unwind().await;
        let outcome =
            work.unwrap_or_else(|panic| Err(Problem::bug(telemetry::panic_text(&*panic))));
        if let Err(problem) = outcome {
            tracing::warn!(error = %chain(&problem), code = problem.code(), "change failed");
            return Ok(json!({ "batchItemFailures": [{ "itemIdentifier": sequence }] }));
        }
    }
    Ok(json!({ "batchItemFailures": [] }))
}

fn change(record: EventRecord) -> Change {
    let image = |item: serde_dynamo::Item| {
        let attributes: HashMap<String, AttributeValue> = item.into();
        (!attributes.is_empty()).then_some(Item(attributes))
    };
    Change { old: image(record.change.old_image), new: image(record.change.new_image) }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn record(sequence: u32) -> Value {
        json!({
            "eventID": sequence.to_string(), "eventName": "INSERT", "eventSource": "aws:dynamodb",
            "eventVersion": "1.1", "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_768_900_000,
                "Keys": { "pk": { "S": "a" }, "sk": { "S": "b" } },
                "NewImage": { "pk": { "S": "a" }, "kind": { "S": "Member" }, "n": { "N": sequence.to_string() } },
                "SequenceNumber": sequence.to_string(), "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        })
    }

    #[tokio::test]
    async fn the_lowest_failure_is_the_checkpoint() {
        let seen = Mutex::new(Vec::new());
        let event = json!({ "Records": [record(1), record(2), record(3)] });
        let result = consume(event, |change| {
            assert_eq!(change.kind(), Some("Member"));
            assert!(change.old.is_none());
            let n = change.new.unwrap().integer("n").unwrap();
            seen.lock().unwrap().push(n);
            async move { if n == 2 { Err(Problem::try_again("not now")) } else { Ok(()) } }
        })
        .await
        .unwrap();
        assert_eq!(result, json!({ "batchItemFailures": [{ "itemIdentifier": "2" }] }));
        assert_eq!(*seen.lock().unwrap(), [1, 2]);
    }
}
