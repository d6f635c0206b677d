//! The look at everything, each five minutes.
//!
//! Whoever runs the club is told at most once in five minutes, whatever is wrong: the alert's key
//! is the five minutes. An alert needs the table; where that is what does not answer, the run fails
//! and its alarm rings instead. By the way it folds the counters of environments that have ended.

use serde::Serialize;
use shared::clock::Instant;
use shared::counters;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result, chain};
use shared::telegram::webhook::WebhookInfo;
use shared::telemetry;

use super::api::examine;
use crate::outbox::{self, Message};
use crate::shift::Shift;
use crate::{App, texts};

/// Messages that wait, all queues together, above which somebody has to look.
const WAITING_MAX: u64 = 1_000;
/// Updates that Telegram holds back, above which somebody has to look.
const PENDING_MAX: i64 = 100;
/// How long a failed delivery of Telegram's is news, in seconds.
const FAILED_S: i64 = 600;
/// For how long nobody is told again, in seconds.
const QUIET_S: i64 = 300;

/// Every five minutes.
#[must_use]
pub fn probe() -> Function<App> {
    Function::<App>::schedule("club-health-probe", "rate(5 minutes)", run_probe)
        .summary("Looks at the store, the queues and Telegram, and tells when something is wrong")
        .needs("TELEGRAM_BOT_TOKEN")
}

/// What a run has seen.
#[derive(Debug, Default, Serialize)]
pub(super) struct Probed {
    /// Was another run under way, so that this one did nothing?
    lease_held: bool,
    /// What is wrong, in words for those who run the club.
    pub(super) wrong: Vec<String>,
    /// Was an alert asked for? Not where one was within these five minutes.
    pub(super) alerted: bool,
}

async fn run_probe(app: App, invocation: Invocation) -> Result<Probed> {
    let Some(shift) = Shift::begin(&app, "health_probe", &invocation).await? else {
        return Ok(Probed { lease_held: true, ..Probed::default() });
    };
    let probed = look(&app, &shift, invocation.now).await;
    fold(&app, &shift, invocation.now).await;
    shift.end(&app).await;
    let probed = probed?;
    let wrong = u64::try_from(probed.wrong.len()).unwrap_or(u64::MAX);
    telemetry::metrics(&app.platform, &[("health_findings", wrong)]);
    Ok(probed)
}

async fn look(app: &App, shift: &Shift, now: Instant) -> Result<Probed> {
    let report = examine(app, now).await;
    let is_ready = report.is_ready();
    let checks = report.into_checks();
    let figure = |name: &str| checks.get(name).and_then(serde_json::Value::as_u64);
    let mut wrong = Vec::new();
    if !is_ready {
        wrong.push(texts::HEALTH_NOT_READY.to_owned());
    }
    if let Some(waiting) = figure("scheduler_queue_size").filter(|waiting| *waiting > WAITING_MAX) {
        wrong.push(texts::health_waiting(waiting));
    }
    if let Some(dead) = figure("dead_letters").filter(|dead| *dead > 0) {
        wrong.push(texts::health_dead(dead));
    }
    // A bot that does not answer for a moment is no finding: what is sent is repeated.
    match outbox::bot(app)?.get_webhook_info().await {
        Ok(webhook) => wrong.extend(findings(&webhook, now)),
        Err(error) => tracing::warn!(%error, "the webhook was not told of"),
    }
    let alerted = !wrong.is_empty() && alert(app, shift, &wrong, now).await?;
    Ok(Probed { lease_held: false, wrong, alerted })
}

/// Folds what ended environments have counted. What a run leaves, the next one does.
async fn fold(app: &App, shift: &Shift, now: Instant) {
    let folded = counters::fold(&app.platform.table, &shift.lease, now, || !shift.is_over()).await;
    if let Err(error) = folded {
        tracing::warn!(error = %chain(&error), "counters are not folded");
    }
}

/// What is wrong with the bot's webhook.
fn findings(webhook: &WebhookInfo, now: Instant) -> Vec<String> {
    let mut wrong = Vec::new();
    if webhook.last_error_date_s.is_some_and(|at| now.seconds() - at < FAILED_S) {
        wrong.push(texts::HEALTH_WEBHOOK_FAILED.to_owned());
    }
    if webhook.pending_update_count > PENDING_MAX {
        wrong.push(texts::health_pending(webhook.pending_update_count));
    }
    wrong
}

/// Asks for an alert, unless one was asked for within these five minutes. One transaction.
async fn alert(app: &App, shift: &Shift, wrong: &[String], now: Instant) -> Result<bool> {
    let id = format!("health:{}", now.seconds().div_euclid(QUIET_S));
    let text = texts::health_alert(wrong);
    let ask = outbox::ask(&id, &Message::AdminAlert { text }, now)?;
    match app.platform.table.transact(vec![shift.lease.fence(), ask]).await {
        Ok(()) => Ok(true),
        Err(error) => match error.refusal() {
            Ok(refusal) if refusal.has("lease") => Err(crate::wire::lease_lost()),
            Ok(_) => Ok(false),
            Err(error) => Err(Problem::from(error)),
        },
    }
}
