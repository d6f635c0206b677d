//! The webhook: what is told to Telegram of it, what Telegram tells, and the secret by which it
//! shows that a delivery is its own.

use std::fmt;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::token::is_token_byte;

/// The header that carries the secret.
pub const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// The `secret_token` given to `setWebhook`: 1 to 256 of `[A-Za-z0-9_-]`.
#[derive(Clone)]
pub struct WebhookSecret(String);

/// The secret is empty, too long or of other characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook secret must be 1 to 256 of [A-Za-z0-9_-]")]
pub struct WebhookSecretError;

impl WebhookSecret {
    /// Reads a secret from the settings.
    ///
    /// # Errors
    /// When Telegram would not accept it, in particular when it is empty.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        if text.is_empty() || text.len() > 256 || !text.bytes().all(is_token_byte) {
            return Err(WebhookSecretError);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether the header of a delivery carries this secret. Takes the same time for every
    /// header of a given length; a missing header is refused.
    #[must_use]
    pub fn admits(&self, header: Option<&[u8]>) -> bool {
        let Some(header) = header else { return false };
        // Digests have one length, so the comparison does not tell the length of the secret.
        Sha256::digest(self.0.as_bytes()).ct_eq(&Sha256::digest(header)).into()
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

/// Whether a delivery is Telegram's own; without a configured secret none is.
#[must_use]
pub fn admits(configured: Option<&WebhookSecret>, header: Option<&[u8]>) -> bool {
    configured.is_some_and(|secret| secret.admits(header))
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// What to tell `setWebhook`.
#[derive(Debug, Clone, Copy)]
pub struct SetWebhook<'a> {
    /// Where updates go.
    pub url: &'a str,
    /// The secret header of the deliveries.
    pub secret: &'a WebhookSecret,
    /// Kinds of updates that are needed.
    pub allowed_updates: &'a [&'a str],
    /// Parallel deliveries, 1 to 100 (capped).
    pub max_connections: u8,
}

/// The state of the webhook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct WebhookInfo {
    /// Where updates go; empty when unset.
    pub url: String,
    /// Updates that wait for delivery.
    pub pending_update_count: i64,
    /// Epoch seconds of the last failed delivery.
    #[serde(rename = "last_error_date")]
    pub last_error_date_s: Option<i64>,
    /// Its reason.
    pub last_error_message: Option<String>,
    /// Parallel deliveries.
    pub max_connections: Option<i64>,
    /// Kinds of updates that are delivered.
    pub allowed_updates: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_its_own_secret_only() {
        let secret = WebhookSecret::parse("Local_secret-1").unwrap();
        assert!(secret.admits(Some(b"Local_secret-1")));
        for header in
            [None, Some(&b""[..]), Some(b"local_secret-1"), Some(b"Local_secret-"), Some(b"\xff")]
        {
            assert!(!secret.admits(header), "{header:?}");
        }
        assert!(admits(Some(&secret), Some(b"Local_secret-1")));
    }

    #[test]
    fn fails_closed_when_unset() {
        assert!(!admits(None, None));
        assert!(!admits(None, Some(b"")));
        assert!(!admits(None, Some(b"anything")));
    }

    #[test]
    fn refuses_what_telegram_refuses() {
        for text in ["", " ", "a b", "ключ", "a\n", &"a".repeat(257)] {
            assert!(WebhookSecret::parse(text).is_err(), "{text:?}");
        }
        assert!(WebhookSecret::parse(&"a".repeat(256)).is_ok());
    }

    #[test]
    fn never_prints_itself() {
        let secret = WebhookSecret::parse("hidden-part").unwrap();
        assert!(!format!("{secret:?}").contains("hidden"));
    }
}
