//! Messages a bot sends, and the buttons under them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::user::ChatId;

/// A message to send; can be stored in an outbox as it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendMessage {
    /// To whom.
    pub chat_id: ChatId,
    /// 1 to 4096 characters after the marks of `parse_mode` are read.
    pub text: String,
    /// How marks in the text are read; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parse_mode: Option<ParseMode>,
    /// Buttons; see [`inline_keyboard`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_markup: Option<serde_json::Value>,
}

impl SendMessage {
    /// Plain text without buttons.
    #[must_use]
    pub fn plain(chat: impl Into<ChatId>, text: impl Into<String>) -> Self {
        Self { chat_id: chat.into(), text: text.into(), parse_mode: None, reply_markup: None }
    }
}

impl fmt::Debug for SendMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendMessage").field("chat_id", &self.chat_id).finish_non_exhaustive()
    }
}

/// A video to send.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SendVideo {
    /// To whom.
    pub chat_id: ChatId,
    /// Telegram's id of the file, or an address that Telegram fetches it from.
    pub video: String,
    /// The text under it, at most 1024 characters.
    pub caption: String,
}

impl fmt::Debug for SendVideo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendVideo").field("chat_id", &self.chat_id).finish_non_exhaustive()
    }
}

/// How marks in a text are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParseMode {
    /// A small subset of HTML; `<`, `>` and `&` of texts must be escaped.
    #[serde(rename = "HTML")]
    Html,
    /// Telegram's own second Markdown.
    MarkdownV2,
}

/// A button under a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlineButton {
    /// What it says.
    pub text: String,
    /// What it does.
    #[serde(flatten)]
    pub action: ButtonAction,
}

/// What a button does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonAction {
    /// Opens an address.
    Url(String),
    /// Sends a callback query with 1 to 64 bytes.
    CallbackData(String),
    /// Opens a mini-app.
    WebApp {
        /// Its address.
        url: String,
    },
}

/// The `reply_markup` of rows of buttons.
#[must_use]
pub fn inline_keyboard(rows: &[Vec<InlineButton>]) -> serde_json::Value {
    serde_json::json!({ "inline_keyboard": rows })
}

/// The `reply_markup` of one button, shown once under the field for texts, by which a person
/// chooses somebody else: the choice comes as a message with `users_shared` of `request_id`.
#[must_use]
pub fn users_request(text: &str, request_id: i32) -> serde_json::Value {
    let request = serde_json::json!({
        "request_id": request_id, "user_is_bot": false, "max_quantity": 1,
    });
    serde_json::json!({
        "keyboard": [[{ "text": text, "request_users": request }]],
        "resize_keyboard": true, "one_time_keyboard": true,
    })
}
