//! Lambda, which hands out records of a stream again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::{Call, Reply, Service};
use serde_json::{Value, json};

use super::dice::Dice;
use crate::bench::Bench;

/// Who reads streams here.
const READER: &str = "a-second-reader";

/// Somebody who has records of streams handed to their readers once more.
#[derive(Default)]
pub struct SecondReader {
    /// Up to which record of the stream it has come.
    upto: Mutex<Option<String>>,
    doubled: AtomicU64,
}

impl SecondReader {
    /// Records that were handed out twice.
    pub fn doubled(&self) -> u64 {
        self.doubled.load(Ordering::Relaxed)
    }

    /// Hands out some records again, in another order. Answers what was done.
    pub async fn replay(&self, bench: &Bench, dice: &mut Dice) -> Option<String> {
        let source = dice.pick(&bench.stack.wiring().stream_sources);
        let mut records = self.tail(bench, &source.table).await?;
        records.retain(|record| local::filter::passes(&source.filters, record) && dice.chance(30));
        if dice.chance(50) {
            records.reverse();
        }
        records.truncate(20);
        if records.is_empty() {
            return None;
        }
        self.doubled.fetch_add(u64::try_from(records.len()).unwrap(), Ordering::Relaxed);
        let event = local::event::stream(&source.table, &records);
        // It may fail as any run may; what it was given is given to it by the stream as well.
        let _ = bench.stack.invoke(&source.function, &event).await;
        Some(format!("{} records again for {}", records.len(), source.function))
    }

    /// The last records of a table's stream.
    async fn tail(&self, bench: &Bench, table: &str) -> Option<Vec<Value>> {
        let streams = ask(bench, "ListStreams", &json!({ "TableName": table })).await?;
        let stream = streams.pointer("/Streams/0/StreamArn")?;
        let described = ask(bench, "DescribeStream", &json!({ "StreamArn": stream })).await?;
        let shard = described.pointer("/StreamDescription/Shards/0/ShardId")?;
        let from = self.upto.lock().unwrap().clone();
        let position = match from {
            Some(sequence) => json!({
                "StreamArn": stream, "ShardId": shard, "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": sequence,
            }),
            None => json!({
                "StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON",
            }),
        };
        let found = ask(bench, "GetShardIterator", &position).await?;
        let body = json!({ "ShardIterator": found["ShardIterator"], "Limit": 500 });
        let page = ask(bench, "GetRecords", &body).await?;
        let records = page["Records"].as_array()?.clone();
        let middle = records.get(records.len() / 2)?;
        // The next time from the middle of these on, so that some come twice again.
        let sequence = middle.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str);
        *self.upto.lock().unwrap() = sequence.map(str::to_owned);
        Some(records)
    }
}

async fn ask(bench: &Bench, operation: &str, body: &Value) -> Option<Value> {
    let call = Call {
        service: Service::DynamodbStreams,
        operation: operation.to_owned(),
        body: body.to_string().into(),
        caller: READER.to_owned(),
    };
    match bench.stack.engine().call(call).await {
        Reply::Answer(answer) if answer.status == 200 => serde_json::from_slice(&answer.body).ok(),
        _ => None,
    }
}
