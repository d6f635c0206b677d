//! What the clock does to orders, and what it gives back.

mod expiry;
mod refunds;
mod silence;

use serde_json::{Value, json};
use tests::World;

/// Delivers the deadline's message of an order once more.
pub(crate) async fn deadline(world: &World, order: &str) -> Value {
    let event = json!({"Records": [{
        "messageId": "00000000-0000-4000-8000-000000000001",
        "receiptHandle": "again",
        "body": json!({"order_id": order, "v": 1}).to_string(),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1769860800000",
            "SenderId": "again",
            "ApproximateFirstReceiveTimestamp": "1769860830000",
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:test-errands-deadlines",
        "awsRegion": "us-east-1",
    }]});
    let answer = world.invoke("errands-orders-deadline", &event).await;
    let failed = answer["batchItemFailures"].as_array().map_or(0, Vec::len);
    assert_eq!(failed, 0, "{answer}");
    answer
}

/// Runs the sweep of orders now.
pub(crate) async fn sweep(world: &World) {
    world.run("errands-orders-sweep").await;
}
