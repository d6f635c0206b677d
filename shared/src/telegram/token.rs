//! The bot token: a secret that never prints itself.

use std::fmt;

/// The longest secret part that is accepted, in characters (real ones have 35).
const SECRET_MAX: usize = 128;

/// A bot token of the form `<bot id>:<secret>`.
///
/// Constructing one is the only way to a [`Key`](super::Key) or a
/// [`BotApi`](super::BotApi): a missing or malformed token is an error at start and can never
/// turn into a check that lets everybody in.
#[derive(Clone)]
pub struct BotToken {
    text: String,
    bot_id: i64,
}

impl BotToken {
    /// Reads a token: decimal bot id without leading zeros, a colon, 1 to 128 of `[A-Za-z0-9_-]`.
    ///
    /// # Errors
    /// When the text is empty or has another form. The error does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, BotTokenError> {
        if text.is_empty() {
            return Err(BotTokenError::Empty);
        }
        let (id, secret) = text.split_once(':').ok_or(BotTokenError::Malformed)?;
        let bot_id = positive_decimal(id).ok_or(BotTokenError::Malformed)?;
        if secret.is_empty() || secret.len() > SECRET_MAX || !secret.bytes().all(is_token_byte) {
            return Err(BotTokenError::Malformed);
        }
        Ok(Self { text: text.to_owned(), bot_id })
    }

    /// The id of the bot, which is not a secret.
    #[must_use]
    pub const fn bot_id(&self) -> i64 {
        self.bot_id
    }

    /// The token itself; kept inside this module so that every use is in sight.
    pub(super) fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for BotToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotToken").field("bot_id", &self.bot_id).finish_non_exhaustive()
    }
}

/// Why a bot token is not one. Says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BotTokenError {
    /// The setting is missing or empty.
    #[error("the bot token is empty")]
    Empty,
    /// The text is not `<bot id>:<secret>`.
    #[error("the bot token is malformed")]
    Malformed,
}

/// `[A-Za-z0-9_-]`, the alphabet of tokens, webhook secrets and start parameters.
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// A positive number in plain decimal: no sign, no leading zero, no overflow.
fn positive_decimal(text: &str) -> Option<i64> {
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_known_forms() {
        for text in
            ["1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL", "7000000001:local-club", "1:a_b-C9"]
        {
            assert_eq!(BotToken::parse(text).unwrap().reveal(), text);
        }
        assert_eq!(BotToken::parse("7000000001:x").unwrap().bot_id(), 7_000_000_001);
    }

    #[test]
    fn refuses_everything_else() {
        assert_eq!(BotToken::parse("").unwrap_err(), BotTokenError::Empty);
        let long = format!("1:{}", "a".repeat(SECRET_MAX + 1));
        for text in [
            " ",
            ":",
            "1:",
            ":a",
            "1",
            "0:a",
            "01:a",
            "-1:a",
            "+1:a",
            "1:a b",
            "1:a:b",
            "1:a\n",
            " 1:a",
            "1:ключ",
            "99999999999999999999:a",
            long.as_str(),
        ] {
            assert_eq!(BotToken::parse(text).unwrap_err(), BotTokenError::Malformed, "{text:?}");
        }
    }

    #[test]
    fn never_prints_the_secret() {
        let printed = format!("{:?}", BotToken::parse("1:hidden-part").unwrap());
        assert!(!printed.contains("hidden"), "{printed}");
    }
}
