//! The Bot API on a free port, as far as the club calls it.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http::StatusCode;
use serde_json::{Value, json};

/// How it behaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum BotMood {
    /// It answers.
    #[default]
    Fine,
    /// It does nothing and answers with this status and body.
    Refusing(u16, Value),
    /// It answers so many calls, and then tells to wait.
    Patient(usize),
    /// It takes the call, does nothing and never answers.
    Silent,
}

impl BotMood {
    /// It refuses with Telegram's own words.
    pub(crate) fn refusing(code: u16, description: &str) -> Self {
        let parameters = if code == 429 { json!({ "retry_after": 1 }) } else { Value::Null };
        let body = json!({
            "ok": false, "error_code": code, "description": description, "parameters": parameters,
        });
        Self::Refusing(code, body)
    }
}

/// What it knows.
#[derive(Debug, Default)]
pub(crate) struct BotBooks {
    /// How it behaves.
    pub(crate) mood: BotMood,
    /// Every call: its method and its body.
    pub(crate) calls: Vec<(String, Value)>,
    /// The bot's transactions, the oldest first.
    pub(crate) transactions: Vec<Value>,
    /// Who is in no chat any more.
    pub(crate) gone: Vec<i64>,
}

/// A running server; it ends with the test's runtime.
#[derive(Clone, Debug)]
pub(crate) struct BotServer {
    /// Its address.
    pub(crate) url: String,
    books: Arc<Mutex<BotBooks>>,
}

impl BotServer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, books: Arc::default() };
        let router =
            Router::new().route("/{token}/{method}", post(serve)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        server
    }

    /// What it knows.
    pub(crate) fn books(&self) -> MutexGuard<'_, BotBooks> {
        self.books.lock().unwrap()
    }

    /// Makes it behave so from now on.
    pub(crate) fn feel(&self, mood: BotMood) {
        self.books().mood = mood;
    }

    /// The bodies of the calls of a method.
    pub(crate) fn called(&self, method: &str) -> Vec<Value> {
        let books = self.books();
        let calls = books.calls.iter().filter(|(name, _)| name == method);
        calls.map(|(_, body)| body.clone()).collect()
    }
}

async fn serve(
    State(server): State<BotServer>,
    Path((token, method)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    assert_eq!(token, "bot7000000001:local-club");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let mood = {
        let mut books = server.books();
        books.calls.push((method.clone(), body.clone()));
        let mood = books.mood.clone();
        match mood {
            BotMood::Patient(0) => BotMood::refusing(429, "Too Many Requests: retry after 1"),
            BotMood::Patient(calls) => {
                books.mood = BotMood::Patient(calls - 1);
                BotMood::Fine
            }
            mood => mood,
        }
    };
    match mood {
        BotMood::Refusing(status, answer) => {
            (StatusCode::from_u16(status).unwrap(), axum::Json(answer)).into_response()
        }
        BotMood::Silent => std::future::pending().await,
        BotMood::Fine | BotMood::Patient(_) => {
            let result = perform(&server.books(), &method, &body);
            axum::Json(json!({ "ok": true, "result": result })).into_response()
        }
    }
}

fn perform(books: &BotBooks, method: &str, body: &Value) -> Value {
    match method {
        "createInvoiceLink" => json!(format!("https://t.me/$link{}", books.calls.len())),
        "answerPreCheckoutQuery"
        | "editUserStarSubscription"
        | "answerCallbackQuery"
        | "banChatMember"
        | "leaveChat"
        | "refundStarPayment"
        | "unbanChatMember"
        | "setChatPermissions"
        | "setMessageReaction" => json!(true),
        "createChatInviteLink" => {
            json!({ "invite_link": format!("https://t.me/+link{}", books.calls.len()) })
        }
        "getChatMember" => {
            let id = body["user_id"].as_i64().unwrap();
            let status = if books.gone.contains(&id) { "left" } else { "member" };
            json!({ "user": { "id": id, "first_name": "Анна" }, "status": status })
        }
        "sendMessage" | "sendVideo" => json!({ "message_id": books.calls.len() }),
        "getStarTransactions" => {
            let number = |name: &str| usize::try_from(body[name].as_u64().unwrap()).unwrap();
            let rows = books.transactions.iter().skip(number("offset")).take(number("limit"));
            json!({ "transactions": rows.collect::<Vec<_>>() })
        }
        other => panic!("{other} is not expected"),
    }
}
