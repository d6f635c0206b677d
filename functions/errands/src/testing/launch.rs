//! Launch data as Telegram would sign it.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::clock::Instant;

/// Somebody at Telegram.
#[derive(Clone, Debug)]
pub(crate) struct Person(Value);

impl Person {
    /// Somebody with a first name and nothing else.
    pub(crate) fn new(id: i64, first_name: &str) -> Self {
        Self(json!({ "id": id, "first_name": first_name }))
    }

    /// The same with another field of the signed user.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }
}

/// Launch data of `person` of this instant, signed by the bot of `token`.
pub(crate) fn signed(person: &Person, at: Instant, token: &str) -> String {
    let fields = [("auth_date", at.seconds().to_string()), ("user", person.0.to_string())];
    let check = fields.clone().map(|(name, value)| format!("{name}={value}")).join("\n");
    let key = mac(b"WebAppData", token.as_bytes());
    let hash = mac(&key, check.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    let [date, user] = fields.map(|(name, value)| format!("{name}={}", escaped(&value)));
    format!("{date}&{user}&hash={hash}")
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte.is_ascii_alphanumeric() {
            true => escaped.push(char::from(byte)),
            false => write!(escaped, "%{byte:02X}").unwrap(),
        }
        escaped
    })
}
