//! The rows that one row stands for. The transaction that settles a payment or activates a gift
//! writes one; what its members are told, where they are let in and what is to end is asked for
//! here, each under a key of its own.

use shared::clock::Instant;
use shared::outbox::{Entry, State};
use shared::problem::Result;
use shared::table::Write;

use super::ask;
use super::model::Message;
use crate::payments::ContractHandle;
use crate::{App, onboarding};

/// What follows a settled payment or an activated gift; nothing for any other message.
pub(super) fn follows(app: &App, message: &Message, now: Instant) -> Result<Vec<Write>> {
    match message {
        Message::Settled {
            tg_id,
            attempt_id,
            payment_id,
            first,
            newcomer,
            until,
            energies,
            begins: _,
            ends,
        } => {
            // One for an attempt, and one for each renewal of it.
            let told = if *first { attempt_id } else { payment_id };
            let congratulation =
                Message::Congratulation { tg_id: *tg_id, until: *until, energies: *energies };
            let mut follows = vec![ask(&format!("congrats:{told}"), &congratulation, now)?];
            follows.extend(let_in(app, *tg_id, payment_id, now)?);
            if *newcomer {
                follows.push(onboarding::begun(*tg_id, payment_id, now));
            }
            if let Some(handle) = ends {
                follows.push(end(*tg_id, handle, payment_id, now)?);
            }
            Ok(follows)
        }
        Message::GiftTaken { gift_id, giver, recipient, days } => {
            let told = Message::GiftActivated { tg_id: *giver, days: *days };
            let mut follows = vec![ask(&format!("gift_activated:{gift_id}"), &told, now)?];
            follows.extend(let_in(app, *recipient, gift_id, now)?);
            follows.push(onboarding::begun(*recipient, gift_id, now));
            Ok(follows)
        }
        _ => Ok(Vec::new()),
    }
}

/// Lets a member into every protected chat again.
fn let_in(app: &App, tg_id: i64, cause: &str, now: Instant) -> Result<Vec<Write>> {
    let unban = |chat: &i64| {
        ask(&format!("unban:{cause}:{chat}"), &Message::Unban { tg_id, chat: *chat }, now)
    };
    app.outbox.protected_chats.iter().map(unban).collect()
}

/// The write that has a standing subscription ended at its provider, once for each cause.
///
/// # Errors
/// A bug, when the message does not serialise.
pub fn end(tg_id: i64, handle: &ContractHandle, cause: &str, now: Instant) -> Result<Write> {
    end_later(tg_id, handle, cause, now, now)
}

/// The same, at `at` at the earliest: unless whoever wants it has done it by then.
///
/// # Errors
/// See [`end`].
pub fn end_later(
    tg_id: i64,
    handle: &ContractHandle,
    cause: &str,
    at: Instant,
    now: Instant,
) -> Result<Write> {
    let ContractHandle { provider, contract_id } = handle.clone();
    let message = Message::EndContract { tg_id, provider, contract_id };
    shared::outbox::ask_later(&end_id(handle, cause), &message, at, now)
}

/// The write that takes such a wish back while nobody is at it; refusal `outbox`: too late.
#[must_use]
pub fn end_no_more(handle: &ContractHandle, cause: &str) -> Write {
    Write::delete("outbox", Entry::key_of(&end_id(handle, cause)))
        .when("#state = :pending AND attribute_not_exists(#owner)")
        .bind(":pending", State::Pending)
}

fn end_id(handle: &ContractHandle, cause: &str) -> String {
    format!("end_contract:{}:{}:{cause}", handle.provider.name(), handle.contract_id)
}
