//! A table of its own for each test, in the embedded engine.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    LocalSecondaryIndex, Projection, ProjectionType, ScalarAttributeType,
};

use super::Table;
use crate::aws::Aws;
use crate::settings::Environment;

/// The variables of a function that talks to the embedded engine.
pub(crate) fn environment() -> Environment {
    [
        ("STAGE", "test"),
        ("SERVICE", "test"),
        ("TABLE_NAME", "test-table"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local-test"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into_iter()
    .collect()
}

/// The clients over a new engine, and the engine.
pub(crate) fn engine() -> (Aws, engine::Engine) {
    let engine = engine::Engine::memory(engine::clock::Clock::system()).unwrap();
    let aws = Aws::with_http_client(&environment(), engine.http_client()).unwrap();
    (aws, engine)
}

/// An empty table with the indexes that every service's table has.
pub(crate) async fn table() -> Table {
    table_in(&engine().0).await
}

/// The same in an engine of the caller's.
pub(crate) async fn table_in(aws: &Aws) -> Table {
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap()
    };
    let keys = |hash: &str, range: &str| {
        [(hash, KeyType::Hash), (range, KeyType::Range)].map(|(name, kind)| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
        })
    };
    let all = Projection::builder().projection_type(ProjectionType::All).build();
    let history = LocalSecondaryIndex::builder()
        .index_name("history")
        .set_key_schema(Some(keys("pk", "history_at").to_vec()))
        .projection(all.clone());
    let due = GlobalSecondaryIndex::builder()
        .index_name("due")
        .set_key_schema(Some(keys("due_pk", "due_at").to_vec()))
        .projection(all);
    let create = aws
        .dynamodb()
        .create_table()
        .table_name("test-table")
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(keys("pk", "sk").to_vec()))
        .local_secondary_indexes(history.build().unwrap())
        .global_secondary_indexes(due.build().unwrap());
    let names = ["pk", "sk", "history_at", "due_pk", "due_at"];
    names
        .iter()
        .fold(create, |c, name| c.attribute_definitions(attribute(name)))
        .send()
        .await
        .unwrap();
    Table::new(aws, "test-table")
}

/// Makes the call number `nth` from now on, counted from 0, fail once.
pub(crate) fn fail(engine: &engine::Engine, kind: engine::FaultKind, nth: u64) {
    engine.faults().clear();
    engine.faults().reset_counts();
    let fault = engine::Fault::new(engine::Target::Dynamodb, kind);
    engine.faults().inject(fault.when(engine::When::Calls(vec![nth])));
}
