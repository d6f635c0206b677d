//! Money that an administrator gives back at CloudPayments, and whose answer is lost.

use super::*;
use crate::testing::CloudMood;

/// The secret of this world's administrators.
const ADMIN: &str = "test-admin-secret-0123456789abcdef01";

impl Shop {
    /// A link that was paid at CloudPayments: the attempt and the operation.
    async fn cloud_paid(&self, cloud: &CloudServer) -> (String, u64) {
        let id = self.cloud_linked().await;
        let order = json!({ "InvoiceId": id, "AccountId": PAYER.to_string() });
        let number = cloud.books().add(&order);
        self.tell("pay", &paid(number, &id)).await;
        (id, number)
    }

    /// An administrator gives a payment back.
    async fn give_back(&self, number: u64, key: &str, body: Value) -> Reply {
        let path = format!("/api/admin/payments/cloudpayments:{number}/refund");
        let request = Request::post(&path, body).header("x-admin-secret", ADMIN);
        let request = request.header("idempotency-key", key);
        self.world.call(crate::admin::refund(), request).await
    }
}

/// What it has given back, in its own words.
fn given_back(cloud: &CloudServer) -> Vec<String> {
    let books = cloud.books();
    let back = books.operations.iter().filter(|operation| operation["Type"] == 1);
    back.map(|operation| operation["Amount"].to_string()).collect()
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_read_before_it_is_repeated() {
    let (shop, cloud) = till(&[]).await;
    let (id, number) = shop.cloud_paid(&cloud).await;
    cloud.feel(CloudMood::GarblingOnce);
    for _ in 0..2 {
        let reply = shop.give_back(number, "one", json!({})).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.body["refund"]["status"], "refunded");
    }
    assert_eq!(given_back(&cloud), ["2000.0"]);
    assert_eq!((shop.payer().await.balance, shop.count("Refund").await), (0, 1));
    assert_eq!(shop.status(&id).await, Status::Refunded);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_refund_of_which_nobody_can_say_anything_is_left_open_and_happens_once() {
    let (shop, cloud) = till(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    let (id, number) = shop.cloud_paid(&cloud).await;
    // It gives the money back, and neither says so nor tells what it has done.
    cloud.feel(CloudMood::Mute);
    for key in ["one", "one", "two"] {
        let reply = shop.give_back(number, key, json!({})).await;
        let code = (reply.status.as_u16(), &reply.body["code"]);
        assert_eq!(code, (503, &json!("conflict_retry")), "{key}");
        assert_eq!(given_back(&cloud), ["2000.0"]);
        assert_eq!((shop.payer().await.balance, shop.status(&id).await), (500, Status::Paid));
    }
    cloud.feel(CloudMood::Fine);
    let asked = cloud.called("payments/refund").len();
    let reply = shop.give_back(number, "one", json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let other = shop.give_back(number, "two", json!({})).await;
    assert_eq!((other.status.as_u16(), &other.body["code"]), (409, &json!("already_refunded")));
    // It was read, and not asked again.
    assert_eq!(cloud.called("payments/refund").len(), asked);
    assert_eq!(given_back(&cloud), ["2000.0"]);
    assert_eq!((shop.payer().await.balance, shop.count("Refund").await), (0, 1));
    assert_eq!(shop.status(&id).await, Status::Refunded);
    shop.check_invariants().await;
}

#[tokio::test]
async fn its_own_word_of_a_refund_whose_answer_was_lost_counts_once() {
    let (shop, cloud) = till(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    let (id, number) = shop.cloud_paid(&cloud).await;
    cloud.feel(CloudMood::Mute);
    assert_eq!(shop.give_back(number, "one", json!({})).await.status, 503);
    let back = cloud.books().operations.last().unwrap()["TransactionId"].as_u64().unwrap();
    let word = format!(
        "TransactionId={back}&PaymentTransactionId={number}&Amount=2000.00\
         &OperationType=Refund&AccountId={PAYER}"
    );
    shop.tell("refund", &word).await;
    // Still mute: its word was enough.
    let reply = shop.give_back(number, "one", json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["refund"]["id"], back.to_string());
    shop.tell("refund", &word).await;
    assert_eq!(given_back(&cloud), ["2000.0"]);
    assert_eq!((shop.payer().await.balance, shop.count("Refund").await), (0, 1));
    assert_eq!(shop.status(&id).await, Status::Refunded);
    shop.check_invariants().await;
}

#[tokio::test]
async fn halves_whose_answers_are_lost_are_two_refunds_and_no_third() {
    let (shop, cloud) = till(&[]).await;
    let (id, number) = shop.cloud_paid(&cloud).await;
    let half = json!({ "amount": "1000.00" });
    for (key, left) in [("one", 250), ("two", 0)] {
        cloud.feel(CloudMood::GarblingOnce);
        for _ in 0..2 {
            let reply = shop.give_back(number, key, half.clone()).await;
            assert_eq!(reply.status, 200, "{key}: {}", reply.body);
        }
        assert_eq!(shop.payer().await.balance, left, "{key}");
    }
    assert_eq!(shop.give_back(number, "three", half).await.status, 409);
    assert_eq!(given_back(&cloud), ["1000.0", "1000.0"]);
    assert_eq!((shop.count("Refund").await, shop.status(&id).await), (2, Status::Refunded));
    shop.check_invariants().await;
}
