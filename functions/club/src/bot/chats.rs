//! Who comes into the chats of members, and what becomes of the chats.

use shared::clock::Instant;
use shared::problem::Result;
use shared::telegram::members::{ChatMemberUpdated, MemberStatus};
use shared::telegram::user::ChatId;
use shared::telegram::{BotApi, SendError, TelegramId, TelegramUpdate};

use super::private::commit;
use crate::outbox::{self, Message};
use crate::{App, auth, energies, teams, texts};

/// Is this one of the chats that are for members alone?
fn is_protected(app: &App, chat: ChatId) -> bool {
    app.outbox.protected_chats.contains(&chat.0)
}

/// Somebody's place in a chat has changed: who has come into a protected one, or into that of a
/// team, without a paid subscription is turned away, and told why; what else happens in the chat of
/// a team is the team's. One read, two for a chat that is not protected, and one transaction of
/// three items.
pub(super) async fn admit(
    app: &App,
    change: &ChatMemberUpdated,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let (chat, place) = (change.chat.id, &change.new_chat_member);
    // Those who run a chat are in it as such, and cannot be banned.
    let ordinary = matches!(place.status, MemberStatus::Member | MemberStatus::Restricted);
    if place.user.is_bot || !(change.joined() || change.left()) {
        return Ok(());
    }
    let table = &app.platform.table;
    if !is_protected(app, chat) && !teams::is_teams(table, chat).await? {
        return Ok(());
    }
    let tg_id = place.user.id.get();
    let member = auth::find(table, tg_id).await?;
    if !change.joined() || !ordinary || member.is_some_and(|member| member.is_paid(now)) {
        return Box::pin(teams::people(app, change, once, now)).await;
    }
    let (away, update_id) = (Message::TurnAway { tg_id, chat: chat.0 }, once.update_id);
    let reason = Message::Answer { tg_id, text: texts::CHAT_UNPAID.to_owned() };
    let writes = vec![
        once.once(),
        outbox::ask(&format!("turn_away:{update_id}"), &away, now)?,
        outbox::ask(&format!("turned_away:{update_id}"), &reason, now)?,
    ];
    commit(app, writes).await
}

/// Bans somebody from a chat and lifts the ban at once: out of it, and free to come again. Done
/// again, it changes nothing.
///
/// # Errors
/// [`SendError`].
pub async fn turn_away(bot: &BotApi, chat: ChatId, user: TelegramId) -> Result<(), SendError> {
    bot.ban_chat_member(chat, user).await?;
    bot.unban_chat_member(chat, user).await
}

/// The bot's own place has changed: those who run the club are told where it can do nothing in a
/// protected chat any more.
pub(super) async fn demoted(
    app: &App,
    change: &ChatMemberUpdated,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let (old, new) = (change.old_chat_member.status, change.new_chat_member.status);
    let rules = |status| matches!(status, MemberStatus::Administrator | MemberStatus::Creator);
    if !is_protected(app, change.chat.id) || !rules(old) || rules(new) {
        return Ok(());
    }
    let text = format!("The bot is no administrator of the protected chat {}", change.chat.id);
    alert(app, text, once, now).await
}

/// A group has become a supergroup, with another id: a city or a team goes with it, and of a
/// protected one the settings name one that is gone.
pub(super) async fn migrated(
    app: &App,
    from: ChatId,
    to: ChatId,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    energies::city_chat_moved(&app.platform.table, from.0, to.0, once, now).await?;
    if !is_protected(app, from) {
        return Box::pin(teams::moved(app, from, to, once, now)).await;
    }
    tracing::error!(chat_id = from.0, to_chat_id = to.0, "a protected chat has another id");
    let text = format!("The protected chat {from} is {to} now: change PROTECTED_CHAT_IDS");
    alert(app, text, once, now).await
}

async fn alert(app: &App, text: String, once: TelegramUpdate, now: Instant) -> Result<()> {
    let id = format!("chat:{}", once.update_id);
    commit(app, vec![once.once(), outbox::ask(&id, &Message::AdminAlert { text }, now)?]).await
}
