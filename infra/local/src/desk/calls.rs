//! Who called which AWS operation on what: the record from which permissions are checked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use engine::Engine;
use serde_json::{Value, json};

/// Calls by function, permission and resource since the start, or since they were forgotten.
#[derive(Default)]
pub(crate) struct Calls {
    seen: Mutex<BTreeMap<(String, String, String), u64>>,
}

impl Calls {
    /// Adds what the engine recorded and answers everything.
    pub(crate) fn take_in(&self, engine: &Engine) -> Value {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for call in engine.calls().drain() {
            // Callers that are no functions (the runner itself, a person's client) do not count.
            let Some(function) = call.caller.strip_prefix("local-").filter(|f| *f != "runner")
            else {
                continue;
            };
            for permission in call.permissions {
                let key = (function.to_owned(), permission.action, permission.resource);
                let count = seen.entry(key).or_default();
                *count = count.saturating_add(1);
            }
        }
        let calls = seen.iter().map(|((function, action, resource), count)| {
            json!({ "function": function, "action": action, "resource": resource, "count": count })
        });
        json!({ "calls": calls.collect::<Vec<_>>(), "dropped": engine.calls().dropped() })
    }

    /// Begins anew.
    pub(crate) fn forget(&self, engine: &Engine) {
        drop(engine.calls().drain());
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
