//! Keys of requests: the same key gives the same answer, and no second intent beside money.

use super::links::{orphan, with};
use super::*;
use crate::testing::Mood;

impl Shop {
    /// Asks for the monthly link under a key.
    async fn ask_under(&self, key: &str) -> Reply {
        let request = self.request(monthly()).header("idempotency-key", key);
        self.world.call(link(), request).await
    }

    /// An attempt under the key `one` of which the table knows no link, although there is one: its
    /// call died with the provider's answer in its hands. Also what it would have answered.
    async fn unlinked(&self) -> (Attempt, Value) {
        let told = self.ask_under("one").await.body;
        (orphan(self).await, told)
    }
}

#[tokio::test]
async fn a_key_answers_from_its_attempt() {
    let shop = Shop::open().await;
    let keyed = |body| shop.request(body).header("idempotency-key", "one");
    let instance = shop.world.start(link()).await;
    let first = shop.world.send(&instance, keyed(monthly())).await;
    assert_eq!((first.cost.requests, first.cost.items), (3, 5));
    let other = with(json!({ "email": "other@example.com" }));
    let other = shop.world.send(&instance, keyed(other)).await;
    assert_eq!((other.status.as_u16(), &other.body["code"]), (422, &json!("idempotency_mismatch")));
    let id = first.body["attempt_id"].as_str().unwrap();
    shop.succeed(id).await;
    let again = shop.world.send(&instance, keyed(monthly())).await;
    assert_eq!(again.body["attempt_id"], id);
    assert_eq!(
        (&again.headers["idempotency-replayed"], &again.body),
        (&json!("true"), &first.body)
    );
    assert_eq!(shop.count("Attempt").await, 1);

    // A key whose call found a link is tied to that link, too.
    let (found, key) = (shop.linked().await, "two");
    let reuse = shop.request(monthly()).header("idempotency-key", key);
    let reused = shop.world.send(&instance, reuse.clone()).await;
    assert_eq!((&reused.body["attempt_id"], reused.cost.requests), (&json!(found), 3));
    shop.succeed(&found).await;
    assert_eq!(shop.world.send(&instance, reuse).await.body, reused.body);
}

#[tokio::test]
async fn a_key_whose_try_failed_makes_a_new_attempt() {
    let shop = Shop::open().await;
    let keyed = || shop.request(monthly()).header("idempotency-key", "one");
    let instance = shop.world.start(link()).await;
    shop.world.provider.set_mood(Mood::Refusing(500));
    let failed = shop.world.send(&instance, keyed()).await;
    assert_eq!((failed.status.as_u16(), &failed.body["code"]), (502, &json!("provider_error")));
    let told = "Не удалось создать ссылку на оплату. Попробуйте ещё раз.";
    assert_eq!(failed.body["error"], told);
    shop.check_invariants().await;
    shop.world.provider.set_mood(Mood::Fine);
    let made = shop.world.send(&instance, keyed()).await;
    assert_eq!((made.status.as_u16(), &made.body["reused"]), (200, &json!(false)), "{}", made.body);
    assert_eq!((made.cost.requests, shop.count("Attempt").await), (4, 2));
    shop.check_invariants().await;
}

/// A key whose try failed and whose next call found a link means that link from then on: also once
/// it is paid, when the failed try would allow another attempt.
#[tokio::test]
async fn a_key_whose_try_failed_is_tied_to_the_link_that_it_found() {
    let shop = Shop::open().await;
    shop.world.provider.set_mood(Mood::Refusing(500));
    assert_eq!(shop.ask_under("one").await.status, 502);
    shop.world.provider.set_mood(Mood::Fine);
    let open = shop.linked().await;
    let found = shop.ask_under("one").await;
    assert_eq!((&found.body["attempt_id"], &found.body["reused"]), (&json!(open), &json!(true)));
    shop.succeed(&open).await;
    let again = shop.ask_under("one").await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &found.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!((shop.count("Attempt").await, shop.world.provider.invoices()), (2, 1));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_key_whose_attempt_was_paid_without_a_link_makes_no_other() {
    let shop = Shop::open().await;
    let (attempt, told) = shop.unlinked().await;
    shop.succeed(&attempt.id).await;
    // Not known now is no reason to take money twice.
    shop.world.provider.set_mood(Mood::Refusing(500));
    let refused = shop.ask_under("one").await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (502, &json!("provider_error")));
    shop.world.provider.set_mood(Mood::Fine);
    let again = shop.ask_under("one").await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &told));
    assert_eq!((&again.headers["idempotency-replayed"], again.cost.requests), (&json!("true"), 3));
    // It is written down: nobody is asked any more, whatever becomes of the money.
    let refund = json!({ "attempt_id": attempt.id, "event": "refund" });
    assert_eq!(shop.deliver(refund).await.status, 200);
    let calls = shop.world.provider.calls();
    assert_eq!(shop.ask_under("one").await.body, told);
    assert_eq!(
        (shop.world.provider.calls(), shop.status(&attempt.id).await),
        (calls, Status::Refunded)
    );
    assert_eq!((shop.count("Attempt").await, shop.world.provider.invoices()), (1, 1));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_key_whose_attempt_was_refunded_without_a_link_makes_no_other() {
    let shop = Shop::open().await;
    let (attempt, told) = shop.unlinked().await;
    shop.succeed(&attempt.id).await;
    shop.deliver(json!({ "attempt_id": attempt.id, "event": "refund" })).await;
    assert_eq!(shop.status(&attempt.id).await, Status::Refunded);
    assert_eq!(shop.ask_under("one").await.body, told);
    assert_eq!((shop.count("Attempt").await, shop.world.provider.invoices()), (1, 1));
    shop.check_invariants().await;
}

/// Nobody was ever given its link, and nobody looks for its money any more: better a new one.
#[tokio::test]
async fn a_key_whose_attempt_was_abandoned_without_a_link_makes_a_new_one() {
    let shop = Shop::open().await;
    let (old, _) = shop.unlinked().await;
    shop.pass(15 * 60);
    shop.world.tick(crate::payments::sweep()).await.unwrap();
    assert_eq!(shop.status(&old.id).await, Status::Abandoned);
    let made = shop.ask_under("one").await;
    assert_eq!((made.status.as_u16(), &made.body["reused"]), (200, &json!(false)));
    assert_ne!(made.body["attempt_id"], old.id.as_str());
    assert_eq!(shop.ask_under("one").await.body, made.body);
    shop.check_invariants().await;
}
