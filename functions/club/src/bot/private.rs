//! What people write to the bot, and the buttons that they press.

use std::time::Duration;

use shared::clock::Instant;
use shared::idempotency::Idempotency;
use shared::problem::{Problem, Result};
use shared::table::Write;
use shared::telegram::TelegramUpdate;
use shared::telegram::deep_link::{GIFT, tagged};
use shared::telegram::updates::{CallbackQuery, ChatKind, Message, User, UsersShared};

use crate::gifts::{self, Answered, Recipient};
use crate::{App, auth, onboarding, outbox, texts};

/// How long Telegram may take to hear that a button was pressed.
const ANSWER_LIMIT: Duration = Duration::from_secs(4);
/// The longest parameter of a link that opens the bot, in characters.
const PARAMETER_MAX: usize = 64;

/// Takes what somebody has written in private. What a chat or a bot has written is nobody's.
pub(super) async fn hear(
    app: &App,
    message: &Message,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let Some(author) = message.author().filter(|_| message.chat.kind == ChatKind::Private) else {
        return Ok(());
    };
    let tg_id = author.id.get();
    if let Some(shared) = &message.users_shared {
        return recipient(app, tg_id, shared, once, now).await;
    }
    let Some(text) = message.text.as_deref() else { return Ok(()) };
    match command(text) {
        Some(Command::Start(parameter)) => start(app, author, parameter, once, now).await,
        Some(Command::Gift(token)) => Box::pin(open(app, author, token, once, now)).await,
        Some(Command::PaySupport) => {
            let contact = app.bot.support.clone();
            reply(app, &outbox::Message::PaySupport { tg_id, contact }, once, now).await
        }
        None => onboarding::heard(app, tg_id, text, &once.once(), now).await,
    }
}

/// Somebody opens the bot: a member from now on, who has come from where the link stood. One read
/// and one transaction of two items, for a first contact one more before.
async fn start(
    app: &App,
    author: &User,
    parameter: Option<&str>,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let member = auth::meet(&app.platform.table, &author.profile(), parameter, now).await?;
    reply(app, &outbox::Message::Welcome { tg_id: member.tg_id }, once, now).await
}

/// Somebody follows the link of a gift. One read and one transaction of seven items, for a first
/// contact one more before; the answer is one item, under the update's own key, so that a crash in
/// between does not lose it.
async fn open(
    app: &App,
    author: &User,
    token: &str,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let tg_id = author.id.get();
    let refused = |text: &str| outbox::Message::Answer { tg_id, text: text.to_owned() };
    if !gifts::is_token(token) {
        return reply(app, &refused(texts::GIFT_NOT_FOUND), once, now).await;
    }
    let (user, key, also) = (author.profile(), Idempotency::none(), once.once());
    let recipient = Recipient::Author(&user);
    match gifts::activate_for(app, recipient, token, &key, Some(&also), now).await {
        Ok(Answered::Gift(made)) => {
            let (until, energies) = (made.until(), made.energies());
            let told = outbox::Message::GiftReceived { tg_id, until, energies };
            commit(app, vec![outbox::ask(&reply_id(once), &told, now)?]).await
        }
        Ok(Answered::Replay(..)) => Err(Problem::bug("a replay without a key")),
        Err(problem) if problem.status().is_client_error() => {
            reply(app, &refused(problem.message()), once, now).await
        }
        Err(problem) => Err(problem),
    }
}

/// Somebody has chosen whom to give a gift.
async fn recipient(
    app: &App,
    tg_id: i64,
    shared: &UsersShared,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let Some(chosen) = shared.users.first() else { return Ok(()) };
    let text = match chosen.user_id.get() {
        own if own == tg_id => texts::GIFT_SELF.to_owned(),
        other => texts::gift_recipient(other),
    };
    reply(app, &outbox::Message::Answer { tg_id, text }, once, now).await
}

/// Takes a pressed button. Telegram hears of it after its effect; where it does not, only the
/// waiting mark stays on the button.
pub(super) async fn press(
    app: &App,
    query: &CallbackQuery,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    if query.data.as_deref() == Some(onboarding::READY) {
        onboarding::pressed(app, query.from.id.get(), &once.once(), now).await?;
    }
    let bot = outbox::bot(app)?.with_time_limit(ANSWER_LIMIT);
    if let Err(error) = bot.answer_callback_query(&query.id, None).await {
        tracing::info!(%error, "a pressed button is not answered");
    }
    Ok(())
}

/// The id of the answer to an update.
fn reply_id(once: TelegramUpdate) -> String {
    format!("reply:{}", once.update_id)
}

/// Has an update answered. One transaction of two items.
async fn reply(
    app: &App,
    message: &outbox::Message,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let reply = outbox::ask(&reply_id(once), message, now)?;
    commit(app, vec![once.once(), reply]).await
}

/// Writes the effect of an update; nothing where it had it before.
pub(super) async fn commit(app: &App, writes: Vec<Write>) -> Result<()> {
    match app.platform.table.transact(writes).await {
        Ok(()) => Ok(()),
        Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
    }
}

/// A command that the bot answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command<'a> {
    /// With what the link has brought.
    Start(Option<&'a str>),
    /// A gift's link, with its token.
    Gift(&'a str),
    PaySupport,
}

/// The command in a text, if it is one of ours. What cannot be a link's parameter is none.
fn command(text: &str) -> Option<Command<'_>> {
    let mut words = text.split_whitespace();
    let name = words.next()?.split('@').next()?;
    let parameter = words.next().filter(|word| is_parameter(word));
    match name {
        "/start" => Some(match parameter.and_then(|parameter| tagged(parameter, GIFT)) {
            Some(token) => Command::Gift(token),
            None => Command::Start(parameter),
        }),
        "/paysupport" => Some(Command::PaySupport),
        _ => None,
    }
}

fn is_parameter(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    word.len() <= PARAMETER_MAX && word.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_people_and_buttons_write_them() {
        let token = "AAAAAAAAAAAAAAAAAAAAAA";
        let long = format!("/start {}", "a".repeat(65));
        for (text, expected) in [
            ("/start", Some(Command::Start(None))),
            ("/start utm_a_b", Some(Command::Start(Some("utm_a_b")))),
            ("/start@club_test_bot tg", Some(Command::Start(Some("tg")))),
            ("/start привет", Some(Command::Start(None))),
            (long.as_str(), Some(Command::Start(None))),
            ("  /paysupport  ", Some(Command::PaySupport)),
            ("/paysupport@club_test_bot please", Some(Command::PaySupport)),
            ("/start gift_AAAAAAAAAAAAAAAAAAAAAA", Some(Command::Gift(token))),
            ("/start gift_x", Some(Command::Gift("x"))),
            ("/start gift_", Some(Command::Start(Some("gift_")))),
            ("/starting", None),
            ("start", None),
            ("", None),
            ("@", None),
        ] {
            assert_eq!(command(text), expected, "{text:?}");
        }
    }
}
