//! When members may write in the chats that have hours.

use jiff::civil::Weekday;
use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result};
use shared::telegram::SendError;
use shared::telegram::user::ChatId;

use super::Sundays;
use crate::shift::Shift;
use crate::{App, outbox};

/// Hours of the day, UTC, in which the chats are open.
const OPEN_H: std::ops::Range<i8> = 7..19;

/// Each day at seven and at nineteen.
#[must_use]
pub fn hours() -> Function<App> {
    Function::<App>::schedule("club-chat-hours", "cron(0 7,19 * * ? *)", run_hours)
        .summary("Opens or closes posting in the chats that have hours")
        .needs("TELEGRAM_BOT_TOKEN")
}

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Kept {
    /// Was another run under way, so that this one did nothing?
    lease_held: bool,
    /// Are the chats open now?
    open: bool,
    /// Chats whose state was set.
    chats: usize,
    /// Chats of which Telegram does not let the bot do it.
    failed: usize,
    /// Was every chat's state set?
    complete: bool,
}

/// Are chats open at this instant? On Sundays as on other days, or not at all.
pub(super) fn is_open(at: Instant, sundays: Sundays) -> bool {
    let at = at.at_offset(0);
    let rests = sundays == Sundays::Closed && at.weekday() == Weekday::Sunday;
    !rests && OPEN_H.contains(&at.hour())
}

async fn run_hours(app: App, invocation: Invocation) -> Result<Kept> {
    let Some(shift) = Shift::begin(&app, "chat_hours", &invocation).await? else {
        return Ok(Kept { lease_held: true, ..Kept::default() });
    };
    // A run that comes late sets what is due now, not what was.
    let open = is_open(invocation.now.max(invocation.clock), app.bot.sundays);
    let kept = set_all(&app, &shift, open).await;
    shift.end(&app).await;
    kept
}

/// Sets the state of every chat, whatever it is: twice is as once. One call for each.
///
/// # Errors
/// When Telegram did not answer for one of them: the whole may be done again.
async fn set_all(app: &App, shift: &Shift, open: bool) -> Result<Kept> {
    let mut kept = Kept { open, complete: true, ..Kept::default() };
    if app.bot.hours.is_empty() {
        return Ok(kept);
    }
    let (bot, mut lost) = (outbox::bot(app)?, 0_usize);
    for chat in &app.bot.hours {
        if shift.is_over() {
            lost += 1;
            continue;
        }
        match bot.set_chat_permissions(ChatId(*chat), open).await {
            Ok(()) => kept.chats += 1,
            Err(error @ SendError::Final { .. }) => {
                tracing::error!(%error, chat, "the hours of a chat cannot be kept");
                kept.failed += 1;
                kept.complete = false;
            }
            Err(error) => {
                tracing::warn!(%error, chat, "the hours of a chat are not kept yet");
                lost += 1;
            }
        }
    }
    match lost {
        0 => Ok(kept),
        _ => Err(Problem::try_again("the hours of some chats are not kept")),
    }
}
