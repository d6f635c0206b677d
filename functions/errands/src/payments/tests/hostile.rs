//! Nothing that comes from outside makes an error of ours.

use super::super::sandbox_pay;
use super::*;

#[tokio::test]
async fn hostile_input_is_refused_or_answered_as_documented() {
    let till = Till::open().await;
    let long = "x".repeat(20_000);
    for body in [
        "",
        "null",
        "[]",
        "7",
        "\"x\"",
        "{",
        "not json",
        "{\"amount\":1e999}",
        "{\"amount\":{}}",
        "{\"amount\":100,\"provider\":\"\\u0000\"}",
        "{\"amount\":\"\\u0000\"}",
        "{\"amount\":1180591620717411303424}",
        "{\"amount\":-1}",
        "\u{0}",
        "{\"amount\":NaN}",
    ] {
        let request = till.wish(Value::Null).body(body);
        let reply = till.world.call(create(), request).await;
        assert_eq!(reply.status, 422, "{body}: {}", reply.body);
        assert!(reply.body["detail"].is_string() && reply.body["code"].is_string());
    }
    let huge = till.wish(Value::Null).body(format!("{{\"amount\":100,\"x\":\"{long}\"}}"));
    assert_eq!(till.world.call(create(), huge).await.refusal().1, "body_too_large");
    for id in
        ["1099511627776", "1180591620717411303424", "-1", "%2e%2e", "1%00", "%F0%9F%92%A9", "é"]
    {
        let path = format!("/api/balance/payment/{id}/status");
        let shown = till.world.call(status(), till.by(PAYER, Request::get(&path))).await;
        assert!([404, 422].contains(&shown.status.as_u16()), "{id}: {}", shown.body);
        let path = format!("/api/sandbox/payments/{id}/pay");
        let paid = till.by(PAYER, Request::post(&path, json!({})));
        let paid = till.world.call(sandbox_pay(), paid).await;
        assert!([404, 422].contains(&paid.status.as_u16()), "{id}: {}", paid.body);
    }
    assert_eq!(till.count("Payment").await, 0);
}

#[tokio::test]
async fn hostile_deliveries_are_answered_as_documented() {
    let till = Till::open().await;
    let nested = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let long = format!(
        r#"{{"update_type":"invoice_paid","payload":{{"invoice_id":"{}"}}}}"#,
        "7".repeat(70)
    );
    for body in [
        "",
        "null",
        "[]",
        "\u{0}",
        "{\"payload\":null}",
        &nested,
        &long,
        r#"{"update_type":7,"payload":{"invoice_id":1}}"#,
        r#"{"update_type":"invoice_paid","payload":{"invoice_id":{}}}"#,
        r#"{"update_type":"invoice_paid","payload":{"invoice_id":"a#b"}}"#,
        r#"{"update_type":"invoice_paid","payload":{"invoice_id":1.5}}"#,
        r#"{"update_type":"invoice_paid","payload":{"invoice_id":-1}}"#,
        r#"{"update_type":"invoice_paid","payload":{"invoice_id":1,"status":7}}"#,
    ] {
        let reply = till.world.call(crypto_bot(), delivery(body)).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "ok": false })), "{body}");
    }
    for (payment, why) in [
        (json!({ "invoice_id": u64::MAX }), "a large id"),
        (json!({ "invoice_id": 1, "amount": {} }), "no amount"),
        (json!({ "invoice_id": 2, "amount": "1e999", "payload": "er1.1" }), "a large amount"),
        (json!({ "invoice_id": 3, "payload": "er1.1180591620717411303424" }), "a large reference"),
        (json!({ "invoice_id": 4, "payload": "\u{0}", "status": "\u{0}" }), "NUL"),
        (json!({ "invoice_id": 5, "payload": "x".repeat(5_000) }), "a long reference"),
    ] {
        let body = json!({ "update_type": "invoice_paid", "payload": payment }).to_string();
        let reply = till.world.call(crypto_bot(), delivery(&body)).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "ok": true })), "{why}");
    }
    assert_eq!(till.count("UnmatchedEvent").await, 6);
    let huge = format!("{{\"payload\":\"{}\"}}", "x".repeat(70_000));
    let reply = till.world.call(crypto_bot(), delivery(&huge)).await;
    assert_eq!(reply.refusal().1, "body_too_large");
    for update in ["", "[]", "{", "null", "{\"update_id\":\"x\"}", "\u{0}"] {
        let request = told(Value::Null).body(update);
        assert_eq!(till.world.call(telegram_webhook(), request).await.refusal().0, 422, "{update}");
    }
    for update in [
        json!({ "update_id": 1 }),
        json!({ "update_id": -1, "message": {} }),
        json!({ "update_id": 2, "message": 7 }),
        json!({ "update_id": 3, "pre_checkout_query": { "id": "x" } }),
        json!({ "update_id": 4, "inline_query": { "id": "x" } }),
    ] {
        assert_eq!(till.update(update.clone()).await.status, 200, "{update}");
    }
    assert_eq!(till.count("TelegramUpdate").await, 0);
}

#[tokio::test]
async fn a_store_that_fails_is_told_to_the_provider() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let word = till.paid(&format!("er1.{id}"));
    let fault = engine::Fault::new(engine::Target::Dynamodb, engine::FaultKind::Error);
    till.world.engine.faults().inject(fault);
    let reply = till.deliver(&word).await;
    assert_eq!(reply.status, 503);
    assert!(reply.headers["retry-after"].is_string());
    till.world.engine.faults().clear();
    assert_eq!(till.deliver(&word).await.body, json!({ "ok": true }));
    assert_eq!(till.balance().await, 10_000);
}
