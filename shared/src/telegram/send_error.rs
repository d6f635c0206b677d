//! What an error of the Bot API means for whoever wanted to send.

/// The outcome of a Bot API call that did not succeed.
///
/// The Bot API has no idempotency keys, so the difference between [`Definite`](Self::Definite) and
/// [`Ambiguous`](Self::Ambiguous) decides whether a person may receive something twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Too many requests (429): not sent, may be repeated after the pause.
    #[error("told to wait {seconds} s")]
    RetryAfter {
        /// The pause in seconds, at least 1.
        seconds: u32,
    },
    /// Telegram refused for good: 400, 403 ("bot was blocked"), "chat not found" and the like.
    #[error("refused with code {code}: {description}")]
    Final {
        /// Telegram's `error_code`.
        code: u16,
        /// Telegram's `description`, bounded.
        description: String,
        /// The id of the supergroup that a group became: send there instead.
        migrate_to: Option<i64>,
    },
    /// Certainly without effect, may be repeated.
    #[error("not sent: {0}")]
    Definite(Transient),
    /// The effect may have happened: not to be repeated without reading first.
    #[error("outcome unknown: {0}")]
    Ambiguous(Unknown),
}

impl SendError {
    /// Whether the same call may be made again, at once or later, without doubling an effect.
    #[must_use]
    pub const fn may_repeat(&self) -> bool {
        matches!(self, Self::RetryAfter { .. } | Self::Definite(_))
    }
}

/// Why a call certainly had no effect although Telegram did not judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Transient {
    /// There was no connection to send it on.
    #[error("no connection")]
    NotConnected,
    /// The request could not be built; a bug of the caller.
    #[error("unfit request")]
    Unfit,
    /// Telegram failed (5xx), or somebody in between answered in its place.
    #[error("status {0}")]
    Status(u16),
    /// Telegram does not know the token (401, 404): a fault of the settings, not of the addressee.
    #[error("the bot token is not accepted")]
    TokenRefused,
}

/// Why the outcome of a call is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// No answer within the time limit, or a gateway's own time-out (504).
    #[error("no answer in time")]
    TimedOut,
    /// The connection broke after the request may have been sent.
    #[error("connection broke")]
    Broken,
    /// An answer that is not one of the Bot API, or larger than allowed.
    #[error("answer unreadable")]
    Unreadable,
}
