//! What CloudPayments does, all of it once.

#[path = "../../../functions/club/src/testing/cloudpayments.rs"]
#[expect(dead_code, reason = "the club's own tests look at more of it")]
mod server;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::walks::ANNA;
use server::{API_SECRET, CloudServer, PUBLIC_ID};

impl Bench {
    /// A notification, which is taken.
    async fn notify(&self, kind: &str, body: Value) {
        let mac = tests::hmac(API_SECRET.as_bytes(), body.to_string().as_bytes());
        let mac = STANDARD.encode(mac);
        let path = format!("/api/webhooks/cloudpayments/{kind}");
        let headers = [("content-type", "application/json"), ("content-hmac", mac.as_str())];
        let reply = self.send("POST", &path, &headers, &body).await;
        assert_eq!((reply.status, &reply.body), (200, &json!({ "code": 0 })), "{kind} {body}");
    }

    async fn cloud_link(&self, offer: &str) -> String {
        let launch = self.launch(ANNA);
        let wish = json!({
            "telegram_id": ANNA, "email": "a@example.test", "offer_key": offer,
            "provider": "cloudpayments", "recipient_id": 77,
        });
        let headers = [("authorization", launch.as_str())];
        let reply = self.send("POST", "/api/payments/generate-link", &headers, &wish).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["attempt_id"].as_str().unwrap().to_owned()
    }
}

/// A payment of 2000 roubles, with what else there is to say.
fn paid(number: u64, more: &Value) -> Value {
    let mut notice = json!({
        "TransactionId": number, "Amount": "2000.00", "Currency": "RUB", "Status": "Completed",
        "OperationType": "Payment", "AccountId": ANNA.to_string(),
    });
    notice.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    notice
}

fn back(number: u64, payment: u64, amount: &str) -> Value {
    json!({ "TransactionId": number, "PaymentTransactionId": payment, "Amount": amount })
}

/// A bench whose members pay at CloudPayments, and everything that it may tell.
pub async fn walk() -> Bench {
    let server = CloudServer::start().await;
    let bench = Bench::start_with(|options| {
        options
            .set("CLOUDPAYMENTS_PUBLIC_ID", PUBLIC_ID)
            .set("CLOUDPAYMENTS_API_SECRET", API_SECRET)
            .set("CLOUDPAYMENTS_API_URL", &server.url)
    })
    .await;
    bench.sign_in(ANNA).await;
    let own = bench.cloud_link("monthly_rub_2000").await;
    let gift = bench.cloud_link("gift_rub_2000").await;
    let first = json!({ "InvoiceId": own, "SubscriptionId": "sc_1" });
    bench.notify("fail", paid(1, &json!({ "InvoiceId": own }))).await;
    bench.notify("check", paid(2, &first)).await;
    bench.notify("pay", paid(2, &first)).await;
    let renewal = json!({ "SubscriptionId": "sc_1" });
    bench.notify("check", paid(3, &renewal)).await;
    bench.notify("pay", paid(3, &renewal)).await;
    bench.notify("fail", paid(4, &renewal)).await;
    bench.notify("pay", paid(5, &json!({ "InvoiceId": gift }))).await;
    bench.notify("pay", paid(6, &json!({ "InvoiceId": "unknown" }))).await;
    bench.notify("cancel", paid(7, &renewal)).await;
    bench.notify("refund", back(8, 5, "2000.00")).await;
    bench.notify("refund", back(9, 2, "1000.00")).await;
    bench.notify("recurrent", json!({ "Id": "sc_1", "Status": "PastDue" })).await;
    bench.notify("recurrent", json!({ "Id": "sc_1", "Status": "Rejected" })).await;
    bench.converge().await;
    bench
}
