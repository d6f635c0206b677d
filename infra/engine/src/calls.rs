//! The record of calls: who, what, on which resource, with which permissions.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{Call, Service};

/// How many calls are kept until somebody drains them.
const CAPACITY: usize = 65_536;

/// One call that came in, faulted ones included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// The access key id of the caller.
    pub caller: String,
    /// Which service.
    pub service: Service,
    /// The operation's name, e.g. `TransactWriteItems`.
    pub operation: String,
    /// What it touched: `table/club`, `table/club/index/due`, `table/club/stream`,
    /// `queue/outbox`. Sorted, each once.
    pub resources: Vec<String>,
    /// The IAM actions it needs, each with its resource. Sorted, each once.
    pub permissions: Vec<Permission>,
    /// How many items it named: the parts of a transaction or batch, else 1.
    pub items: usize,
    /// HTTP status; `None` when the caller got no answer.
    pub status: Option<u16>,
}

/// An IAM action on a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    /// E.g. `dynamodb:PutItem`.
    pub action: String,
    /// As in [`CallRecord::resources`].
    pub resource: String,
}

/// The bounded list of calls; clones share it.
#[derive(Clone, Debug, Default)]
pub struct CallLog {
    inner: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    records: VecDeque<CallRecord>,
    dropped: u64,
}

impl CallLog {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn record(&self, record: CallRecord) {
        let mut log = self.log();
        if log.records.len() >= CAPACITY {
            log.records.pop_front();
            log.dropped = log.dropped.saturating_add(1);
        }
        log.records.push_back(record);
    }

    /// Takes all calls out, oldest first.
    #[must_use]
    pub fn drain(&self) -> Vec<CallRecord> {
        self.log().records.drain(..).collect()
    }

    /// Copies the calls of one caller, oldest first.
    #[must_use]
    pub fn of(&self, caller: &str) -> Vec<CallRecord> {
        self.log().records.iter().filter(|record| record.caller == caller).cloned().collect()
    }

    /// How many calls fell out at the old end because nobody drained them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.log().dropped
    }
}

/// The parts of a request that say what it touches.
#[derive(Debug, Default)]
pub(crate) struct Peek {
    /// IAM action without the service's prefix, resource; one per item.
    parts: Vec<(String, String)>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Fields<'a> {
    #[serde(borrow)]
    table_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    index_name: Option<Cow<'a, str>>,
    request_items: Option<BTreeMap<String, Batch>>,
    transact_items: Option<Vec<BTreeMap<String, Named>>>,
    #[serde(borrow)]
    stream_arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    shard_iterator: Option<Cow<'a, str>>,
    #[serde(borrow)]
    queue_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    queue_name: Option<Cow<'a, str>>,
    entries: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    table_name: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Batch {
    Write(Vec<IgnoredAny>),
    Read {
        #[serde(rename = "Keys", default)]
        keys: Vec<IgnoredAny>,
    },
}

impl Batch {
    fn len(&self) -> usize {
        match self {
            Self::Write(items) | Self::Read { keys: items } => items.len(),
        }
    }
}

impl Peek {
    pub(crate) fn of(call: &Call) -> Self {
        // What cannot be read is refused later by the service itself.
        let fields: Fields<'_> = serde_json::from_slice(&call.body).unwrap_or_default();
        let parts = match call.service {
            Service::Dynamodb => dynamodb(&call.operation, fields),
            Service::DynamodbStreams => streams(&call.operation, &fields),
            Service::Sqs => sqs(&call.operation, &fields),
        };
        Self { parts }
    }

    /// The number of items the call names; at least 1.
    pub(crate) fn items(&self) -> usize {
        self.parts.len().max(1)
    }

    /// Whether the call reads an index, global or local.
    pub(crate) fn reads_index(&self) -> bool {
        self.parts.iter().any(|(_, on)| on.contains("/index/"))
    }

    pub(crate) fn into_record(self, call: &Call, status: Option<u16>) -> CallRecord {
        let items = self.items();
        let prefix = match call.service {
            Service::Dynamodb | Service::DynamodbStreams => "dynamodb",
            Service::Sqs => "sqs",
        };
        let resources: BTreeSet<_> = self.parts.iter().map(|(_, on)| on.clone()).collect();
        let permissions: BTreeSet<_> = self
            .parts
            .into_iter()
            .map(|(action, resource)| Permission { action: format!("{prefix}:{action}"), resource })
            .collect();
        CallRecord {
            caller: call.caller.clone(),
            service: call.service,
            operation: call.operation.clone(),
            resources: resources.into_iter().collect(),
            permissions: permissions.into_iter().collect(),
            items,
            status,
        }
    }
}

/// A table may be named by its ARN.
fn table(name: &str) -> String {
    let name = name.split_once(":table/").map_or(name, |(_, name)| name);
    format!("table/{name}")
}

fn dynamodb(operation: &str, fields: Fields<'_>) -> Vec<(String, String)> {
    if let Some(items) = fields.transact_items {
        let parts = items.into_iter().flatten();
        return parts
            .map(|(kind, item)| {
                let action = match kind.as_str() {
                    "Put" => "PutItem",
                    "Update" => "UpdateItem",
                    "Delete" => "DeleteItem",
                    "ConditionCheck" => "ConditionCheckItem",
                    _ => "GetItem",
                };
                (action.to_owned(), table(&item.table_name))
            })
            .collect();
    }
    if let Some(tables) = fields.request_items {
        return tables
            .into_iter()
            .flat_map(|(name, batch)| {
                std::iter::repeat_n((operation.to_owned(), table(&name)), batch.len())
            })
            .collect();
    }
    let on = match (fields.table_name, fields.index_name) {
        (Some(name), Some(index)) => format!("{}/index/{index}", table(&name)),
        (Some(name), None) => table(&name),
        (None, _) => "*".to_owned(),
    };
    vec![(operation.to_owned(), on)]
}

fn streams(operation: &str, fields: &Fields<'_>) -> Vec<(String, String)> {
    let from_iterator = || {
        let iterator = fields.shard_iterator.as_deref()?;
        let (name, ..) = dynoxide::actions::get_shard_iterator::decode_shard_iterator(iterator)?;
        Some(format!("table/{name}/stream"))
    };
    let from_arn = || {
        let arn = fields.stream_arn.as_deref()?;
        Some(format!("{}/stream", table(arn.split_once("/stream/")?.0)))
    };
    let from_table = || Some(format!("{}/stream", table(fields.table_name.as_deref()?)));
    let on = from_arn().or_else(from_iterator).or_else(from_table).unwrap_or_else(|| "*".into());
    vec![(operation.to_owned(), on)]
}

fn sqs(operation: &str, fields: &Fields<'_>) -> Vec<(String, String)> {
    let named = fields.queue_url.as_deref().or(fields.queue_name.as_deref());
    let on = named.map_or_else(
        || "*".to_owned(),
        |url| format!("queue/{}", url.rsplit('/').next().unwrap_or(url)),
    );
    // IAM knows no batch actions of SQS.
    let action = operation.strip_suffix("Batch").unwrap_or(operation).to_owned();
    let count = fields.entries.as_ref().map_or(1, Vec::len);
    std::iter::repeat_n((action, on), count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(service: Service, operation: &str, body: &str) -> CallRecord {
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        let call = Call { service, operation: operation.into(), body, caller: "me".into() };
        Peek::of(&call).into_record(&call, Some(200))
    }

    fn permissions(record: &CallRecord) -> Vec<String> {
        record.permissions.iter().map(|p| format!("{} {}", p.action, p.resource)).collect()
    }

    #[test]
    fn a_transaction_needs_the_action_of_each_item() {
        let body = r#"{"TransactItems":[{"Put":{"TableName":"club","Item":{}}},
            {"ConditionCheck":{"TableName":"club","Key":{}}},{"Update":{"TableName":"club"}},
            {"Put":{"TableName":"arn:aws:dynamodb:r:1:table/other"}}]}"#;
        let record = record(Service::Dynamodb, "TransactWriteItems", body);
        assert_eq!(record.items, 4);
        assert_eq!(record.resources, ["table/club", "table/other"]);
        assert_eq!(
            permissions(&record),
            [
                "dynamodb:ConditionCheckItem table/club",
                "dynamodb:PutItem table/club",
                "dynamodb:PutItem table/other",
                "dynamodb:UpdateItem table/club"
            ]
        );
    }

    #[test]
    fn indexes_batches_and_queues_are_named() {
        let query = record(Service::Dynamodb, "Query", r#"{"TableName":"t","IndexName":"due"}"#);
        assert_eq!(permissions(&query), ["dynamodb:Query table/t/index/due"]);
        let body = r#"{"RequestItems":{"club":{"Keys":[{},{}]}}}"#;
        let batch = record(Service::Dynamodb, "BatchGetItem", body);
        assert_eq!(permissions(&batch), ["dynamodb:BatchGetItem table/club"]);
        assert_eq!(batch.items, 2);
        let body = r#"{"QueueUrl":"http://sqs.local/000000000000/outbox","Entries":[{},{},{}]}"#;
        let send = record(Service::Sqs, "SendMessageBatch", body);
        assert_eq!(permissions(&send), ["sqs:SendMessage queue/outbox"]);
        assert_eq!(send.items, 3);
        let body = r#"{"StreamArn":"arn:aws:dynamodb:r:1:table/club/stream/1.0"}"#;
        let stream = record(Service::DynamodbStreams, "DescribeStream", body);
        assert_eq!(permissions(&stream), ["dynamodb:DescribeStream table/club/stream"]);
    }
}
