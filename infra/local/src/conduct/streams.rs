//! Change streams that make functions run.
//!
//! Batches of one stream run one after another. A failed batch is tried again from its lowest
//! failed record, cut in two where the template says so, and given up to a queue when it has
//! used up its retries or grown too old. The checkpoint is stored whenever it moves: what was
//! delivered but not checked off is delivered again after a restart.

use std::collections::VecDeque;

use bytes::Bytes;
use engine::{Call, Reply, Service};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Context, Done, Look, WorkError};
use crate::event::{self, Failed};
use crate::filter;
use crate::invoke::Failure;
use crate::store::{Store, StoreError};
use crate::template::StreamSource;

/// As whom the runner reads streams.
const CALLER: &str = "local-runner";
/// Longest wait before a retry, in seconds.
const MAX_BACKOFF_S: i64 = 60;

pub(super) struct StreamWorker {
    source: StreamSource,
    key: String,
    /// The last record that is done with.
    checkpoint: Option<String>,
    shard: Option<(String, String)>,
    /// Where to read on, as the last read answered.
    iterator: Option<Value>,
    pending: VecDeque<Batch>,
    running: bool,
    /// Has everything been read that was there at the last look?
    at_end: bool,
    retry_at: Option<Timestamp>,
}

struct Batch {
    records: Vec<Value>,
    /// The last record read for this batch, filtered ones included.
    upto: String,
    attempts: u32,
}

pub(super) struct Outcome {
    answer: Result<Vec<u8>, Failure>,
}

impl StreamWorker {
    pub(super) fn new(source: StreamSource, store: &Store) -> Result<Self, StoreError> {
        let key = format!("stream/{}/{}", source.table, source.function);
        let checkpoint = store.get(&key)?;
        let (shard, pending) = (None, VecDeque::new());
        Ok(Self {
            source,
            key,
            checkpoint,
            shard,
            iterator: None,
            pending,
            running: false,
            at_end: false,
            retry_at: None,
        })
    }

    /// Starts the next batch, if there is one and it is due. `changed` = the table was written to.
    pub(super) async fn start(
        &mut self,
        index: usize,
        now: Timestamp,
        changed: bool,
        context: &Context,
        jobs: &mut JoinSet<Done>,
    ) -> Result<Look, WorkError> {
        self.at_end &= !changed;
        if self.running {
            return Ok(Look::default());
        }
        if self.pending.is_empty() {
            if self.at_end {
                return Ok(Look::default());
            }
            self.at_end = !self.read(context).await?;
        }
        if self.retry_at.is_some_and(|at| at > now) {
            return Ok(Look::default());
        }
        let Some(batch) = self.pending.front() else {
            return Ok(Look { again: !self.at_end, starved: false });
        };
        if self.too_old(batch, now) {
            self.give_up("RecordAgeExceeded", "the records are too old", now, context)?;
            return Ok(Look::AGAIN);
        }
        if !context.invoker.has_room(&self.source.function) {
            return Ok(Look::STARVED);
        }
        self.running = true;
        self.retry_at = None;
        let payload = Bytes::from(event::stream(&self.source.table, &batch.records).to_string());
        let (invoker, function) = (context.invoker.clone(), self.source.function.clone());
        jobs.spawn(async move {
            let answer = invoker.invoke(&function, "stream", payload).await;
            Done::Stream(index, Outcome { answer })
        });
        Ok(Look::default())
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.retry_at.filter(|_| !self.pending.is_empty())
    }

    /// Reads on from the checkpoint. False at the end of the stream.
    async fn read(&mut self, context: &Context) -> Result<bool, WorkError> {
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => self.begin(context).await?,
        };
        let request = json!({ "ShardIterator": iterator, "Limit": self.source.batch });
        let answer = self.ask(context, "GetRecords", &request).await?;
        self.iterator = answer.get("NextShardIterator").cloned();
        let records = answer.get("Records").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(upto) = records.last().map(sequence_of) else { return Ok(false) };
        let wanted = |record: &Value| filter::passes(&self.source.filters, record);
        let records: Vec<Value> = records.into_iter().filter(wanted).collect();
        if records.is_empty() {
            self.check_off(upto, context)?;
        } else {
            self.pending.push_back(Batch { records, upto, attempts: 0 });
        }
        Ok(true)
    }

    /// An iterator behind the checkpoint, or at the start that the template names.
    async fn begin(&mut self, context: &Context) -> Result<Value, WorkError> {
        let (stream, shard) = match self.shard.clone() {
            Some(known) => known,
            None => self.find(context).await?,
        };
        let position = match &self.checkpoint {
            Some(sequence) => json!({
                "StreamArn": stream, "ShardId": shard,
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": sequence,
            }),
            None => {
                let kind = if self.source.latest { "LATEST" } else { "TRIM_HORIZON" };
                json!({ "StreamArn": stream, "ShardId": shard, "ShardIteratorType": kind })
            }
        };
        let answer = self.ask(context, "GetShardIterator", &position).await?;
        Ok(answer.get("ShardIterator").cloned().unwrap_or_default())
    }

    async fn find(&mut self, context: &Context) -> Result<(String, String), WorkError> {
        let missing = |what: &str| WorkError::Stream(self.source.table.clone(), what.to_owned());
        let request = json!({ "TableName": self.source.table });
        let streams = self.ask(context, "ListStreams", &request).await?;
        let stream = streams.pointer("/Streams/0/StreamArn").and_then(Value::as_str);
        let stream = stream.ok_or_else(|| missing("the table has none"))?.to_owned();
        let described =
            self.ask(context, "DescribeStream", &json!({ "StreamArn": stream })).await?;
        let shard = described.pointer("/StreamDescription/Shards/0/ShardId");
        let shard = shard.and_then(Value::as_str).ok_or_else(|| missing("it has no shard"))?;
        let found = (stream, shard.to_owned());
        self.shard = Some(found.clone());
        Ok(found)
    }

    async fn ask(
        &self,
        context: &Context,
        operation: &str,
        body: &Value,
    ) -> Result<Value, WorkError> {
        let call = Call {
            service: Service::DynamodbStreams,
            operation: operation.to_owned(),
            body: Bytes::from(body.to_string()),
            caller: CALLER.to_owned(),
        };
        let refused = |what: String| WorkError::Stream(self.source.table.clone(), what);
        match context.engine.call(call).await {
            Reply::Answer(answer) if answer.status == 200 => {
                serde_json::from_slice(&answer.body).map_err(|error| refused(error.to_string()))
            }
            Reply::Answer(answer) => {
                Err(refused(String::from_utf8_lossy(&answer.body).into_owned()))
            }
            Reply::Silence(_) => Err(refused("no answer".to_owned())),
        }
    }

    /// Takes in how a batch ended.
    pub(super) fn ended(
        &mut self,
        outcome: Outcome,
        now: Timestamp,
        context: &Context,
    ) -> Result<(), WorkError> {
        self.running = false;
        let Some(batch) = self.pending.front_mut() else { return Ok(()) };
        batch.attempts = batch.attempts.saturating_add(1);
        let sequences: Vec<String> = batch.records.iter().map(sequence_of).collect();
        let known: Vec<&str> = sequences.iter().map(String::as_str).collect();
        let (failed, error) = match &outcome.answer {
            Ok(answer) if self.source.partial => {
                (event::batch_failures(answer, &known), "the function reported failures".to_owned())
            }
            Ok(_) => (Failed::Nothing, String::new()),
            Err(failure) => (Failed::All, failure.to_string()),
        };
        let done = match &failed {
            Failed::Nothing => {
                let upto = batch.upto.clone();
                self.pending.pop_front();
                return self.check_off(upto, context);
            }
            Failed::Items(items) => {
                sequences.iter().position(|sequence| items.contains(sequence)).unwrap_or(0)
            }
            Failed::All => 0,
        };
        self.try_again(done, &sequences, &error, now, context)
    }

    /// The first `done` records succeeded, the next one failed.
    fn try_again(
        &mut self,
        done: usize,
        sequences: &[String],
        error: &str,
        now: Timestamp,
        context: &Context,
    ) -> Result<(), WorkError> {
        let last_done = done.checked_sub(1).and_then(|last| sequences.get(last)).cloned();
        let Some(batch) = self.pending.front_mut() else { return Ok(()) };
        batch.records.drain(..done);
        if let Some(sequence) = last_done {
            // There was progress: what remains is a batch of its own.
            batch.attempts = 1;
            self.retry_at = backoff(1, now);
            return self.check_off(sequence, context);
        }
        let attempts = batch.attempts;
        if self.source.bisect && batch.records.len() > 1 {
            let half = batch.records.len().div_ceil(2);
            let second = batch.records.split_off(half);
            let upto = std::mem::take(&mut batch.upto);
            batch.upto = batch.records.last().map(sequence_of).unwrap_or_default();
            self.pending.insert(1, Batch { records: second, upto, attempts: 0 });
            if let Some(first) = self.pending.front_mut() {
                first.attempts = 0;
            }
            return Ok(());
        }
        if self.source.retries.is_some_and(|retries| attempts > retries) {
            return self.give_up("RetryAttemptsExhausted", error, now, context);
        }
        self.retry_at = backoff(attempts, now);
        Ok(())
    }

    fn too_old(&self, batch: &Batch, now: Timestamp) -> bool {
        let made = batch
            .records
            .first()
            .and_then(|record| record.pointer("/dynamodb/ApproximateCreationDateTime")?.as_f64());
        let made = made.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
        match (self.source.max_age_s, made) {
            (Some(max), Some(made)) => {
                now.duration_since(Timestamp::UNIX_EPOCH) > made + SignedDuration::from_secs(max)
            }
            _ => false,
        }
    }

    fn give_up(
        &mut self,
        condition: &str,
        error: &str,
        now: Timestamp,
        context: &Context,
    ) -> Result<(), WorkError> {
        let Some(batch) = self.pending.pop_front() else { return Ok(()) };
        self.retry_at = None;
        if let Some(queue) = &self.source.failures {
            let name = &self.source.function;
            let mut letter =
                event::given_up(name, condition, batch.attempts, &Value::Null, error, now);
            // Of a stream only the place is told, as Lambda does: the records are still there.
            let place = json!({
                "shardId": self.shard.as_ref().map(|(_, shard)| shard),
                "startSequenceNumber": batch.records.first().map(sequence_of),
                "endSequenceNumber": batch.records.last().map(sequence_of),
                "batchSize": batch.records.len(),
                "streamArn": self.shard.as_ref().map(|(stream, _)| stream),
            });
            if let Some(letter) = letter.as_object_mut() {
                letter.remove("requestPayload");
                letter.insert("DDBStreamBatchInfo".to_owned(), place);
            }
            context.engine.queues().send(queue, &letter.to_string(), None)?;
        }
        self.check_off(batch.upto, context)
    }

    fn check_off(&mut self, sequence: String, context: &Context) -> Result<(), WorkError> {
        context.store.put(&self.key, &sequence)?;
        self.checkpoint = Some(sequence);
        Ok(())
    }
}

fn sequence_of(record: &Value) -> String {
    let sequence = record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str);
    sequence.unwrap_or_default().to_owned()
}

/// The first retry comes at once, later ones after 1, 2, 4, … seconds.
fn backoff(attempts: u32, now: Timestamp) -> Option<Timestamp> {
    let seconds = 1_i64.checked_shl(attempts.checked_sub(2)?).unwrap_or(MAX_BACKOFF_S);
    now.checked_add(SignedDuration::from_secs(seconds.clamp(1, MAX_BACKOFF_S))).ok()
}
