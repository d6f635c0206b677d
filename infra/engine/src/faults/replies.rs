//! What a struck call is answered.

use serde_json::{Value, json};

use super::messages::Delivery;
use super::{Decision, FaultKind};
use crate::calls::Peek;
use crate::{Answer, Call, NoAnswer, Reply, Service};

const DYNAMODB: &str = "com.amazonaws.dynamodb.v20120810#";

/// `seed` is the struck call's own.
pub(super) fn of(kind: FaultKind, call: &Call, peek: &Peek, seed: u64) -> Decision {
    let answer = match kind {
        FaultKind::Timeout => return Decision::Refuse(Reply::Silence(NoAnswer::Timeout)),
        FaultKind::FailBefore => return Decision::Refuse(Reply::Silence(NoAnswer::Broken)),
        FaultKind::LostAnswer => return Decision::LoseAnswer(NoAnswer::Broken),
        FaultKind::Partial => return Decision::DoPart,
        FaultKind::IndexLag => return Decision::HideIndex,
        FaultKind::MessageLost => return Decision::Deliver(Delivery::Lost),
        FaultKind::MessageTwice => return Decision::Deliver(Delivery::Twice),
        FaultKind::MessageLate => return Decision::Deliver(Delivery::Late(seed)),
        FaultKind::Throttle => throttled(call, peek),
        FaultKind::Conflict => conflict(call, peek),
        FaultKind::Error => failed(call),
    };
    Decision::Refuse(Reply::Answer(answer))
}

/// Whether the services could answer the call with such a fault.
pub(super) fn can_strike(kind: FaultKind, call: &Call, peek: &Peek) -> bool {
    const WRITES: [&str; 3] = ["PutItem", "UpdateItem", "DeleteItem"];
    match kind {
        FaultKind::Conflict => {
            call.service == Service::Dynamodb
                && (is_transaction(call) || WRITES.contains(&call.operation.as_str()))
        }
        FaultKind::Partial => call.operation.contains("Batch") && peek.items() > 1,
        FaultKind::IndexLag => peek.reads_index(),
        FaultKind::MessageLost | FaultKind::MessageTwice | FaultKind::MessageLate => {
            call.service == Service::Sqs && call.operation.starts_with("SendMessage")
        }
        _ => true,
    }
}

fn is_transaction(call: &Call) -> bool {
    ["TransactWriteItems", "TransactGetItems"].contains(&call.operation.as_str())
}

fn throttled(call: &Call, peek: &Peek) -> Answer {
    if call.service == Service::Sqs {
        let mut answer =
            Answer::error(400, "com.amazonaws.sqs#RequestThrottled", "Request is throttled.");
        answer.query_error = Some("RequestThrottled;Sender".to_owned());
        return answer;
    }
    if is_transaction(call) {
        let message = "Throughput exceeds the current capacity for one or more global secondary \
                       indexes or the table";
        return cancelled(peek.items(), "ThrottlingError", message);
    }
    let message = "The level of configured provisioned throughput for the table was exceeded. \
                   Consider increasing your provisioning level with the UpdateTable API.";
    Answer::error(400, &format!("{DYNAMODB}ProvisionedThroughputExceededException"), message)
}

fn conflict(call: &Call, peek: &Peek) -> Answer {
    let message = "Transaction is ongoing for the item";
    if is_transaction(call) {
        return cancelled(peek.items(), "TransactionConflict", message);
    }
    Answer::error(400, &format!("{DYNAMODB}TransactionConflictException"), message)
}

fn failed(call: &Call) -> Answer {
    let message = "We encountered an internal error. Please try again.";
    if call.service == Service::Sqs {
        let mut answer = Answer::error(500, "com.amazonaws.sqs#InternalFailure", message);
        answer.query_error = Some("InternalFailure;Receiver".to_owned());
        return answer;
    }
    Answer::error(500, &format!("{DYNAMODB}InternalServerError"), message)
}

/// A cancelled transaction: the first item has the reason, the others `None`.
fn cancelled(items: usize, code: &str, message: &str) -> Answer {
    let reasons: Vec<Value> = (0..items)
        .map(|item| match item {
            0 => json!({ "Code": code, "Message": message }),
            _ => json!({ "Code": "None" }),
        })
        .collect();
    let codes: Vec<&str> = (0..items).map(|item| if item == 0 { code } else { "None" }).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let body = json!({
        "__type": format!("{DYNAMODB}TransactionCanceledException"),
        "Message": message,
        "CancellationReasons": reasons,
    });
    Answer { status: 400, body: body.to_string().into(), query_error: None }
}
