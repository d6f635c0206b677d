//! How the lines of an onboarding are said.

use serde_json::Value;
use shared::telegram::api::SentMessage;
use shared::telegram::outgoing::{
    ButtonAction, InlineButton, SendVideo, inline_keyboard, users_request,
};
use shared::telegram::user::ChatId;
use shared::telegram::{BotApi, SendError, SendMessage};

use super::model::Line;
use super::{READY, Settings};
use crate::{App, texts};

/// The request button by which a gift's recipient is chosen.
const RECIPIENT_REQUEST: i32 = 1;

/// Says a line to a member. A video that Telegram does not take, as its id or address is wrong,
/// becomes the text in its place.
///
/// # Errors
/// [`SendError`].
pub async fn tell(
    app: &App,
    bot: &BotApi,
    tg_id: i64,
    line: Line,
) -> Result<SentMessage, SendError> {
    let (settings, chat) = (&app.onboarding, ChatId(tg_id));
    if let (Line::Video, Some(video)) = (line, &settings.video) {
        let caption = text(settings, line);
        let video = SendVideo { chat_id: chat, video: video.clone(), caption };
        match bot.send_video(&video).await {
            Err(SendError::Final { code: 400, .. }) => {
                tracing::error!("Telegram does not take the video of the onboarding");
                let bare = Settings { video: None, ..settings.clone() };
                return bot.send_message(&SendMessage::plain(chat, text(&bare, line))).await;
            }
            sent => return sent,
        }
    }
    let link = app.payments.bot.app_link(None, None).ok();
    let plain = SendMessage::plain(chat, text(settings, line));
    bot.send_message(&SendMessage { reply_markup: markup(line, link), ..plain }).await
}

/// How a line reads.
pub(super) fn text(settings: &Settings, line: Line) -> String {
    // Who has no video to find the keyword in is told it.
    let keyword = settings.video.is_none().then_some(settings.keyword.as_str());
    match line {
        Line::Video => texts::onboarding_video(keyword),
        Line::Keyword(_) => texts::onboarding_keyword(keyword),
        Line::Hint => texts::onboarding_hint(keyword),
        Line::Ready => texts::ONBOARDING_READY.to_owned(),
        Line::ReadyAgain(_) => texts::ONBOARDING_READY_AGAIN.to_owned(),
        Line::Menu => texts::ONBOARDING_MENU.to_owned(),
        Line::GiftOffer => texts::ONBOARDING_GIFT.to_owned(),
        Line::CheckIn(day) => texts::onboarding_check_in(day),
    }
}

/// The buttons under a line. `link` opens the mini-app.
pub(super) fn markup(line: Line, link: Option<String>) -> Option<Value> {
    let button = |text: &str, action| {
        inline_keyboard(&[vec![InlineButton { text: text.to_owned(), action }]])
    };
    match line {
        Line::Ready | Line::ReadyAgain(_) => {
            Some(button(texts::BUTTON_READY, ButtonAction::CallbackData(READY.to_owned())))
        }
        Line::Menu | Line::CheckIn(_) => {
            link.map(|link| button(texts::BUTTON_APP, ButtonAction::Url(link)))
        }
        Line::GiftOffer => Some(users_request(texts::BUTTON_RECIPIENT, RECIPIENT_REQUEST)),
        Line::Video | Line::Keyword(_) | Line::Hint => None,
    }
}
