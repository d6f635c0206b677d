//! What follows an update.

use serde_json::value::RawValue;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result};
use shared::queue;
use shared::telegram::updates::{ChatKind, Message, RefundedPayment, SuccessfulPayment};
use shared::telegram::{Event, Update};

use super::updates::TelegramUpdate;
use crate::App;
use crate::outbox;
use crate::payments::{self, Provider, Success, Word, stars_said};

/// Messages of the queue `telegram-updates`.
#[must_use]
pub fn update() -> Function<App> {
    Function::<App>::queue("club-bot-update", "telegram-updates", handle)
        .summary("Does what an update of the bot asks for, once")
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
    let once = TelegramUpdate { update_id: update.update_id, at: invocation.now };
    match update.event {
        Event::Message(message) => take(&app, &message, once, invocation.now).await,
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
    answer(app, message, once, now).await
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

/// Has a command answered that somebody gave in private. One transaction of two items.
async fn answer(app: &App, message: &Message, once: TelegramUpdate, now: Instant) -> Result<()> {
    let Some(author) = message.author().filter(|_| message.chat.kind == ChatKind::Private) else {
        return Ok(());
    };
    let tg_id = author.id.get();
    let told = match command(message.text.as_deref().unwrap_or_default()) {
        Some(Command::Start) => outbox::Message::Welcome { tg_id },
        Some(Command::PaySupport) => {
            outbox::Message::PaySupport { tg_id, contact: app.bot.support.clone() }
        }
        None => return Ok(()),
    };
    let reply = outbox::ask(&format!("reply:{}", once.update_id), &told, now)?;
    match app.platform.table.transact(vec![once.once(), reply]).await {
        Ok(()) => Ok(()),
        // It was answered before.
        Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
    }
}

/// A command that the bot answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Start,
    PaySupport,
}

/// What begins a `/start` that activates a gift.
const GIFT: &str = "gift_";

/// The command in a text, if it is one of ours. A gift's link is no plain start.
fn command(text: &str) -> Option<Command> {
    let mut words = text.split_whitespace();
    let word = words.next()?;
    let name = word.split('@').next()?;
    match (name, words.next()) {
        ("/start", Some(payload)) if payload.starts_with(GIFT) => None,
        ("/start", _) => Some(Command::Start),
        ("/paysupport", _) => Some(Command::PaySupport),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_people_and_buttons_write_them() {
        for (text, expected) in [
            ("/start", Some(Command::Start)),
            ("/start utm_a_b", Some(Command::Start)),
            ("/start@club_test_bot", Some(Command::Start)),
            ("  /paysupport  ", Some(Command::PaySupport)),
            ("/paysupport@club_test_bot please", Some(Command::PaySupport)),
            ("/start gift_AAAAAAAAAAAAAAAAAAAAAA", None),
            ("/starting", None),
            ("start", None),
            ("", None),
            ("@", None),
        ] {
            assert_eq!(command(text), expected, "{text:?}");
        }
    }
}
