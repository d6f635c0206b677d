//! The sandbox provider, over HTTP on a free port.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post, put};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

/// One invoice as the provider knows it.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    /// `unpaid`, `paid`, `failed` or `refunded`.
    pub(crate) state: String,
    /// The provider's id of the payment.
    pub(crate) external_id: String,
    /// Minor units.
    pub(crate) amount_minor: u64,
    /// Three letters.
    pub(crate) currency: String,
}

/// How the provider behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It answers.
    #[default]
    Fine,
    /// It refuses with this status.
    Refusing(u16),
    /// It takes the call and never answers.
    Silent,
    /// It takes the call and answers when it is let go.
    Held,
    /// It gives back what it is asked to, and that answer is lost.
    Mute,
    /// The same, and it does not tell what it has given back either.
    Deaf,
}

#[derive(Debug, Default)]
struct Books {
    mood: Mood,
    invoices: BTreeMap<String, Invoice>,
    refunds: Vec<Refund>,
}

/// Money that it gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refund {
    /// Of which payment, by the provider's id.
    pub(crate) external_id: String,
    /// What the club calls it.
    pub(crate) refund_id: String,
    /// Minor units.
    pub(crate) amount_minor: u64,
}

/// A running provider; it ends with the test's runtime.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    url: String,
    books: Arc<Mutex<Books>>,
    called: Arc<watch::Sender<u32>>,
    let_go: Arc<watch::Sender<bool>>,
}

impl Provider {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/provider", listener.local_addr().unwrap());
        let (called, let_go) = (watch::channel(0).0, watch::channel(false).0);
        let provider =
            Self { url, books: Arc::default(), called: called.into(), let_go: let_go.into() };
        let router = Router::new()
            .route("/provider/invoices", post(make))
            .route("/provider/invoices/{id}", get(show))
            .route("/provider/invoices/{id}/state", put(change))
            .route("/provider/payments/{id}/refunds", get(show_refunds).post(refund))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Makes it behave so from now on.
    pub(crate) fn set_mood(&self, mood: Mood) {
        self.books().mood = mood;
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> u32 {
        *self.called.borrow()
    }

    /// Waits until it is called for the first time.
    pub(crate) async fn called(&self) {
        let mut called = self.called.subscribe();
        let first = called.wait_for(|calls| *calls > 0);
        let _ = tokio::time::timeout(Duration::from_secs(60), first).await.expect("a call");
    }

    /// Lets the calls go that it held.
    pub(crate) fn let_go(&self) {
        self.let_go.send_replace(true);
    }

    /// The invoice of an attempt.
    pub(crate) fn invoice(&self, attempt_id: &str) -> Option<Invoice> {
        self.books().invoices.get(attempt_id).cloned()
    }

    /// How many invoices there are.
    pub(crate) fn invoices(&self) -> usize {
        self.books().invoices.len()
    }

    /// What it gave back, in the order it did.
    pub(crate) fn refunds(&self) -> Vec<Refund> {
        self.books().refunds.clone()
    }

    /// Changes an invoice.
    pub(crate) fn change(&self, attempt_id: &str, change: impl FnOnce(&mut Invoice)) {
        change(self.books().invoices.get_mut(attempt_id).unwrap());
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Counts the call and lets it pass if it may.
    async fn admit(&self, headers: &HeaderMap) -> Result<(), StatusCode> {
        let expected = format!("Bearer {}", super::SANDBOX_SECRET);
        let given = headers.get("authorization").and_then(|value| value.to_str().ok());
        let mood = self.books().mood;
        self.called.send_modify(|calls| *calls += 1);
        match mood {
            _ if given != Some(&expected) => Err(StatusCode::UNAUTHORIZED),
            Mood::Fine | Mood::Mute | Mood::Deaf => Ok(()),
            Mood::Refusing(status) => Err(StatusCode::from_u16(status).unwrap()),
            Mood::Silent => std::future::pending().await,
            Mood::Held => {
                let _ = self.let_go.subscribe().wait_for(|let_go| *let_go).await;
                Ok(())
            }
        }
    }
}

#[derive(Deserialize)]
struct Wanted {
    attempt_id: String,
    amount_minor: u64,
    currency: String,
}

type Answer = Result<(StatusCode, Json<Value>), StatusCode>;

async fn make(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Json(wanted): Json<Wanted>,
) -> Answer {
    provider.admit(&headers).await?;
    let id = wanted.attempt_id;
    provider.books().invoices.entry(id.clone()).or_insert_with(|| Invoice {
        state: "unpaid".to_owned(),
        external_id: format!("sbx_{id}"),
        amount_minor: wanted.amount_minor,
        currency: wanted.currency,
    });
    let url = format!("{}/pay/{id}", provider.url);
    Ok((StatusCode::CREATED, Json(json!({ "invoice_id": format!("inv_{id}"), "url": url }))))
}

async fn show(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer {
    provider.admit(&headers).await?;
    let invoice = provider.invoice(&id).ok_or(StatusCode::NOT_FOUND)?;
    let shown = json!({
        "attempt_id": id, "invoice_id": format!("inv_{id}"), "state": invoice.state,
        "external_id": invoice.external_id, "amount_minor": invoice.amount_minor,
        "currency": invoice.currency,
    });
    Ok((StatusCode::OK, Json(shown)))
}

#[derive(Deserialize)]
struct Change {
    state: String,
    external_id: Option<String>,
}

async fn change(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(change): Json<Change>,
) -> Answer {
    provider.admit(&headers).await?;
    provider.invoice(&id).ok_or(StatusCode::NOT_FOUND)?;
    provider.change(&id, |invoice| {
        invoice.state = change.state;
        if let Some(external_id) = change.external_id {
            invoice.external_id = external_id;
        }
    });
    Ok((StatusCode::OK, Json(json!({}))))
}

async fn show_refunds(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer {
    provider.admit(&headers).await?;
    if provider.books().mood == Mood::Deaf {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let refunds = provider.refunds();
    let own = refunds.iter().filter(|refund| refund.external_id == id);
    let shown = own.map(
        |refund| json!({ "refund_id": refund.refund_id, "amount_minor": refund.amount_minor }),
    );
    Ok((StatusCode::OK, Json(json!({ "refunds": shown.collect::<Vec<_>>() }))))
}

#[derive(Deserialize)]
struct GiveBack {
    refund_id: String,
    amount_minor: u64,
}

/// Gives money back as often as it is asked to: that nobody asks twice is what tests look for.
async fn refund(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Path(external_id): Path<String>,
    Json(wanted): Json<GiveBack>,
) -> Answer {
    provider.admit(&headers).await?;
    let GiveBack { refund_id, amount_minor } = wanted;
    let answer = json!({ "refund_id": refund_id, "amount_minor": amount_minor });
    let refund = Refund { external_id, refund_id, amount_minor };
    let mood = {
        let mut books = provider.books();
        books.refunds.push(refund);
        books.mood
    };
    match mood {
        Mood::Mute | Mood::Deaf => std::future::pending().await,
        _ => Ok((StatusCode::CREATED, Json(answer))),
    }
}
