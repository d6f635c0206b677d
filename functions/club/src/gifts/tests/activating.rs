//! One gift, one effect.

use shared::clock::days;

use super::*;
use crate::gifts::GiftStatus;

#[tokio::test]
async fn an_activation_gives_days_and_energies_and_tells_the_giver() {
    let party = Party::begin().await;
    let (_, gift) = party.give(Some(RECIPIENT)).await;
    let giver = party.member(GIVER).await;
    let reply = party.activate(RECIPIENT, &gift).await;
    let until = party.world.now() + days(30);
    let expected = json!({
        "success": true, "gift": { "id": gift.id, "status": "activated", "days": 30 },
        "subscriptionExpires": until, "energiesEarned": 500,
    });
    assert_eq!((reply.status.as_u16(), &reply.body), (200, &expected));
    assert_eq!((reply.cost.requests, reply.cost.items), (2, 6));
    let member = party.member(RECIPIENT).await;
    assert_eq!((member.subscription_expires, member.balance), (Some(until), 500));
    assert_eq!((member.gifted, member.gifted_by), (true, Some(GIVER)));
    assert_eq!(member.first_purchase_at, Some(party.world.now()));
    assert_eq!(party.gift(&gift.token).await.status, GiftStatus::Activated);
    assert_eq!(party.member(GIVER).await, giver);
    assert_eq!((party.count("SubscriptionEvent").await, party.count("GivenGift").await), (1, 1));
    // The secret is in no key but the gift's own.
    for item in party.world.items("Outbox").await {
        assert!(!item["pk"]["S"].as_str().unwrap().contains(&gift.token));
    }
    party.check_invariants().await;
}

#[tokio::test]
async fn the_same_recipient_gets_the_same_answer_and_nobody_else_anything() {
    let party = Party::begin().await;
    let (_, gift) = party.give(None).await;
    assert_eq!(party.refused(GIVER, &gift).await, (409, "gift_self".to_owned()));
    let first = party.activate(RECIPIENT, &gift).await;
    let member = party.member(RECIPIENT).await;
    party.pass(400 * DAY);
    let again = party.activate(RECIPIENT, &gift).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!((again.cost.requests, again.cost.items), (1, 0));
    assert_eq!(party.member(RECIPIENT).await, member);
    let taken = (409, "gift_already_activated".to_owned());
    assert_eq!(party.refused(STRANGER, &gift).await, taken);
    let (_, bound) = party.give(Some(RECIPIENT)).await;
    let other = (403, "gift_wrong_recipient".to_owned());
    assert_eq!(party.refused(STRANGER, &bound).await, other);
    assert_eq!(party.refused(GIVER, &bound).await, (409, "gift_self".to_owned()));
    party.check_invariants().await;
}

#[tokio::test]
async fn what_is_no_token_activates_nothing() {
    let party = Party::begin().await;
    let code = async |token: Value| {
        let request = Request::post("/api/v1/gifts/activate", json!({ "token": token }));
        let request = request.token(&party.token(RECIPIENT).await);
        let reply = party.world.call(activate(), request).await;
        (reply.status.as_u16(), reply.body["code"].as_str().unwrap().to_owned())
    };
    let invalid = (400, "validation_failed".to_owned());
    for token in [json!(null), json!(""), json!(7), json!("A".repeat(21)), json!("A".repeat(23))] {
        assert_eq!(code(token.clone()).await, invalid, "{token}");
    }
    let unknown = (404, "gift_not_found".to_owned());
    for token in ["AAAAAAAAAAAAAAAAAAAAAA", "#AAAAAAAAAAAAAAAAAAAA#", "ключ подарка из слов !"]
    {
        assert_eq!(token.chars().count(), 22);
        assert_eq!(code(json!(token)).await, unknown, "{token}");
    }
}

#[tokio::test]
async fn gifts_stack_and_never_shorten() {
    let party = Party::begin().await;
    let (_, first) = party.give(None).await;
    let (_, second) = party.give(None).await;
    let begun = party.world.now();
    party.activate(RECIPIENT, &first).await;
    party.pass(20 * DAY);
    party.activate(RECIPIENT, &second).await;
    let member = party.member(RECIPIENT).await;
    assert_eq!(member.subscription_expires, Some(begun + days(60)));
    assert_eq!((member.balance, member.first_purchase_at), (1000, Some(begun)));
    party.check_invariants().await;
}

#[tokio::test]
async fn a_leader_gets_no_more_energies_by_a_gift() {
    let party = Party::begin().await;
    let leader = Member { is_team_leader: true, ..party.member(RECIPIENT).await };
    party.world.put(&leader).await;
    let (_, gift) = party.give(None).await;
    assert_eq!(party.activate(RECIPIENT, &gift).await.body["energiesEarned"], 500);
    assert_eq!(party.member(RECIPIENT).await.balance, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_activations_at_once_are_one() {
    let party = Party::begin().await;
    let (_, gift) = party.give(None).await;
    let instance = party.world.start(activate()).await;
    let mut wishes = Vec::new();
    for n in 0..20 {
        let who = if n % 2 == 0 { RECIPIENT } else { STRANGER };
        wishes.push(party.wish(who, &gift.token).await);
    }
    let mut won = 0;
    while !wishes.is_empty() {
        let replies = party.world.send_all(&instance, wishes.clone()).await;
        let codes = replies.iter().map(|reply| reply.status.as_u16());
        assert!(codes.clone().all(|code| [200, 409, 503].contains(&code)));
        won = codes.clone().filter(|code| *code == 200).count();
        // Whoever is outrun too often is told to come again.
        if codes.clone().all(|code| code != 503) {
            wishes.clear();
        }
    }
    assert_eq!(won, 10);
    let balances = (party.member(RECIPIENT).await.balance, party.member(STRANGER).await.balance);
    assert!([(500, 0), (0, 500)].contains(&balances), "{balances:?}");
    assert_eq!(party.messages("gift_activated").await, 1);
    party.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_stands_for_one_activation() {
    let party = Party::begin().await;
    let (_, gift) = party.give(None).await;
    let (_, other) = party.give(None).await;
    let keyed = party.wish(RECIPIENT, &gift.token).await.header("idempotency-key", "one");
    let instance = party.world.start(activate()).await;
    let first = party.world.send(&instance, keyed.clone()).await;
    assert_eq!((first.status.as_u16(), first.cost.items), (200, 7));
    let replies = party.world.send_all(&instance, (0..8).map(|_| keyed.clone())).await;
    for reply in replies {
        assert_eq!((reply.status, &reply.body), (first.status, &first.body));
        assert_eq!(reply.headers["idempotency-replayed"], "true");
    }
    let mismatch = party.wish(RECIPIENT, &other.token).await.header("idempotency-key", "one");
    let reply = party.world.send(&instance, mismatch).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (422, &json!("idempotency_mismatch")));
    // A refusal is not kept under its key.
    let early = party.wish(GIVER, &other.token).await.header("idempotency-key", "two");
    assert_eq!(party.world.send(&instance, early).await.status, 409);
    assert_eq!(party.count("Idempotency").await, 1);
    party.check_invariants().await;
}

#[tokio::test]
async fn a_gift_ends_by_the_clock() {
    let party = Party::begin().await;
    let (_, gift) = party.give(None).await;
    let (_, other) = party.give(None).await;
    party.pass(365 * DAY - 1);
    assert_eq!(party.activate(RECIPIENT, &other).await.status, 200);
    party.pass(1);
    assert_eq!(party.world.now(), gift.valid_until);
    assert_eq!(party.refused(STRANGER, &gift).await, (410, "gift_expired".to_owned()));
    assert_eq!(party.gift(&gift.token).await.status, GiftStatus::Paid);
    party.check_invariants().await;
}
