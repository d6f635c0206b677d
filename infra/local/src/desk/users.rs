//! `POST /_local/users`: a person as Telegram would sign them into a mini-app.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::telegram::{BotToken, init_data};

use crate::front::Front;
use crate::reply;
use crate::serve::Exchange;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    service: Option<String>,
    id: i64,
    /// How old the data is, in seconds; for tests of what has expired.
    #[serde(default)]
    age_s: i64,
    #[serde(default)]
    start_param: Option<String>,
    /// Everything else Telegram says of a person.
    #[serde(flatten)]
    more: Map<String, Value>,
}

const FIELDS: [&str; 7] = [
    "first_name",
    "last_name",
    "username",
    "language_code",
    "is_premium",
    "photo_url",
    "allows_write_to_pm",
];

pub(super) fn mint(front: &Front, exchange: &Exchange) -> Response<Bytes> {
    let body: Body = match exchange.json() {
        Ok(body) => body,
        Err(what) => return reply::bad(what),
    };
    if let Some(unknown) = body.more.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return reply::bad(format_args!("unknown field {unknown}"));
    }
    let services = front.wiring().services();
    let service = body.service.clone().or_else(|| services.first().cloned()).unwrap_or_default();
    let token = front.secrets().get(&service, "TELEGRAM_BOT_TOKEN");
    let Ok(token) = BotToken::parse(&token) else {
        return reply::refused(StatusCode::NOT_FOUND, format_args!("no such service: {service}"));
    };
    let now = front.engine().clock().now().as_second();
    let mut user = Map::new();
    user.insert("id".to_owned(), body.id.into());
    user.insert("first_name".to_owned(), "".into());
    user.extend(body.more);
    let user = Value::Object(user);
    let (shown, date) = (user.to_string(), now.saturating_sub(body.age_s).to_string());
    let mut fields = vec![("user", shown.as_str()), ("auth_date", date.as_str())];
    if let Some(parameter) = &body.start_param {
        fields.push(("start_param", parameter));
    }
    let init_data = init_data::sign(&fields, &token);
    reply::ok(&serde_json::json!({ "init_data": init_data, "user": user }))
}
