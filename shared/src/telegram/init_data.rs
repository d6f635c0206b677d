//! The check of `initData`: what a mini-app says about its user, signed with the bot's token.
//!
//! Order: length, whether there is a hash at all, one strict form decoding, the hash, and only then
//! the content, read from the very bytes the hash was computed over: age before user. So an error
//! about either is told only to someone who holds data that Telegram has signed.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::Sha256;

use super::form::{self, FormError};
use super::token::BotToken;
use super::user::{TelegramId, TelegramUser};

/// The longest `initData` that is read, in bytes.
pub const RAW_MAX: usize = 8 * 1024;

/// The largest id of a person that Telegram promises.
const USER_ID_MAX: i64 = (1 << 52) - 1;

/// How old and how far ahead of the clock `initData` may be, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Greatest age in seconds, inclusive.
    pub max_age_s: u32,
    /// Greatest advance before the clock in seconds, inclusive.
    pub future_skew_s: u32,
    /// Largest id of its user, inclusive.
    pub user_id_max: i64,
}

impl Default for Rules {
    /// One day old, one minute ahead, an id of 52 bits.
    fn default() -> Self {
        Self { max_age_s: 86_400, future_skew_s: 60, user_id_max: USER_ID_MAX }
    }
}

/// The key derived from one bot token: `HMAC-SHA256("WebAppData", token)`.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// Derives the key; do it once, at start.
    #[must_use]
    pub fn from_bot_token(token: &BotToken) -> Self {
        Self(mac(b"WebAppData", token.reveal().as_bytes()).finalize().into_bytes().into())
    }

    /// Compares in constant time.
    fn signed(&self, message: &[u8], hash: &[u8; 32]) -> bool {
        mac(&self.0, message).verify_slice(hash).is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// HMAC-SHA256 of a message under a key of at most 64 bytes. HMAC itself fills short keys with
/// zeros up to the block, so filling here leaves no error to handle.
fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut block = [0_u8; 64];
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot = *byte;
    }
    Hmac::<Sha256>::new(&block.into()).chain_update(message)
}

/// The keys a verifier accepts: one, or two while a token is being replaced.
#[derive(Debug, Clone)]
pub struct Keys {
    current: Key,
    previous: Option<Key>,
}

impl Keys {
    /// One key.
    #[must_use]
    pub const fn one(current: Key) -> Self {
        Self { current, previous: None }
    }

    /// The key of the new token and that of the one it replaces.
    #[must_use]
    pub const fn rotating(current: Key, previous: Key) -> Self {
        Self { current, previous: Some(previous) }
    }

    fn signed(&self, message: &[u8], hash: &[u8; 32]) -> bool {
        self.current.signed(message, hash)
            || self.previous.as_ref().is_some_and(|key| key.signed(message, hash))
    }
}

impl From<Key> for Keys {
    fn from(key: Key) -> Self {
        Self::one(key)
    }
}

/// What a verified `initData` says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitData {
    /// Who opened the mini-app.
    pub user: TelegramUser,
    /// When Telegram signed it (whole seconds).
    pub auth_date: Timestamp,
    /// Handle for `answerWebAppQuery`.
    pub query_id: Option<String>,
    /// The `startapp` parameter of the link that opened the mini-app.
    pub start_param: Option<String>,
    /// Kind of the chat the link was opened from.
    pub chat_type: Option<String>,
    /// Opaque id of that chat.
    pub chat_instance: Option<String>,
    /// The chat itself, when opened from the attachment menu; `None` also when unreadable.
    pub chat: Option<InitDataChat>,
}

/// The chat of an [`InitData`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct InitDataChat {
    /// Its id.
    pub id: i64,
    /// `group`, `supergroup` or `channel`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its title.
    pub title: Option<String>,
    /// Its public name without `@`.
    pub username: Option<String>,
}

/// Why `initData` is refused. Repeats nothing of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InitDataError {
    /// Longer than [`RAW_MAX`].
    #[error("initData is too long")]
    TooLong,
    /// Not a form that reads in exactly one way.
    #[error("initData is not a well-formed form")]
    Malformed,
    /// A key occurs twice.
    #[error("initData repeats a key")]
    DuplicateKey,
    /// No `hash`.
    #[error("initData has no hash")]
    HashMissing,
    /// `hash` is not 64 lower-case hexadecimal digits.
    #[error("the hash of initData is malformed")]
    HashMalformed,
    /// No accepted token signed this.
    #[error("the hash of initData does not match")]
    HashMismatch,
    /// No `signature` (third-party check only).
    #[error("initData has no signature")]
    SignatureMissing,
    /// `signature` is not 64 bytes in base64url without padding (third-party check only).
    #[error("the signature of initData is malformed")]
    SignatureMalformed,
    /// Telegram did not sign this for this bot (third-party check only).
    #[error("the signature of initData does not match")]
    SignatureMismatch,
    /// No `auth_date`.
    #[error("initData has no auth_date")]
    AuthDateMissing,
    /// `auth_date` is not a plain decimal instant.
    #[error("the auth_date of initData is malformed")]
    AuthDateMalformed,
    /// Signed, but too long ago.
    #[error("initData has expired")]
    Expired,
    /// Signed with a date too far ahead of the clock.
    #[error("initData is dated in the future")]
    Future,
    /// Signed, but without a user (opened from a channel, for instance).
    #[error("initData names no user")]
    UserMissing,
    /// Signed, but the user is blank.
    #[error("the user of initData is blank")]
    UserBlank,
    /// The user is JSON, but has no id that a person can have.
    #[error("the user of initData has no id")]
    UserIdInvalid,
    /// The user cannot be read.
    #[error("the user of initData is malformed")]
    UserMalformed,
}

impl InitDataError {
    /// Whether the data was genuine and only its time is over.
    #[must_use]
    pub const fn is_expired(self) -> bool {
        matches!(self, Self::Expired)
    }
}

impl From<FormError> for InitDataError {
    fn from(error: FormError) -> Self {
        match error {
            FormError::Malformed => Self::Malformed,
            FormError::DuplicateKey => Self::DuplicateKey,
        }
    }
}

/// Verifies `initData` of the own bot.
///
/// # Errors
/// [`InitDataError`]; an age is reported only for data whose hash matches.
pub fn verify(
    raw: &str,
    keys: &Keys,
    now: Timestamp,
    rules: &Rules,
) -> Result<InitData, InitDataError> {
    let fields = Fields::parse(raw).map_err(|error| match error {
        InitDataError::TooLong => error,
        _ if names_hash(raw) => error,
        _ => InitDataError::HashMissing,
    })?;
    let hash = fields.get("hash").ok_or(InitDataError::HashMissing)?;
    let hash = lower_hex_32(hash).ok_or(InitDataError::HashMalformed)?;
    if !keys.signed(fields.check_string("", &["hash"]).as_bytes(), &hash) {
        return Err(InitDataError::HashMismatch);
    }
    fields.read(now, rules)
}

/// Does this, which does not read as a form, look as if it had a hash?
fn names_hash(raw: &str) -> bool {
    raw.split('&').any(|pair| pair.starts_with("hash="))
}

/// Mints `initData`: the fields, form-encoded, and their hash.
///
/// For test users and sandboxes. It needs the token, so it opens nothing that the token does not
/// already open. A field called `hash` is left out. Keys and values are taken as they are, so what
/// [`verify`] would refuse can be minted, too.
#[must_use]
pub fn sign(fields: &[(&str, &str)], token: &BotToken) -> String {
    let mut sorted: Vec<_> = fields.iter().filter(|(key, _)| *key != "hash").collect();
    sorted.sort_unstable();
    let lines: Vec<String> = sorted.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let key = Key::from_bot_token(token);
    let digest = mac(&key.0, lines.join("\n").as_bytes()).finalize().into_bytes();

    let mut raw = String::new();
    for (key, value) in fields.iter().filter(|(key, _)| *key != "hash") {
        form::encode_into(&mut raw, key);
        raw.push('=');
        form::encode_into(&mut raw, value);
        raw.push('&');
    }
    raw.push_str("hash=");
    for byte in digest {
        raw.push_str(&format!("{byte:02x}"));
    }
    raw
}

/// The decoded pairs, sorted by key, keys distinct.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn parse(raw: &str) -> Result<Self, InitDataError> {
        if raw.len() > RAW_MAX {
            return Err(InitDataError::TooLong);
        }
        Ok(Self(form::sorted_pairs(raw)?))
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.get(key).map(str::to_owned)
    }

    /// The text that was signed: a prefix, then `key=value` lines without the keys left out.
    pub(super) fn check_string(&self, prefix: &str, without: &[&str]) -> String {
        let mut text = prefix.to_owned();
        let mut kept = self.0.iter().filter(|(key, _)| !without.contains(&key.as_str()));
        if let Some((key, value)) = kept.next() {
            push_line(&mut text, key, value);
        }
        for (key, value) in kept {
            text.push('\n');
            push_line(&mut text, key, value);
        }
        text
    }

    /// Reads the content of data whose signature has been verified.
    pub(super) fn read(&self, now: Timestamp, rules: &Rules) -> Result<InitData, InitDataError> {
        let auth_date = self.get("auth_date").ok_or(InitDataError::AuthDateMissing)?;
        let auth_date = instant(auth_date).ok_or(InitDataError::AuthDateMalformed)?;
        let age = now.duration_since(auth_date);
        if age > SignedDuration::from_secs(i64::from(rules.max_age_s)) {
            return Err(InitDataError::Expired);
        }
        if age < SignedDuration::from_secs(-i64::from(rules.future_skew_s)) {
            return Err(InitDataError::Future);
        }
        let user = self.get("user").ok_or(InitDataError::UserMissing)?;
        if user.trim().is_empty() {
            return Err(InitDataError::UserBlank);
        }
        let user: TelegramUser = serde_json::from_str(user).map_err(|_| wrong_with(user))?;
        if user.id.get() > rules.user_id_max {
            return Err(InitDataError::UserIdInvalid);
        }
        Ok(InitData {
            user,
            auth_date,
            query_id: self.owned("query_id"),
            start_param: self.owned("start_param"),
            chat_type: self.owned("chat_type"),
            chat_instance: self.owned("chat_instance"),
            chat: self.get("chat").and_then(|chat| serde_json::from_str(chat).ok()),
        })
    }
}

/// What is wrong with a user that does not read.
fn wrong_with(user: &str) -> InitDataError {
    let Ok(user) = serde_json::from_str::<serde_json::Value>(user) else {
        return InitDataError::UserMalformed;
    };
    let id = user.get("id").and_then(serde_json::Value::as_i64);
    match id.and_then(TelegramId::new) {
        Some(_) => InitDataError::UserMalformed,
        None => InitDataError::UserIdInvalid,
    }
}

fn push_line(text: &mut String, key: &str, value: &str) {
    text.push_str(key);
    text.push('=');
    text.push_str(value);
}

/// 64 lower-case hexadecimal digits as bytes.
fn lower_hex_32(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0_u8; 32];
    let mut digits = text.bytes();
    for slot in &mut bytes {
        let high = form::hex_digit(digits.next()?)?;
        let low = form::hex_digit(digits.next()?)?;
        *slot = (high << 4) | low;
    }
    Some(bytes)
}

/// Epoch seconds in plain decimal: digits only, within what a timestamp can hold.
/// Seconds since 1970; what no calendar reaches is the end of time, which is too far ahead.
fn instant(text: &str) -> Option<Timestamp> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    Some(seconds.unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_of_the_vector() {
        let token = BotToken::parse("1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL").unwrap();
        assert_eq!(
            Some(Key::from_bot_token(&token).0),
            lower_hex_32("f0876fafe2275e42ab275348cb2356bf7f465b0e71241c58749410f6450e72ee")
        );
    }

    #[test]
    fn filling_the_key_gives_plain_hmac() {
        for length in [0_usize, 1, 32, 63, 64] {
            let key = vec![7; length];
            let plain = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(b"message");
            assert_eq!(mac(&key, b"message").finalize(), plain.finalize(), "{length}");
        }
    }
}
