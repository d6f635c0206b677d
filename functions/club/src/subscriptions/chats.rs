//! What a closing means outside: chats, and what the member is told.

use shared::clock::Instant;
use shared::problem::Result;
use shared::table::Write;
use shared::telegram::user::{ChatId, TelegramId};
use shared::telegram::{BotApi, SendError};

use crate::outbox::{Message, ask};
use crate::{App, auth, teams};

/// The rows that the row `closing` of a closed subscription stands for: the member leaves every
/// protected chat, and that of the team the member was in, and is told; none when the member has
/// paid meanwhile. From the team's chat nobody is banned for good: a payment may bring the member
/// into another team, and who comes in unpaid is turned away. One read, two for who was in a team.
///
/// # Errors
/// When the store does not answer.
pub async fn follows(app: &App, closing: &str, tg_id: i64, now: Instant) -> Result<Vec<Write>> {
    let member = auth::find(&app.platform.table, tg_id).await?;
    if member.as_ref().is_some_and(|member| member.is_paid(now)) {
        return Ok(Vec::new());
    }
    let own = match member.and_then(|member| member.last_team) {
        Some(last) => teams::find(&app.platform.table, &last.team_id).await?,
        None => None,
    };
    let kick = |chat: &i64| {
        ask(&format!("kick:{closing}:{chat}"), &Message::Kick { tg_id, chat: *chat }, now)
    };
    let protected = &app.outbox.protected_chats;
    let mut follows: Vec<Write> = protected.iter().map(kick).collect::<Result<_>>()?;
    let own = own.and_then(|team| team.tg_chat_id);
    if let Some(chat) = own.filter(|chat| !protected.contains(chat)) {
        let away = Message::TurnAway { tg_id, chat };
        follows.push(ask(&format!("turn_away:{closing}:{chat}"), &away, now)?);
    }
    let told = Message::AccessClosed { tg_id };
    follows.push(ask(&format!("access_closed:{closing}"), &told, now)?);
    Ok(follows)
}

/// Has a member leave a chat. Telegram may take long, and the member may pay while it does: who
/// has paid by the end is let in again, whichever of the two came first. Two reads and a call, or
/// two.
///
/// # Errors
/// When the store does not answer; within, when Telegram does not do it.
pub async fn kick(
    app: &App,
    bot: &BotApi,
    user: TelegramId,
    chat: i64,
    now: Instant,
) -> Result<Result<(), SendError>> {
    if !is_paid(app, user.get(), now).await? {
        if let Err(error) = bot.ban_chat_member(ChatId(chat), user).await {
            return Ok(Err(error));
        }
        if !is_paid(app, user.get(), now).await? {
            return Ok(Ok(()));
        }
    }
    Ok(bot.unban_chat_member(ChatId(chat), user).await)
}

/// Is the member's subscription paid by now? One read.
///
/// # Errors
/// When the store does not answer.
pub async fn is_paid(app: &App, tg_id: i64, now: Instant) -> Result<bool> {
    let member = auth::find(&app.platform.table, tg_id).await?;
    Ok(member.is_some_and(|member| member.is_paid(now)))
}
