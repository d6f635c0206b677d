//! What administrators give and take.

use super::*;

const AWARD: &str = "/api/v1/energies/award";
const SPEND: &str = "/api/v1/energies/spend";

#[tokio::test]
async fn energies_are_given_and_taken_by_either_id() {
    let world = World::new().await;
    let member = world.member(ANNA).await;
    let leader = Member { is_team_leader: true, ..member.clone() };
    world.put(&leader).await;
    let given = json!({
        "userId": ANNA.to_string(), "amount": 300, "reason": " За помощь ",
        "metadata": { "by": "Ольга" },
    });
    let reply = post(&world, award_by_hand(), AWARD, given).await;
    let expected =
        json!({ "success": true, "amount": 300, "reason": "За помощь", "newBalance": 300 });
    assert_eq!(reply.body, expected);
    assert_eq!((reply.cost.requests, reply.cost.items), (2, 2));
    let taken = json!({ "userId": ANNA, "amount": 100, "reason": "Ошибка" });
    let reply = post(&world, spend_by_hand(), SPEND, taken).await;
    assert_eq!((&reply.body["amount"], &reply.body["newBalance"]), (&json!(100), &json!(200)));
    assert_eq!((reply.cost.requests, reply.cost.items), (2, 2));
    let (_, entries) = holds(&world, ANNA).await;
    let mut shown: Vec<_> = entries
        .iter()
        .map(|entry| (entry.energy_kind, entry.delta, entry.reason.as_str()))
        .collect();
    shown.sort_by_key(|(_, delta, _)| *delta);
    let expected = [(Kind::AdminSpend, -100, "Ошибка"), (Kind::AdminAward, 300, "За помощь")];
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn the_opaque_id_leads_to_the_member() {
    let world = World::new().await;
    let user = shared::telegram::updates::Update::parse(
        posted(1, CITY_CHAT, ANNA, 1, "", json!({})).to_string().as_bytes(),
    );
    let shared::telegram::Event::Message(message) = user.unwrap().event else { panic!() };
    let user = message.author().unwrap().profile();
    let member = crate::auth::meet(world.table(), &user, None, world.now()).await.unwrap();
    let given = json!({ "userId": member.id, "amount": 1, "reason": "x" });
    let reply = post(&world, award_by_hand(), AWARD, given).await;
    assert_eq!((&reply.body["newBalance"], reply.cost.requests), (&json!(1), 3));
    assert_eq!(holds(&world, ANNA).await.0.balance, 1);
}

#[tokio::test]
async fn one_key_is_one_effect_and_one_answer() {
    let world = World::new().await;
    world.member(ANNA).await;
    let given = json!({ "userId": ANNA, "amount": 300, "reason": "x" });
    let keyed =
        |path: &str, body: &Value| asked(path, body.clone()).header("idempotency-key", "one");
    let first = world.call(award_by_hand(), keyed(AWARD, &given)).await;
    assert_eq!((first.cost.requests, first.cost.items), (2, 3));
    let again = world.call(award_by_hand(), keyed(AWARD, &given)).await;
    assert_eq!(
        (&again.body, &again.headers["idempotency-replayed"]),
        (&first.body, &json!("true"))
    );
    let other = json!({ "userId": ANNA, "amount": 301, "reason": "x" });
    let other = world.call(award_by_hand(), keyed(AWARD, &other)).await;
    assert_eq!(code(&other), (422, "idempotency_mismatch".to_owned()));
    // A refusal leaves the key free, and another path is another key.
    let taken = json!({ "userId": ANNA, "amount": 400, "reason": "x" });
    let refused = world.call(spend_by_hand(), keyed(SPEND, &taken)).await;
    assert_eq!(code(&refused), (409, "insufficient_energies".to_owned()));
    post(&world, award_by_hand(), AWARD, json!({ "userId": ANNA, "amount": 100, "reason": "y" }))
        .await;
    let done = world.call(spend_by_hand(), keyed(SPEND, &taken)).await;
    assert_eq!((done.status.as_u16(), &done.body["newBalance"]), (200, &json!(0)));
    assert_eq!(holds(&world, ANNA).await.1.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_under_one_key_are_one_award() {
    let world = std::sync::Arc::new(World::new().await);
    world.member(ANNA).await;
    let instance = world.start(award_by_hand()).await;
    let given = json!({ "userId": ANNA, "amount": 7, "reason": "x" });
    let wishes = (0..20).map(|_| asked(AWARD, given.clone()).header("idempotency-key", "one"));
    let replies = world.send_all(&instance, wishes).await;
    assert!(replies.iter().all(|reply| matches!(reply.status.as_u16(), 200 | 503)), "{replies:?}");
    assert!(replies.iter().any(|reply| reply.status == 200));
    let (member, entries) = holds(&world, ANNA).await;
    assert_eq!((member.balance, entries.len()), (7, 1));
}

#[tokio::test]
async fn spending_one_too_many_writes_nothing() {
    let world = World::new().await;
    world.member(ANNA).await;
    store::award(world.table(), ANNA, &pay(1, 99), world.now()).await.unwrap();
    let before = account(&world, ANNA).await;
    let taken = json!({ "userId": ANNA, "amount": 100, "reason": "x" });
    let refused = post(&world, spend_by_hand(), SPEND, taken).await;
    assert_eq!(code(&refused), (409, "insufficient_energies".to_owned()));
    assert_eq!(refused.body["error"], "Insufficient energy points");
    assert_eq!(account(&world, ANNA).await, before);
}

#[tokio::test]
async fn a_month_is_completed_once_and_never_doubled() {
    let world = World::new().await;
    let member = world.member(ANNA).await;
    world.put(&Member { is_team_leader: true, ..member }).await;
    let wish = |amount: u32, metadata: Value| json!({ "userId": ANNA, "amount": amount, "reason": "Закрытие месяца", "metadata": metadata });
    for (metadata, amount, balance) in [
        (json!(null), 500, 500),
        (json!({ "month": "2026-01" }), 0, 500),
        (json!({ "month": "2025-12" }), 500, 1_000),
    ] {
        let reply = post(&world, award_by_hand(), AWARD, wish(500, metadata)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.body["amount"], amount);
        assert_eq!(reply.body["newBalance"], balance);
    }
    let (_, entries) = holds(&world, ANNA).await;
    let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["month:2025-12", "month:2026-01"]);
    assert!(entries.iter().all(|entry| entry.energy_kind == Kind::MonthCompletion));
    for (amount, metadata) in [(499, json!({})), (500, json!({ "month": "2026-13" }))] {
        let refused = post(&world, award_by_hand(), AWARD, wish(amount, metadata)).await;
        assert_eq!(code(&refused), (400, "validation_failed".to_owned()));
    }
}

#[tokio::test]
async fn what_does_not_read_is_refused_without_effect() {
    let world = World::new().await;
    world.member(ANNA).await;
    store::award(world.table(), ANNA, &pay(1, 500), world.now()).await.unwrap();
    let good = json!({ "userId": ANNA, "amount": 5, "reason": "x" });
    let long = "x".repeat(2_050);
    for (field, value) in [
        ("amount", json!(0)),
        ("amount", json!(-5)),
        ("amount", json!(1.5)),
        ("amount", json!("5")),
        ("amount", json!(100_001)),
        ("amount", json!(null)),
        ("reason", json!("")),
        ("reason", json!("  ")),
        ("reason", json!("я".repeat(201))),
        ("reason", json!(7)),
        ("metadata", json!([1])),
        ("metadata", json!("x")),
        ("metadata", json!({ "a": long })),
        ("metadata", json!({ "n": 1e300 })),
        ("userId", json!({})),
        ("userId", json!(true)),
        ("userId", json!(null)),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        for (function, path) in [(award_by_hand(), AWARD), (spend_by_hand(), SPEND)] {
            let refused = post(&world, function, path, body.clone()).await;
            assert_eq!(code(&refused), (400, "validation_failed".to_owned()), "{field} {value}");
        }
    }
    for unknown in [
        json!(5),
        json!("0"),
        json!("-1"),
        json!("nobody"),
        json!(""),
        json!("00000000-0000-4000-8000-000000000000"),
        json!("я".repeat(18)),
        json!("x".repeat(5_000)),
    ] {
        let mut body = good.clone();
        body["userId"] = unknown;
        for (function, path) in [(award_by_hand(), AWARD), (spend_by_hand(), SPEND)] {
            let refused = post(&world, function, path, body.clone()).await;
            assert_eq!(
                (refused.status.as_u16(), &refused.body["error"]),
                (404, &json!("User not found"))
            );
        }
    }
    assert_eq!(holds(&world, ANNA).await.1.len(), 1);
}

#[tokio::test]
async fn nobody_but_an_administrator_gives() {
    let world = World::new().await;
    let member = world.member(ANNA).await;
    let token = world.token(&member).await;
    let body = json!({ "userId": ANNA, "amount": 5, "reason": "x" });
    for (function, path) in [
        (award_by_hand(), AWARD),
        (spend_by_hand(), SPEND),
        (daily_login(), "/api/v1/energies/triggers/daily-login"),
    ] {
        let instance = world.start(function).await;
        for request in [
            Request::post(path, body.clone()),
            Request::post(path, body.clone()).token(&token),
            Request::post(path, body.clone()).header("x-admin-secret", ""),
            Request::post(path, body.clone()).header("x-admin-secret", "wrong"),
        ] {
            let refused = world.send(&instance, request).await;
            assert_eq!(code(&refused), (403, "admin_required".to_owned()));
        }
    }
    assert_eq!(holds(&world, ANNA).await.1.len(), 0);
}
