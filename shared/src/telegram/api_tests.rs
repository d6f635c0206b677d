//! The client against a loopback server that speaks the Bot API.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::api::{BotApi, BotApiError};
use super::outgoing::{
    ButtonAction, InlineButton, SendMessage, SendVideo, inline_keyboard, users_request,
};
use super::send_error::{SendError, Transient, Unknown};
use super::stars::{RefundOutcome, StarInvoice};
use super::token::BotToken;
use super::updates::ALLOWED_UPDATES;
use super::user::{ChatId, TelegramId};
use super::webhook::{SetWebhook, WebhookSecret};
use crate::outbound::Outbound;

const TOKEN: &str = "1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL";

/// What the server answers next: status and body; no answer at all when `None`.
type Reply = Option<(u16, String)>;

#[derive(Clone)]
struct Server {
    reply: Arc<Mutex<Reply>>,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
    base: String,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            reply: Arc::default(),
            seen: Arc::default(),
            base: format!("http://{}/sandbox", listener.local_addr().unwrap()),
        };
        let app =
            Router::new().route("/sandbox/{bot}/{method}", post(answer)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    fn api(&self) -> BotApi {
        BotApi::new(Outbound::new(), &self.base, BotToken::parse(TOKEN).unwrap()).unwrap()
    }

    fn replies(&self, status: u16, body: &Value) {
        self.replies_text(status, &body.to_string());
    }

    fn replies_text(&self, status: u16, body: &str) {
        *self.reply.lock().unwrap() = Some((status, body.to_owned()));
    }

    fn ok(&self, result: &Value) {
        self.replies(200, &json!({"ok": true, "result": result}));
    }

    fn last(&self) -> (String, Value) {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

async fn answer(
    State(server): State<Server>,
    Path((bot, method)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    assert_eq!(bot, format!("bot{TOKEN}"));
    let body = serde_json::from_slice(&body).unwrap();
    server.seen.lock().unwrap().push((method, body));
    let reply = server.reply.lock().unwrap().clone();
    match reply {
        Some((status, text)) => (StatusCode::from_u16(status).unwrap(), text).into_response(),
        None => std::future::pending().await,
    }
}

fn hello() -> SendMessage {
    SendMessage::plain(ChatId(42), "привет")
}

fn person() -> TelegramId {
    TelegramId::new(42).unwrap()
}

#[tokio::test]
async fn send_message_speaks_the_protocol() {
    let server = Server::start().await;
    server.ok(&json!({"message_id": 5, "chat": {"id": 42}}));
    assert_eq!(server.api().send_message(&hello()).await.unwrap().message_id, 5);
    assert_eq!(server.last(), ("sendMessage".to_owned(), json!({"chat_id": 42, "text": "привет"})));

    let rows = [vec![
        InlineButton { text: "A".into(), action: ButtonAction::CallbackData("a".into()) },
        InlineButton { text: "B".into(), action: ButtonAction::Url("https://t.me/x".into()) },
        InlineButton {
            text: "C".into(),
            action: ButtonAction::WebApp { url: "https://a.test".into() },
        },
    ]];
    let message = SendMessage { reply_markup: Some(inline_keyboard(&rows)), ..hello() };
    server.api().send_message(&message).await.unwrap();
    assert_eq!(
        server.last().1["reply_markup"],
        json!({"inline_keyboard": [[{"text": "A", "callback_data": "a"},
            {"text": "B", "url": "https://t.me/x"},
            {"text": "C", "web_app": {"url": "https://a.test"}}]]})
    );
    // What an outbox stores is what is sent.
    let stored = serde_json::to_string(&message).unwrap();
    assert_eq!(serde_json::from_str::<SendMessage>(&stored).unwrap(), message);
}

#[tokio::test]
async fn a_video_and_a_choice_speak_the_protocol() {
    let server = Server::start().await;
    server.ok(&json!({"message_id": 6, "video": {"file_id": "x"}}));
    let video =
        SendVideo { chat_id: ChatId(42), video: "x".into(), caption: "привет".into() };
    assert_eq!(server.api().send_video(&video).await.unwrap().message_id, 6);
    let body = json!({"chat_id": 42, "video": "x", "caption": "привет"});
    assert_eq!(server.last(), ("sendVideo".to_owned(), body));
    assert!(!format!("{video:?}").contains("привет"));
    let request = json!({"request_id": 3, "user_is_bot": false, "max_quantity": 1});
    let keyboard = json!({
        "keyboard": [[{"text": "кому", "request_users": request}]],
        "resize_keyboard": true, "one_time_keyboard": true,
    });
    assert_eq!(users_request("кому", 3), keyboard);
}

#[tokio::test]
async fn errors_are_classified() {
    let server = Server::start().await;
    let api = server.api();
    let told = |code: u16, description: &str| json!({"ok": false, "error_code": code, "description": description});
    let final_ = |code, description: &str| SendError::Final {
        code,
        description: description.to_owned(),
        migrate_to: None,
    };
    let flood = json!({"ok": false, "error_code": 429, "description": "Too Many Requests",
        "parameters": {"retry_after": 14}});
    let blocked = "Forbidden: bot was blocked by the user";
    let no_chat = "Bad Request: chat not found";
    let rows = [
        (429, flood.to_string(), SendError::RetryAfter { seconds: 14 }),
        (429, told(429, "x").to_string(), SendError::RetryAfter { seconds: 1 }),
        (429, "slow down".to_owned(), SendError::RetryAfter { seconds: 1 }),
        (429, flood.to_string().replace("14", "-14"), SendError::RetryAfter { seconds: 1 }),
        (
            429,
            flood.to_string().replace("14", "9999999999"),
            SendError::RetryAfter { seconds: u32::MAX },
        ),
        (403, told(403, blocked).to_string(), final_(403, blocked)),
        (400, told(400, no_chat).to_string(), final_(400, no_chat)),
        (200, told(400, no_chat).to_string(), final_(400, no_chat)),
        (401, told(401, "Unauthorized").to_string(), SendError::Definite(Transient::TokenRefused)),
        (404, told(404, "Not Found").to_string(), SendError::Definite(Transient::TokenRefused)),
        (500, told(500, "Internal").to_string(), SendError::Definite(Transient::Status(500))),
        (502, "<html>".to_owned(), SendError::Definite(Transient::Status(502))),
        (503, String::new(), SendError::Definite(Transient::Status(503))),
        (403, "<html>".to_owned(), SendError::Definite(Transient::Status(403))),
        (302, String::new(), SendError::Definite(Transient::Status(302))),
        (504, "<html>".to_owned(), SendError::Ambiguous(Unknown::TimedOut)),
        (504, told(504, "x").to_string(), SendError::Ambiguous(Unknown::TimedOut)),
        (200, "nonsense".to_owned(), SendError::Ambiguous(Unknown::Unreadable)),
        (200, String::new(), SendError::Ambiguous(Unknown::Unreadable)),
        (200, r#"{"ok":true}"#.to_owned(), SendError::Ambiguous(Unknown::Unreadable)),
        (200, r#"{"ok":true,"result":null}"#.to_owned(), SendError::Ambiguous(Unknown::Unreadable)),
        (200, r#"{"ok":true,"result":5}"#.to_owned(), SendError::Ambiguous(Unknown::Unreadable)),
        (200, r#"{"ok":"true"}"#.to_owned(), SendError::Ambiguous(Unknown::Unreadable)),
        (200, told(200, "x").to_string(), SendError::Ambiguous(Unknown::Unreadable)),
        (
            200,
            format!(r#"{{"ok":true,"result":"{}"}}"#, "x".repeat(1024 * 1024)),
            SendError::Ambiguous(Unknown::Unreadable),
        ),
    ];
    for (status, body, expected) in rows {
        server.replies_text(status, &body);
        let error = api.send_message(&hello()).await.unwrap_err();
        let body: String = body.chars().take(100).collect();
        assert_eq!(error, expected, "{status} {body}");
        let repeats = matches!(error, SendError::RetryAfter { .. } | SendError::Definite(_));
        assert_eq!(error.may_repeat(), repeats);
    }
}

#[tokio::test]
async fn people_are_banned_and_let_in_again() {
    let server = Server::start().await;
    server.ok(&json!(true));
    let (api, chat) = (server.api(), ChatId(-1_001_234));
    api.ban_chat_member(chat, person()).await.unwrap();
    let body = json!({"chat_id": -1_001_234, "user_id": 42});
    assert_eq!(server.last(), ("banChatMember".to_owned(), body));
    api.unban_chat_member(chat, person()).await.unwrap();
    let body = json!({"chat_id": -1_001_234, "user_id": 42, "only_if_banned": true});
    assert_eq!(server.last(), ("unbanChatMember".to_owned(), body));
    api.set_message_reaction(chat, 5, "\u{26a1}").await.unwrap();
    let reaction = json!([{"type": "emoji", "emoji": "⚡"}]);
    let body = json!({"chat_id": -1_001_234, "message_id": 5, "reaction": reaction});
    assert_eq!(server.last(), ("setMessageReaction".to_owned(), body));
    let told = "Bad Request: not enough rights to restrict/unrestrict chat member";
    server.replies(400, &json!({"ok": false, "error_code": 400, "description": told}));
    for error in
        [api.ban_chat_member(chat, person()).await, api.unban_chat_member(chat, person()).await]
    {
        assert!(matches!(error, Err(SendError::Final { code: 400, .. })), "{error:?}");
    }
    server.ok(&json!(false));
    let error = api.ban_chat_member(chat, person()).await.unwrap_err();
    assert_eq!(error, SendError::Ambiguous(Unknown::Unreadable));
}

#[tokio::test]
async fn migration_is_reported() {
    let server = Server::start().await;
    server.replies(
        400,
        &json!({"ok": false, "error_code": 400, "description": "group upgraded",
            "parameters": {"migrate_to_chat_id": -1_001_234}}),
    );
    let error = server.api().send_message(&hello()).await.unwrap_err();
    assert!(matches!(error, SendError::Final { migrate_to: Some(-1_001_234), .. }), "{error}");
}

#[tokio::test]
async fn silence_is_ambiguous_and_a_closed_port_is_not() {
    let server = Server::start().await;
    let api = server.api().with_time_limit(Duration::from_millis(150));
    let error = api.send_message(&hello()).await.unwrap_err();
    assert_eq!(error, SendError::Ambiguous(Unknown::TimedOut));
    assert_eq!(server.seen.lock().unwrap().len(), 1, "sent once, never repeated");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let api = BotApi::new(Outbound::new(), &base, BotToken::parse(TOKEN).unwrap()).unwrap();
    let error = api.send_message(&hello()).await.unwrap_err();
    assert_eq!(error, SendError::Definite(Transient::NotConnected));
}

#[tokio::test]
async fn hanging_up_after_the_request_is_ambiguous() {
    use tokio::io::AsyncReadExt as _;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    let api = BotApi::new(Outbound::new(), &base, BotToken::parse(TOKEN).unwrap()).unwrap();
    let error = api.send_message(&hello()).await.unwrap_err();
    assert_eq!(error, SendError::Ambiguous(Unknown::Broken));
}

#[tokio::test]
async fn payments_speak_the_protocol() {
    let server = Server::start().await;
    let api = server.api();

    server.ok(&json!("https://t.me/$abc"));
    let invoice = StarInvoice::recurring("Club", "A month", "att_1", 1500).unwrap();
    assert_eq!(api.create_invoice_link(&invoice).await.unwrap(), "https://t.me/$abc");
    let (method, body) = server.last();
    assert_eq!((method.as_str(), &body["currency"]), ("createInvoiceLink", &json!("XTR")));
    assert_eq!(body["prices"], json!([{"label": "Club", "amount": 1500}]));

    server.ok(&json!(true));
    api.answer_pre_checkout_query("q", Ok(())).await.unwrap();
    assert_eq!(server.last().1, json!({"pre_checkout_query_id": "q", "ok": true}));
    api.answer_pre_checkout_query("q", Err("Счёт устарел")).await.unwrap();
    assert_eq!(
        server.last().1,
        json!({"pre_checkout_query_id": "q", "ok": false, "error_message": "Счёт устарел"})
    );
    assert_eq!(api.refund_star_payment(person(), "ch").await.unwrap(), RefundOutcome::Refunded);
    assert_eq!(server.last().1, json!({"user_id": 42, "telegram_payment_charge_id": "ch"}));
    api.edit_user_star_subscription(person(), "ch", true).await.unwrap();
    assert_eq!(server.last().1["is_canceled"], true);
    api.answer_callback_query("c", None).await.unwrap();
    assert_eq!(server.last().1, json!({"callback_query_id": "c"}));

    let again = json!({"ok": false, "error_code": 400,
        "description": "Bad Request: CHARGE_ALREADY_REFUNDED"});
    server.replies(400, &again);
    assert_eq!(
        api.refund_star_payment(person(), "ch").await.unwrap(),
        RefundOutcome::AlreadyRefunded
    );
    let unknown = json!({"ok": false, "error_code": 400, "description": "CHARGE_NOT_FOUND"});
    server.replies(400, &unknown);
    assert!(api.refund_star_payment(person(), "ch").await.is_err());
    server.ok(&json!(false));
    assert!(api.answer_callback_query("c", None).await.is_err());
}

#[tokio::test]
async fn reports_are_read() {
    let server = Server::start().await;
    let api = server.api();
    server.ok(&json!({"transactions": [
        {"id": "ch", "amount": 1500, "date": 1_768_900_000, "source": {"type": "user",
            "transaction_type": "invoice_payment", "user": {"id": 42, "first_name": "T"},
            "invoice_payload": "att_1", "subscription_period": 2_592_000}},
        {"id": "x", "amount": 3, "nanostar_amount": 5, "date": 1, "receiver": {"type": "fragment",
            "withdrawal_state": {"type": "pending"}}},
    ]}));
    let page = api.get_star_transactions(100, 500).await.unwrap().transactions;
    assert_eq!(server.last().1, json!({"offset": 100, "limit": 100}));
    let source = page[0].source.as_ref().unwrap();
    assert_eq!(source.invoice_payload.as_deref(), Some("att_1"));
    assert_eq!(page[1].receiver.as_ref().unwrap().kind, "fragment");

    server.ok(&json!({"amount": 7}));
    assert_eq!(api.get_my_star_balance().await.unwrap().amount, 7);
    server.ok(&json!({"id": 1_000_000_001, "is_bot": true, "first_name": "Club"}));
    assert_eq!(api.get_me().await.unwrap().id.get(), api.bot_id());
    server.ok(&json!({"url": "", "has_custom_certificate": false, "pending_update_count": 3}));
    assert_eq!(api.get_webhook_info().await.unwrap().pending_update_count, 3);

    server.ok(&json!(true));
    let secret = WebhookSecret::parse("local_secret").unwrap();
    let webhook = SetWebhook {
        url: "https://a.test/hook",
        secret: &secret,
        allowed_updates: &ALLOWED_UPDATES,
        max_connections: 0,
    };
    api.set_webhook(&webhook).await.unwrap();
    let (_, body) = server.last();
    assert_eq!(
        (&body["secret_token"], &body["max_connections"]),
        (&json!("local_secret"), &json!(1))
    );
}

#[tokio::test]
async fn nothing_prints_the_token() {
    let server = Server::start().await;
    let echo = format!("Bad Request: /bot{TOKEN}/sendMessage {}", "x".repeat(500));
    server.replies(400, &json!({"ok": false, "error_code": 400, "description": echo}));
    let error = server.api().send_message(&hello()).await.unwrap_err();
    let printed = format!("{error} {error:?} {:?} {:?}", server.api(), hello());
    assert!(!printed.contains("SYNTHETIC") && !printed.contains("привет"), "{printed}");
    assert!(error.to_string().len() < 300);
}

#[test]
fn the_token_never_travels_in_the_clear() {
    let make = |url: &str| BotApi::new(Outbound::new(), url, BotToken::parse(TOKEN).unwrap()).err();
    for good in
        ["https://api.telegram.org", "http://127.0.0.1:80/x/", "http://localhost", "http://[::1]:1"]
    {
        assert_eq!(make(good), None, "{good}");
    }
    for (bad, error) in [
        ("http://api.telegram.org", BotApiError::Insecure),
        ("http://127.0.0.1.evil.example", BotApiError::Insecure),
        ("http://localhost@evil.example", BotApiError::Insecure),
        ("ftp://127.0.0.1", BotApiError::Address),
        ("https://a.test/?x=1", BotApiError::Address),
        ("/relative", BotApiError::Address),
        ("", BotApiError::Address),
    ] {
        assert_eq!(make(bad), Some(error), "{bad}");
    }
}
