//! What moves no money: payments that failed or were cancelled, and standing subscriptions.

use axum::extract::State;
use shared::clock::{Instant, Now};
use shared::http::Answer;
use shared::problem::{Problem, Result};
use shared::table::{Entity as _, Write};

use super::{Genuine, contract_of, handle, taken};
use crate::App;
use crate::payments::contracts::{self, ContractHandle};
use crate::payments::delivery::is_provider_id;
use crate::payments::items::AnalyticsEvent;
use crate::payments::model::{Attempt, Status};
use crate::payments::providers::cloudpayments::fields::{Attempts, Fields};
use crate::payments::providers::cloudpayments::is_over;
use crate::payments::store;

/// A payment that failed leaves its order payable: a pending attempt keeps why. One that was to
/// renew a subscription is an event, and nothing else: paid time stays.
pub(super) async fn handle_fail(
    State(app): State<App>,
    Now(now): Now,
    Genuine(notice): Genuine,
) -> Answer {
    let Some(attempt) = attempt_of(&app, &notice).await? else { return taken() };
    if attempt.status == Status::Pending {
        keep_reason(&app, &attempt, &notice, now).await?;
    } else if notice.subscription().is_some() {
        note(&app, &attempt, "renewal_failed", &cause(&notice), now).await?;
    }
    taken()
}

/// Nothing was paid yet; what an attempt is waiting for decides when it ends.
pub(super) async fn handle_cancel(
    State(app): State<App>,
    Now(now): Now,
    Genuine(notice): Genuine,
) -> Answer {
    if let Some(attempt) = attempt_of(&app, &notice).await? {
        note(&app, &attempt, "payment_cancelled", &cause(&notice), now).await?;
    }
    taken()
}

/// A subscription that is over renews its payer's no more; paid time stays. One whose first payment
/// was not told yet is over when it begins. One that is late is an event.
pub(super) async fn handle_recurrent(
    State(app): State<App>,
    Now(now): Now,
    Genuine(notice): Genuine,
) -> Answer {
    // In this notification, and in no other, the subscription is what goes by `Id`.
    let Some(handle) = notice.get("Id").filter(|id| is_provider_id(id)).map(handle) else {
        tracing::warn!("CloudPayments tells of a subscription without its id");
        return taken();
    };
    match notice.get("Status") {
        Some(status) if is_over(status) => {
            let closed = contracts::over(&app, &handle, None, now).await?;
            tracing::info!(?closed, "a subscription at CloudPayments is over");
        }
        Some("PastDue") => past_due(&app, &handle, &notice, now).await?,
        _ => {}
    }
    taken()
}

async fn past_due(app: &App, handle: &ContractHandle, notice: &Fields, now: Instant) -> Result<()> {
    let Some(attempt) = begun_by(app, handle).await? else { return Ok(()) };
    // Each time that it is late anew.
    let kept = |name| notice.kept(name).unwrap_or_default();
    let [last, failed] = ["LastTransactionDate", "FailedTransactionsNumber"].map(kept);
    let cause = format!("{}:{last}:{failed}", handle.contract_id);
    note(app, &attempt, "renewal_past_due", &cause, now).await
}

/// The attempt that a notification is about: the one that it names, else the one that began its
/// subscription. One read, two for a subscription.
async fn attempt_of(app: &App, notice: &Fields) -> Result<Option<Attempt>> {
    match (notice.attempts(), contract_of(notice)) {
        (Attempts::One(id), _) => store::find(&app.platform.table, &id).await,
        (Attempts::None, Some(handle)) => begun_by(app, &handle).await,
        (Attempts::None | Attempts::Two, _) => Ok(None),
    }
}

async fn begun_by(app: &App, handle: &ContractHandle) -> Result<Option<Attempt>> {
    let table = &app.platform.table;
    let Some(contract) = contracts::find(table, handle).await? else { return Ok(None) };
    store::find(table, &contract.attempt_id).await
}

/// Tells apart what happens to an attempt more than once.
fn cause(notice: &Fields) -> String {
    notice.operation().unwrap_or_default().to_owned()
}

/// Keeps why the last payment of a pending attempt failed. One write.
async fn keep_reason(app: &App, attempt: &Attempt, notice: &Fields, now: Instant) -> Result<()> {
    let kept = |name| notice.kept(name).unwrap_or_default();
    let reason = format!("declined: {} ({})", kept("Reason"), kept("ReasonCode"));
    let write = Write::update("attempt", attempt.key())
        .set("reason", reason)
        .set("updated_at", now)
        .when("#status = :pending")
        .bind(":pending", Status::Pending);
    match app.platform.table.write(write).await {
        Ok(_) => Ok(()),
        // It has moved on.
        Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
    }
}

/// Keeps an event of an attempt. One write.
async fn note(app: &App, attempt: &Attempt, event: &str, cause: &str, now: Instant) -> Result<()> {
    let event = AnalyticsEvent::of(attempt, event, cause, now);
    app.platform.table.write(Write::put("analytics", &event)).await?;
    Ok(())
}
