//! Live and ready: what a service depends on, each by name and with a time limit.

use std::future::Future;
use std::time::Duration;

use serde_json::{Map, Value};

/// How long a dependency may take to show that it is there.
const LIMIT: Duration = Duration::from_millis(2_000);

/// The findings of one readiness check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    checks: Map<String, Value>,
    ready: Option<bool>,
}

impl Report {
    /// Adds a dependency that is there or not: `"ok"` or `"failed"`.
    pub async fn check<T, E: std::fmt::Display>(
        &mut self,
        name: &'static str,
        probe: impl Future<Output = Result<T, E>>,
    ) -> Option<T> {
        let found = match tokio::time::timeout(LIMIT, probe).await {
            Ok(Ok(found)) => Some(found),
            Ok(Err(error)) => {
                tracing::warn!(dependency = name, %error, "not ready");
                None
            }
            Err(_) => {
                tracing::warn!(dependency = name, "not ready in time");
                None
            }
        };
        let word = if found.is_some() { "ok" } else { "failed" };
        self.checks.insert(name.to_owned(), word.into());
        self.require(found.is_some());
        found
    }

    /// Adds a figure.
    pub fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.checks.insert(name.to_owned(), value.into());
    }

    /// Makes the whole depend on `holds`.
    pub fn require(&mut self, holds: bool) {
        self.ready = Some(self.ready.unwrap_or(true) && holds);
    }

    /// Is everything there?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.unwrap_or(true)
    }

    /// The findings by name.
    #[must_use]
    pub fn into_checks(self) -> Value {
        Value::Object(self.checks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_failure_makes_the_whole_unready() {
        let mut report = Report::default();
        assert_eq!(report.check("database", async { Ok::<_, String>(1) }).await, Some(1));
        assert!(report.is_ready());
        let missing = report.check("queue", async { Err::<(), _>("gone".to_owned()) }).await;
        assert_eq!(missing, None);
        report.figure("depth", 7);
        assert!(!report.is_ready());
        let expected = serde_json::json!({ "database": "ok", "queue": "failed", "depth": 7 });
        assert_eq!(report.into_checks(), expected);
    }
}
