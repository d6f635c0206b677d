//! A queue's settings: the attributes of the protocol and their bounds.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::messages::{invalid_value, refused};
use super::store::Queue;
use super::{ACCOUNT, QueueDepth, QueueSpec, Result};
use crate::QueueError;

/// Taken and without effect: nothing is encrypted and nobody is refused here.
const WITHOUT_EFFECT: [&str; 5] = [
    "Policy",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
];

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:sqs:local:{ACCOUNT}:{name}")
}

/// A queue's settings with those of a request in their place, checked.
pub(super) fn with_attributes(
    mut spec: QueueSpec,
    attributes: Option<&BTreeMap<String, String>>,
) -> Result<QueueSpec> {
    for (name, value) in attributes.into_iter().flatten() {
        let number = || value.parse::<u32>().map_err(|_| invalid_attribute(name));
        match name.as_str() {
            "DelaySeconds" => spec.delay_s = number()?,
            "VisibilityTimeout" => spec.visibility_s = number()?,
            "MessageRetentionPeriod" => spec.retention_s = number()?,
            "ReceiveMessageWaitTimeSeconds" => spec.wait_s = number()?,
            "MaximumMessageSize" => spec.max_bytes = number()?,
            "RedrivePolicy" => spec.redrive = redrive_policy(value)?,
            "FifoQueue" => {
                return Err(refused(
                    "UnsupportedOperation",
                    "AWS.SimpleQueueService.UnsupportedOperation",
                    "Only standard queues are known here.",
                ));
            }
            // Taken and without effect: nothing is encrypted and nobody is refused here.
            "Policy"
            | "RedriveAllowPolicy"
            | "SqsManagedSseEnabled"
            | "KmsMasterKeyId"
            | "KmsDataKeyReusePeriodSeconds" => {}
            _ => {
                let message = format!("Unknown Attribute {name}.");
                return Err(refused("InvalidAttributeName", "InvalidAttributeName", message));
            }
        }
    }
    check(&spec)?;
    Ok(spec)
}

fn unknown_attribute(name: &str) -> QueueError {
    let message = format!("Unknown Attribute {name}.");
    refused("InvalidAttributeName", "InvalidAttributeName", message)
}

fn invalid_attribute(name: &str) -> QueueError {
    let message = format!("Invalid value for the parameter {name}.");
    refused("InvalidAttributeValue", "InvalidAttributeValue", message)
}

fn redrive_policy(text: &str) -> Result<Option<(String, u32)>> {
    if text.is_empty() {
        return Ok(None);
    }
    let policy: Value =
        serde_json::from_str(text).map_err(|_| invalid_attribute("RedrivePolicy"))?;
    let target = policy.get("deadLetterTargetArn").and_then(Value::as_str);
    let name = target.and_then(|arn| arn.rsplit(':').next());
    let receives = match policy.get("maxReceiveCount") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64().and_then(|count| u32::try_from(count).ok()),
        None => None,
    };
    let policy = name.map(str::to_owned).zip(receives);
    policy.map(Some).ok_or_else(|| invalid_attribute("RedrivePolicy"))
}

/// The rule for names of queues and ids of batch entries.
pub(super) fn is_name(name: &str) -> bool {
    (1..=80).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The bounds of a queue's settings.
pub(super) fn check(spec: &QueueSpec) -> Result<()> {
    if !is_name(&spec.name) {
        return Err(invalid_value(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ));
    }
    let receives = spec.redrive.as_ref().map_or(1, |(_, receives)| *receives);
    let bounds = [
        ("DelaySeconds", spec.delay_s, 0..=900),
        ("VisibilityTimeout", spec.visibility_s, 0..=43_200),
        ("MessageRetentionPeriod", spec.retention_s, 60..=1_209_600),
        ("ReceiveMessageWaitTimeSeconds", spec.wait_s, 0..=20),
        ("MaximumMessageSize", spec.max_bytes, 1_024..=1_048_576),
        ("RedrivePolicy", receives, 1..=1_000),
    ];
    let broken = bounds.into_iter().find(|(_, value, range)| !range.contains(value));
    broken.map_or(Ok(()), |(name, ..)| Err(invalid_attribute(name)))
}

/// The attributes of a queue that were asked for by name, or all with `All`.
pub(super) fn shown(queue: &Queue, depth: &QueueDepth, names: &[String]) -> Result<Value> {
    let mut all = BTreeMap::from([
        ("QueueArn", arn(&queue.name)),
        ("ApproximateNumberOfMessages", depth.visible.to_string()),
        ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
        ("CreatedTimestamp", (queue.created_ms / 1_000).to_string()),
        ("LastModifiedTimestamp", (queue.modified_ms / 1_000).to_string()),
        ("DelaySeconds", queue.delay_s.to_string()),
        ("VisibilityTimeout", queue.visibility_s.to_string()),
        ("MessageRetentionPeriod", queue.retention_s.to_string()),
        ("ReceiveMessageWaitTimeSeconds", queue.wait_s.to_string()),
        ("MaximumMessageSize", queue.max_bytes.to_string()),
    ]);
    if let Some((target, receives)) = &queue.redrive {
        let policy = json!({ "deadLetterTargetArn": arn(target), "maxReceiveCount": receives });
        all.insert("RedrivePolicy", policy.to_string());
    }
    let known =
        |name: &str| ["All", "RedrivePolicy"].contains(&name) || WITHOUT_EFFECT.contains(&name);
    let is_unknown = |name: &&String| !all.contains_key(name.as_str()) && !known(name);
    if let Some(name) = names.iter().find(is_unknown) {
        return Err(unknown_attribute(name));
    }
    all.retain(|name, _| names.iter().any(|asked| asked == "All" || asked == name));
    let attributes: Map<_, _> = all.into_iter().map(|(n, v)| (n.to_owned(), v.into())).collect();
    Ok(Value::Object(attributes))
}
