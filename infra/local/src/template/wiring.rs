//! What the resolved templates name, in the runner's own terms.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::QueueSpec;
use serde_json::{Value, json};

use super::TemplateError;
use super::events::{QueueSource, ScheduleSpec, StreamSource, queue_source, stream_source};
use super::scope::{Scope, text_of};

/// Everything the templates name that can exist on this machine.
#[derive(Clone, Debug, Default)]
pub struct Wiring {
    /// The tables.
    pub tables: Vec<TableSpec>,
    /// The queues, dead-letter queues before those that use them.
    pub queues: Vec<QueueSpec>,
    /// The functions by the names of their binaries.
    pub functions: BTreeMap<String, FunctionSpec>,
    /// The routes of all APIs.
    pub routes: Vec<RouteSpec>,
    /// Queues that make functions run.
    pub queue_sources: Vec<QueueSource>,
    /// Change streams that make functions run.
    pub stream_sources: Vec<StreamSource>,
    /// Schedules that make functions run.
    pub schedules: Vec<ScheduleSpec>,
}

/// A table.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// Its name.
    pub name: String,
    /// The body of `CreateTable`.
    pub create: Value,
    /// The attribute that holds the time to live.
    pub ttl: Option<String>,
}

/// A function as it is deployed.
#[derive(Clone, Debug)]
pub struct FunctionSpec {
    /// The binary's name: the last folder of `CodeUri`.
    pub name: String,
    /// The service whose stack it belongs to.
    pub service: String,
    /// `FunctionName`, with the stage.
    pub deployed: String,
    /// Its environment without secrets.
    pub variables: BTreeMap<String, String>,
    /// The secrets it is given by id, by their plain names.
    pub secrets: Vec<String>,
    /// Its time limit.
    pub timeout: Duration,
    /// Its memory in MiB.
    pub memory: u64,
    /// Reserved concurrency, when there is one.
    pub reserved: Option<usize>,
    /// What its role allows.
    pub permissions: Vec<Statement>,
}

/// An allowing statement of a role's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// IAM actions such as `dynamodb:GetItem`.
    pub actions: Vec<String>,
    /// ARNs, possibly with wildcards.
    pub resources: Vec<String>,
}

/// A route of an API.
#[derive(Clone, Debug)]
pub struct RouteSpec {
    /// The service whose API it belongs to.
    pub service: String,
    /// `METHOD /path/{parameter}` or `$default`.
    pub key: String,
    /// The function behind it.
    pub function: String,
    /// How long the API waits for it.
    pub timeout: Duration,
}

type Result<T> = std::result::Result<T, TemplateError>;

impl Wiring {
    /// The names of the services, in order.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let mut services: Vec<_> = self.functions.values().map(|f| f.service.clone()).collect();
        services.sort_unstable();
        services.dedup();
        services
    }

    pub(super) fn add(&mut self, scope: &Scope<'_>, only: &[String]) -> Result<()> {
        let resources = scope.resources()?;
        for (name, kind) in &resources {
            match kind.as_str() {
                "AWS::DynamoDB::Table" => self.tables.push(table(scope, name)?),
                "AWS::SQS::Queue" => self.queues.push(queue(scope, name)?),
                "AWS::Serverless::Function" => self.function(scope, name)?,
                "AWS::ApiGatewayV2::Route" => self.routes.push(route(scope, name)?),
                "AWS::Serverless::Application" => {
                    let child = scope.child(name)?;
                    if only.is_empty() || child.service.as_ref().is_none_or(|s| only.contains(s)) {
                        self.add(&child, only)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Brings the queues into an order in which they can be made and looks for loose ends.
    pub(super) fn check(&mut self) -> std::result::Result<(), String> {
        self.queues.sort_by_key(|queue| queue.redrive.is_some());
        let queue = |name: &String| self.queues.iter().any(|queue| queue.name == *name);
        let dead = self.queues.iter().filter_map(|queue| Some(&queue.redrive.as_ref()?.0));
        let sources = self.queue_sources.iter().map(|source| &source.queue);
        let streams = self.stream_sources.iter().filter_map(|source| source.failures.as_ref());
        let schedules = self.schedules.iter().filter_map(|source| source.failures.as_ref());
        let mut used = dead.chain(sources).chain(streams).chain(schedules);
        if let Some(missing) = used.find(|name| !queue(name)) {
            return Err(format!("no such queue: {missing}"));
        }
        let table = |name: &String| self.tables.iter().any(|table| table.name == *name);
        if let Some(source) = self.stream_sources.iter().find(|source| !table(&source.table)) {
            return Err(format!("no such table: {}", source.table));
        }
        let function = |name: &String| self.functions.contains_key(name);
        match self.routes.iter().find(|route| !function(&route.function)) {
            Some(route) => Err(format!("no such function: {}", route.function)),
            None => Ok(()),
        }
    }

    fn function(&mut self, scope: &Scope<'_>, logical: &str) -> Result<()> {
        let properties = scope.properties(logical)?;
        let name = binary(&properties).unwrap_or_else(|| logical.to_owned());
        let mut variables = BTreeMap::new();
        let mut secrets = Vec::new();
        if let Some(Value::Object(all)) = properties.pointer("/Environment/Variables") {
            for (variable, value) in all {
                match variable.strip_suffix("_SECRET_ID") {
                    Some(secret) => secrets.push(secret.to_owned()),
                    None => _ = variables.insert(variable.clone(), text_of(value)),
                }
            }
        }
        let number = |name: &str| properties.get(name).map(text_of).and_then(|n| n.parse().ok());
        let spec = FunctionSpec {
            name: name.clone(),
            service: scope.service.clone().unwrap_or_default(),
            deployed: scope.physical(logical)?,
            variables,
            secrets,
            timeout: Duration::from_secs(number("Timeout").unwrap_or(3)),
            memory: number("MemorySize").unwrap_or(128),
            reserved: number("ReservedConcurrentExecutions").and_then(|n| usize::try_from(n).ok()),
            permissions: permissions(scope, logical)?,
        };
        self.functions.insert(name.clone(), spec);
        let Some(Value::Object(events)) = properties.get("Events") else { return Ok(()) };
        let failures = properties.pointer("/EventInvokeConfig/DestinationConfig/OnFailure");
        let asynchronous = properties.get("EventInvokeConfig").cloned().unwrap_or_default();
        for (event, body) in events {
            let refuse = |what: String| {
                TemplateError::new(&scope.source.path, &format!("{logical}.{event}"), what)
            };
            let source = body.get("Properties").cloned().unwrap_or_default();
            match body.get("Type").and_then(Value::as_str).unwrap_or_default() {
                "SQS" => self.queue_sources.push(queue_source(&name, &source).map_err(refuse)?),
                "DynamoDB" => {
                    self.stream_sources.push(stream_source(&name, &source).map_err(refuse)?)
                }
                "Schedule" | "ScheduleV2" => self.schedules.push(ScheduleSpec {
                    function: name.clone(),
                    expression: string(&source, "ScheduleExpression")
                        .or_else(|| string(&source, "Schedule"))
                        .ok_or_else(|| refuse("has no expression".to_owned()))?,
                    retries: whole(&asynchronous, "MaximumRetryAttempts").unwrap_or(2),
                    failures: failures.and_then(|to| string(to, "Destination")).map(last_part),
                }),
                other => return Err(refuse(format!("{other} is not supported here"))),
            }
        }
        Ok(())
    }
}

pub(super) fn string(value: &Value, name: &str) -> Option<String> {
    value.get(name).map(text_of).filter(|text| !text.is_empty())
}

pub(super) fn whole<T: std::str::FromStr>(value: &Value, name: &str) -> Option<T> {
    string(value, name)?.parse().ok()
}

/// The last part of an ARN or of a URL.
pub(super) fn last_part(address: String) -> String {
    address.rsplit([':', '/']).next().unwrap_or_default().to_owned()
}

fn binary(properties: &Value) -> Option<String> {
    let code = properties.get("CodeUri")?.as_str()?;
    code.trim_end_matches('/').rsplit('/').next().map(str::to_owned)
}

fn table(scope: &Scope<'_>, logical: &str) -> Result<TableSpec> {
    let properties = scope.properties(logical)?;
    let name = scope.physical(logical)?;
    let mut create = json!({ "TableName": name, "BillingMode": "PAY_PER_REQUEST" });
    for key in
        ["AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes"]
    {
        if let (Some(value), Some(create)) = (properties.get(key), create.as_object_mut()) {
            create.insert(key.to_owned(), value.clone());
        }
    }
    let view = properties.pointer("/StreamSpecification/StreamViewType");
    if let (Some(view), Some(create)) = (view, create.as_object_mut()) {
        let stream = json!({ "StreamEnabled": true, "StreamViewType": view });
        create.insert("StreamSpecification".to_owned(), stream);
    }
    let ttl = properties.get("TimeToLiveSpecification");
    let ttl = ttl.and_then(|ttl| string(ttl, "AttributeName"));
    Ok(TableSpec { name, create, ttl })
}

fn queue(scope: &Scope<'_>, logical: &str) -> Result<QueueSpec> {
    let properties = scope.properties(logical)?;
    let defaults = QueueSpec::new(&scope.physical(logical)?);
    let redrive = properties.get("RedrivePolicy").and_then(|policy| {
        let target = string(policy, "deadLetterTargetArn").map(last_part)?;
        Some((target, whole(policy, "maxReceiveCount")?))
    });
    Ok(QueueSpec {
        delay_s: whole(&properties, "DelaySeconds").unwrap_or(defaults.delay_s),
        visibility_s: whole(&properties, "VisibilityTimeout").unwrap_or(defaults.visibility_s),
        retention_s: whole(&properties, "MessageRetentionPeriod").unwrap_or(defaults.retention_s),
        wait_s: whole(&properties, "ReceiveMessageWaitTimeSeconds").unwrap_or(defaults.wait_s),
        max_bytes: whole(&properties, "MaximumMessageSize").unwrap_or(defaults.max_bytes),
        redrive,
        ..defaults
    })
}

fn route(scope: &Scope<'_>, logical: &str) -> Result<RouteSpec> {
    let refuse = |what: &str| TemplateError::new(&scope.source.path, logical, what);
    let key = scope.property(logical, "RouteKey")?.as_ref().map(text_of);
    let key = key.ok_or_else(|| refuse("has no RouteKey"))?;
    // The target names the integration, which names the function: both as they are written, for
    // their resolved forms are made-up ids.
    let target = scope.raw_property(logical, "Target").and_then(|target| target.get("Fn::Sub"));
    let integration = target
        .and_then(Value::as_str)
        .and_then(|text| text.strip_prefix("integrations/${")?.strip_suffix('}'));
    let integration = integration.ok_or_else(|| refuse("Target is not an integration"))?;
    let uri = scope.raw_property(integration, "IntegrationUri");
    let function = uri.and_then(|uri| uri.get("Ref")).and_then(Value::as_str);
    let function = function.and_then(|name| name.split('.').next());
    let function = function.ok_or_else(|| refuse("its integration names no function"))?;
    let function = binary(&scope.properties(function)?).unwrap_or_else(|| function.to_owned());
    let timeout = scope.property(integration, "TimeoutInMillis")?;
    let timeout = timeout.as_ref().map(text_of).and_then(|ms| ms.parse().ok()).unwrap_or(30_000);
    Ok(RouteSpec {
        service: scope.service.clone().unwrap_or_default(),
        key,
        function,
        timeout: Duration::from_millis(timeout),
    })
}

fn permissions(scope: &Scope<'_>, function: &str) -> Result<Vec<Statement>> {
    let role = scope.raw_property(function, "Role").and_then(|role| role.get("Fn::GetAtt"));
    let Some(role) = role.and_then(|role| role.get(0)).and_then(Value::as_str) else {
        return Ok(Vec::new());
    };
    let policies = scope.property(role, "Policies")?.unwrap_or_default();
    let documents = policies.as_array().into_iter().flatten();
    let statements = documents.filter_map(|policy| policy.pointer("/PolicyDocument/Statement"));
    let statements = statements.filter_map(Value::as_array).flatten();
    let list = |value: Option<&Value>| match value {
        Some(Value::Array(items)) => items.iter().map(text_of).collect(),
        Some(one) => vec![text_of(one)],
        None => Vec::new(),
    };
    let allowing = statements.filter(|statement| statement.get("Effect") == Some(&"Allow".into()));
    Ok(allowing
        .map(|statement| Statement {
            actions: list(statement.get("Action")),
            resources: list(statement.get("Resource")),
        })
        .collect())
}
