//! Pretended money.

use super::super::sandbox_pay;
use super::*;

async fn pay(till: &Till, id: &str, person: i64, body: Value) -> Reply {
    let path = format!("/api/sandbox/payments/{id}/pay");
    till.world.call(sandbox_pay(), till.by(person, Request::post(&path, body))).await
}

#[tokio::test]
async fn an_invoice_is_paid_and_told() {
    let till = Till::open().await;
    let id = till.invoiced("sandbox").await;
    for _ in 0..3 {
        let reply = pay(&till, &id.to_string(), PAYER, json!({})).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (204, &Value::Null));
    }
    assert_eq!((till.stands(id).await, till.balance().await), (Status::Paid, 10_000));
    let entries: Vec<Entry> = till.read("LedgerEntry").await;
    assert_eq!(entries[0].description.as_deref(), Some("Balance recharge via sandbox"));
    till.check_invariants().await;
}

#[tokio::test]
async fn a_word_can_be_withheld() {
    let till = Till::open().await;
    let id = till.invoiced("sandbox").await;
    let reply = pay(&till, &id.to_string(), PAYER, json!({ "webhook": "no" })).await;
    assert_eq!(reply.status, 204);
    assert_eq!((till.stands(id).await, till.balance().await), (Status::Pending, 0));
    till.pass(30);
    till.check().await;
    assert_eq!((till.stands(id).await, till.balance().await), (Status::Paid, 10_000));
    till.check_invariants().await;
}

#[tokio::test]
async fn what_cannot_be_paid_so() {
    let till = Till::with(&[("BALANCE_LIMIT_RUB", "150")]).await;
    let id = till.invoiced("sandbox").await.to_string();
    let crypto = till.invoiced("crypto_bot").await.to_string();
    for (id, person) in [
        (id.as_str(), 8),
        (&crypto, PAYER),
        ("42", PAYER),
        ("1099511627776", PAYER),
        ("1180591620717411303424", PAYER),
    ] {
        let reply = pay(&till, id, person, json!({})).await;
        assert_eq!(reply.refusal(), (404, "payment_not_found", "Payment not found"), "{id}");
    }
    assert_eq!(pay(&till, "x", PAYER, json!({})).await.refusal().0, 422);
    assert_eq!(pay(&till, &id, PAYER, json!({ "webhook": 7 })).await.refusal().0, 422);
    till.sandbox.feel(Mood::Refusing(500, Value::Null));
    assert_eq!(pay(&till, &id, PAYER, json!({})).await.refusal().1, "payment_provider_unavailable");
    till.sandbox.feel(Mood::Fine);
    let second = till.invoiced("sandbox").await.to_string();
    assert_eq!(pay(&till, &id, PAYER, json!({})).await.status, 204);
    let refused = pay(&till, &second, PAYER, json!({})).await;
    assert_eq!(refused.refusal(), (409, "balance_limit", "Balance limit reached"));
    // What is paid already may be paid again.
    assert_eq!(pay(&till, &id, PAYER, json!({})).await.status, 204);
    assert_eq!(till.balance().await, 10_000);
    till.check_invariants().await;
}

#[tokio::test]
async fn outside_the_sandbox_nothing_is_free() {
    let till = Till::with(&[("PAYMENTS_SANDBOX", "false")]).await;
    let id = till.invoiced("crypto_bot").await;
    let reply = pay(&till, &id.to_string(), PAYER, json!({})).await;
    let text = "Recharge is available only in the sandbox";
    assert_eq!(reply.refusal(), (403, "sandbox_only", text));
    let off = till.ask(json!({ "amount": 100, "provider": "sandbox" })).await;
    assert_eq!(off.refusal().1, "payments_not_configured");
    assert_eq!(till.balance().await, 0);
}
