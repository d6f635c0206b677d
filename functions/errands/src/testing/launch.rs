//! Launch data as Telegram would sign it.

use serde_json::{Value, json};
use shared::clock::Instant;
use shared::telegram::{BotToken, sign};

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
    let (date, user) = (at.seconds().to_string(), person.0.to_string());
    let fields = [("auth_date", date.as_str()), ("user", user.as_str())];
    sign(&fields, &BotToken::parse(token).unwrap())
}
