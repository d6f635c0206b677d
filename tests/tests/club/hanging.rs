//! No webhook waits for Telegram (§17.15).

use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tests::{MONTH, is_of_onboarding};
use tokio::sync::watch;

use crate::all_providers::mall;
use crate::stars::telegram;

/// A Bot API that answers at once, or nobody until it is let go.
#[derive(Clone)]
struct Telegram {
    url: String,
    books: Arc<Mutex<Books>>,
    open: Arc<watch::Sender<bool>>,
}

/// What happened there.
#[derive(Default)]
struct Books {
    /// The texts that were sent.
    sent: Vec<String>,
    /// Callers that did not wait for their answer.
    gone: usize,
}

impl Telegram {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, books: Arc::default(), open: watch::channel(true).0.into() };
        let router = Router::new().route("/{bot}/{method}", post(serve)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        server
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// How many callers did not wait for their answer.
    fn gone(&self) -> usize {
        self.books().gone
    }

    /// Answers nobody from now on.
    fn hang(&self) {
        self.open.send_replace(false);
    }

    /// Answers everybody, those that wait first.
    fn recover(&self) {
        self.open.send_replace(true);
    }

    /// What members were told, but for what the clock tells newcomers.
    fn told(&self) -> Vec<String> {
        let books = self.books();
        books.sent.iter().filter(|text| !is_of_onboarding(text)).cloned().collect()
    }
}

/// A caller that waits for its answer.
struct Waiting(Option<Telegram>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(telegram) = self.0.take() {
            telegram.books().gone += 1;
        }
    }
}

async fn serve(
    State(telegram): State<Telegram>,
    Path((_bot, method)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Json<Value> {
    let mut waiting = Waiting(Some(telegram.clone()));
    let _ = telegram.open.subscribe().wait_for(|open| *open).await;
    waiting.0 = None;
    let result = match method.as_str() {
        "createInvoiceLink" => json!("https://t.me/$link"),
        "sendMessage" | "sendVideo" => {
            let text = body["text"].as_str().unwrap_or_default().to_owned();
            telegram.books().sent.push(text);
            json!({"message_id": 1})
        }
        _ => json!(true),
    };
    Json(json!({"ok": true, "result": result}))
}

/// The update that stars were paid.
fn charged(attempt: &str) -> Value {
    json!({"update_id": 900_001, "message": {
        "message_id": 7, "date": 1_768_910_400,
        "from": {"id": 42, "is_bot": false, "first_name": "Анна"},
        "chat": {"id": 42, "type": "private", "first_name": "Анна"},
        "successful_payment": {
            "currency": "XTR", "total_amount": 1_500, "invoice_payload": attempt,
            "telegram_payment_charge_id": "charge", "provider_payment_charge_id": "",
        },
    }})
}

#[tokio::test(flavor = "multi_thread")]
async fn p15_no_webhook_waits_for_a_telegram_that_hangs() {
    let server = Telegram::start().await;
    let mall = mall!("TELEGRAM_API_URL" => server.url.as_str());
    let world = &mall.world;
    let anna = world.member(42, "Анна").await;
    let sandbox = anna.link(MONTH).await;
    let lavatop = mall.link(&anna, "lavatop", "anna@example.com").await;
    let (purchase, _) = mall.lava.marked(&lavatop);
    mall.lava.pay(&purchase);
    let cloud = mall.link(&anna, "cloudpayments", "anna@example.com").await;
    let stars = mall.link(&anna, "stars", "anna@example.com").await;
    let order = format!("InvoiceId={cloud}&AccountId=42");
    let webhooks = [
        (world.webhook(&json!({"attempt_id": sandbox, "event": "success"})), &sandbox),
        (mall.lavatop(&purchase, Some(&lavatop), "anna@example.com"), &lavatop),
        (mall.cloudpayments("pay", 1, &order), &cloud),
        (telegram(world, &charged(&stars)), &stars),
    ];
    for (n, (webhook, attempt)) in webhooks.into_iter().enumerate() {
        server.hang();
        webhook.await.is(200);
        // Whoever has called Telegram by now waits for it still.
        assert_eq!((server.gone(), server.told().len()), (0, n));
        server.recover();
        world.idle().await;
        // A chat takes one message a second, and this world's clock stands still.
        world.advance(4).await;
        world.idle().await;
        assert_eq!(anna.attempt_status(attempt).await, "paid");
        assert_eq!(server.told().len(), n + 1, "{:?}", server.told());
    }
    assert_eq!(anna.balance().await, 2_000);
    world.advance(900).await;
    assert_eq!((server.told().len(), server.gone()), (4, 0));
}
