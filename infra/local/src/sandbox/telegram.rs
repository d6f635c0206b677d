//! The Bot API: records what bots send and answers like the real one.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::stars::SECRET_HEADER;
use super::{Place, Sandboxes, Struck, hooks};
use crate::event::instant;
use crate::reply;
use crate::serve::{Exchange, Hangup, Reply};
use crate::store::{Store, StoreError};

/// One call of a bot that shows outside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SentByBot {
    /// Its number, over all chats.
    pub message_id: i64,
    /// The bot.
    pub bot_id: i64,
    /// The service that owns the bot.
    pub service: String,
    /// The method, such as `sendMessage`.
    pub method: String,
    /// The chat, when the method names one.
    pub chat_id: Option<i64>,
    /// The text or caption.
    pub text: Option<String>,
    /// When it came, by the clock.
    pub at: String,
    /// The whole request.
    pub payload: Value,
}

/// How calls for one chat are answered from now on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// The chat; `None` for any.
    #[serde(default)]
    chat_id: Option<i64>,
    /// The status of the answer, such as 403 or 429.
    status: u16,
    /// With 429: how many seconds to wait.
    #[serde(default)]
    retry_after: Option<u64>,
    /// The answer's text; Telegram's own for 400, 403 and 429 by default.
    #[serde(default)]
    description: Option<String>,
    /// For how many calls; `None` for all.
    #[serde(default)]
    times: Option<u64>,
}

/// What the sandbox remembers of bots.
#[derive(Default)]
pub(super) struct Bots {
    pub(super) rules: Vec<Rule>,
    sent: Vec<SentByBot>,
    webhooks: BTreeMap<i64, String>,
}

impl Bots {
    pub(super) fn load(store: &Store) -> Result<Self, StoreError> {
        let sent = store.list("telegram/sent/")?;
        let webhooks = store.get("telegram/webhooks")?.unwrap_or_default();
        Ok(Self { rules: Vec::new(), sent, webhooks })
    }

    fn rule(&mut self, chat: Option<i64>) -> Option<Rule> {
        let found = self.rules.iter().position(|rule| {
            (rule.chat_id.is_none() || rule.chat_id == chat) && rule.times != Some(0)
        })?;
        let rule = self.rules.get_mut(found)?;
        rule.times = rule.times.map(|times| times.saturating_sub(1));
        Some(rule.clone())
    }
}

impl Sandboxes {
    pub(super) fn add_rule(&self, exchange: &Exchange) -> Response<Bytes> {
        match exchange.json::<Rule>() {
            Ok(rule) if (400..600).contains(&rule.status) => {
                self.bots().rules.push(rule);
                reply::ok(&json!({ "ok": true }))
            }
            Ok(_) => reply::bad("status must be 400 to 599"),
            Err(what) => reply::bad(what),
        }
    }

    pub(super) fn messages(&self, exchange: &Exchange) -> Response<Bytes> {
        let chat = exchange.query("chat_id");
        let chat: Option<i64> = match chat.as_deref().map(str::parse).transpose() {
            Ok(chat) => chat,
            Err(_) => return reply::bad("chat_id must be a number"),
        };
        let service = exchange.query("service");
        let bots = self.bots();
        let wanted = bots.sent.iter().filter(|sent| chat.is_none() || sent.chat_id == chat);
        let wanted = wanted.filter(|sent| service.as_ref().is_none_or(|of| *of == sent.service));
        let messages: Vec<&SentByBot> = wanted.collect();
        reply::ok(&json!({ "messages": messages }))
    }

    /// The last messages of all bots, newest first.
    pub(crate) fn last_messages(&self, limit: usize) -> Vec<SentByBot> {
        self.bots().sent.iter().rev().take(limit).cloned().collect()
    }

    /// A call `/bot<token>/<method>`.
    pub(super) async fn bot_call(&self, exchange: &Exchange, bot: &str, method: &str) -> Reply {
        let token = bot.strip_prefix("bot").unwrap_or_default();
        let Some((service, bot_id)) = self.inner.secrets.bot(token) else {
            return Ok(failure(401, "Unauthorized", None));
        };
        let struck = self.before(Place::Telegram).await;
        if let Struck::Instead(reply) = struck {
            return *reply;
        }
        let payload = payload(exchange);
        let chat = payload.get("chat_id").and_then(number);
        if let Some(rule) = self.bots().rule(chat) {
            let description = rule.description.clone().unwrap_or_else(|| said(&rule));
            return Ok(failure(rule.status, &description, rule.retry_after));
        }
        let response = match self.perform(&service, bot_id, method, chat, payload) {
            Ok(result) => reply::ok(&json!({ "ok": true, "result": result })),
            Err(Refusal::Store(error)) => failure(500, &error.to_string(), None),
            Err(Refusal::Bad(description)) => failure(400, description, None),
        };
        if matches!(struck, Struck::Afterwards) { Err(Hangup::Now) } else { Ok(response) }
    }

    fn perform(
        &self,
        service: &str,
        bot_id: i64,
        method: &str,
        chat: Option<i64>,
        payload: Value,
    ) -> Result<Value, Refusal> {
        let text = payload.get("text").or_else(|| payload.get("caption"));
        let text = text.and_then(Value::as_str).map(str::to_owned);
        let at = self.inner.clock.now();
        let mut bots = self.bots();
        let result = match method {
            "getMe" => return Ok(me(service, bot_id)),
            "getWebhookInfo" => {
                let url = bots.webhooks.get(&bot_id).cloned().unwrap_or_default();
                return Ok(json!({
                    "url": url, "has_custom_certificate": false, "pending_update_count": 0,
                }));
            }
            "getStarTransactions" => return Ok(self.star_transactions(service, &payload)?),
            "getChat" => return Ok(json!({ "id": chat, "type": "private" })),
            "setWebhook" => {
                let url = payload.get("url").and_then(Value::as_str).unwrap_or_default();
                bots.webhooks.insert(bot_id, url.to_owned());
                self.inner.store.put("telegram/webhooks", &bots.webhooks)?;
                Value::Bool(true)
            }
            "deleteWebhook" => {
                bots.webhooks.remove(&bot_id);
                self.inner.store.put("telegram/webhooks", &bots.webhooks)?;
                Value::Bool(true)
            }
            "createInvoiceLink" => {
                self.star_invoice(service, &payload)?;
                let link = uuid::Uuid::new_v4().simple().to_string();
                format!("https://t.me/$local{link}").into()
            }
            "createChatInviteLink" => {
                let link = uuid::Uuid::new_v4().simple().to_string();
                json!({ "invite_link": format!("https://t.me/+local{link}") })
            }
            "sendMessage" if chat.is_none() => {
                return Err(Refusal::Bad("Bad Request: chat_id is empty"));
            }
            "sendMessage" if text.as_deref().is_none_or(|text| text.trim().is_empty()) => {
                return Err(Refusal::Bad("Bad Request: message text is empty"));
            }
            "sendMessage" if text.as_ref().is_some_and(|text| text.chars().count() > 4096) => {
                return Err(Refusal::Bad("Bad Request: message is too long"));
            }
            "refundStarPayment" if !self.refund_stars(service, &payload)? => {
                return Err(Refusal::Bad("Bad Request: CHARGE_ALREADY_REFUNDED"));
            }
            _ => Value::Null,
        };
        let message_id = i64::try_from(bots.sent.len()).unwrap_or(i64::MAX).saturating_add(1);
        let sent = SentByBot {
            message_id,
            bot_id,
            service: service.to_owned(),
            method: method.to_owned(),
            chat_id: chat,
            text,
            at: instant(at),
            payload,
        };
        self.inner.store.put(&format!("telegram/sent/{message_id:012}"), &sent)?;
        let result = match result {
            Value::Null if method.starts_with("send") => json!({
                "message_id": message_id,
                "from": me(service, bot_id),
                "chat": { "id": chat, "type": "private" },
                "date": at.as_second(),
                "text": sent.text,
            }),
            Value::Null => Value::Bool(true),
            result => result,
        };
        bots.sent.push(sent);
        Ok(result)
    }

    /// The webhook that a service's bot has set itself, below the root of the service's API.
    pub(super) fn webhook_of(&self, service: &str) -> Option<String> {
        let bot = self.inner.secrets.bot_id(service)?;
        let url = self.bots().webhooks.get(&bot).cloned()?;
        let root = self.inner.services.get(service)?;
        Some(url.strip_prefix(root.as_str())?.to_owned())
    }

    /// Delivers an update to a bot's webhook.
    pub(super) async fn update(&self, exchange: &Exchange) -> Response<Bytes> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            #[serde(default)]
            service: Option<String>,
            update: Value,
        }
        let body: Body = match exchange.json() {
            Ok(body) => body,
            Err(what) => return reply::bad(what),
        };
        let service = body.service.unwrap_or_else(|| self.default_service().to_owned());
        let secret = self.inner.secrets.get(&service, "TELEGRAM_WEBHOOK_SECRET");
        let path = self.webhook_of(&service);
        let path = path.unwrap_or_else(|| hooks::of(&service).telegram.to_owned());
        let answer = self.deliver(&service, &path, (SECRET_HEADER, &secret), &body.update).await;
        reply::ok(&answer)
    }
}

enum Refusal {
    Bad(&'static str),
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn me(service: &str, bot_id: i64) -> Value {
    json!({
        "id": bot_id, "is_bot": true, "first_name": service,
        "username": format!("local_{service}_bot"),
    })
}

/// A JSON body, or the fields of a form or of the query.
fn payload(exchange: &Exchange) -> Value {
    if let Ok(body) = serde_json::from_slice::<Value>(&exchange.body) {
        return body;
    }
    let body = String::from_utf8_lossy(&exchange.body).into_owned();
    let form = if body.is_empty() {
        exchange.parts.uri.query().unwrap_or_default().to_owned()
    } else {
        body
    };
    let fields = form.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), crate::route::decode(&value.replace('+', " ")).into()))
    });
    Value::Object(fields.collect())
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn said(rule: &Rule) -> String {
    match rule.status {
        400 => "Bad Request: chat not found".to_owned(),
        403 => "Forbidden: bot was blocked by the user".to_owned(),
        429 => format!("Too Many Requests: retry after {}", rule.retry_after.unwrap_or(1)),
        status => format!("Error {status}"),
    }
}

fn failure(status: u16, description: &str, retry_after: Option<u64>) -> Response<Bytes> {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = json!({ "ok": false, "error_code": status, "description": description });
    let wait = retry_after.or((status == 429).then_some(1));
    if let (Some(wait), Some(body)) = (wait, body.as_object_mut()) {
        body.insert("parameters".to_owned(), json!({ "retry_after": wait }));
    }
    reply::json(code, &body)
}
