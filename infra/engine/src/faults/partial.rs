//! Batches that are done in part only.

use serde_json::{Map, Value, json};

use crate::{Answer, Call, Service};

/// Takes the second half of a batch (of each table's share, for DynamoDB) out of the call, the
/// smaller one where they differ, so that a caller who repeats the rest comes to an end. `None`
/// when the call is no batch or too small to be split.
pub(crate) fn split(call: &Call) -> Option<(Call, Rest)> {
    let mut body: Value = serde_json::from_slice(&call.body).ok()?;
    let rest = match (call.service, call.operation.as_str()) {
        (Service::Dynamodb, "BatchWriteItem") => {
            Rest { name: "UnprocessedItems", left: by_table(&mut body, "")? }
        }
        (Service::Dynamodb, "BatchGetItem") => {
            Rest { name: "UnprocessedKeys", left: by_table(&mut body, "/Keys")? }
        }
        (Service::Sqs, operation) if operation.ends_with("Batch") => {
            let left = second_half(body.get_mut("Entries")?.as_array_mut()?)?;
            let failed = |entry: Value| {
                json!({
                    "Id": entry.get("Id"),
                    "SenderFault": false,
                    "Code": "InternalError",
                    "Message": "injected: not done",
                })
            };
            Rest { name: "Failed", left: left.into_iter().map(failed).collect() }
        }
        _ => return None,
    };
    Some((Call { body: body.to_string().into(), ..call.clone() }, rest))
}

/// What was left out of a batch, as the answer has to name it.
pub(crate) struct Rest {
    name: &'static str,
    left: Value,
}

impl Rest {
    /// Adds what was left out to the answer of the part that was done.
    pub(crate) fn add_to(self, mut answer: Answer) -> Answer {
        let body = serde_json::from_slice::<Map<String, Value>>(&answer.body);
        let Some(mut body) = body.ok().filter(|_| answer.status == 200) else { return answer };
        match (body.get_mut(self.name), self.left) {
            (Some(Value::Array(there)), Value::Array(left)) => there.extend(left),
            (_, left) => drop(body.insert(self.name.to_owned(), left)),
        }
        answer.body = Value::Object(body).to_string().into();
        answer
    }
}

/// `None` when there is nothing to take out.
fn second_half(items: &mut Vec<Value>) -> Option<Vec<Value>> {
    let left = items.split_off(items.len().div_ceil(2));
    (!left.is_empty()).then_some(left)
}

/// Splits the list at `path` of each table's share.
fn by_table(body: &mut Value, path: &str) -> Option<Value> {
    let mut left = Map::new();
    for (name, table) in body.get_mut("RequestItems")?.as_object_mut()? {
        let items = table.pointer_mut(path).and_then(Value::as_array_mut);
        let Some(rest) = items.and_then(second_half) else { continue };
        // Whatever else the request says of the table belongs to the rest as well.
        let mut unprocessed = table.clone();
        *unprocessed.pointer_mut(path)? = Value::Array(rest);
        left.insert(name.clone(), unprocessed);
    }
    (!left.is_empty()).then_some(Value::Object(left))
}
