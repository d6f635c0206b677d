//! The tables and queues that the templates name, made or found again.

use bytes::Bytes;
use engine::{Call, Engine, EngineError, Reply, Service};
use serde_json::{Value, json};

use crate::stack::StartError;
use crate::template::{TableSpec, Wiring};

/// As whom the runner makes tables.
const CALLER: &str = "local-runner";

pub(crate) async fn make(engine: &Engine, wiring: &Wiring) -> Result<(), StartError> {
    for queue in &wiring.queues {
        engine.queues().create(queue).map_err(EngineError::from)?;
    }
    for table in &wiring.tables {
        make_table(engine, table).await?;
    }
    Ok(())
}

async fn make_table(engine: &Engine, table: &TableSpec) -> Result<(), StartError> {
    let refuse = |what: String| StartError::Table(table.name.clone(), what);
    let name = json!({ "TableName": table.name });
    if let Ok(found) = ask(engine, "DescribeTable", name).await {
        let found = found.get("Table").cloned().unwrap_or_default();
        if same(&found, &table.create) {
            return Ok(());
        }
        let what = "has other keys or indexes than the template; start with another --data";
        return Err(refuse(what.to_owned()));
    }
    let made = ask(engine, "CreateTable", table.create.clone()).await;
    made.map_err(|error| refuse(error.to_string()))?;
    if let Some(attribute) = &table.ttl {
        let ttl = json!({
            "TableName": table.name,
            "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
        });
        let set = ask(engine, "UpdateTimeToLive", ttl).await;
        set.map_err(|error| refuse(error.to_string()))?;
    }
    Ok(())
}

/// The answer's body, or the error's.
async fn ask(engine: &Engine, operation: &str, body: Value) -> Result<Value, Value> {
    let call = Call {
        service: Service::Dynamodb,
        operation: operation.to_owned(),
        body: Bytes::from(body.to_string()),
        caller: CALLER.to_owned(),
    };
    match engine.call(call).await {
        Reply::Answer(answer) => {
            let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
            if answer.status == 200 { Ok(body) } else { Err(body) }
        }
        Reply::Silence(_) => Err(Value::Null),
    }
}

/// Are keys and indexes those of the template?
fn same(found: &Value, template: &Value) -> bool {
    let indexes = |table: &Value, list: &str| {
        let list = table.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let shown = list.iter().map(|index| {
            let (name, keys) = (index.get("IndexName"), index.get("KeySchema"));
            format!("{name:?} {keys:?}")
        });
        let mut shown: Vec<String> = shown.collect();
        shown.sort_unstable();
        shown
    };
    ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"]
        .iter()
        .all(|list| indexes(found, list) == indexes(template, list))
        && found.get("KeySchema") == template.get("KeySchema")
}
