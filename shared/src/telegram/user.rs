//! Ids of people and chats, the signed user of `initData`.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use super::photo::photo_url;

/// The largest id of a person: 53 bits, which a JSON number carries exactly. Telegram promises 52;
/// what a service believes of signed data is its own to say.
const ID_MAX: i64 = (1 << 53) - 1;

/// The id of a person (or bot) at Telegram: 1 to 2^53 − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TelegramId(i64);

impl TelegramId {
    /// An id within the limits, else `None`.
    #[must_use]
    pub const fn new(id: i64) -> Option<Self> {
        if id >= 1 && id <= ID_MAX { Some(Self(id)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The private chat with this person, which has the same number.
    #[must_use]
    pub const fn chat(self) -> ChatId {
        ChatId(self.0)
    }
}

impl fmt::Display for TelegramId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not the id of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a Telegram id")]
pub struct TelegramIdError;

impl FromStr for TelegramId {
    type Err = TelegramIdError;

    /// Plain decimal only: no sign, no leading zero.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TelegramIdError);
        }
        text.parse().ok().and_then(Self::new).ok_or(TelegramIdError)
    }
}

impl<'de> Deserialize<'de> for TelegramId {
    /// Integers only: `1.0` and `"1"` are refused, as two readers might differ about them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = TelegramId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer from 1 to 2^53 - 1")
            }

            fn visit_i64<E: de::Error>(self, id: i64) -> Result<TelegramId, E> {
                TelegramId::new(id).ok_or_else(|| E::custom("id out of range"))
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<TelegramId, E> {
                i64::try_from(id)
                    .ok()
                    .and_then(TelegramId::new)
                    .ok_or_else(|| E::custom("id out of range"))
            }
        }
        deserializer.deserialize_i64(IdVisitor)
    }
}

/// The id of a chat: positive for private chats, negative for groups and channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChatId(pub i64);

impl ChatId {
    /// Whether messages to it fall under the limit of groups.
    #[must_use]
    pub const fn is_group(self) -> bool {
        self.0 < 0
    }
}

impl From<TelegramId> for ChatId {
    fn from(id: TelegramId) -> Self {
        id.chat()
    }
}

impl fmt::Display for ChatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The person a mini-app was opened by, as signed by Telegram.
///
/// `Debug` shows the id alone: names are personal data and do not belong in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct TelegramUser {
    /// The only field that identifies the person; all others may change at any time.
    pub id: TelegramId,
    /// Given name, possibly empty.
    pub first_name: String,
    /// Family name.
    pub last_name: Option<String>,
    /// Public name without `@`.
    pub username: Option<String>,
    /// IETF language tag of the person's client.
    pub language_code: Option<String>,
    /// The photo, already through the policy of [`photo_url`].
    pub photo_url: Option<String>,
    /// Whether the person has Telegram Premium.
    pub is_premium: bool,
    /// Whether this is a bot.
    pub is_bot: bool,
    /// Whether the bot may write to the person.
    pub allows_write_to_pm: bool,
}

impl fmt::Debug for TelegramUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramUser").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for TelegramUser {
    /// Unknown fields pass, a field that occurs twice does not, known or not: of two equal keys
    /// one reader takes the first and another the last, and that is an impersonation.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UserVisitor)
    }
}

struct UserVisitor;

impl<'de> Visitor<'de> for UserVisitor {
    type Value = TelegramUser;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Telegram user")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TelegramUser, A::Error> {
        let mut seen = HashSet::new();
        let mut id = None;
        let mut first_name: Option<String> = None;
        let (mut last_name, mut username, mut language_code) = (None, None, None);
        let mut photo: Option<String> = None;
        let (mut premium, mut bot, mut writable) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "id" => id = Some(map.next_value()?),
                "first_name" => first_name = map.next_value()?,
                "last_name" => last_name = map.next_value()?,
                "username" => username = map.next_value()?,
                "language_code" => language_code = map.next_value()?,
                "photo_url" => photo = map.next_value()?,
                "is_premium" => premium = map.next_value()?,
                "is_bot" => bot = map.next_value()?,
                "allows_write_to_pm" => writable = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if !seen.insert(key) {
                return Err(de::Error::custom("a field occurs twice"));
            }
        }
        Ok(TelegramUser {
            id: id.ok_or_else(|| de::Error::missing_field("id"))?,
            first_name: first_name.unwrap_or_default(),
            last_name,
            username,
            language_code,
            photo_url: photo.as_deref().and_then(photo_url),
            is_premium: premium.unwrap_or(false),
            is_bot: bot.unwrap_or(false),
            allows_write_to_pm: writable.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(json: &str) -> Result<TelegramUser, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn reads_a_full_user_and_a_bare_one() {
        let full = user(
            r#"{"id":42,"first_name":"A","last_name":"B","username":"c","language_code":"ru",
                "is_premium":true,"allows_write_to_pm":true,"is_bot":false,
                "photo_url":"https:\/\/t.me\/i\/userpic\/320\/x.svg","new_field":{"a":[1]}}"#,
        )
        .unwrap();
        assert_eq!(full.id.get(), 42);
        assert_eq!(full.last_name.as_deref(), Some("B"));
        assert_eq!(full.photo_url.as_deref(), Some("https://t.me/i/userpic/320/x.svg"));
        assert!(full.is_premium && full.allows_write_to_pm && !full.is_bot);
        let bare = user(r#"{"id":1,"last_name":null,"is_premium":null}"#).unwrap();
        assert_eq!((bare.first_name.as_str(), bare.last_name), ("", None));
    }

    #[test]
    fn ids_are_integers_of_53_bits() {
        for id in ["1", "2147483648", "4503599627370496", "9007199254740991"] {
            assert!(user(&format!(r#"{{"id":{id}}}"#)).is_ok(), "{id}");
        }
        for id in [
            "0",
            "-1",
            "-0",
            "1.0",
            "1e3",
            "\"1\"",
            "null",
            "true",
            "[1]",
            "01",
            "+1",
            "9007199254740992",
            "9223372036854775808",
            "18446744073709551616",
            "99999999999999999999999999",
        ] {
            assert!(user(&format!(r#"{{"id":{id}}}"#)).is_err(), "{id}");
            assert!(id.parse::<TelegramId>().is_err(), "{id}");
        }
        assert_eq!("7".parse::<TelegramId>().unwrap().get(), 7);
        assert!("".parse::<TelegramId>().is_err());
    }

    #[test]
    fn refuses_twins_and_wrong_types() {
        for json in [
            r#"{"id":1,"id":2}"#,
            r#"{"id":1,"id":1}"#,
            r#"{"id":1,"\u0069d":2}"#,
            r#"{"id":1,"later":1,"later":2}"#,
            r#"{"id":1,"username":null,"username":"x"}"#,
            r#"{"first_name":"A"}"#,
            r#"{"id":1,"username":5}"#,
            r#"{"id":1,"is_premium":"true"}"#,
            r#"{"id":1}{"id":2}"#,
            r#"[1]"#,
            r#"{}"#,
            "null",
            "",
        ] {
            assert!(user(json).is_err(), "{json}");
        }
    }

    #[test]
    fn debug_shows_no_names() {
        let printed = format!("{:?}", user(r#"{"id":5,"first_name":"Secretive"}"#).unwrap());
        assert!(printed.contains('5') && !printed.contains("Secretive"), "{printed}");
    }
}
