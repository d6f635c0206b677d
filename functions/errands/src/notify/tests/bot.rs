//! A Bot API on a free port that answers as it is told and remembers what it took.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use crate::testing::BOT_TOKEN;

/// How the Bot API answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Fine,
    /// 429, with so many seconds to wait.
    Flooded(u32),
    /// 403.
    Blocked,
    /// 400.
    Unfit,
    /// 500.
    Failing,
    /// Took the message, and a gateway's time-out is all that is heard of it.
    Lost,
}

/// One message that was taken, or may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) chat: i64,
    pub(crate) text: String,
}

#[derive(Default)]
struct Inside {
    /// Answers to the next calls, before `moods` count.
    next: VecDeque<Mood>,
    moods: HashMap<i64, Mood>,
    calls: usize,
    sent: Vec<Sent>,
}

/// The Bot API.
#[derive(Clone, Default)]
pub(crate) struct Bot(Arc<Mutex<Inside>>);

impl Bot {
    /// Starts it, and answers its address.
    pub(crate) async fn start() -> (Self, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bot = Self::default();
        let router = Router::new().route("/{token}/{method}", post(answer)).with_state(bot.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (bot, url)
    }

    /// How calls for one chat are answered from now on.
    pub(crate) fn mood(&self, chat: i64, mood: Mood) {
        self.0.lock().unwrap().moods.insert(chat, mood);
    }

    /// How the next calls are answered, whatever their chat.
    pub(crate) fn next(&self, moods: &[Mood]) {
        self.0.lock().unwrap().next.extend(moods);
    }

    /// All messages so far.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0.lock().unwrap().sent.clone()
    }

    /// The texts that one chat got so far.
    pub(crate) fn texts(&self, chat: i64) -> Vec<String> {
        let to_chat = |sent: &Sent| sent.chat == chat;
        self.sent().into_iter().filter(to_chat).map(|sent| sent.text).collect()
    }

    /// All calls so far, those without effect included.
    pub(crate) fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }
}

async fn answer(
    State(bot): State<Bot>,
    Path((token, method)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    assert_eq!((token, method.as_str()), (format!("bot{BOT_TOKEN}"), "sendMessage"));
    assert!(body.get("parse_mode").is_none(), "{body}");
    let chat = body["chat_id"].as_i64().unwrap();
    let mood = {
        let mut inside = bot.0.lock().unwrap();
        inside.calls += 1;
        let usual = inside.moods.get(&chat).copied().unwrap_or(Mood::Fine);
        let mood = inside.next.pop_front().unwrap_or(usual);
        if matches!(mood, Mood::Fine | Mood::Lost) {
            let text = body["text"].as_str().unwrap().to_owned();
            inside.sent.push(Sent { chat, text });
        }
        mood
    };
    let refused = |code: u16, description: &str, parameters: Value| {
        let body = json!({
            "ok": false, "error_code": code, "description": description, "parameters": parameters,
        });
        (StatusCode::from_u16(code).unwrap(), Json(body))
    };
    match mood {
        Mood::Fine => (StatusCode::OK, Json(json!({ "ok": true, "result": { "message_id": 5 } }))),
        Mood::Flooded(s) => refused(429, "Too Many Requests", json!({ "retry_after": s })),
        Mood::Blocked => refused(403, "Forbidden: bot was blocked by the user", json!({})),
        Mood::Unfit => refused(400, "Bad Request: chat not found", json!({})),
        Mood::Failing => refused(500, "Internal Server Error", json!({})),
        Mood::Lost => refused(504, "Gateway Timeout", json!({})),
    }
}
