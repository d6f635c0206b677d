//! LavaTop's public API on a free port, as far as the club calls it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

/// The key that the club calls with.
pub(crate) const API_KEY: &str = "test-lavatop-key";
/// The key that the club is called with.
pub(crate) const WEBHOOK_SECRET: &str = "test-lavatop-webhook-secret-0123456789";

/// How it behaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum LavatopMood {
    /// It answers.
    #[default]
    Fine,
    /// It does nothing and answers with this status.
    Refusing(u16),
    /// It does what it is asked, and its answer never comes.
    Mute,
    /// It does what it is asked, and nobody can read its answer.
    Garbled,
    /// It takes the call and answers when it is let go.
    Held,
    /// It takes this long over each call.
    Slow(Duration),
}

/// One purchase.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    /// As it was asked for; null of a renewal.
    pub(crate) asked: Value,
    /// `NEW`, `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub(crate) status: &'static str,
    /// A number as it is written.
    pub(crate) amount: String,
    /// Three letters.
    pub(crate) currency: String,
    /// The mark.
    pub(crate) mark: Option<String>,
    /// The first purchase of the subscription.
    pub(crate) parent: Option<String>,
    /// `ACTIVE`, `CANCELLED` or `FAILED`, of a subscription.
    pub(crate) subscription: Option<&'static str>,
}

/// What it knows.
#[derive(Debug, Default)]
pub(crate) struct LavatopBooks {
    /// How it behaves.
    pub(crate) mood: LavatopMood,
    /// Every call: method, path and query.
    pub(crate) calls: Vec<String>,
    /// The purchases by id.
    pub(crate) invoices: BTreeMap<String, Invoice>,
    /// What offers cost where it is not the usual, as it is written.
    pub(crate) price: Option<String>,
}

/// A running server; it ends with the test's runtime.
#[derive(Clone, Debug)]
pub(crate) struct LavatopServer {
    /// Its address.
    pub(crate) url: String,
    books: Arc<Mutex<LavatopBooks>>,
    called: Arc<watch::Sender<u32>>,
    let_go: Arc<watch::Sender<bool>>,
}

impl LavatopServer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/lavatop", listener.local_addr().unwrap());
        let (called, let_go) = (watch::channel(0).0, watch::channel(false).0);
        let server =
            Self { url, books: Arc::default(), called: called.into(), let_go: let_go.into() };
        let api = Router::new()
            .route("/api/v3/invoice", post(make))
            .route("/api/v1/invoices", get(list))
            .route("/api/v1/invoices/{id}", get(show))
            .route("/api/v1/subscriptions", delete(end))
            .route("/api/v1/subscriptions/{id}", get(subscription))
            .with_state(server.clone());
        let router = Router::new().nest("/lavatop", api);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        server
    }

    /// What it knows.
    pub(crate) fn books(&self) -> MutexGuard<'_, LavatopBooks> {
        self.books.lock().unwrap()
    }

    /// Makes it behave so from now on.
    pub(crate) fn feel(&self, mood: LavatopMood) {
        self.books().mood = mood;
    }

    /// Lets the calls go that it held.
    pub(crate) fn let_go(&self) {
        self.let_go.send_replace(true);
    }

    /// Waits until it was called so often.
    pub(crate) async fn called(&self, times: u32) {
        let mut called = self.called.subscribe();
        let enough = called.wait_for(|calls| *calls >= times);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(60), enough).await.unwrap();
    }

    /// The purchase that was made with this mark.
    pub(crate) fn marked(&self, mark: &str) -> (String, Invoice) {
        let books = self.books();
        let mut own = books.invoices.iter().filter(|(_, invoice)| {
            invoice.parent.is_none() && invoice.mark.as_deref() == Some(mark)
        });
        let (id, invoice) = own.next().unwrap_or_else(|| panic!("{mark}: {books:?}"));
        (id.clone(), invoice.clone())
    }

    /// Changes a purchase.
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Invoice)) {
        change(self.books().invoices.get_mut(id).unwrap());
    }

    /// Pays a purchase.
    pub(crate) fn pay(&self, id: &str) {
        self.change(id, |invoice| {
            invoice.status = "COMPLETED";
            let recurs = invoice.asked["periodicity"] != "ONE_TIME";
            invoice.subscription = recurs.then_some("ACTIVE");
        });
    }

    /// Takes the next payment of a subscription; its id.
    pub(crate) fn renew(&self, parent: &str) -> String {
        let mut books = self.books();
        let first = books.invoices[parent].clone();
        let id = next_id(&books);
        let parent = Some(parent.to_owned());
        let renewal = Invoice { asked: Value::Null, mark: None, parent, ..first };
        books.invoices.insert(id.clone(), Invoice { status: "COMPLETED", ..renewal });
        id
    }

    /// What it delivers of a purchase.
    pub(crate) fn word(&self, event: &str, id: &str) -> Value {
        let invoice = self.books().invoices[id].clone();
        let status = match (event, invoice.subscription) {
            ("payment.failed", _) => "failed",
            (_, Some(_)) => "subscription-active",
            _ => "completed",
        };
        let amount: Value = serde_json::from_str(&invoice.amount).unwrap();
        json!({
            "eventType": event,
            "product": { "id": "836b9fc5-0000-4000-8000-000000000000", "title": "Клуб" },
            "buyer": { "email": "anna@example.com" },
            "contractId": id,
            "parentContractId": invoice.parent,
            "amount": amount,
            "currency": invoice.currency,
            "timestamp": "2026-01-31T12:00:10.123456Z",
            "status": status,
            "errorMessage": "",
            "clientUtm": invoice.mark.map(|mark| json!({ "utm_source": null, "utm_term": mark })),
        })
    }

    async fn admit(&self, call: String, headers: &HeaderMap) -> Result<LavatopMood, StatusCode> {
        let mood = {
            let mut books = self.books();
            books.calls.push(call);
            books.mood.clone()
        };
        self.called.send_modify(|calls| *calls += 1);
        if headers.get("x-api-key").and_then(|key| key.to_str().ok()) != Some(API_KEY) {
            return Err(StatusCode::UNAUTHORIZED);
        }
        match mood {
            LavatopMood::Refusing(status) => Err(StatusCode::from_u16(status).unwrap()),
            LavatopMood::Held => {
                let _ = self.let_go.subscribe().wait_for(|let_go| *let_go).await;
                Ok(mood)
            }
            LavatopMood::Slow(pause) => {
                tokio::time::sleep(pause).await;
                Ok(mood)
            }
            other => Ok(other),
        }
    }
}

fn next_id(books: &LavatopBooks) -> String {
    format!("7ea82675-4ded-4133-95a7-{:012}", books.invoices.len() + 1)
}

/// What was done, as this mood lets it be known.
async fn told(mood: LavatopMood, status: StatusCode, body: String) -> Response {
    match mood {
        LavatopMood::Mute => std::future::pending().await,
        LavatopMood::Garbled => (status, "<html>").into_response(),
        _ => (status, [("content-type", "application/json")], body).into_response(),
    }
}

async fn make(
    State(server): State<LavatopServer>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let mood = server.admit("POST /api/v3/invoice".to_owned(), &headers).await?;
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let text = |name: &str| asked[name].as_str().map(str::to_owned);
    let (id, amount, currency) = {
        let mut books = server.books();
        let (id, currency) = (next_id(&books), text("currency").unwrap());
        let amount = books.price.clone().unwrap_or_else(|| "2000.00".to_owned());
        let invoice = Invoice {
            status: "NEW",
            amount: amount.clone(),
            currency: currency.clone(),
            mark: asked["clientUtm"]["utm_term"].as_str().map(str::to_owned),
            parent: None,
            subscription: None,
            asked,
        };
        books.invoices.insert(id.clone(), invoice);
        (id, amount, currency)
    };
    let url = format!("https://app.example.com/pay/{id}");
    let body = format!(
        r#"{{"id":"{id}","status":"new","amountTotal":{{"currency":"{currency}","amount":{amount}}},"paymentUrl":"{url}"}}"#
    );
    Ok(told(mood, StatusCode::CREATED, body).await)
}

fn shown(id: &str, invoice: &Invoice) -> String {
    let rest = json!({
        "id": id,
        "type": if invoice.subscription.is_some() { "RECURRING" } else { "ONE_TIME" },
        "datetime": "2026-01-31T12:00:10.123456Z",
        "status": invoice.status,
        "buyer": { "email": "anna@example.com" },
        "parentInvoice": invoice.parent.as_ref().map(|id| json!({ "id": id })),
        "subscriptionStatus": invoice.subscription,
        "clientUtm": invoice.mark.as_ref().map(|mark| json!({ "utm_term": mark })),
    });
    let rest = rest.to_string();
    let (amount, currency) = (&invoice.amount, &invoice.currency);
    let receipt = format!(r#"{{"amount":{amount},"currency":"{currency}","fee":1.5}}"#);
    format!(r#"{{"receipt":{receipt},{}"#, &rest[1..])
}

async fn show(
    State(server): State<LavatopServer>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, StatusCode> {
    let mood = server.admit(format!("GET /api/v1/invoices/{id}"), &headers).await?;
    let invoice = server.books().invoices.get(&id).cloned().ok_or(StatusCode::NOT_FOUND)?;
    Ok(told(mood, StatusCode::OK, shown(&id, &invoice)).await)
}

async fn list(
    State(server): State<LavatopServer>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, StatusCode> {
    let number = |name: &str| query[name].parse::<usize>().unwrap();
    let (page, size) = (number("page"), number("size"));
    let call = format!("GET /api/v1/invoices?beginDate={}&page={page}", query["beginDate"]);
    let mood = server.admit(call, &headers).await?;
    let items: Vec<String> = {
        let books = server.books();
        let paid = books.invoices.iter().filter(|(_, invoice)| invoice.status == "COMPLETED");
        let paid = paid.skip((page - 1) * size).take(size);
        paid.map(|(id, invoice)| shown(id, invoice)).collect()
    };
    let body = format!(r#"{{"items":[{}],"page":{page},"size":{size}}}"#, items.join(","));
    Ok(told(mood, StatusCode::OK, body).await)
}

async fn end(
    State(server): State<LavatopServer>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, StatusCode> {
    let (id, email) = (&query["contractId"], &query["email"]);
    let call = format!("DELETE /api/v1/subscriptions {id} {email}");
    let mood = server.admit(call, &headers).await?;
    {
        let mut books = server.books();
        let invoice = books.invoices.get_mut(id).ok_or(StatusCode::NOT_FOUND)?;
        if invoice.subscription != Some("ACTIVE") {
            return Err(StatusCode::BAD_REQUEST);
        }
        invoice.subscription = Some("CANCELLED");
    }
    Ok(told(mood, StatusCode::NO_CONTENT, String::new()).await)
}

async fn subscription(
    State(server): State<LavatopServer>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, StatusCode> {
    let mood = server.admit(format!("GET /api/v1/subscriptions/{id}"), &headers).await?;
    let invoice = server.books().invoices.get(&id).cloned().ok_or(StatusCode::NOT_FOUND)?;
    let body = json!({ "id": id, "subscriptionStatus": invoice.subscription });
    Ok(told(mood, StatusCode::OK, body.to_string()).await)
}
