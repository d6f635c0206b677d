//! People: someone with a Telegram account, and the same one signed in.

use serde_json::{Value, json};

use crate::http::{Answer, Call};
use crate::{InitData, World, is_of_onboarding};

/// The offer of one month for oneself.
pub const MONTH: &str = "monthly_rub_2000";
/// The offer of one month for somebody else.
pub const GIFT: &str = "gift_rub_2000";

/// Someone with a Telegram account.
#[derive(Clone, Debug)]
pub struct User {
    /// The world they live in.
    pub world: World,
    /// The Telegram id.
    pub id: i64,
    /// The first name.
    pub name: String,
}

impl User {
    /// What Telegram says about them.
    #[must_use]
    pub fn profile(&self) -> Value {
        json!({"id": self.id, "first_name": self.name, "language_code": "ru"})
    }

    /// Their signed initData of this moment.
    pub async fn init_data(&self) -> String {
        let now_s = self.world.now().await.as_second();
        InitData::new(&self.profile(), now_s).signed(self.world.bot_token())
    }

    /// Asks to be signed in.
    pub async fn login(&self) -> Answer {
        self.world.login(&self.init_data().await).await
    }

    /// Signs in.
    pub async fn sign_in(&self) -> Member {
        let answer = self.login().await;
        let body = answer.ok();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let cookie = |name| answer.set_cookie(name).map(|cookie| cookie.value).unwrap_or_default();
        Member {
            user: self.clone(),
            uuid: body["user"]["id"].as_str().unwrap_or_default().to_owned(),
            token: text("token"),
            refresh: text("refreshToken"),
            auth_cookie: cookie("auth_token"),
            refresh_cookie: cookie("refresh_token"),
            answer: body,
        }
    }
}

/// Someone who is signed in.
#[derive(Clone, Debug)]
pub struct Member {
    /// The person.
    pub user: User,
    /// The opaque id.
    pub uuid: String,
    /// The access token.
    pub token: String,
    /// The refresh token.
    pub refresh: String,
    /// The value of cookie `auth_token`.
    pub auth_cookie: String,
    /// The value of cookie `refresh_token`.
    pub refresh_cookie: String,
    /// What signing in answered.
    pub answer: Value,
}

impl Member {
    /// The Telegram id.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.user.id
    }

    fn world(&self) -> &World {
        &self.user.world
    }

    /// A call with the access token.
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.world().call(method, path).bearer(&self.token)
    }

    /// `GET` with the access token.
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// `POST` with the access token.
    pub fn post(&self, path: &str, body: &Value) -> Call {
        self.call("POST", path).json(body)
    }

    /// `PATCH /api/v1/users/me`.
    pub fn patch(&self, body: &Value) -> Call {
        self.call("PATCH", "/api/v1/users/me").json(body)
    }

    /// The member as `GET /api/v1/users/me` shows them.
    pub async fn me(&self) -> Value {
        self.get("/api/v1/users/me").await.ok()["user"].clone()
    }

    /// Energies to spend.
    pub async fn balance(&self) -> i64 {
        let body = self.get("/api/v1/energies/balance").await.ok();
        body["balance"].as_i64().unwrap_or_else(|| panic!("balance: {body}"))
    }

    /// The ledger's lines, newest first.
    pub async fn history(&self) -> Vec<Value> {
        let body = self.get("/api/v1/energies/history").await.ok();
        body["transactions"].as_array().cloned().unwrap_or_default()
    }

    /// The body of a request for a link.
    #[must_use]
    pub fn wish(&self, offer: &str) -> Value {
        json!({
            "telegram_id": self.id(),
            "email": format!("member{}@example.com", self.id()),
            "offer_key": offer,
            "provider": "sandbox",
        })
    }

    /// Asks for a link.
    pub fn ask(&self, wish: &Value) -> Call {
        self.post("/api/payments/generate-link", wish)
    }

    /// Gets a link; the attempt's id.
    pub async fn link(&self, offer: &str) -> String {
        let body = self.ask(&self.wish(offer)).await.ok();
        body["attempt_id"].as_str().unwrap_or_else(|| panic!("attempt_id: {body}")).to_owned()
    }

    /// The attempt as its payer sees it.
    pub async fn attempt(&self, id: &str) -> Value {
        self.get(&format!("/api/payments/attempts/{id}")).await.ok()["attempt"].clone()
    }

    /// The attempt's status.
    pub async fn attempt_status(&self, id: &str) -> String {
        self.attempt(id).await["status"].as_str().unwrap_or_default().to_owned()
    }

    /// `GET /api/payments/status`.
    pub async fn status(&self) -> Value {
        self.get("/api/payments/status").await.ok()
    }

    /// What the bot has written to them, but for what new members are told by the clock.
    pub async fn messages(&self) -> Vec<Value> {
        let mut messages = self.all_messages().await;
        messages.retain(|sent| !is_of_onboarding(sent["text"].as_str().unwrap_or_default()));
        messages
    }

    /// What the bot has written to them.
    pub async fn all_messages(&self) -> Vec<Value> {
        self.world().messages(self.id()).await
    }

    /// Lives in this city.
    pub async fn moves_to(&self, city: &str) {
        let body = self.patch(&json!({"city": city})).await.ok();
        assert!(body["user"]["city"].is_string(), "{body}");
    }

    /// Buys a month, paid by webhook; the attempt's id.
    pub async fn pays(&self) -> String {
        let attempt = self.link(MONTH).await;
        self.world().pay(&attempt, crate::Webhook::Delivered).await;
        attempt
    }

    /// Everything of this member that a refused request must leave as it is.
    pub async fn everything(&self) -> Value {
        json!({
            "me": self.me().await,
            "status": self.status().await,
            "balance": self.balance().await,
            "history": self.history().await,
        })
    }
}
