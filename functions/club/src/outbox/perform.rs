//! What is done for a row: a message, an action in a chat, the end of a subscription, or the rows
//! that it stands for.

use std::time::Duration;

use jiff::SignedDuration;
use shared::clock::Instant;
use shared::outbound::OutboundError;
use shared::outbox::{AfterCrash, Entry, Outcome, Rules};
use shared::problem::{Problem, Result, chain};
use shared::table::Write;
use shared::telegram::send_error::Transient;
use shared::telegram::user::{ChatId, TelegramId};
use shared::telegram::{BotApi, SendError, SendMessage};

use super::model::Message;
use super::pace::Ticking;
use super::{ask, follow};
use crate::payments::{self, ContractHandle, EndError, ProviderError};
use crate::{App, bot as updates, onboarding, subscriptions, teams};

/// When to try again what could not be done because the table did not answer.
const STORE_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// When to try again to end a subscription that the provider did not confirm, for as long as it
/// takes.
const END_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// How long the end of a subscription may take before somebody is told: longer than a renewal that is
/// in its way.
const END_PATIENCE: SignedDuration = SignedDuration::from_hours(1);
/// When to try again what Telegram refuses as the bot's token is wrong: rows wait for the right one,
/// for as long as it takes.
const TOKEN_PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// How long a provider may take to end one: well within a claim.
const END_LIMIT: Duration = Duration::from_secs(8);

/// A member who is congratulated twice is a worse fault than one whose congratulation is reported
/// missing.
const TOLD: Rules = Rules { pauses_s: &[1, 5, 15], after_crash: AfterCrash::Report };
/// The rows that a row stands for are asked for once, whoever asks how often. To end a subscription
/// twice is harmless; not to end it goes on taking money. One reaction takes the place of another.
const REPEATED: Rules = Rules { after_crash: AfterCrash::Repeat, ..TOLD };
/// To let somebody in or out of a chat twice is harmless; more than an hour of failures is waited
/// out.
const IN_CHATS: Rules =
    Rules { pauses_s: &[1, 5, 15, 60, 300, 900, 3_600], after_crash: AfterCrash::Repeat };

/// How a row is delivered.
pub(super) fn rules(entry: &Entry) -> Rules {
    use Message::{
        Closed, EndContract, GiftTaken, InviteLink, Kick, LeaveChat, React, Settled, TurnAway,
        Unban,
    };
    match entry.read() {
        Ok(Settled { .. } | GiftTaken { .. } | Closed { .. } | EndContract { .. }) => REPEATED,
        Ok(Unban { .. } | Kick { .. } | TurnAway { .. } | LeaveChat { .. } | InviteLink { .. }) => {
            IN_CHATS
        }
        Ok(React { .. }) => REPEATED,
        _ => TOLD,
    }
}

/// What performing a row came to.
#[derive(Debug)]
pub(super) struct Done {
    /// How it ended.
    pub(super) outcome: Outcome,
    /// What is written with its end.
    pub(super) follows: Vec<Write>,
}

impl From<Outcome> for Done {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, follows: Vec::new() }
    }
}

/// A row, by its id, and what it says.
type Row<'a> = (&'a str, &'a Message);

/// Performs a claimed row. There is no error here: whatever happens is an outcome of the row.
pub(super) async fn perform(app: &App, bot: &BotApi, entry: &Entry, clock: Ticking) -> Done {
    let outbox_id = entry.id.as_str();
    let performed = match entry.read() {
        Ok(message) => act(app, bot, (outbox_id, &message), entry.created_at, clock).await,
        Err(problem) => Err(problem),
    };
    performed.unwrap_or_else(|problem| {
        tracing::error!(outbox_id, error = %chain(&problem), "not a row that can be performed");
        Outcome::Refused.into()
    })
}

async fn act(
    app: &App,
    bot: &BotApi,
    row: Row<'_>,
    asked: Instant,
    clock: Ticking,
) -> Result<Done> {
    let (outbox_id, message) = row;
    match message {
        Message::Settled { .. } | Message::GiftTaken { .. } => {
            if let Message::Settled { begins: Some(begun), .. } = message
                && let Err(problem) = payments::contract_begun(app, begun, clock.now()).await
            {
                return Ok(unread(outbox_id, &problem).into());
            }
            let mut follows = follow::follows(app, message, clock.begun())?;
            match restored(app, row, clock).await {
                Ok(unban) => follows.extend(unban),
                Err(problem) => return Ok(unread(outbox_id, &problem).into()),
            }
            Ok(Done { outcome: Outcome::Sent, follows })
        }
        Message::Closed { tg_id } => {
            match subscriptions::follows(app, outbox_id, *tg_id, clock.begun()).await {
                Ok(follows) => Ok(Done { outcome: Outcome::Sent, follows }),
                Err(problem) => Ok(unread(outbox_id, &problem).into()),
            }
        }
        Message::EndContract { provider, contract_id, .. } => {
            let handle = ContractHandle { provider: *provider, contract_id: contract_id.clone() };
            end(app, outbox_id, &handle, asked, clock).await
        }
        Message::Unban { tg_id, chat }
        | Message::Kick { tg_id, chat }
        | Message::TurnAway { tg_id, chat }
        | Message::React { tg_id, chat, .. } => {
            Ok(in_chat(app, bot, row, (*tg_id, *chat), clock).await.into())
        }
        Message::LeaveChat { .. } | Message::InviteLink { .. } => {
            Ok(in_team_chat(app, bot, row, clock).await.into())
        }
        _ => Ok(tell(app, bot, row, clock).await.into()),
    }
}

/// Gives a member, after a payment, the place in a team back, and the row that lets the member into
/// its chat again.
async fn restored(app: &App, (id, message): Row<'_>, clock: Ticking) -> Result<Option<Write>> {
    let (Message::Settled { tg_id, .. } | Message::GiftTaken { recipient: tg_id, .. }) = message
    else {
        return Ok(None);
    };
    let team = teams::restore(app, *tg_id, clock.now()).await?;
    let Some(chat) = team.and_then(|team| team.tg_chat_id) else { return Ok(None) };
    let unban = Message::Unban { tg_id: *tg_id, chat };
    ask(&format!("unban:{id}:{chat}"), &unban, clock.begun()).map(Some)
}

/// Does in the chat of a team, or in what is none, what the row says. What nobody knows the outcome
/// of is done again.
async fn in_team_chat(app: &App, bot: &BotApi, (id, message): Row<'_>, clock: Ticking) -> Outcome {
    let table = &app.platform.table;
    if let Err(outcome) = granted(id, app.outbox.pace.turn_of_bot(table, clock).await) {
        return outcome;
    }
    let done = match message {
        Message::LeaveChat { chat, text } => match teams::stays(table, ChatId(*chat)).await {
            Ok(true) => return Outcome::Sent,
            Ok(false) => teams::say_and_leave(bot, ChatId(*chat), text).await,
            Err(problem) => return unread(id, &problem),
        },
        Message::InviteLink { team_id, chat } => {
            match teams::link(table, bot, team_id, *chat).await {
                Ok(done) => done,
                Err(problem) => return unread(id, &problem),
            }
        }
        _ => return Outcome::Refused,
    };
    let Err(error) = done else { return Outcome::Sent };
    let outcome = match judge(app, &error, clock).await {
        Outcome::Unknown => Outcome::Failed(None),
        outcome => outcome,
    };
    tracing::warn!(outbox_id = id, %error, ?outcome, "not done in the chat of a team");
    outcome
}

/// Says something to somebody.
async fn tell(app: &App, bot: &BotApi, (id, message): Row<'_>, clock: Ticking) -> Outcome {
    let Some(chat) = message.chat(app.outbox.admin_chat_id) else {
        tracing::warn!(outbox_id = id, alert = message.text(), "no chat for alerts");
        return Outcome::Sent;
    };
    if let Err(outcome) = granted(id, app.outbox.pace.turn(&app.platform.table, chat, clock).await)
    {
        return outcome;
    }
    let sent = match message {
        Message::Onboarding { tg_id, line } => onboarding::tell(app, bot, *tg_id, *line).await,
        _ => bot.send_message(&SendMessage::plain(ChatId(chat), message.text())).await,
    };
    match sent {
        Ok(_) => Outcome::Sent,
        Err(error) => {
            let outcome = judge(app, &error, clock).await;
            tracing::warn!(outbox_id = id, %error, ?outcome, "message not delivered");
            outcome
        }
    }
}

/// Lets somebody in or out of a chat, at the bot's pace. What nobody knows the outcome of is done
/// again.
async fn in_chat(
    app: &App,
    bot: &BotApi,
    (id, message): Row<'_>,
    (tg_id, chat): (i64, i64),
    clock: Ticking,
) -> Outcome {
    let Some(user) = TelegramId::new(tg_id) else { return Outcome::Refused };
    if let Err(outcome) = granted(id, app.outbox.pace.turn_of_bot(&app.platform.table, clock).await)
    {
        return outcome;
    }
    let done = match message {
        Message::Unban { .. } => bot.unban_chat_member(ChatId(chat), user).await,
        Message::React { message_id, emoji, .. } => {
            bot.set_message_reaction(ChatId(chat), *message_id, emoji).await
        }
        Message::TurnAway { .. } => match subscriptions::is_paid(app, tg_id, clock.now()).await {
            // An earlier try may have banned and not come to lift it.
            Ok(true) => bot.unban_chat_member(ChatId(chat), user).await,
            Ok(false) => updates::turn_away(bot, ChatId(chat), user).await,
            Err(problem) => return unread(id, &problem),
        },
        _ => match subscriptions::kick(app, bot, user, chat, clock.now()).await {
            Ok(done) => done,
            Err(problem) => return unread(id, &problem),
        },
    };
    match done {
        Ok(()) => Outcome::Sent,
        Err(error) => {
            let outcome = match judge(app, &error, clock).await {
                Outcome::Unknown => Outcome::Failed(None),
                outcome => outcome,
            };
            tracing::warn!(outbox_id = id, %error, ?outcome, "not done in a chat");
            outcome
        }
    }
}

/// What has to be read before a row is performed cannot be.
fn unread(id: &str, problem: &Problem) -> Outcome {
    tracing::warn!(outbox_id = id, error = %chain(problem), "not known whether to do it");
    Outcome::Failed(Some(STORE_PAUSE))
}

/// Is it this row's turn?
fn granted(id: &str, turn: Result<Result<(), SignedDuration>>) -> Result<(), Outcome> {
    match turn {
        Ok(Ok(())) => Ok(()),
        Ok(Err(pause)) => Err(Outcome::Failed(Some(pause))),
        Err(problem) => {
            tracing::warn!(outbox_id = id, error = %chain(&problem), "pace unknown");
            Err(Outcome::Failed(Some(STORE_PAUSE)))
        }
    }
}

/// Ends a standing subscription. To end one again changes nothing, so that what is uncertain is
/// done again; what its provider refuses for good, or does not do for long, is told to those who run
/// the club, once.
async fn end(
    app: &App,
    id: &str,
    handle: &ContractHandle,
    asked: Instant,
    clock: Ticking,
) -> Result<Done> {
    let ended = Box::pin(payments::end_contract(app, handle, END_LIMIT, clock.now())).await;
    let Err(error) = ended else { return Ok(Outcome::Sent.into()) };
    tracing::error!(%error, outbox_id = id, "a standing subscription is not ended");
    let outcome = match &error {
        EndError::Unknown => Outcome::Refused,
        EndError::Store(_) => Outcome::Failed(Some(STORE_PAUSE)),
        EndError::Provider(ProviderError::Telegram(error)) => judge(app, error, clock).await,
        EndError::Provider(ProviderError::Call(OutboundError::Status(status)))
            if is_final(*status) =>
        {
            Outcome::Refused
        }
        EndError::Provider(_) => Outcome::Unknown,
    };
    let outcome = match outcome {
        Outcome::Unknown | Outcome::Failed(None) => Outcome::Failed(Some(END_PAUSE)),
        outcome => outcome,
    };
    let (provider, contract) = (handle.provider.name(), &handle.contract_id);
    let text = format!("Not ended, as the provider refuses: {provider} contract {contract}");
    // Once for a contract, however often its end is asked for.
    let told = format!("not_ended:{provider}:{contract}");
    let alert = ask(&told, &Message::AdminAlert { text }, clock.begun())?;
    let mut done = Done::from(outcome);
    if outcome == Outcome::Refused {
        done.follows.push(alert);
    } else if (is_stuck(&error) || clock.begun() > asked + END_PATIENCE)
        && let Err(error) = app.platform.table.write(alert).await
    {
        tracing::debug!(%error, "told before, or with the next try");
    }
    Ok(done)
}

/// Is it likely at once that only a person can help? It is tried again all the same.
fn is_stuck(error: &EndError) -> bool {
    use ProviderError::{Disabled, Refused, Setup};
    matches!(error, EndError::Provider(Refused | Disabled | Setup(_)))
}

/// Does a provider that answers so refuse for good? Neither what passes, as a renewal under way, nor
/// a key that is wrong is the fault of one subscription.
fn is_final(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 401 | 403 | 408 | 409 | 425 | 429)
}

/// What an error of the Bot API makes of a row.
async fn judge(app: &App, error: &SendError, clock: Ticking) -> Outcome {
    match error {
        SendError::RetryAfter { seconds } => {
            let pause = SignedDuration::from_secs(i64::from(*seconds));
            let held = app.outbox.pace.hold(&app.platform.table, clock.now() + pause).await;
            if let Err(problem) = held {
                tracing::warn!(error = %chain(&problem), "hold not kept");
            }
            Outcome::Failed(Some(pause))
        }
        SendError::Final { .. } => Outcome::Refused,
        SendError::Definite(Transient::TokenRefused) => {
            tracing::error!("Telegram refuses the bot's token: its rows wait for another");
            Outcome::Failed(Some(TOKEN_PAUSE))
        }
        SendError::Definite(_) => Outcome::Failed(None),
        SendError::Ambiguous(_) => Outcome::Unknown,
    }
}
