//! Money that LavaTop gave back: it tells nobody, so an administrator does.

use super::*;

const SECRET: &str = "test-admin-secret-0123456789abcdef01";

#[tokio::test]
async fn no_event_tells_of_a_refund_and_an_administrator_does_without_asking_lavatop() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.subscribed().await;
    let before = lava.shop.payer().await;
    for kind in ["payment.refunded", "refund.success", "payment.chargeback"] {
        let word = but(lava.server.word(PAID, &purchase), json!({ "eventType": kind }));
        assert_eq!(lava.tell(word).await.status, 200, "{kind}");
        assert_eq!(lava.shop.payer().await, before, "{kind}");
    }
    let asked = lava.server.books().calls.len();
    let path = format!("/api/admin/payments/lavatop:{purchase}/refund");
    let request = Request::post(&path, json!({})).header("x-admin-secret", SECRET);
    let request = request.header("idempotency-key", "one");
    let reply = lava.shop.world.call(crate::admin::refund(), request).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(lava.server.books().calls.len(), asked, "LavaTop has no such call");
    assert_eq!(
        (lava.shop.status(&id).await, lava.shop.payer().await.balance),
        (Status::Refunded, 0)
    );
    // Its subscription goes on taking money unless it is ended there.
    assert!(!lava.shop.payer().await.auto_renewal);
    lava.shop.perform_all().await;
    assert!(!lava.shop.contract().await.live);
    lava.shop.check_invariants().await;
}
