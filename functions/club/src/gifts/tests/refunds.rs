//! Money of a gift that goes back.

use shared::clock::days;

use super::*;
use crate::gifts::GiftStatus;

#[tokio::test]
async fn a_gift_that_nobody_activated_is_revoked_by_a_full_refund() {
    let party = Party::begin().await;
    let (attempt, gift) = party.give(Some(RECIPIENT)).await;
    party.refund(&attempt, "half", Some("1000.00")).await;
    assert_eq!(party.gift(&gift.token).await, gift);
    assert_eq!(party.messages("admin_alert").await, 1);
    party.refund(&attempt, "rest", None).await;
    assert_eq!(party.refused(RECIPIENT, &gift).await, (410, "gift_revoked".to_owned()));
    assert_eq!(party.refused(STRANGER, &gift).await, (403, "gift_wrong_recipient".to_owned()));
    assert_eq!((party.count("EnergyEntry").await, party.messages("refunded").await), (0, 1));
    party.pass(366 * DAY);
    assert_eq!(party.run().await["expired"], 0);
    party.check_invariants().await;
}

#[tokio::test]
async fn an_expired_gift_can_still_be_given_back() {
    let party = Party::begin().await;
    let (attempt, gift) = party.give(None).await;
    party.pass(365 * DAY);
    party.run().await;
    assert_eq!(party.refund(&attempt, "all", None).await.status, 200);
    assert_eq!(party.gift(&gift.token).await.status, GiftStatus::Revoked);
    party.check_invariants().await;
}

#[tokio::test]
async fn an_activated_gift_is_taken_back_from_its_recipient() {
    let party = Party::begin().await;
    let (attempt, gift) = party.give(None).await;
    let (_, kept) = party.give(None).await;
    party.activate(RECIPIENT, &gift).await;
    party.activate(RECIPIENT, &kept).await;
    let giver = party.member(GIVER).await;
    for _ in 0..2 {
        party.refund(&attempt, "half", Some("1000.00")).await;
        let member = party.member(RECIPIENT).await;
        let until = party.world.now() + days(45);
        assert_eq!((member.subscription_expires, member.balance), (Some(until), 750));
    }
    assert_eq!(party.messages("admin_alert").await, 0);
    let reply = party.refund(&attempt, "rest", None).await;
    assert_eq!((reply.cost.requests, reply.cost.items), (4, 8));
    let member = party.member(RECIPIENT).await;
    let until = party.world.now() + days(30);
    assert_eq!((member.subscription_expires, member.balance), (Some(until), 500));
    assert_eq!(party.gift(&gift.token).await.status, GiftStatus::Activated);
    assert_eq!((party.member(GIVER).await, party.messages("refunded").await), (giver, 1));
    party.check_invariants().await;
}

#[tokio::test]
async fn a_part_given_back_before_the_activation_counts_with_the_rest() {
    let party = Party::begin().await;
    let (attempt, gift) = party.give(None).await;
    party.refund(&attempt, "half", Some("1000.00")).await;
    party.activate(RECIPIENT, &gift).await;
    assert_eq!(party.member(RECIPIENT).await.balance, 500);
    party.refund(&attempt, "rest", Some("1000.00")).await;
    let member = party.member(RECIPIENT).await;
    assert_eq!((member.subscription_expires, member.balance), (Some(party.world.now()), 0));
    party.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_refund_told_many_times_at_once_revokes_once() {
    for _ in 0..4 {
        let party = Party::begin().await;
        let (attempt, gift) = party.give(None).await;
        let body = json!({ "attempt_id": attempt, "event": "refund" });
        let instance = party.world.start(sandbox_webhook()).await;
        let word = Request::post("/api/webhooks/sandbox/payment", body);
        let word = word.header("x-sandbox-secret", SANDBOX_SECRET);
        let replies = party.world.send_all(&instance, (0..12).map(|_| word.clone())).await;
        assert!(replies.iter().all(|reply| [200, 503].contains(&reply.status.as_u16())));
        assert_eq!(party.gift(&gift.token).await.status, GiftStatus::Revoked);
        assert_eq!((party.count("Refund").await, party.messages("admin_alert").await), (1, 0));
        party.check_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refund_against_an_activation_leaves_one_truth() {
    for _ in 0..8 {
        let party = Party::begin().await;
        let (attempt, gift) = party.give(None).await;
        let wish = party.wish(RECIPIENT, &gift.token).await;
        let world = Arc::clone(&party.world);
        let activating = tokio::spawn(async move { world.call(activate(), wish).await });
        let refunded = party.refund(&attempt, "all", None).await;
        assert_eq!(refunded.status, 200, "{}", refunded.body);
        let activated = activating.await.unwrap();
        let member = party.member(RECIPIENT).await;
        assert!(!member.is_paid(party.world.now()) && member.balance == 0);
        let status = party.gift(&gift.token).await.status;
        match activated.status.as_u16() {
            200 => assert_eq!((status, member.earned_total), (GiftStatus::Activated, 500)),
            code => assert_eq!((code, status), (410, GiftStatus::Revoked)),
        }
        party.check_invariants().await;
    }
}
