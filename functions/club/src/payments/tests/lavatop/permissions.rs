//! What LavaTop's functions ask of AWS: neither more nor less than their roles should allow.

use super::*;
use crate::payments::tests::permissions::{allowed, asked};
use crate::payments::{detect_provider, support_link};

const INVOICE: &str = "table/test-club/index/invoice";

/// Every word there is, of a subscription and of a gift, to one address.
async fn tell_all(lava: &Lava, deliver: impl AsyncFn(Value)) {
    let (_, failing) = lava.linked().await;
    deliver(lava.server.word(FAILED, &failing)).await;
    let (_, purchase) = lava.linked().await;
    lava.server.pay(&purchase);
    let next = lava.server.renew(&purchase);
    let end = json!({ "eventType": CANCELLED, "contractId": purchase });
    deliver(end.clone()).await;
    let paid = lava.server.word(PAID, &purchase);
    deliver(but(paid.clone(), json!({ "amount": 1, "contractId": "wrong" }))).await;
    deliver(but(paid.clone(), json!({ "clientUtm": null, "contractId": "nobody" }))).await;
    deliver(paid).await;
    deliver(lava.server.word(UNRENEWED, &next)).await;
    deliver(lava.server.word(RENEWED, &next)).await;
    deliver(end).await;
    let gift = lava.shop.gift_linked(77).await;
    let (gift, _) = lava.server.marked(&gift);
    lava.server.pay(&gift);
    deliver(lava.server.word(PAID, &gift)).await;
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let all = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"];
    let index = [("dynamodb:Query", INVOICE)];
    let lava = Lava::open().await;
    tell_all(&lava, async |word| assert_eq!(lava.tell(word).await.status, 200)).await;
    assert_eq!(asked(&lava.shop, "club-lavatop-payment"), allowed(&all, &index));

    let lava = Lava::open().await;
    let tell = async |word| {
        let reply = lava.shop.world.call(lavatop_recurring(), told_again(word)).await;
        assert_eq!(reply.status, 200);
    };
    tell_all(&lava, tell).await;
    assert_eq!(asked(&lava.shop, "club-lavatop-recurring"), allowed(&all, &index));
}

#[tokio::test]
async fn the_support_form_asks_for_what_links_do() {
    let lava = Lava::open().await;
    let ask = |key: &str| {
        let path = "/api/payments/generate-link-support";
        let request = Request::post(path, monthly()).token(&lava.shop.token);
        lava.shop.world.call(support_link(), request.header("idempotency-key", key))
    };
    lava.server.feel(LavatopMood::Refusing(500));
    assert_eq!(ask("one").await.status, 502);
    lava.server.feel(LavatopMood::Fine);
    for key in ["one", "one", "two"] {
        assert_eq!(ask(key).await.status, 200);
    }
    let all = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"];
    let send = [("sqs:SendMessage", "queue/payment-checks")];
    assert_eq!(asked(&lava.shop, "club-payments-support-link"), allowed(&all, &send));

    let path = format!("/api/payments/detect-provider?telegram_id={PAYER}");
    lava.shop.world.call(detect_provider(), Request::get(&path).token(&lava.shop.token)).await;
    assert_eq!(
        asked(&lava.shop, "club-payments-detect-provider"),
        allowed(&["GetItem", "UpdateItem"], &[])
    );
}
