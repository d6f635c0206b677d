//! What follows an update.

use serde_json::value::RawValue;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result};
use shared::queue;
use shared::telegram::updates::{ChatKind, Message, RefundedPayment, SuccessfulPayment};
use shared::telegram::{Event, TelegramUpdate, Update};

use super::{chats, private};
use crate::payments::{self, Provider, Success, Word, stars_said};
use crate::{App, energies, teams};

/// Messages of the queue `telegram-updates`.
#[must_use]
pub fn update() -> Function<App> {
    Function::<App>::queue("club-bot-update", "telegram-updates", handle)
        .summary("Does what an update of the bot asks for, once")
        .needs("TELEGRAM_BOT_TOKEN")
}

async fn handle(
    app: App,
    invocation: Invocation,
    message: queue::Message<Box<RawValue>>,
) -> Result<()> {
    let update = Update::parse(message.body.get().as_bytes()).map_err(|unread| {
        tracing::error!(update_id = unread.update_id, "an update that cannot be read");
        Problem::bug(unread)
    })?;
    let now = invocation.now;
    let once = TelegramUpdate { update_id: update.update_id, at: now };
    match update.event {
        Event::Message(message) => take(&app, &message, once, now).await,
        Event::CallbackQuery(query) => private::press(&app, &query, once, now).await,
        Event::ChatMember(change) => chats::admit(&app, &change, once, now).await,
        Event::MyChatMember(change) => {
            chats::demoted(&app, &change, once, now).await?;
            Box::pin(teams::hears_of_bot(&app, &change, once, now)).await
        }
        Event::EditedMessage(message) if is_group(&message) => {
            Box::pin(energies::edited(&app, &message, once, now)).await
        }
        // A pre-checkout query was answered by the webhook, and what is edited in private has had
        // its effect.
        _ => Ok(()),
    }
}

async fn take(app: &App, message: &Message, once: TelegramUpdate, now: Instant) -> Result<()> {
    if let Some(paid) = &message.successful_payment {
        let success = success(paid, payer(message))?;
        let settled = Box::pin(payments::settle(app, &success, Some(&once.once()), now)).await?;
        tracing::info!(attempt_id = %success.attempt_id, ?settled, "a payment in stars");
        return Ok(());
    }
    if let Some(refunded) = &message.refunded_payment {
        let word = word(refunded)?;
        return Box::pin(payments::refund(app, &word, Some(&once.once()), now)).await;
    }
    if let Some(to) = message.migrate_to_chat_id {
        return chats::migrated(app, message.chat.id, to, once, now).await;
    }
    match is_group(message) {
        true => Box::pin(energies::heard(app, message, once, now)).await,
        false => private::hear(app, message, once, now).await,
    }
}

fn is_group(message: &Message) -> bool {
    matches!(message.chat.kind, ChatKind::Group | ChatKind::Supergroup)
}

/// Who paid; nobody that there is, where Telegram does not say.
fn payer(message: &Message) -> i64 {
    let author = message.from.as_ref().map(|user| user.id.get());
    let private = (message.chat.kind == ChatKind::Private).then_some(message.chat.id.0);
    author.or(private).unwrap_or_default()
}

fn charge(id: &str) -> Result<String> {
    match payments::is_charge_id(id) {
        true => Ok(id.to_owned()),
        false => Err(Problem::bug(format!("a charge with an id of {} bytes", id.len()))),
    }
}

fn success(paid: &SuccessfulPayment, payer: i64) -> Result<Success> {
    let charge_id = charge(&paid.telegram_payment_charge_id)?;
    Ok(Success {
        provider: Provider::Stars,
        attempt_id: paid.invoice_payload.clone(),
        external_id: charge_id.clone(),
        said: stars_said(paid.total_amount, &paid.currency),
        payer: Some(payer),
        recurs: paid.is_recurring,
        // The first charge of a subscription is what Telegram knows it by; a further one tells
        // nothing of it.
        contract_id: paid.is_first_recurring.then_some(charge_id),
    })
}

/// A charge is given back whole and once, so that its refund goes by the charge's own id.
fn word(refunded: &RefundedPayment) -> Result<Word> {
    let id = charge(&refunded.telegram_payment_charge_id)?;
    Ok(Word {
        provider: Provider::Stars,
        attempt_id: refunded.invoice_payload.clone(),
        external_id: id.clone(),
        refund_id: id,
        said: stars_said(refunded.total_amount, &refunded.currency),
    })
}
