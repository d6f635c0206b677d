//! CloudPayments on a free port, as far as the club calls it: orders, operations, subscriptions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use shared::money::{Currency, Money};

/// The site's public id.
pub(crate) const PUBLIC_ID: &str = "pk_synthetic";
/// The secret of its API.
pub(crate) const API_SECRET: &str = "synthetic-cp-secret";
/// `<PUBLIC_ID>:<API_SECRET>`, as the header has it.
const LOGIN: &str = "Basic cGtfc3ludGhldGljOnN5bnRoZXRpYy1jcC1zZWNyZXQ=";
/// Operations of one page.
const PAGE: usize = 100;

/// How it behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CloudMood {
    /// It answers.
    #[default]
    Fine,
    /// It does nothing and answers with this status.
    Refusing(u16),
    /// It does nothing and says that it does not.
    SayingNo,
    /// It takes the call, does nothing and never answers.
    Silent,
    /// It does what it is asked to and never answers.
    Mute,
    /// It does what it is asked to, its answer to this one call cannot be read, and then it is as
    /// [`CloudBooks::then`] says.
    GarblingOnce,
}

/// A call that it took.
#[derive(Clone, Debug)]
pub(crate) struct CloudCall {
    /// Such as `orders/create`.
    pub(crate) method: String,
    /// The call's `X-Request-ID`.
    pub(crate) request_id: Option<String>,
    /// As it came: numbers in it are as they were written.
    pub(crate) body: String,
}

impl CloudCall {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What it knows.
#[derive(Debug, Default)]
pub(crate) struct CloudBooks {
    /// How it behaves.
    pub(crate) mood: CloudMood,
    /// How it behaves after it garbled once.
    pub(crate) then: CloudMood,
    /// Every call.
    pub(crate) calls: Vec<CloudCall>,
    /// Every operation, the oldest first.
    pub(crate) operations: Vec<Value>,
    /// Subscriptions and where they stand.
    pub(crate) subscriptions: BTreeMap<String, String>,
    /// How many orders were made.
    pub(crate) orders: usize,
    answered: BTreeMap<(String, String), Value>,
}

impl CloudBooks {
    /// Adds an operation that ended well; `more` says what is different or besides. Answers its
    /// number.
    pub(crate) fn add(&mut self, more: &Value) -> u64 {
        let number = 1_001 + u64::try_from(self.operations.len()).unwrap();
        let mut operation = json!({
            "TransactionId": number, "Amount": 2000.0, "Currency": "RUB", "Status": "Completed",
            "Type": 0, "InvoiceId": null, "AccountId": null, "SubscriptionId": null,
            "OriginalTransactionId": null, "JsonData": null, "Refunded": false,
        });
        for (name, value) in more.as_object().unwrap() {
            operation[name] = value.clone();
        }
        self.operations.push(operation);
        number
    }
}

/// A running server; it ends with the test's runtime.
#[derive(Clone, Debug)]
pub(crate) struct CloudServer {
    /// Its address.
    pub(crate) url: String,
    books: Arc<Mutex<CloudBooks>>,
}

impl CloudServer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, books: Arc::default() };
        let router = Router::new().route("/{*method}", post(serve)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        server
    }

    /// What it knows.
    pub(crate) fn books(&self) -> MutexGuard<'_, CloudBooks> {
        self.books.lock().unwrap()
    }

    /// Makes it behave so from now on.
    pub(crate) fn feel(&self, mood: CloudMood) {
        self.books().mood = mood;
    }

    /// The calls of a method.
    pub(crate) fn called(&self, method: &str) -> Vec<CloudCall> {
        self.books().calls.iter().filter(|call| call.method == method).cloned().collect()
    }
}

async fn serve(
    State(server): State<CloudServer>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    if header("authorization").as_deref() != Some(LOGIN) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let call = CloudCall {
        method: method.clone(),
        request_id: header("x-request-id"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let mood = {
        let mut books = server.books();
        books.calls.push(call.clone());
        books.mood
    };
    match mood {
        CloudMood::Refusing(status) => StatusCode::from_u16(status).unwrap().into_response(),
        CloudMood::SayingNo => {
            axum::Json(json!({ "Success": false, "Message": "Site is blocked" })).into_response()
        }
        CloudMood::Silent => std::future::pending().await,
        CloudMood::Mute => {
            answer(&mut server.books(), &call);
            std::future::pending().await
        }
        CloudMood::GarblingOnce => {
            {
                let mut books = server.books();
                books.mood = books.then;
            }
            answer(&mut server.books(), &call);
            "<html>".into_response()
        }
        CloudMood::Fine => axum::Json(answer(&mut server.books(), &call)).into_response(),
    }
}

/// The answer; under a request id that was seen, the same again, and nothing more happens.
fn answer(books: &mut CloudBooks, call: &CloudCall) -> Value {
    let key = call.request_id.clone().map(|id| (call.method.clone(), id));
    if let Some(answer) = key.as_ref().and_then(|key| books.answered.get(key)) {
        return answer.clone();
    }
    let answer = perform(books, &call.method, &call.json());
    if let Some(key) = key.filter(|_| answer["Success"] == true) {
        books.answered.insert(key, answer.clone());
    }
    answer
}

fn done(model: Value) -> Value {
    json!({ "Success": true, "Message": null, "Model": model })
}

fn failed(message: &str, model: Value) -> Value {
    json!({ "Success": false, "Message": message, "Model": model })
}

fn perform(books: &mut CloudBooks, method: &str, body: &Value) -> Value {
    match method {
        "orders/create" => {
            books.orders += 1;
            let id = format!("order{}", books.orders);
            let url = format!("https://orders.example.com/d/{id}");
            done(json!({ "Id": id, "Number": books.orders, "Url": url, "Status": "Created" }))
        }
        "v2/payments/find" => {
            let of_order = |operation: &&Value| operation["InvoiceId"] == body["InvoiceId"];
            match books.operations.iter().rfind(of_order) {
                Some(last) if last["Status"] == "Completed" => done(last.clone()),
                Some(last) => failed("Declined", last.clone()),
                None => failed("Not found", Value::Null),
            }
        }
        "payments/get" => {
            let is_it = |operation: &&Value| operation["TransactionId"] == body["TransactionId"];
            match books.operations.iter().find(is_it) {
                Some(found) => done(found.clone()),
                None => failed("Not found", Value::Null),
            }
        }
        "payments/refund" => refund(books, body),
        "v2/payments/list" => {
            // Those of tests that tell when, by when they were.
            let since = body["CreatedDateGte"].as_str().unwrap();
            let all = books.operations.iter().filter(|one| {
                one["Status"] == "Completed"
                    && one["CreatedDateIso"].as_str().is_none_or(|at| at >= since)
            });
            let page = usize::try_from(body["PageNumber"].as_u64().unwrap()).unwrap();
            let page: Vec<_> = all.skip((page - 1) * PAGE).take(PAGE).cloned().collect();
            done(json!(page))
        }
        "subscriptions/get" => match books.subscriptions.get(body["Id"].as_str().unwrap()) {
            Some(status) => done(json!({ "Id": body["Id"], "Status": status })),
            None => failed("Not found", Value::Null),
        },
        "subscriptions/cancel" => match books.subscriptions.get_mut(body["Id"].as_str().unwrap()) {
            Some(status) if status == "Active" || status == "PastDue" => {
                "Cancelled".clone_into(status);
                json!({ "Success": true, "Message": null })
            }
            Some(_) => failed("Subscription is not active", Value::Null),
            None => failed("Not found", Value::Null),
        },
        other => panic!("{other} is not expected"),
    }
}

fn refund(books: &mut CloudBooks, body: &Value) -> Value {
    let number = &body["TransactionId"];
    let of = |name: &str, operation: &Value| operation[name] == *number;
    let sum = |operation: &Value| {
        Money::parse(&operation["Amount"].to_string(), Currency::Rub).unwrap().minor
    };
    let paid = books.operations.iter().find(|operation| of("TransactionId", operation)).cloned();
    let Some(paid) = paid else { return failed("Not found", Value::Null) };
    let back: u64 =
        books.operations.iter().filter(|one| of("OriginalTransactionId", one)).map(sum).sum();
    if back + sum(body) > sum(&paid) {
        return failed("Amount is too large", Value::Null);
    }
    let refund = books.add(&json!({
        "Type": 1, "Amount": body["Amount"], "OriginalTransactionId": number,
        "InvoiceId": paid["InvoiceId"], "AccountId": paid["AccountId"],
    }));
    done(json!({ "TransactionId": refund }))
}
