//! The world outside, over HTTP on free ports: Crypto Bot, the Bot API and the sandbox provider,
//! each speaking its own protocol, and each able to fail.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

/// How a server behaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Mood {
    /// It answers.
    #[default]
    Fine,
    /// It does nothing and answers so.
    Refusing(u16, Value),
    /// It takes the call, does nothing and never answers.
    Silent,
    /// It does what it is asked and never answers.
    Mute,
}

/// What a server knows.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) mood: Mood,
    /// Every call: its method and its body.
    pub(super) calls: Vec<(String, Value)>,
    /// Invoices or transactions, the oldest first.
    pub(super) rows: Vec<Value>,
}

/// A running server; it ends with the test's runtime.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) url: String,
    kind: Kind,
    books: Arc<Mutex<Books>>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    CryptoBot,
    BotApi,
    Sandbox,
}

impl Server {
    async fn start(kind: Kind) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, kind, books: Arc::default() };
        let router = Router::new().route("/{*path}", any(serve)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        server
    }

    pub(super) async fn crypto_bot() -> Self {
        Self::start(Kind::CryptoBot).await
    }

    pub(super) async fn bot_api() -> Self {
        Self::start(Kind::BotApi).await
    }

    pub(super) async fn sandbox() -> Self {
        Self::start(Kind::Sandbox).await
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Makes it behave so from now on.
    pub(super) fn feel(&self, mood: Mood) {
        self.books().mood = mood;
    }

    /// The bodies of the calls of a method.
    pub(super) fn called(&self, method: &str) -> Vec<Value> {
        let books = self.books();
        let calls = books.calls.iter().filter(|(name, _)| name == method);
        calls.map(|(_, body)| body.clone()).collect()
    }

    /// Changes the row whose `field` holds `value`.
    pub(super) fn change(&self, field: &str, value: &Value, change: impl FnOnce(&mut Value)) {
        let mut books = self.books();
        let row = books.rows.iter_mut().find(|row| row[field] == *value);
        change(row.unwrap_or_else(|| panic!("no row with {field} {value}")));
    }
}

async fn serve(
    State(server): State<Server>,
    method: Method,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mood = server.books().mood.clone();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    server.books().calls.push((name.clone(), body.clone()));
    match mood {
        Mood::Refusing(status, answer) => {
            let status = StatusCode::from_u16(status).unwrap();
            return (status, axum::Json(answer)).into_response();
        }
        Mood::Silent => return std::future::pending().await,
        Mood::Fine | Mood::Mute => {}
    }
    let (status, answer) = match server.kind {
        Kind::CryptoBot => {
            assert!(headers.contains_key("crypto-pay-api-token"));
            assert_eq!(path, format!("api/{name}"));
            crypto_bot(&mut server.books(), &name, &body)
        }
        Kind::BotApi => {
            assert_eq!(path, format!("bot{}/{name}", crate::testing::BOT_TOKEN));
            bot_api(&mut server.books(), &name, &body)
        }
        Kind::Sandbox => {
            assert!(headers.contains_key("authorization"));
            sandbox(&mut server.books(), &method, &path, &body)
        }
    };
    if mood == Mood::Mute {
        return std::future::pending().await;
    }
    (StatusCode::from_u16(status).unwrap(), axum::Json(answer)).into_response()
}

fn crypto_bot(books: &mut Books, method: &str, body: &Value) -> (u16, Value) {
    match method {
        "createInvoice" => {
            assert_eq!((&body["currency_type"], &body["fiat"]), (&json!("fiat"), &json!("RUB")));
            let id = 4_294_967_297_u64 + u64::try_from(books.rows.len()).unwrap();
            let invoice = json!({
                "invoice_id": id, "hash": format!("h{id}"), "currency_type": "fiat",
                "fiat": "RUB", "amount": body["amount"], "status": "active",
                "payload": body["payload"], "description": body["description"],
                "bot_invoice_url": format!("https://t.me/CryptoBot?start=h{id}"),
                "mini_app_invoice_url": format!("https://t.me/CryptoBot/app?startapp=invoice-h{id}"),
                "web_app_invoice_url": format!("https://app.crypt.bot/invoices/h{id}"),
                "created_at": "2026-11-22T12:00:00.000Z", "allow_comments": true,
            });
            books.rows.push(invoice.clone());
            (200, json!({ "ok": true, "result": invoice }))
        }
        "getInvoices" => {
            let ids = body["invoice_ids"].as_str().map(|ids| ids.split(',').collect::<Vec<_>>());
            let wanted = |row: &&Value| {
                ids.as_ref().is_none_or(|ids| ids.contains(&row["invoice_id"].to_string().as_str()))
                    && (body["status"].is_null() || body["status"] == row["status"])
            };
            let count =
                |name: &str| usize::try_from(body[name].as_u64().unwrap_or_default()).unwrap();
            // The newest first, as the provider shows them.
            let items: Vec<_> = books.rows.iter().rev().filter(wanted).collect();
            let items: Vec<_> =
                items.into_iter().skip(count("offset")).take(count("count")).collect();
            (200, json!({ "ok": true, "result": { "items": items } }))
        }
        _ => (405, json!({ "ok": false, "error": { "code": 405, "name": "METHOD_NOT_FOUND" } })),
    }
}

fn bot_api(books: &mut Books, method: &str, body: &Value) -> (u16, Value) {
    let result = match method {
        "createInvoiceLink" => {
            assert_eq!((&body["currency"], &body["provider_token"]), (&json!("XTR"), &json!("")));
            let link = books.calls.len();
            json!(format!("https://t.me/$link{link}"))
        }
        "answerPreCheckoutQuery" => json!(true),
        "sendMessage" => json!({ "message_id": 1, "chat": { "id": body["chat_id"] } }),
        "getStarTransactions" => {
            let number = |name: &str| usize::try_from(body[name].as_u64().unwrap()).unwrap();
            let page: Vec<_> =
                books.rows.iter().skip(number("offset")).take(number("limit")).collect();
            json!({ "transactions": page })
        }
        other => panic!("{other} is not expected"),
    };
    (200, json!({ "ok": true, "result": result }))
}

fn sandbox(books: &mut Books, method: &Method, path: &str, body: &Value) -> (u16, Value) {
    let parts: Vec<_> = path.split('/').collect();
    let at = |id: &str| books.rows.iter().position(|row| row["attempt_id"] == id);
    match (method.as_str(), parts.as_slice()) {
        ("POST", ["invoices"]) => {
            let id = body["attempt_id"].as_str().unwrap();
            if at(id).is_none() {
                let invoice = json!({
                    "attempt_id": id, "invoice_id": format!("inv_{id}"), "state": "unpaid",
                    "external_id": null, "amount_minor": body["amount_minor"],
                    "currency": body["currency"],
                });
                books.rows.push(invoice);
            }
            let url = format!("https://pay.example.com/{id}");
            (201, json!({ "invoice_id": format!("inv_{id}"), "url": url }))
        }
        ("GET", ["invoices", id]) => match at(id) {
            Some(at) => (200, books.rows[at].clone()),
            None => (404, json!({})),
        },
        ("PUT", ["invoices", id, "state"]) => match at(id) {
            Some(at) => {
                books.rows[at]["state"] = body["state"].clone();
                books.rows[at]["external_id"] = json!(format!("sbx_{id}"));
                (200, books.rows[at].clone())
            }
            None => (404, json!({})),
        },
        _ => panic!("{method} {path} is not expected"),
    }
}
