//! Time that is given and taken by hand.

use shared::clock::days;

use super::*;
use crate::payments::{ContractHandle, Provider};

const GRANT: &str = "/api/admin/grant-subscription";
const REVOKE: &str = "/api/admin/revoke-subscription";

#[tokio::test]
async fn days_add_up_and_bring_no_energies() {
    let office = Office::open().await;
    let body = json!({ "telegram_id": ANNA.to_string(), "days": 10, "reason": "was ill" });
    let reply = office.post(grant(), GRANT, body).await;
    let until = office.now() + days(10);
    assert_eq!((reply.status.as_u16(), &reply.body["success"]), (200, &json!(true)));
    assert_eq!(reply.body["subscription_expires"], json!(until));
    assert_eq!((reply.cost.requests, reply.cost.items), (2, 3));
    office.post(grant(), GRANT, json!({ "telegram_id": ANNA })).await;
    let anna = office.anna().await;
    assert_eq!(anna.subscription_expires, Some(until + days(30)));
    assert_eq!((anna.balance, anna.first_purchase_at), (0, None));
    let events = office.world.items("SubscriptionEvent").await;
    assert!(events.iter().all(|event| event["event"]["S"] == "grant"));
    assert_eq!((events.len(), office.count("AdminAct").await), (2, 2));
    let acts = office.world.items("AdminAct").await;
    assert_eq!(acts.iter().filter(|act| act["reason"]["S"] == "was ill").count(), 1);
}

#[tokio::test]
async fn a_key_grants_once() {
    let office = Office::open().await;
    let body = json!({ "telegram_id": ANNA, "days": 10 });
    let first = office.keyed(grant(), GRANT, body.clone(), "one").await;
    let again = office.keyed(grant(), GRANT, body, "one").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(office.expires().await, Some(office.now() + days(10)));
    let other = office.keyed(grant(), GRANT, json!({ "telegram_id": ANNA }), "one").await;
    assert_eq!(code(&other), (422, "idempotency_mismatch".to_owned()));
}

#[tokio::test]
async fn a_grant_after_a_gift_is_no_gift_and_keeps_the_renewal() {
    let office = Office::with(&[("PROTECTED_CHAT_IDS", "-100,-200")]).await;
    let handle = ContractHandle { provider: Provider::Stars, contract_id: "c".to_owned() };
    let gifted = Member {
        gifted: true,
        gifted_by: Some(7),
        auto_renewal: true,
        contract: Some(handle),
        ..office.anna().await
    };
    office.world.put(&gifted).await;
    office.post(grant(), GRANT, json!({ "telegram_id": ANNA })).await;
    let anna = office.anna().await;
    assert_eq!((anna.gifted, anna.gifted_by, anna.auto_renewal), (false, None, true));
    assert_eq!(office.messages("unban").await, 2, "whoever was not paid may be banned");
    office.post(grant(), GRANT, json!({ "telegram_id": ANNA })).await;
    assert_eq!(office.messages("unban").await, 2);
}

#[tokio::test]
async fn a_revocation_ends_time_and_renewal_once() {
    let office = Office::with(&[("PROTECTED_CHAT_IDS", "-100,-200")]).await;
    office.paid().await;
    let handle = ContractHandle { provider: Provider::Stars, contract_id: "c".to_owned() };
    let renewing = Member { auto_renewal: true, contract: Some(handle), ..office.anna().await };
    office.world.put(&renewing).await;
    let body = json!({ "telegram_id": ANNA, "kick": true });
    let reply = office.post(revoke(), REVOKE, body).await;
    assert_eq!((reply.status.as_u16(), &reply.body["auto_renewal"]), (200, &json!(false)));
    assert_eq!(reply.body["expires_at"], json!(office.now()));
    let anna = office.anna().await;
    assert_eq!((anna.subscription_expires, anna.auto_renewal), (Some(office.now()), false));
    assert_eq!(anna.balance, 500, "what was earned stays");
    assert_eq!((office.messages("kick").await, office.messages("end_contract").await), (2, 1));

    office.pass(3_600);
    let events = office.count("SubscriptionEvent").await;
    let again = office.post(revoke(), REVOKE, json!({ "telegram_id": ANNA })).await;
    assert_eq!(again.body["expires_at"], reply.body["expires_at"], "what is over stays as it is");
    assert_eq!(office.count("SubscriptionEvent").await, events);
    // What renewed it is asked to end once more, as a provider may have refused.
    assert_eq!((again.cost.requests, again.cost.items), (2, 2));
    assert_eq!(office.messages("end_contract").await, 2);
}

#[tokio::test]
async fn who_is_not_there_and_what_does_not_read_is_refused() {
    let office = Office::open().await;
    let nobody = json!({ "telegram_id": 5 });
    for (function, path) in [(grant(), GRANT), (revoke(), REVOKE)] {
        let reply = office.post(function, path, nobody.clone()).await;
        assert_eq!(code(&reply), (404, "not_found".to_owned()));
    }
    for body in [
        json!({}),
        json!({ "telegram_id": "anna" }),
        json!({ "telegram_id": -5 }),
        json!({ "telegram_id": 1.5 }),
        json!({ "telegram_id": ANNA, "days": 0 }),
        json!({ "telegram_id": ANNA, "days": 3_661 }),
        json!({ "telegram_id": ANNA, "days": "30" }),
        json!({ "telegram_id": ANNA, "reason": "x".repeat(501) }),
    ] {
        let reply = office.post(grant(), GRANT, body.clone()).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{body}");
    }
    assert_eq!((office.expires().await, office.count("AdminAct").await), (None, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_grants_at_once_add_up() {
    let office = Office::open().await;
    let instance = office.world.start(grant()).await;
    let body = json!({ "telegram_id": ANNA, "days": 1 });
    let mut left: Vec<_> = (0..20)
        .map(|n| Office::request(GRANT, body.clone()).header("idempotency-key", &format!("k{n}")))
        .collect();
    // Whoever is outrun too often is told to come again, with the same key.
    while !left.is_empty() {
        let replies = office.world.send_all(&instance, left.clone()).await;
        assert!(replies.iter().all(|reply| [200, 503].contains(&reply.status.as_u16())));
        if replies.iter().all(|reply| reply.status == 200) {
            left.clear();
        }
    }
    assert_eq!(office.expires().await, Some(office.now() + days(20)));
}
