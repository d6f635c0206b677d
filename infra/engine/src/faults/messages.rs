//! Messages that get lost, come twice or come late.

use serde_json::{Value, json};

use super::draw;
use crate::{Answer, Call};

/// How much longer than its sender wants a late message waits at most, in seconds.
const LATE_MAX_S: u64 = 120;
/// The longest delay that SQS takes, in seconds.
const DELAY_MAX_S: u64 = 900;

/// What becomes of the messages of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// None arrives.
    Lost,
    /// Each arrives twice.
    Twice,
    /// Each arrives later than it should, by its own draw of this seed.
    Late(u64),
}

/// The call with later messages: each by its own time, so that they overtake one another.
pub(crate) fn late(call: &Call, seed: u64) -> Call {
    delayed(call, |number, wanted| {
        wanted.saturating_add(1).saturating_add(draw(seed, number) % LATE_MAX_S)
    })
}

/// The call with messages that nobody receives for as long as SQS can hold them back, so that
/// there is time to take them out.
pub(crate) fn held(call: &Call) -> Call {
    delayed(call, |_, _| DELAY_MAX_S)
}

/// Gives each message the delay that `delay` makes of its number and of the delay it has. The
/// delay of the queue itself does not count.
fn delayed(call: &Call, delay: impl Fn(u64, u64) -> u64) -> Call {
    let Ok(mut body) = serde_json::from_slice::<Value>(&call.body) else { return call.clone() };
    let set = |message: &mut Value, number: u64| {
        let wanted = message.get("DelaySeconds").and_then(Value::as_u64).unwrap_or(0);
        if let Some(fields) = message.as_object_mut() {
            let seconds = delay(number, wanted).min(DELAY_MAX_S);
            fields.insert("DelaySeconds".to_owned(), json!(seconds));
        }
    };
    match body.get_mut("Entries").and_then(Value::as_array_mut) {
        Some(entries) => entries.iter_mut().zip(0..).for_each(|(entry, n)| set(entry, n)),
        None => set(&mut body, 0),
    }
    Call { body: body.to_string().into(), ..call.clone() }
}

/// The ids of the messages that an answer says were sent.
pub(crate) fn sent(answer: &Answer) -> Vec<String> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let batch = body.get("Successful").and_then(Value::as_array).into_iter().flatten();
    let ids = batch.chain([&body]).filter_map(|sent| sent.get("MessageId")?.as_str());
    ids.map(str::to_owned).collect()
}
