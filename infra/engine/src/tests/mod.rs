//! The engine through the real SDK, connected in the process.

mod crashes;
mod faults;
mod messages;
mod queues;
mod tables;
mod times;

use std::path::{Path, PathBuf};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    LocalSecondaryIndex, Projection, ProjectionType, ScalarAttributeType, StreamSpecification,
    StreamViewType, TimeToLiveSpecification,
};

use crate::{Clock, Engine};

const CALLER: &str = "local-test";

fn clock() -> Clock {
    Clock::at("2026-01-31T12:00:00Z".parse().unwrap())
}

fn memory() -> (Engine, Clock) {
    let clock = clock();
    (Engine::memory(clock.clone()).unwrap(), clock)
}

fn dynamodb(engine: &Engine, caller: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_dynamodb::config::Region::new("local"))
        .credentials_provider(Credentials::new(caller, "secret", None, None, "tests"))
        .endpoint_url("http://127.0.0.1:1")
        .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        .http_client(engine.http_client());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn sqs(engine: &Engine, caller: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_sqs::config::Region::new("local"))
        .credentials_provider(Credentials::new(caller, "secret", None, None, "tests"))
        .endpoint_url("http://127.0.0.1:1")
        .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
        .http_client(engine.http_client());
    aws_sdk_sqs::Client::from_conf(config.build())
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

fn attribute(name: &str) -> AttributeDefinition {
    let definition = AttributeDefinition::builder().attribute_name(name);
    definition.attribute_type(ScalarAttributeType::S).build().unwrap()
}

/// A table as the services have it: stream, TTL, one local and one global index.
async fn create_table(client: &aws_sdk_dynamodb::Client, name: &str) {
    let all = Projection::builder().projection_type(ProjectionType::All).build();
    let history = LocalSecondaryIndex::builder()
        .index_name("history")
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("history_at", KeyType::Range))
        .projection(all)
        .build()
        .unwrap();
    let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let due = GlobalSecondaryIndex::builder()
        .index_name("due")
        .key_schema(key("due_pk", KeyType::Hash))
        .key_schema(key("due_at", KeyType::Range))
        .projection(keys_only)
        .build()
        .unwrap();
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build()
        .unwrap();
    let mut create = client.create_table().table_name(name);
    for attribute in ["pk", "sk", "history_at", "due_pk", "due_at"].map(attribute) {
        create = create.attribute_definitions(attribute);
    }
    create
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .local_secondary_indexes(history)
        .global_secondary_indexes(due)
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(stream)
        .send()
        .await
        .unwrap();
    let ttl = TimeToLiveSpecification::builder().attribute_name("expires_at_s").enabled(true);
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(ttl.build().unwrap())
        .send()
        .await
        .unwrap();
}

async fn put(client: &aws_sdk_dynamodb::Client, table: &str, pk: &str, sk: &str) {
    client.put_item().table_name(table).item("pk", s(pk)).item("sk", s(sk)).send().await.unwrap();
}

async fn exists(client: &aws_sdk_dynamodb::Client, table: &str, pk: &str, sk: &str) -> bool {
    let get = client.get_item().table_name(table).key("pk", s(pk)).key("sk", s(sk));
    get.consistent_read(true).send().await.unwrap().item.is_some()
}

/// A folder of its own that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("engine-{}", uuid::Uuid::new_v4())))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
