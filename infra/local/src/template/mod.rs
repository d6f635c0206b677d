//! The deployed templates, read and resolved for one machine.
//!
//! [`read`] walks from `template.yaml` through the nested stacks, resolves parameters, conditions
//! and intrinsics as CloudFormation does, and keeps what can exist here: tables, queues,
//! functions with their triggers and permissions, and the routes of the APIs. Alarms, log groups
//! and roles of other services are read over.

mod events;
mod scope;
mod source;
mod wiring;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use events::{QueueSource, ScheduleSpec, StreamSource};
pub use wiring::{FunctionSpec, RouteSpec, Statement, TableSpec, Wiring};

/// The region everything here is in.
pub const REGION: &str = "us-east-1";

/// A template that cannot be read: the file, the place in it, what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{}: {at}: {what}", path.display())]
pub struct TemplateError {
    path: PathBuf,
    at: String,
    what: String,
}

impl TemplateError {
    fn new(path: &Path, at: &str, what: impl std::fmt::Display) -> Self {
        Self { path: path.to_owned(), at: at.to_owned(), what: what.to_string() }
    }
}

/// Where the things that templates refer to are found on this machine.
#[derive(Clone, Debug)]
pub struct Names {
    /// What stands before a queue's name in its URL.
    pub queue_base: String,
    /// The runner's own HTTP address, without a path.
    pub front: String,
}

impl Names {
    fn queue_url(&self, name: &str) -> String {
        format!("{}/{name}", self.queue_base)
    }

    /// The root of a service's API.
    #[must_use]
    pub fn api_url(&self, service: &str) -> String {
        format!("{}/{service}", self.front)
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{REGION}:{}:{resource}", engine::sqs::ACCOUNT)
    }

    /// The value of a pseudo parameter.
    fn pseudo(&self, name: &str, stack: &str) -> Option<String> {
        Some(match name {
            "AWS::Region" => REGION.to_owned(),
            "AWS::AccountId" => engine::sqs::ACCOUNT.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackName" => stack.to_owned(),
            "AWS::StackId" => self.arn("cloudformation", &format!("stack/{stack}")),
            _ => return None,
        })
    }
}

/// Reads the template at `path` and all that it nests; of its services `only` these, or all where
/// none is named.
///
/// # Errors
/// Says which template and which place cannot be read or resolved.
pub fn read(
    path: &Path,
    parameters: &BTreeMap<String, String>,
    names: &Names,
    only: &[String],
) -> Result<Wiring, TemplateError> {
    let source = source::Source::read(path)?;
    let given = parameters.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    let root = scope::Scope::new(source, "local", None, &given.collect(), names)?;
    let mut wiring = Wiring::default();
    wiring.add(&root, only)?;
    wiring.check().map_err(|what| TemplateError::new(path, "wiring", what))?;
    Ok(wiring)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wiring() -> Wiring {
        wiring_of(&[])
    }

    fn wiring_of(only: &[String]) -> Wiring {
        let names = Names { queue_base: "http://127.0.0.1:1/0".into(), front: "http://f".into() };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
        let stage = BTreeMap::from([("Stage".to_owned(), "test".to_owned())]);
        read(&path, &stage, &names, only).unwrap()
    }

    #[test]
    fn a_service_may_be_read_alone() {
        assert_eq!(wiring_of(&[]).services(), ["club", "errands"]);
        let club = wiring_of(&["club".to_owned()]);
        assert_eq!(club.services(), ["club"]);
        assert_eq!(club.tables.len(), 1);
        assert_eq!(club.functions.len(), 179);
    }

    #[test]
    fn the_real_templates_give_tables_queues_routes_and_functions() {
        let wiring = wiring();
        assert_eq!(wiring.tables[0].name, "test-club");
        let checks = wiring.queues.iter().find(|q| q.name == "test-club-payment-checks").unwrap();
        assert_eq!(checks.redrive, Some(("test-club-payment-checks-dead".into(), 5)));
        assert_eq!(checks.visibility_s, 180);
        let link = wiring.functions.get("club-payments-link").unwrap();
        assert_eq!((link.service.as_str(), link.timeout.as_secs()), ("club", 15));
        assert_eq!(link.variables["TABLE_NAME"], "test-club");
        assert_eq!(link.variables["PUBLIC_URL"], "http://f/club");
        assert!(link.secrets.contains(&"SANDBOX_SECRET".to_owned()));
        assert_eq!(link.reserved, None);
        let route = wiring.routes.iter().find(|r| r.function == "club-payments-attempt").unwrap();
        assert_eq!(route.key, "GET /api/payments/attempts/{id}");
        let club = |name: &String| name.starts_with("club-");
        assert_eq!(wiring.routes.iter().filter(|route| club(&route.function)).count(), 157);
        assert_eq!(wiring.functions.keys().filter(|name| club(name)).count(), 179);
    }

    #[test]
    fn the_real_templates_give_sources_and_schedules() {
        let wiring = wiring();
        let deliver =
            wiring.queue_sources.iter().find(|s| s.function == "club-outbox-deliver").unwrap();
        assert_eq!((deliver.queue.as_str(), deliver.batch), ("test-club-outbox", 10));
        assert_eq!((deliver.concurrency, deliver.partial), (2, true));
        let relay = wiring.stream_sources.iter().find(|s| s.function == "club-outbox-relay");
        let relay = relay.unwrap();
        assert_eq!((relay.table.as_str(), relay.batch, relay.retries), ("test-club", 100, Some(5)));
        assert_eq!(relay.failures.as_deref(), Some("test-club-outbox-relay-dead"));
        assert!(relay.bisect && relay.partial && relay.filters.len() == 2, "{:?}", relay.filters);
        let sweep = wiring.schedules.iter().find(|s| s.function == "club-outbox-sweep").unwrap();
        assert_eq!((sweep.expression.as_str(), sweep.retries), ("rate(5 minutes)", 1));
        assert_eq!(sweep.failures.as_deref(), Some("test-club-schedules-dead"));
        let club = wiring.schedules.iter().filter(|s| s.function.starts_with("club-"));
        assert_eq!(club.count(), 15);
    }

    #[test]
    fn permissions_come_from_the_role() {
        let wiring = wiring();
        let sweep = wiring.functions.get("club-outbox-sweep").unwrap();
        let allows = |action: &str, resource: &str| {
            sweep.permissions.iter().any(|statement| {
                statement.actions.iter().any(|each| each == action)
                    && statement.resources.iter().any(|each| each.ends_with(resource))
            })
        };
        assert!(allows("dynamodb:Query", "table/test-club/index/due"));
        assert!(allows("sqs:SendMessage", "test-club-outbox"));
        assert!(!allows("dynamodb:PutItem", "table/test-club"));
    }
}
