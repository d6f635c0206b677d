//! initData as Telegram signs it, written from Telegram's description and not from the service's
//! own code, so that a mistake there cannot hide here.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Pairs of initData that are not yet signed; they can be broken one at a time.
#[derive(Clone, Debug)]
pub struct InitData {
    pairs: Vec<(String, String)>,
}

impl InitData {
    /// What the mini-app of `user` is handed at `auth_date_s`, in seconds since 1970.
    #[must_use]
    pub fn new(user: &Value, auth_date_s: i64) -> Self {
        Self { pairs: Vec::new() }
            .with("query_id", "AAE_TEST")
            .with("user", &user.to_string())
            .with("auth_date", &auth_date_s.to_string())
    }

    /// Sets a pair, or adds it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.pairs.retain(|(known, _)| known != name);
        self.twice(name, value)
    }

    /// Adds a pair, also when its name is there already.
    #[must_use]
    pub fn twice(mut self, name: &str, value: &str) -> Self {
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes a pair away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|(known, _)| known != name);
        self
    }

    /// The query string with its `hash`, signed by the bot's token.
    #[must_use]
    pub fn signed(&self, bot_token: &str) -> String {
        let mut sorted: Vec<String> =
            self.pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        sorted.sort();
        let key = hmac(b"WebAppData", bot_token.as_bytes());
        let hash = hex(&hmac(&key, sorted.join("\n").as_bytes()));
        let mut query: Vec<String> = self
            .pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
            .collect();
        query.push(format!("hash={hash}"));
        query.join("&")
    }
}

/// HMAC-SHA256.
#[must_use]
pub fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything but unreserved characters as `%XX`.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL";

    #[test]
    fn the_published_vector_is_signed_alike() {
        let user =
            r#"{"id":1000000001,"first_name":"Test","username":"test_user","language_code":"ru"}"#;
        let signed = InitData { pairs: Vec::new() }
            .with("auth_date", "1768900000")
            .with("query_id", "AAE_TEST")
            .with("start_param", "utm_src_med_camp")
            .with("user", user)
            .signed(TOKEN);
        assert_eq!(signed, crate::VECTOR);
    }
}
