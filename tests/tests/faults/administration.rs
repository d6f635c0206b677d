//! What administrators and payment forms do, all of it once.

use serde_json::{Value, json};

use crate::bench::{Bench, Reply};
use crate::walks::ANNA;

impl Bench {
    async fn admin(&self, method: &str, path: &str, body: &Value) -> Reply {
        let secret = self.secret("ADMIN_SECRET");
        let headers = [("x-admin-secret", secret.as_str()), ("idempotency-key", "walk")];
        let reply = self.insist(method, path, &headers, body).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.body);
        reply
    }

    /// Money that names no attempt.
    async fn stray(&self, external_id: &str) {
        let secret = self.secret("SANDBOX_SECRET");
        let body = json!({
            "attempt_id": "att_unknown", "event": "success", "external_id": external_id,
            "amount": "2000.00", "currency": "RUB",
        });
        let headers = [("x-sandbox-secret", secret.as_str())];
        self.insist("POST", "/api/webhooks/sandbox/payment", &headers, &body).await;
    }
}

/// Everything that an administrator can do.
pub async fn walk(bench: &Bench) {
    bench.sign_in(ANNA).await;
    let anna = json!({ "telegram_id": ANNA });
    bench.admin("POST", "/api/admin/grant-subscription", &anna).await;
    bench.admin("POST", "/api/admin/revoke-subscription", &anna).await;
    let attempt = bench.link(ANNA).await;
    bench.deliver(&attempt).await;
    let refund = format!("/api/admin/payments/sandbox:sbx_{attempt}/refund");
    bench.admin("POST", &refund, &json!({ "amount": "500.00" })).await;
    let path = "/api/admin/unassigned-payments";
    for stray in ["one", "two"] {
        bench.stray(stray).await;
    }
    bench.admin("GET", path, &Value::Null).await;
    let wish = json!({ "telegram_id": ANNA, "offer_key": "monthly_rub_2000" });
    bench.admin("POST", &format!("{path}/sandbox:one/assign"), &wish).await;
    let reason = json!({ "reason": "given back by hand" });
    bench.admin("POST", &format!("{path}/sandbox:two/dismiss"), &reason).await;
    bench.admin("GET", &format!("/api/admin/user/{ANNA}"), &Value::Null).await;
    for job in ["attempt_sweep", "energies_audit", "gift_expiry", "health_probe", "ratings_publish"]
    {
        bench.admin("POST", &format!("/api/admin/jobs/{job}"), &Value::Null).await;
    }
    bench.advance(60).await;
    bench.admin("POST", "/api/admin/ratings/refresh", &Value::Null).await;
    for path in ["/api/admin/offers", "/api/admin/lavatop-offers"] {
        let offer = json!({
            "key": "walk", "label": "Год", "purpose": "self", "days": 365,
            "prices": { "RUB": "15000.00" },
        });
        bench.admin("POST", path, &offer).await;
        let one = format!("{path}/walk");
        bench.admin("PATCH", &one, &json!({ "days": 366 })).await;
        bench.admin("GET", path, &Value::Null).await;
        bench.admin("DELETE", &one, &Value::Null).await;
        bench.admin("DELETE", &format!("{path}/gift_rub_2000"), &Value::Null).await;
    }
    forms(bench).await;
}

/// Everything that a payment form tells; some of its members are new.
async fn forms(bench: &Bench) {
    for (n, id) in [ANNA, 2_000].into_iter().enumerate() {
        let own = |n: i64| if id == ANNA { ANNA } else { id + n };
        let payment = |id: i64| json!({ "telegram_id": id, "payment_method": "x", "amount": 2000 });
        for (path, id, body) in [
            ("form-open", own(1), json!({ "telegram_id": own(1) })),
            ("gift-attempt", own(2), json!({ "gifter_id": own(2), "recipient_id": 77 })),
            ("payment-success", own(3), payment(own(3))),
            ("payment-attempt", own(4), payment(own(4))),
        ] {
            let path = format!("/api/analytics/{path}");
            let reply = bench.as_member(id, "POST", &path, &body).await;
            assert_eq!(reply.status, 200, "{n}: {}", reply.body);
        }
        let id = own(5);
        let path = format!("/api/analytics/check-cooldown?telegram_id={id}");
        let reply = bench.as_member(id, "GET", &path, &Value::Null).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}
