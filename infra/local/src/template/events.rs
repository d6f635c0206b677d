//! What makes functions run: queues, change streams, schedules.

use serde_json::Value;

use super::scope::text_of;
use super::wiring::{last_part, string, whole};
use crate::filter::Filter;

/// A queue that makes a function run.
#[derive(Clone, Debug)]
pub struct QueueSource {
    /// The function.
    pub function: String,
    /// The queue's name.
    pub queue: String,
    /// Messages per invocation at most.
    pub batch: u32,
    /// Invocations at once at most.
    pub concurrency: usize,
    /// Does the function report which messages failed?
    pub partial: bool,
    /// Patterns of which a message has to match one, if there are any.
    pub filters: Vec<Filter>,
}

/// A change stream that makes a function run.
#[derive(Clone, Debug)]
pub struct StreamSource {
    /// The function.
    pub function: String,
    /// The table's name.
    pub table: String,
    /// Records per invocation at most.
    pub batch: usize,
    /// Does the function report where it failed?
    pub partial: bool,
    /// Is a failed batch cut in two?
    pub bisect: bool,
    /// How often a batch is tried again; `None` for until it expires.
    pub retries: Option<u32>,
    /// How old a record may be, in seconds; `None` for any age.
    pub max_age_s: Option<i64>,
    /// Are only changes after the first start read?
    pub latest: bool,
    /// Patterns of which a record has to match one, if there are any.
    pub filters: Vec<Filter>,
    /// The queue for what was given up.
    pub failures: Option<String>,
}

/// A schedule that makes a function run.
#[derive(Clone, Debug)]
pub struct ScheduleSpec {
    /// The function.
    pub function: String,
    /// `rate(…)` or `cron(…)`, in UTC.
    pub expression: String,
    /// How often a failed run is tried again.
    pub retries: u32,
    /// The queue for what was given up.
    pub failures: Option<String>,
}

fn filters(source: &Value) -> std::result::Result<Vec<Filter>, String> {
    let filters = source.pointer("/FilterCriteria/Filters").and_then(Value::as_array);
    filters
        .into_iter()
        .flatten()
        .map(|filter| Filter::parse(&string(filter, "Pattern").unwrap_or_default()))
        .collect()
}

fn reports(source: &Value) -> bool {
    let types = source.get("FunctionResponseTypes").and_then(Value::as_array);
    types.into_iter().flatten().any(|kind| kind == "ReportBatchItemFailures")
}

pub(super) fn queue_source(
    function: &str,
    source: &Value,
) -> std::result::Result<QueueSource, String> {
    let scaling = source.get("ScalingConfig").cloned().unwrap_or_default();
    Ok(QueueSource {
        function: function.to_owned(),
        queue: string(source, "Queue").map(last_part).ok_or("has no Queue")?,
        batch: whole(source, "BatchSize").unwrap_or(10),
        concurrency: whole(&scaling, "MaximumConcurrency").unwrap_or(5),
        partial: reports(source),
        filters: filters(source)?,
    })
}

pub(super) fn stream_source(
    function: &str,
    source: &Value,
) -> std::result::Result<StreamSource, String> {
    let stream = string(source, "Stream").ok_or("has no Stream")?;
    let table = stream.split("table/").nth(1).and_then(|rest| rest.split('/').next());
    let bounded = |name: &str| whole::<i64>(source, name).filter(|bound| *bound >= 0);
    let failures = source.pointer("/DestinationConfig/OnFailure");
    Ok(StreamSource {
        function: function.to_owned(),
        table: table.ok_or("Stream is not that of a table")?.to_owned(),
        batch: whole(source, "BatchSize").unwrap_or(100),
        partial: reports(source),
        bisect: source.get("BisectBatchOnFunctionError").is_some_and(|yes| text_of(yes) == "true"),
        retries: bounded("MaximumRetryAttempts").and_then(|retries| u32::try_from(retries).ok()),
        max_age_s: bounded("MaximumRecordAgeInSeconds"),
        latest: string(source, "StartingPosition").is_some_and(|position| position == "LATEST"),
        filters: filters(source)?,
        failures: failures.and_then(|to| string(to, "Destination")).map(last_part),
    })
}
