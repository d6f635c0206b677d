//! What the outbox does in the chats of teams.

use serde::{Deserialize, Serialize};
use shared::problem::Result;
use shared::retry::{Round, optimistic};
use shared::table::Table;
use shared::telegram::user::ChatId;
use shared::telegram::{BotApi, SendError, SendMessage};

use crate::teams::model::Team;
use crate::teams::store;

/// Says something in a chat and leaves it. To say it twice is better than to stay.
///
/// # Errors
/// [`SendError`].
pub async fn say_and_leave(
    bot: &BotApi,
    chat: ChatId,
    text: &str,
) -> std::result::Result<(), SendError> {
    #[derive(Serialize)]
    struct Body {
        chat_id: ChatId,
    }
    match bot.send_message(&SendMessage::plain(chat, text)).await {
        // Where it may not speak, it may still go.
        Ok(_) | Err(SendError::Final { .. } | SendError::Ambiguous(_)) => {}
        Err(error) => return Err(error),
    }
    match bot.call::<bool>("leaveChat", &Body { chat_id: chat }).await {
        Ok(_) | Err(SendError::Final { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes a link into the chat of a team and gives it to the team. One that is made twice is one
/// link too many, and no harm.
///
/// # Errors
/// When the store does not answer; within, when Telegram does not make one.
pub async fn link(
    table: &Table,
    bot: &BotApi,
    team_id: &str,
    chat: i64,
) -> Result<std::result::Result<(), SendError>> {
    #[derive(Serialize)]
    struct Body {
        chat_id: ChatId,
    }
    #[derive(Deserialize)]
    struct Link {
        invite_link: String,
    }
    let belongs = |team: &Team| team.tg_chat_id == Some(chat) && team.is_active;
    if !store::find(table, team_id).await?.as_ref().is_some_and(belongs) {
        return Ok(Ok(()));
    }
    let body = Body { chat_id: ChatId(chat) };
    let made = match bot.call::<Link>("createChatInviteLink", &body).await {
        Ok(made) => made,
        Err(error) => return Ok(Err(error)),
    };
    optimistic(|| async {
        let Some(team) = store::find(table, team_id).await?.filter(belongs) else {
            return Ok(Round::Done(()));
        };
        match table.transact(store::linking(&team, chat, &made.invite_link)).await {
            Ok(()) => Ok(Round::Done(())),
            Err(error) => {
                error.refusal()?;
                Ok(Round::Stale)
            }
        }
    })
    .await?;
    Ok(Ok(()))
}
