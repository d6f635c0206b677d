//! What people and providers do, with the patience of real clients.

use serde_json::{Value, json};

use crate::bench::{Bench, Reply};

/// The member of the walks.
pub const ANNA: i64 = 42;

impl Bench {
    pub async fn sign_in(&self, id: i64) -> Reply {
        let data = self.launch(id);
        let body = json!({ "initData": data.trim_start_matches("tma ") });
        let reply = self.insist("POST", "/api/v1/auth/telegram", &[], &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply
    }

    pub async fn as_member(&self, id: i64, method: &str, path: &str, body: &Value) -> Reply {
        let launch = self.launch(id);
        self.insist(method, path, &[("authorization", &launch)], body).await
    }

    /// Asks for a payment link and answers its attempt.
    pub async fn link(&self, id: i64) -> String {
        let body = json!({
            "telegram_id": id, "email": "anna@example.test", "offer_key": "monthly_rub_2000",
            "provider": "sandbox",
        });
        let reply = self.as_member(id, "POST", "/api/payments/generate-link", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["attempt_id"].as_str().expect("an attempt").to_owned()
    }

    /// What the provider will say of an attempt when it is asked.
    pub async fn provider_says(&self, attempt: &str, state: &str) -> Reply {
        let secret = self.secret("SANDBOX_SECRET");
        let path = format!("/api/payments/sandbox/{attempt}/state");
        let headers = [("x-sandbox-secret", secret.as_str())];
        self.insist("POST", &path, &headers, &json!({ "state": state })).await
    }

    /// One delivery of a success.
    pub async fn deliver(&self, attempt: &str) -> Reply {
        let secret = self.secret("SANDBOX_SECRET");
        let body = json!({ "attempt_id": attempt, "event": "success" });
        let headers = [("x-sandbox-secret", secret.as_str())];
        self.insist("POST", "/api/webhooks/sandbox/payment", &headers, &body).await
    }

    pub async fn member(&self, id: i64) -> Value {
        self.as_member(id, "GET", "/api/v1/users/me", &Value::Null).await.body["user"].clone()
    }

    pub async fn attempt(&self, attempt: &str) -> String {
        let path = format!("/api/payments/attempts/{attempt}");
        let reply = self.as_member(ANNA, "GET", &path, &Value::Null).await;
        reply.body["attempt"]["status"].as_str().unwrap_or_default().to_owned()
    }
}

/// Signs in, refreshes, moves, pays with the webhook lost, is checked, rated, and signs out.
pub async fn lost_webhook(bench: &Bench) -> String {
    let signed_in = bench.sign_in(ANNA).await;
    let token = json!({ "refreshToken": signed_in.body["refreshToken"] });
    let refreshed = bench.insist("POST", "/api/v1/auth/refresh", &[], &token).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    let moved =
        bench.as_member(ANNA, "PATCH", "/api/v1/users/me", &json!({ "city": "Москва" })).await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    bench.as_member(43, "GET", "/api/v1/auth/me", &Value::Null).await;
    bench.member(44).await;
    let attempt = bench.link(ANNA).await;
    assert_eq!(bench.link(ANNA).await, attempt, "an open attempt is given again");
    bench.provider_says(&attempt, "paid").await;
    bench.advance(30).await;
    for _ in 0..2 {
        assert_eq!(bench.deliver(&attempt).await.status, 200);
    }
    bench.converge().await;
    let bearer = format!("Bearer {}", bench.sign_in(ANNA).await.body["token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    let out = bench.insist("POST", "/api/v1/auth/logout", &headers, &Value::Null).await;
    assert!(matches!(out.status, 200 | 401), "{}", out.body);
    attempt
}

/// Ten checks without a payment, then a late webhook.
pub async fn late_webhook(bench: &Bench) -> String {
    bench.sign_in(ANNA).await;
    let attempt = bench.link(ANNA).await;
    for _ in 0..12 {
        bench.advance(30).await;
    }
    bench.converge().await;
    assert_eq!(bench.attempt(&attempt).await, "abandoned");
    assert_eq!(bench.deliver(&attempt).await.status, 200);
    bench.converge().await;
    attempt
}
