//! The table, past the service.

use std::collections::BTreeSet;

use engine::Engine;
use serde_json::{Value, json};

/// An index: its name, its two keys, what it holds of the items.
pub type Index<'a> = [&'a str; 4];

/// What makes a table of this name with these local and global indexes.
#[must_use]
pub fn table(name: &str, local: &[Index<'_>], global: &[Index<'_>]) -> Value {
    let keys = |hash: &str, range: &str| {
        json!([
            { "AttributeName": hash, "KeyType": "HASH" },
            { "AttributeName": range, "KeyType": "RANGE" },
        ])
    };
    let indexes = |all: &[Index<'_>]| -> Vec<Value> {
        let index = |[name, hash, range, projection]: &Index<'_>| {
            json!({
                "IndexName": name, "KeySchema": keys(hash, range),
                "Projection": { "ProjectionType": projection },
            })
        };
        all.iter().map(index).collect()
    };
    let of_indexes = local.iter().chain(global).flat_map(|[_, hash, range, _]| [*hash, *range]);
    let names: BTreeSet<&str> = of_indexes.chain(["pk", "sk"]).collect();
    let attributes: Vec<_> = names
        .into_iter()
        .map(|name| json!({ "AttributeName": name, "AttributeType": "S" }))
        .collect();
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": keys("pk", "sk"),
        "LocalSecondaryIndexes": indexes(local),
        "GlobalSecondaryIndexes": indexes(global),
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    })
}

/// Every item of a kind, in the order of their keys.
pub(crate) async fn items(engine: &Engine, table: &str, kind: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut start = Value::Null;
    loop {
        let mut body = json!({
            "TableName": table,
            "ConsistentRead": true,
            "FilterExpression": "kind = :kind",
            "ExpressionAttributeValues": { ":kind": { "S": kind } },
        });
        if !start.is_null() {
            body["ExclusiveStartKey"] = start;
        }
        let answer = raw(engine, "Scan", &body).await;
        all.extend(answer["Items"].as_array().unwrap().iter().cloned());
        start = answer["LastEvaluatedKey"].clone();
        if start.is_null() {
            break;
        }
    }
    all.sort_by_key(|item| format!("{}{}", item["pk"]["S"], item["sk"]["S"]));
    all
}

/// Asks DynamoDB directly, under the name of nobody.
pub(crate) async fn raw(engine: &Engine, operation: &str, body: &Value) -> Value {
    let call = engine::Call {
        service: engine::Service::Dynamodb,
        operation: operation.to_owned(),
        body: body.to_string().into(),
        caller: "tests".to_owned(),
    };
    let engine::Reply::Answer(answer) = engine.call(call).await else { panic!("no answer") };
    let value: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, 200, "{operation}: {value}");
    value
}
