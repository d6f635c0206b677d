//! A thin Bot API client: few methods, strict answers, errors that say whether a repeat is safe.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::Uri;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::answer::{from_outbound, read};
use super::outgoing::{SendMessage, SendVideo};
use super::send_error::{SendError, Unknown};
use super::stars::{RefundOutcome, StarAmount, StarInvoice, StarTransactions};
use super::token::BotToken;
use super::updates::User;
use super::user::{ChatId, TelegramId};
use super::webhook::{SetWebhook, WebhookInfo};
use crate::outbound::Outbound;

/// The base address of the real Bot API.
pub const PRODUCTION_URL: &str = "https://api.telegram.org";

/// What `ChatPermissions` calls the ways to post.
const POSTING: [&str; 10] = [
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
];

/// A client of one bot; cheap to clone.
#[derive(Clone)]
pub struct BotApi {
    http: Outbound,
    base_url: String,
    token: BotToken,
    time_limit: Duration,
}

/// The settings do not make a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BotApiError {
    /// Not an absolute `http` or `https` address without query.
    #[error("the Bot API address is malformed")]
    Address,
    /// Plain `http` to another machine would show the token to everybody on the way.
    #[error("the Bot API address must be https unless it is a loopback address")]
    Insecure,
}

impl BotApi {
    /// A client for `{base_url}/bot<token>/<method>`.
    ///
    /// # Errors
    /// When the address is malformed, or unencrypted and not on this machine.
    pub fn new(http: Outbound, base_url: &str, token: BotToken) -> Result<Self, BotApiError> {
        let base_url = base_url.trim_end_matches('/');
        let uri: Uri = base_url.parse().map_err(|_| BotApiError::Address)?;
        let host = uri.host().ok_or(BotApiError::Address)?;
        if uri.query().is_some() {
            return Err(BotApiError::Address);
        }
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if matches!(host, "127.0.0.1" | "localhost" | "[::1]") => {}
            Some("http") => return Err(BotApiError::Insecure),
            _ => return Err(BotApiError::Address),
        }
        let base_url = base_url.to_owned();
        Ok(Self { http, base_url, token, time_limit: Duration::from_secs(8) })
    }

    /// The same client with another time limit per call (default 8 s).
    #[must_use]
    pub const fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The id of the bot.
    #[must_use]
    pub const fn bot_id(&self) -> i64 {
        self.token.bot_id()
    }

    /// Calls any method once. For methods that have no function of their own here.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn call<R: DeserializeOwned>(
        &self,
        method: &'static str,
        body: &(impl Serialize + Sync),
    ) -> Result<R, SendError> {
        let url = format!("{}/bot{}/{method}", self.base_url, self.token.reveal());
        let call = self.http.post(&url).json(body).time_limit(self.time_limit);
        let answer = call.send().await.map_err(from_outbound)?;
        read(&answer, self.token.reveal())
    }

    /// Calls a method that answers `true`.
    async fn command(
        &self,
        method: &'static str,
        body: &(impl Serialize + Sync),
    ) -> Result<(), SendError> {
        match self.call::<bool>(method, body).await? {
            true => Ok(()),
            false => Err(SendError::Ambiguous(Unknown::Unreadable)),
        }
    }

    /// `getMe`: the bot itself; shows that the token is accepted.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn get_me(&self) -> Result<User, SendError> {
        self.call("getMe", &Nothing {}).await
    }

    /// `sendMessage`. Never repeat after an ambiguous error: the message may have arrived.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send_message(&self, message: &SendMessage) -> Result<SentMessage, SendError> {
        self.call("sendMessage", message).await
    }

    /// `sendVideo`. Never repeat after an ambiguous error: the video may have arrived.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send_video(&self, video: &SendVideo) -> Result<SentMessage, SendError> {
        self.call("sendVideo", video).await
    }

    /// `answerCallbackQuery`: ends the waiting mark on a pressed button.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn answer_callback_query(
        &self,
        query_id: &str,
        text: Option<&str>,
    ) -> Result<(), SendError> {
        #[derive(Serialize)]
        struct Body<'a> {
            callback_query_id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            text: Option<&'a str>,
        }
        self.command("answerCallbackQuery", &Body { callback_query_id: query_id, text }).await
    }

    /// `createInvoiceLink` in Stars. An unused link costs nothing, so a repeat is harmless.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn create_invoice_link(&self, invoice: &StarInvoice) -> Result<String, SendError> {
        self.call("createInvoiceLink", &invoice.body()).await
    }

    /// `answerPreCheckoutQuery`: lets the payment through, or refuses it with a sentence for the
    /// payer. Telegram waits 10 s.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn answer_pre_checkout_query(
        &self,
        query_id: &str,
        verdict: Result<(), &str>,
    ) -> Result<(), SendError> {
        #[derive(Serialize)]
        struct Body<'a> {
            pre_checkout_query_id: &'a str,
            ok: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            error_message: Option<&'a str>,
        }
        let body = Body {
            pre_checkout_query_id: query_id,
            ok: verdict.is_ok(),
            error_message: verdict.err(),
        };
        self.command("answerPreCheckoutQuery", &body).await
    }

    /// `refundStarPayment`. May be repeated after any error: a charge is refunded once.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn refund_star_payment(
        &self,
        user: TelegramId,
        charge_id: &str,
    ) -> Result<RefundOutcome, SendError> {
        #[derive(Serialize)]
        struct Body<'a> {
            user_id: TelegramId,
            telegram_payment_charge_id: &'a str,
        }
        let body = Body { user_id: user, telegram_payment_charge_id: charge_id };
        match self.command("refundStarPayment", &body).await {
            Ok(()) => Ok(RefundOutcome::Refunded),
            Err(SendError::Final { description, .. })
                if description.contains("CHARGE_ALREADY_REFUNDED") =>
            {
                Ok(RefundOutcome::AlreadyRefunded)
            }
            Err(error) => Err(error),
        }
    }

    /// `editUserStarSubscription`: cancels a subscription, or allows it to go on again.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn edit_user_star_subscription(
        &self,
        user: TelegramId,
        charge_id: &str,
        canceled: bool,
    ) -> Result<(), SendError> {
        #[derive(Serialize)]
        struct Body<'a> {
            user_id: TelegramId,
            telegram_payment_charge_id: &'a str,
            is_canceled: bool,
        }
        let body =
            Body { user_id: user, telegram_payment_charge_id: charge_id, is_canceled: canceled };
        self.command("editUserStarSubscription", &body).await
    }

    /// `banChatMember`: removes somebody from a group, and keeps them out until they are unbanned.
    /// To ban somebody who is banned changes nothing, so it may be repeated after any error.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn ban_chat_member(&self, chat: ChatId, user: TelegramId) -> Result<(), SendError> {
        #[derive(Serialize)]
        struct Body {
            chat_id: ChatId,
            user_id: TelegramId,
        }
        self.command("banChatMember", &Body { chat_id: chat, user_id: user }).await
    }

    /// `unbanChatMember` of somebody who is banned; who is not, stays. It may be repeated after any
    /// error.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn unban_chat_member(&self, chat: ChatId, user: TelegramId) -> Result<(), SendError> {
        #[derive(Serialize)]
        struct Body {
            chat_id: ChatId,
            user_id: TelegramId,
            only_if_banned: bool,
        }
        let body = Body { chat_id: chat, user_id: user, only_if_banned: true };
        self.command("unbanChatMember", &body).await
    }

    /// `setChatPermissions`: whether members who are no administrators may post in a group, in any
    /// form. It sets all their permissions: to invite, to pin and to change the group they have none
    /// after it. It may be repeated after any error.
    ///
    /// Source: <https://core.telegram.org/bots/api#chatpermissions>
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn set_chat_permissions(&self, chat: ChatId, post: bool) -> Result<(), SendError> {
        #[derive(Serialize)]
        struct Body {
            chat_id: ChatId,
            permissions: BTreeMap<&'static str, bool>,
            use_independent_chat_permissions: bool,
        }
        let permissions = POSTING.into_iter().map(|name| (name, post)).collect();
        let body = Body { chat_id: chat, permissions, use_independent_chat_permissions: true };
        self.command("setChatPermissions", &body).await
    }

    /// `setMessageReaction`: the bot's own reaction under a message, in the place of the one before.
    /// It may be repeated after any error.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn set_message_reaction(
        &self,
        chat: ChatId,
        message_id: i64,
        emoji: &str,
    ) -> Result<(), SendError> {
        #[derive(Serialize)]
        struct Emoji<'a> {
            r#type: &'static str,
            emoji: &'a str,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            chat_id: ChatId,
            message_id: i64,
            reaction: [Emoji<'a>; 1],
        }
        let reaction = [Emoji { r#type: "emoji", emoji }];
        self.command("setMessageReaction", &Body { chat_id: chat, message_id, reaction }).await
    }

    /// `getStarTransactions`: oldest first, `offset` skipped, at most `limit` (1 to 100, capped).
    ///
    /// # Errors
    /// [`SendError`]; reading may always be repeated.
    pub async fn get_star_transactions(
        &self,
        offset: u64,
        limit: u32,
    ) -> Result<StarTransactions, SendError> {
        #[derive(Serialize)]
        struct Body {
            offset: u64,
            limit: u32,
        }
        self.call("getStarTransactions", &Body { offset, limit: limit.clamp(1, 100) }).await
    }

    /// `getMyStarBalance`.
    ///
    /// # Errors
    /// [`SendError`]; reading may always be repeated.
    pub async fn get_my_star_balance(&self) -> Result<StarAmount, SendError> {
        self.call("getMyStarBalance", &Nothing {}).await
    }

    /// `getWebhookInfo`.
    ///
    /// # Errors
    /// [`SendError`]; reading may always be repeated.
    pub async fn get_webhook_info(&self) -> Result<WebhookInfo, SendError> {
        self.call("getWebhookInfo", &Nothing {}).await
    }

    /// `setWebhook`, always with a secret and with only the updates that are needed.
    ///
    /// # Errors
    /// [`SendError`]; may always be repeated.
    pub async fn set_webhook(&self, webhook: &SetWebhook<'_>) -> Result<(), SendError> {
        #[derive(Serialize)]
        struct Body<'a> {
            url: &'a str,
            secret_token: &'a str,
            allowed_updates: &'a [&'a str],
            max_connections: u8,
        }
        let body = Body {
            url: webhook.url,
            secret_token: webhook.secret.reveal(),
            allowed_updates: webhook.allowed_updates,
            max_connections: webhook.max_connections.clamp(1, 100),
        };
        self.command("setWebhook", &body).await
    }
}

impl fmt::Debug for BotApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotApi")
            .field("base_url", &self.base_url)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// An empty body.
#[derive(Serialize)]
struct Nothing {}

/// What Telegram tells of a message it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SentMessage {
    /// Its id within the chat.
    pub message_id: i64,
}
