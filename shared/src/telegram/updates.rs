//! The updates a service reads. Unknown kinds and unknown fields pass; known fields are strict.
//!
//! `Debug` of a message shows ids alone: what people write does not belong in a log.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::members::ChatMemberUpdated;
use super::user::{ChatId, TelegramId, TelegramUser};

/// The longest update that is read, in bytes.
pub const UPDATE_MAX: usize = 1024 * 1024;

/// The kinds of updates read here, for `allowed_updates` of `setWebhook`.
pub const ALLOWED_UPDATES: [&str; 6] = [
    "message",
    "edited_message",
    "callback_query",
    "pre_checkout_query",
    "chat_member",
    "my_chat_member",
];

/// One delivery of the webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Unique per bot: the key under which a repeated delivery is recognised.
    pub update_id: i64,
    /// What happened.
    pub event: Event,
}

/// What an update tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A new message; payments, shared users and migrations come as messages, too.
    Message(Box<Message>),
    /// A message was changed.
    EditedMessage(Box<Message>),
    /// A button was pressed.
    CallbackQuery(Box<CallbackQuery>),
    /// Somebody is about to pay: to be answered within 10 s.
    PreCheckoutQuery(Box<PreCheckoutQuery>),
    /// A member of a chat changed.
    ChatMember(Box<ChatMemberUpdated>),
    /// The bot's own place in a chat changed.
    MyChatMember(Box<ChatMemberUpdated>),
    /// A kind that is not read here.
    Other,
}

/// An update that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the update cannot be read")]
pub struct UpdateError {
    /// Its id, when at least that could be read.
    pub update_id: Option<i64>,
}

impl Update {
    /// Reads the body of a delivery.
    ///
    /// # Errors
    /// When it is too long, not JSON, or a known field has a wrong type.
    pub fn parse(body: &[u8]) -> Result<Self, UpdateError> {
        #[derive(Deserialize)]
        struct Head {
            update_id: i64,
        }
        #[derive(Deserialize)]
        struct Wire {
            message: Option<Box<Message>>,
            edited_message: Option<Box<Message>>,
            callback_query: Option<Box<CallbackQuery>>,
            pre_checkout_query: Option<Box<PreCheckoutQuery>>,
            chat_member: Option<Box<ChatMemberUpdated>>,
            my_chat_member: Option<Box<ChatMemberUpdated>>,
        }
        if body.len() > UPDATE_MAX {
            return Err(UpdateError { update_id: None });
        }
        let unread = |update_id| move |_: serde_json::Error| UpdateError { update_id };
        let Head { update_id } = serde_json::from_slice(body).map_err(unread(None))?;
        let wire: Wire = serde_json::from_slice(body).map_err(unread(Some(update_id)))?;
        let event = wire
            .message
            .map(Event::Message)
            .or(wire.edited_message.map(Event::EditedMessage))
            .or(wire.callback_query.map(Event::CallbackQuery))
            .or(wire.pre_checkout_query.map(Event::PreCheckoutQuery))
            .or(wire.chat_member.map(Event::ChatMember))
            .or(wire.my_chat_member.map(Event::MyChatMember))
            .unwrap_or(Event::Other);
        Ok(Self { update_id, event })
    }
}

/// A person or bot as named in updates.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// The id.
    pub id: TelegramId,
    /// Whether it is a bot.
    #[serde(default)]
    pub is_bot: bool,
    /// Given name.
    #[serde(default)]
    pub first_name: String,
    /// Family name.
    pub last_name: Option<String>,
    /// Public name without `@`.
    pub username: Option<String>,
    /// IETF language tag.
    pub language_code: Option<String>,
}

impl User {
    /// The same person in the terms of launch data. Updates tell no picture.
    #[must_use]
    pub fn profile(&self) -> TelegramUser {
        TelegramUser {
            id: self.id,
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            username: self.username.clone(),
            language_code: self.language_code.clone(),
            photo_url: None,
            is_premium: false,
            is_bot: self.is_bot,
            allows_write_to_pm: false,
        }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A chat as named in updates.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Chat {
    /// The id.
    pub id: ChatId,
    /// What kind of chat it is.
    #[serde(rename = "type")]
    pub kind: ChatKind,
    /// Title of a group or channel.
    pub title: Option<String>,
    /// Public name without `@`.
    pub username: Option<String>,
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Chat");
        debug.field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Kinds of chats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChatKind {
    /// With one person.
    Private,
    /// A small group.
    Group,
    /// A large group.
    Supergroup,
    /// A channel.
    Channel,
    /// A kind to come.
    #[serde(other)]
    Other,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// Its id within the chat.
    pub message_id: i64,
    /// Epoch seconds.
    #[serde(rename = "date")]
    pub date_s: i64,
    /// Where it was sent.
    pub chat: Chat,
    /// Who sent it; absent in channels and for anonymous administrators of some kinds.
    pub from: Option<User>,
    /// The chat in whose name it was sent; such a message proves nothing about `from`.
    pub sender_chat: Option<Chat>,
    /// The text.
    pub text: Option<String>,
    /// The text under a picture or file.
    pub caption: Option<String>,
    /// Common to the parts of an album.
    pub media_group_id: Option<String>,
    /// Whether there is a photo.
    #[serde(default, rename = "photo", deserialize_with = "present")]
    pub has_photo: bool,
    /// Whether there is a video.
    #[serde(default, rename = "video", deserialize_with = "present")]
    pub has_video: bool,
    /// Whether there is a round video.
    #[serde(default, rename = "video_note", deserialize_with = "present")]
    pub has_video_note: bool,
    /// Whether there is a file.
    #[serde(default, rename = "document", deserialize_with = "present")]
    pub has_document: bool,
    /// Whether it was passed on from elsewhere.
    #[serde(default, rename = "forward_origin", deserialize_with = "present")]
    pub is_forwarded: bool,
    /// A payment has arrived.
    pub successful_payment: Option<SuccessfulPayment>,
    /// A payment was given back.
    pub refunded_payment: Option<RefundedPayment>,
    /// People were chosen with a request button.
    pub users_shared: Option<UsersShared>,
    /// The group became this supergroup.
    pub migrate_to_chat_id: Option<ChatId>,
    /// The supergroup was this group.
    pub migrate_from_chat_id: Option<ChatId>,
    /// Who joined.
    #[serde(default)]
    pub new_chat_members: Vec<User>,
    /// Who left.
    pub left_chat_member: Option<User>,
}

impl Message {
    /// The text or, with a picture or file, the text under it.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        self.text.as_deref().or(self.caption.as_deref())
    }

    /// The person who certainly wrote this: not a bot, not in the name of a chat.
    #[must_use]
    pub fn author(&self) -> Option<&User> {
        self.from.as_ref().filter(|user| !user.is_bot && self.sender_chat.is_none())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("message_id", &self.message_id)
            .field("chat", &self.chat)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// Whether a field is there and not null, whatever it holds.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(deserializer)?.is_some())
}

/// A pressed button.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct CallbackQuery {
    /// To be answered under this id.
    pub id: String,
    /// Who pressed.
    pub from: User,
    /// The message with the button, when Telegram still has it.
    pub message: Option<CallbackMessage>,
    /// What the button carries. A client may send anything here.
    pub data: Option<String>,
}

impl fmt::Debug for CallbackQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackQuery").field("from", &self.from).finish_non_exhaustive()
    }
}

/// The message of a [`CallbackQuery`]; also when it is no longer accessible.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct CallbackMessage {
    /// Its id within the chat.
    pub message_id: i64,
    /// Its chat.
    pub chat: Chat,
}

/// A payment about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct PreCheckoutQuery {
    /// To be answered under this id.
    pub id: String,
    /// Who pays.
    pub from: User,
    /// `XTR` for Stars.
    pub currency: String,
    /// Whole Stars.
    pub total_amount: i64,
    /// The payload given to the invoice.
    pub invoice_payload: String,
}

/// A payment that has been made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SuccessfulPayment {
    /// `XTR` for Stars.
    pub currency: String,
    /// Whole Stars.
    pub total_amount: i64,
    /// The payload given to the invoice.
    pub invoice_payload: String,
    /// The natural key of the payment.
    pub telegram_payment_charge_id: String,
    /// Epoch seconds; for subscriptions.
    #[serde(rename = "subscription_expiration_date")]
    pub subscription_expiration_date_s: Option<i64>,
    /// Whether it belongs to a subscription.
    #[serde(default)]
    pub is_recurring: bool,
    /// Whether it begins a subscription.
    #[serde(default)]
    pub is_first_recurring: bool,
}

/// A payment that was given back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct RefundedPayment {
    /// `XTR` for Stars.
    pub currency: String,
    /// Whole Stars.
    pub total_amount: i64,
    /// The payload given to the invoice.
    pub invoice_payload: String,
    /// The key of the payment that is given back.
    pub telegram_payment_charge_id: String,
}

/// People chosen with a request button.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct UsersShared {
    /// The id of the request button.
    pub request_id: i64,
    /// Who was chosen.
    pub users: Vec<SharedUser>,
}

/// One of [`UsersShared`].
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SharedUser {
    /// The id.
    pub user_id: TelegramId,
    /// Given name, when asked for.
    pub first_name: Option<String>,
    /// Public name, when asked for.
    pub username: Option<String>,
}

impl fmt::Debug for SharedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedUser").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}
