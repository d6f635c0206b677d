//! Messages of queues.

use serde_json::json;
use shared::function::{Function, Service};

use crate::Stage;

impl<A: Service> Stage<A> {
    /// Hands the messages that `queue` shows now to their consumer, and deletes those that did
    /// not fail. Answers how many there were and how many failed.
    pub async fn deliver(&self, function: Function<A>, queue: &str) -> (usize, usize) {
        let queues = self.engine.queues();
        let received = queues.receive(queue, 10, None).unwrap();
        if received.is_empty() {
            return (0, 0);
        }
        let records: Vec<_> = received
            .iter()
            .map(|message| {
                json!({
                    "messageId": message.message_id, "body": message.body,
                    "attributes": { "ApproximateReceiveCount": message.receives.to_string() },
                    "messageAttributes": {}, "eventSource": "aws:sqs",
                })
            })
            .collect();
        let instance = self.start(function).await;
        let answer = self.run(&instance, &json!({ "Records": records })).await.0.unwrap();
        let failed: Vec<_> = answer["batchItemFailures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
            .collect();
        for message in received.iter().filter(|message| !failed.contains(&message.message_id)) {
            queues.delete(queue, &message.receipt_handle).unwrap();
        }
        (received.len(), failed.len())
    }

    /// How many messages a queue holds, hidden ones included.
    pub fn depth(&self, queue: &str) -> u64 {
        let depths = self.engine.queues().depths().unwrap();
        let depth = depths.iter().find(|depth| depth.name == queue).unwrap();
        depth.visible + depth.delayed + depth.in_flight
    }
}
