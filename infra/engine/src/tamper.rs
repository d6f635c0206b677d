//! Sabotage: changes what callers ask for, to show that a test notices when a guarantee is gone.
//!
//! A test of a guarantee is worth what it catches. Dropping a condition here is the same as
//! forgetting it in the code, without a second version of the code.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::wire::Call;

/// Changes one request's body in place, given its caller and operation.
type Change = Arc<dyn Fn(&str, &str, &mut Value) + Send + Sync>;

/// The handle on what is changed; clones share it.
#[derive(Clone, Default)]
pub struct Tamper(Arc<RwLock<Option<Change>>>);

impl Tamper {
    /// Changes every request from now on: `change` gets caller, operation and body.
    pub fn with(&self, change: impl Fn(&str, &str, &mut Value) + Send + Sync + 'static) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(change));
    }

    /// Changes nothing any more.
    pub fn stop(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn apply(&self, mut call: Call) -> Call {
        let change = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(change) = change else { return call };
        if let Ok(mut body) = serde_json::from_slice(&call.body) {
            change(&call.caller, &call.operation, &mut body);
            call.body = Bytes::from(body.to_string());
        }
        call
    }
}

/// Drops the condition of every write of `body` whose key or item satisfies `of`, given the
/// partition key's value.
pub fn drop_conditions(operation: &str, body: &mut Value, of: impl Fn(&str) -> bool) {
    let writes: Vec<&mut Value> = match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => vec![body],
        "TransactWriteItems" => body
            .get_mut("TransactItems")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .filter_map(|item| item.as_object_mut())
            .flat_map(|item| item.values_mut())
            .collect(),
        _ => return,
    };
    for write in writes {
        let at = write.get("Key").or_else(|| write.get("Item"));
        let partition = at.and_then(|at| at.pointer("/pk/S")).and_then(Value::as_str);
        if partition.is_some_and(&of) {
            drop_condition(write);
        }
    }
}

/// Drops every entry of a transaction whose partition key satisfies `of`, as if nobody had asked for
/// it. In its place stands a check that always holds: the others keep their places, by which
/// refusals are told apart.
pub fn drop_entries(operation: &str, body: &mut Value, of: impl Fn(&str) -> bool) {
    if operation != "TransactWriteItems" {
        return;
    }
    let entries = body.get_mut("TransactItems").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        let write = entry.as_object().and_then(|entry| entry.values().next());
        let Some(at) = write.and_then(|write| write.get("Key").or_else(|| write.get("Item")))
        else {
            continue;
        };
        let (Some(pk), Some(sk)) = (at.get("pk"), at.get("sk")) else { continue };
        if pk.get("S").and_then(Value::as_str).is_some_and(&of) {
            *entry = json!({ "ConditionCheck": {
                "TableName": write.and_then(|write| write.get("TableName")),
                "Key": { "pk": pk, "sk": sk },
                "ConditionExpression": "attribute_exists(pk) OR attribute_not_exists(pk)",
            } });
        }
    }
}

/// Drops one write's condition, and the placeholders that only it used, which DynamoDB would
/// refuse as unused.
fn drop_condition(write: &mut Value) {
    let Some(fields) = write.as_object_mut() else { return };
    if fields.remove("ConditionExpression").is_none() {
        return;
    }
    let update = fields.get("UpdateExpression").and_then(Value::as_str).unwrap_or("").to_owned();
    let words: Vec<&str> =
        update.split(|c: char| !c.is_alphanumeric() && !"#:_".contains(c)).collect();
    for map in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        let left = fields.get_mut(map).and_then(Value::as_object_mut).map(|names| {
            names.retain(|name, _| words.contains(&name.as_str()));
            names.len()
        });
        if left == Some(0) {
            fields.remove(map);
        }
    }
    fields.remove("ReturnValuesOnConditionCheckFailure");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_condition_goes() {
        let mut body = json!({ "TransactItems": [
            { "Update": {
                "Key": { "pk": { "S": "A#1" } }, "UpdateExpression": "SET #n = :set_n",
                "ConditionExpression": "#v = :v",
                "ExpressionAttributeNames": { "#n": "n", "#v": "v" },
                "ExpressionAttributeValues": { ":set_n": { "N": "1" }, ":v": { "N": "2" } },
            } },
            { "Put": {
                "Item": { "pk": { "S": "B#1" } }, "ConditionExpression": "attribute_not_exists(#pk)",
                "ExpressionAttributeNames": { "#pk": "pk" },
            } },
        ]});
        drop_conditions("TransactWriteItems", &mut body, |pk| pk.starts_with("A#"));
        assert_eq!(
            body["TransactItems"][0]["Update"],
            json!({
                "Key": { "pk": { "S": "A#1" } }, "UpdateExpression": "SET #n = :set_n",
                "ExpressionAttributeNames": { "#n": "n" },
                "ExpressionAttributeValues": { ":set_n": { "N": "1" } },
            })
        );
        assert!(body["TransactItems"][1]["Put"].get("ConditionExpression").is_some());
        drop_conditions("TransactWriteItems", &mut body, |pk| pk.starts_with("B#"));
        assert_eq!(body["TransactItems"][1]["Put"], json!({ "Item": { "pk": { "S": "B#1" } } }));
    }

    #[test]
    fn an_entry_goes_and_the_others_keep_their_places() {
        let fence = json!({ "ConditionCheck": {
            "TableName": "t", "Key": { "pk": { "S": "L#1" }, "sk": { "S": "L" } },
            "ConditionExpression": "#o = :o", "ExpressionAttributeNames": { "#o": "owner" },
            "ExpressionAttributeValues": { ":o": { "S": "me" } },
        } });
        let put = json!({ "Put": {
            "TableName": "t", "Item": { "pk": { "S": "A#1" }, "sk": { "S": "A" } },
        } });
        let holds = |pk: &str, sk: &str| {
            json!({ "ConditionCheck": {
                "TableName": "t", "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
                "ConditionExpression": "attribute_exists(pk) OR attribute_not_exists(pk)",
            } })
        };
        let mut body = json!({ "TransactItems": [fence, put] });
        drop_entries("TransactWriteItems", &mut body, |pk| pk.starts_with("L#"));
        assert_eq!(body, json!({ "TransactItems": [holds("L#1", "L"), put] }));
        drop_entries("TransactWriteItems", &mut body, |pk| pk.starts_with("A#"));
        assert_eq!(body, json!({ "TransactItems": [holds("L#1", "L"), holds("A#1", "A")] }));
    }
}
