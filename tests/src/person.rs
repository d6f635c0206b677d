//! People of errands: a client today, an executor tomorrow.

use serde_json::{Value, json};

use crate::http::Call;
use crate::{User, World};

/// A job somebody has; `contact` is unique among active orders.
#[must_use]
pub fn job(contact: &str) -> Value {
    json!({
        "category": "Сантехника",
        "description": "Течёт кран на кухне, нужен мастер в течение часа",
        "city": "Москва",
        "contact": contact,
    })
}

/// Someone with the mini-app open: every call carries their launch data.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who they are to Telegram.
    pub user: User,
    /// The launch data of the moment they opened the mini-app.
    pub init_data: String,
}

impl Person {
    /// The Telegram id.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.user.id
    }

    fn world(&self) -> &World {
        &self.user.world
    }

    /// The same person with the mini-app opened anew.
    pub async fn again(&self) -> Self {
        Self { user: self.user.clone(), init_data: self.user.init_data().await }
    }

    /// The same person with another first name, and the mini-app opened anew.
    pub async fn renamed(&self, name: &str) -> Self {
        let user = User { name: name.to_owned(), ..self.user.clone() };
        Self { init_data: user.init_data().await, user }
    }

    /// A call as the mini-app makes it: with launch data and said to be JSON, whatever the method.
    pub fn call(&self, method: &str, path: &str) -> Call {
        let call = self.world().call(method, path).bearer(&self.init_data);
        call.header("content-type", "application/json")
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// `POST` with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Call {
        self.call("POST", path).json(body)
    }

    /// `PUT` with a JSON body.
    pub fn put(&self, path: &str, body: &Value) -> Call {
        self.call("PUT", path).json(body)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }

    /// Posts an order; its id.
    pub async fn posts(&self, job: &Value) -> String {
        let order = self.post("/api/orders", job).await.is(201).json();
        order["id"].as_str().unwrap_or_else(|| panic!("id: {order}")).to_owned()
    }

    /// `POST /api/orders/{id}/{action}`: take, respond, complete, close.
    pub fn act(&self, order: &str, action: &str) -> Call {
        self.call("POST", &format!("/api/orders/{order}/{action}"))
    }

    /// `GET /api/orders/{id}`, which must succeed.
    pub async fn sees(&self, order: &str) -> Value {
        self.get(&format!("/api/orders/{order}")).await.is(200).json()
    }

    /// `GET /api/users/me`.
    pub async fn me(&self) -> Value {
        self.get("/api/users/me").await.is(200).json()
    }

    /// Puts so many rubles on the balance by the sandbox.
    pub async fn recharges(&self, rubles: i64) {
        self.post("/api/balance/recharge", &json!({"amount": rubles})).await.is(200);
    }

    /// Gets an invoice of so many rubles; the payment's id.
    pub async fn invoice(&self, rubles: i64, provider: &str) -> i64 {
        let wish = json!({"amount": rubles, "provider": provider});
        let made = self.post("/api/balance/create-invoice", &wish).await.is(200).json();
        made["payment_id"].as_i64().unwrap_or_else(|| panic!("payment_id: {made}"))
    }

    /// A payment as its payer's app polls it.
    pub async fn payment(&self, id: i64) -> Value {
        self.get(&format!("/api/balance/payment/{id}/status")).await.is(200).json()
    }

    /// What the bot has said to them, oldest first.
    pub async fn notices(&self) -> Vec<String> {
        let messages = self.messages().await;
        let texts = messages.iter().map(|message| message["text"].as_str().unwrap_or_default());
        texts.map(str::to_owned).collect()
    }

    /// Rubles to spend.
    pub async fn rubles(&self) -> i64 {
        let body = self.get("/api/balance").await.is(200).json();
        body["balance"].as_i64().unwrap_or_else(|| panic!("balance: {body}"))
    }

    /// The ledger's newest page, newest first.
    pub async fn ledger(&self) -> Vec<Value> {
        let body = self.get("/api/balance/transactions").await.is(200).json();
        body["transactions"].as_array().cloned().unwrap_or_else(|| panic!("ledger: {body}"))
    }

    /// What the bot has written to them, oldest first.
    pub async fn messages(&self) -> Vec<Value> {
        self.world().messages(self.id()).await
    }
}
