//! The tables: `dynoxide`'s operations over one SQLite database, by the engine's clock.
//!
//! The storage is used directly rather than through `dynoxide::Database`, which takes a clock for
//! databases in memory only: so TTL, stream records and request tokens follow the engine's clock
//! for files too. The price is the token cache below, which `Database` would bring.
//!
//! One operation takes some ten to some hundred microseconds and SQLite lets one run at a time, so
//! each runs right on the worker that called it, behind a lock that is waited for asynchronously:
//! however many callers there are, at most one worker is busy here and the others go on with
//! their own work. A hand-over to a blocking thread would cost about as much as the operation.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dynoxide::DynoxideError;
use dynoxide::actions::{self, vector_lifecycle::VectorIndexLifecycle};
use dynoxide::storage::Storage;
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{Answer, Clock, EngineError, ttl};

type Result<T, E = DynoxideError> = std::result::Result<T, E>;

/// DynamoDB keeps a request token for ten minutes.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Each write asks for the stream's last number, and each read of a stream for those after one:
/// without an index both walk all records of the table.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS tamga_stream_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

pub(crate) struct Tables {
    database: Mutex<Database>,
    clock: Clock,
}

struct Database {
    storage: Storage,
    lifecycle: VectorIndexLifecycle,
    tokens: Tokens,
}

/// Transactions that were done under a `ClientRequestToken`.
#[derive(Default)]
struct Tokens {
    known: HashMap<TokenKey, Token>,
    /// Oldest first: whoever comes next forgets those that are over, and walks no others.
    by_age: VecDeque<(Timestamp, TokenKey)>,
}

/// The kind of its transaction, and the token.
type TokenKey = (&'static str, String);

struct Token {
    request: [u8; 16],
    answer: Bytes,
}

impl Tokens {
    fn forget(&mut self, now: Timestamp) {
        while let Some((_, key)) =
            self.by_age.pop_front_if(|(at, _)| now.duration_since(*at) >= TOKEN_LIFE)
        {
            self.known.remove(&key);
        }
    }

    fn keep(&mut self, key: TokenKey, token: Token, now: Timestamp) {
        self.known.insert(key.clone(), token);
        self.by_age.push_back((now, key));
    }
}

struct StorageClock(Clock);

impl StorageClock {
    fn since_epoch(&self) -> std::time::Duration {
        let since = self.0.now().duration_since(Timestamp::UNIX_EPOCH);
        std::time::Duration::try_from(since).unwrap_or_default()
    }
}

impl dynoxide::storage_backend::Clock for StorageClock {
    fn now_unix_secs(&self) -> u64 {
        self.since_epoch().as_secs()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.since_epoch().as_secs_f64()
    }
}

impl Tables {
    pub(crate) fn memory(clock: Clock) -> Result<Self, EngineError> {
        Self::over(Storage::memory()?, clock)
    }

    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, EngineError> {
        let text = path.to_str().ok_or_else(|| EngineError::Path(path.to_owned()))?;
        let storage = Storage::new(text)?;
        // Despite its name, the one public way to `synchronous=NORMAL`: with the write-ahead log
        // a commit survives the death of the process without waiting for the disk.
        storage.disable_bulk_loading()?;
        Self::over(storage, clock)
    }

    fn over(storage: Storage, clock: Clock) -> Result<Self, EngineError> {
        storage.conn().execute_batch(STREAM_INDEX).map_err(DynoxideError::from)?;
        let storage = storage.with_clock(Arc::new(StorageClock(clock.clone())));
        let lifecycle = VectorIndexLifecycle::new();
        let database = Mutex::new(Database { storage, lifecycle, tokens: Tokens::default() });
        Ok(Self { database, clock })
    }

    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Answer {
        let mut database = self.database.lock().await;
        let result = match operation {
            "TransactWriteItems" | "ExecuteTransaction" => {
                database.once_per_token(operation, body, self.clock.now())
            }
            _ => database.run(operation, body),
        };
        drop(database);
        match result {
            Ok(Some(body)) => Answer::ok(body),
            Ok(None) => Answer::unknown_operation(),
            Err(error) => Answer {
                status: error.status_code(),
                body: error.to_json().into(),
                query_error: None,
            },
        }
    }

    /// The answer of a read of a global index that nothing has reached yet; `None` when the
    /// request reads no global index.
    pub(crate) async fn behind_index(&self, body: &[u8]) -> Option<Answer> {
        let request: Value = serde_json::from_slice(body).ok()?;
        let table = json!({ "TableName": request.get("TableName")? }).to_string();
        let described = self.call("DescribeTable", table.as_bytes()).await;
        let described: Value = serde_json::from_slice(&described.body).ok()?;
        let globals = described.pointer("/Table/GlobalSecondaryIndexes")?.as_array()?;
        let index = request.get("IndexName");
        globals.iter().find(|global| global.get("IndexName") == index)?;
        let mut empty = json!({ "Items": [], "Count": 0, "ScannedCount": 0 });
        if request.get("ReturnConsumedCapacity").is_some_and(|mode| mode != "NONE") {
            // DynamoDB charges an empty page as the smallest read.
            let capacity = json!({ "TableName": request.get("TableName"), "CapacityUnits": 0.5 });
            *empty.as_object_mut()?.entry("ConsumedCapacity").or_insert(Value::Null) = capacity;
        }
        Some(Answer::ok(empty.to_string()))
    }

    /// Deletes what is due now. What becomes due meanwhile is left to the next sweep.
    pub(crate) async fn sweep_ttl(&self) -> Result<usize, EngineError> {
        let now_s = self.clock.now().as_second();
        let mut swept = 0;
        loop {
            let database = self.database.lock().await;
            let due = ttl::due(&database.storage, now_s)?;
            for item in &due {
                database.run("DeleteItem", item.deletion().to_string().as_bytes())?;
                item.sign(&database.storage)?;
            }
            swept += due.len();
            if due.len() < ttl::PAGE {
                return Ok(swept);
            }
        }
    }
}

/// Whether an operation may change a table.
pub(crate) fn writes(operation: &str) -> bool {
    !["Get", "BatchGet", "TransactGet", "Describe", "List", "Query", "Scan", "Search"]
        .iter()
        .any(|prefix| operation.starts_with(prefix))
}

/// The native storage never suspends: its futures are done at the first poll.
fn ready<T>(operation: impl Future<Output = Result<T>>) -> Result<T> {
    operation.now_or_never().unwrap_or_else(|| {
        Err(DynoxideError::InternalServerError("the storage suspended an operation".into()))
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| refusal(&error.to_string()))
}

/// `dynoxide`'s readers mark in the message which error of DynamoDB a bad request is.
fn refusal(message: &str) -> DynoxideError {
    const VALIDATION: [&str; 3] = ["VALIDATION_REQUEST:", "VALIDATION_AS_READ:", "VALIDATION:"];
    const SERIALIZATION: [&str; 2] = ["SERIALIZATION_AS_READ:", "SERIALIZATION:"];
    let plain = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
    if let Some(text) = VALIDATION.iter().find_map(|mark| plain.strip_prefix(mark)) {
        return DynoxideError::ValidationException(text.to_owned());
    }
    if let Some(text) = SERIALIZATION.iter().find_map(|mark| plain.strip_prefix(mark)) {
        return DynoxideError::SerializationException(text.to_owned());
    }
    let of_values = ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];
    if of_values.iter().any(|part| plain.contains(part)) {
        return DynoxideError::ValidationException(plain.to_owned());
    }
    DynoxideError::SerializationException(plain.to_owned())
}

fn write<T: Serialize>(response: &T) -> Result<Option<Bytes>> {
    let json = serde_json::to_vec(response);
    json.map(|json| Some(json.into()))
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// Reads the request, runs the operation of that module, writes the response.
macro_rules! operation {
    ($module:ident, $storage:expr, $body:expr $(, $more:expr)*) => {
        write(&ready(actions::$module::execute($storage, read($body)?, $($more),*))?)
    };
}

impl Database {
    /// `None`: no such operation.
    fn run(&self, operation: &str, body: &[u8]) -> Result<Option<Bytes>> {
        let (storage, lifecycle) = (&self.storage, &self.lifecycle);
        match operation {
            "GetItem" => operation!(get_item, storage, body),
            "PutItem" => operation!(put_item, storage, body),
            "UpdateItem" => operation!(update_item, storage, body),
            "DeleteItem" => operation!(delete_item, storage, body),
            "Query" => operation!(query, storage, body),
            "Scan" => operation!(scan, storage, body),
            "BatchGetItem" => operation!(batch_get_item, storage, body),
            "BatchWriteItem" => operation!(batch_write_item, storage, body),
            "TransactGetItems" => operation!(transact_get_items, storage, body),
            "TransactWriteItems" => operation!(transact_write_items, storage, body),
            "ExecuteStatement" => operation!(execute_statement, storage, body),
            "ExecuteTransaction" => operation!(execute_transaction, storage, body),
            "BatchExecuteStatement" => operation!(batch_execute_statement, storage, body),
            "SearchVectors" => operation!(search_vectors, storage, body, lifecycle),
            "CreateTable" => operation!(create_table, storage, body),
            "DescribeTable" => operation!(describe_table, storage, body, lifecycle),
            "UpdateTable" => operation!(update_table, storage, body, lifecycle),
            "DeleteTable" => operation!(delete_table, storage, body, lifecycle),
            "ListTables" => operation!(list_tables, storage, body),
            "UpdateTimeToLive" => operation!(update_time_to_live, storage, body),
            "DescribeTimeToLive" => operation!(describe_time_to_live, storage, body),
            "TagResource" => operation!(tag_resource, storage, body),
            "UntagResource" => operation!(untag_resource, storage, body),
            "ListTagsOfResource" => operation!(list_tags_of_resource, storage, body),
            "ListStreams" => operation!(list_streams, storage, body),
            "DescribeStream" => operation!(describe_stream, storage, body),
            "GetShardIterator" => operation!(get_shard_iterator, storage, body),
            "GetRecords" => operation!(get_records, storage, body),
            _ => Ok(None),
        }
    }

    /// A repeat of a transaction under its `ClientRequestToken` is answered and not done again;
    /// the token with another request is refused. A failed transaction leaves its token free.
    fn once_per_token(
        &mut self,
        operation: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<Bytes>> {
        let mut request: Value = read(body)?;
        let (scope, items) = match operation {
            "ExecuteTransaction" => ("statements", "TransactStatements"),
            _ => ("items", "TransactItems"),
        };
        let key = match request.get("ClientRequestToken").and_then(Value::as_str) {
            // What is too long is refused with the other faults of the request.
            Some(token) if token.len() <= 36 => (scope, token.to_owned()),
            _ => return self.run(operation, body),
        };
        let request = request.get_mut(items).map(Value::take).unwrap_or_default();
        // Requests can be large, and are kept to be compared only.
        let request = md5::compute(request.to_string()).0;
        self.tokens.forget(now);
        if let Some(token) = self.tokens.known.get(&key) {
            if token.request == request {
                return Ok(Some(token.answer.clone()));
            }
            return Err(DynoxideError::IdempotentParameterMismatchException(
                "An error occurred (IdempotentParameterMismatchException)".to_owned(),
            ));
        }
        let answer = self.run(operation, body)?;
        if let Some(answer) = answer.clone() {
            self.tokens.keep(key, Token { request, answer }, now);
        }
        Ok(answer)
    }
}
