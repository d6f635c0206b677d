//! Money that is given back by hand goes back once.

use shared::clock::days;

use super::*;
use crate::testing::{BotMood, BotServer, Mood};

fn path(payment: &str) -> String {
    format!("/api/admin/payments/{payment}/refund")
}

impl Office {
    async fn refund(&self, payment: &str, key: &str, body: Value) -> Reply {
        self.keyed(refund(), &path(payment), body, key).await
    }

    /// How much the provider has given back, in parts.
    fn given_back(&self) -> Vec<u64> {
        self.world.provider.refunds().iter().map(|refund| refund.amount_minor).collect()
    }
}

#[tokio::test]
async fn a_refund_takes_back_what_its_payment_gave() {
    let office = Office::open().await;
    let (first, _second) = (office.paid().await, office.paid().await);
    let reply = office.refund(&first, "one", json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let told = &reply.body["refund"];
    assert_eq!((&told["payment_id"], &told["amount"]), (&json!(first), &json!("2000.00")));
    assert_eq!((&told["currency"], &told["status"]), (&json!("RUB"), &json!("refunded")));
    assert_eq!(office.given_back(), [200_000]);
    let anna = office.anna().await;
    assert_eq!(anna.subscription_expires, Some(office.now() + days(30)));
    assert_eq!((anna.balance, office.count("Refund").await), (500, 1));

    let again = office.refund(&first, "one", json!({})).await;
    assert_eq!((again.status, &again.body), (reply.status, &reply.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = office.refund(&first, "two", json!({})).await;
    assert_eq!(code(&other), (409, "already_refunded".to_owned()));
    assert_eq!(office.given_back(), [200_000]);
    office.check_invariants().await;
}

#[tokio::test]
async fn parts_are_given_back_up_to_the_whole() {
    let office = Office::open().await;
    let payment = office.paid().await;
    let half = office.refund(&payment, "a", json!({ "amount": "1000.00" })).await;
    assert_eq!(half.body["refund"]["status"], "partially_refunded");
    assert_eq!(office.anna().await.balance, 250);
    let more = office.refund(&payment, "b", json!({ "amount": "1000.01" })).await;
    assert_eq!(code(&more), (400, "validation_failed".to_owned()));
    let other = office.refund(&payment, "a", json!({ "amount": "1" })).await;
    assert_eq!(code(&other), (422, "idempotency_mismatch".to_owned()));
    // A number is taken as it is written.
    let rest = office.refund(&payment, "c", json!({ "amount": 1000 })).await;
    assert_eq!(rest.body["refund"]["status"], "refunded", "{}", rest.body);
    assert_eq!((office.given_back(), office.anna().await.balance), (vec![100_000; 2], 0));
    office.check_invariants().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anybody_is_asked() {
    let office = Office::open().await;
    let payment = office.paid().await;
    let calls = office.world.provider.calls();
    let keyless = office.post(refund(), &path(&payment), json!({})).await;
    assert_eq!(code(&keyless), (400, "validation_failed".to_owned()));
    assert_eq!(keyless.body["fields"][0]["name"], "Idempotency-Key");
    for amount in [json!("0"), json!("-1"), json!("x"), json!(""), json!("1.001"), json!(true)] {
        let reply = office.refund(&payment, "a", json!({ "amount": amount })).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{amount}");
    }
    for id in ["x", "sandbox:", "sandbox:unknown", "other:x", ":", "stars:%D1%8B"] {
        let reply = office.refund(id, "a", json!({})).await;
        assert_eq!(code(&reply), (404, "not_found".to_owned()), "{id}");
    }
    assert_eq!(office.world.provider.calls(), calls);
    assert_eq!((office.count("RefundIntent").await, office.anna().await.balance), (0, 500));
}

#[tokio::test]
async fn a_provider_that_refuses_leaves_everything_as_it_was() {
    let office = Office::open().await;
    let payment = office.paid().await;
    office.world.provider.set_mood(Mood::Refusing(409));
    for _ in 0..2 {
        let reply = office.refund(&payment, "one", json!({})).await;
        assert_eq!(code(&reply), (502, "provider_error".to_owned()));
    }
    assert_eq!((office.count("Refund").await, office.anna().await.balance), (0, 500));
    office.world.provider.set_mood(Mood::Fine);
    // The next try under the same key is a new one.
    assert_eq!(office.refund(&payment, "one", json!({})).await.status, 200);
    assert_eq!((office.given_back(), office.anna().await.balance), (vec![200_000], 0));
}

#[tokio::test]
async fn a_lost_answer_is_read_before_anything_is_repeated() {
    let office = Office::with(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    let payment = office.paid().await;
    office.world.provider.set_mood(Mood::Mute);
    let reply = office.refund(&payment, "one", json!({})).await;
    // The refund was made; only its answer was lost, and the provider tells when it is read.
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!((office.given_back(), office.anna().await.balance), (vec![200_000], 0));
}

#[tokio::test]
async fn a_provider_that_fails_is_read_and_asked_again() {
    let office = Office::open().await;
    let payment = office.paid().await;
    // A server that fails may have done it all the same.
    office.world.provider.set_mood(Mood::Refusing(500));
    for _ in 0..2 {
        let reply = office.refund(&payment, "one", json!({})).await;
        assert_eq!(code(&reply), (503, "conflict_retry".to_owned()));
    }
    assert_eq!((office.count("Refund").await, office.anna().await.balance), (0, 500));
    office.world.provider.set_mood(Mood::Fine);
    // Another call goes on with what was begun: it decides what is left.
    let other = office.refund(&payment, "two", json!({})).await;
    assert_eq!(code(&other), (409, "already_refunded".to_owned()), "{}", other.body);
    assert_eq!(office.given_back(), [200_000]);
    assert_eq!(office.refund(&payment, "one", json!({})).await.status, 200);
    assert_eq!((office.given_back(), office.anna().await.balance), (vec![200_000], 0));
}

#[tokio::test]
async fn a_refusal_of_what_was_asked_before_is_believed_only_when_it_was_read() {
    let office = Office::with(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    let payment = office.paid().await;
    // It has done it, and nobody heard; then it refuses to do or to tell anything.
    office.world.provider.set_mood(Mood::Deaf);
    let reply = office.refund(&payment, "one", json!({})).await;
    assert_eq!(code(&reply), (503, "conflict_retry".to_owned()));
    office.world.provider.set_mood(Mood::Refusing(409));
    let reply = office.refund(&payment, "one", json!({})).await;
    assert_eq!(code(&reply), (503, "conflict_retry".to_owned()));
    office.world.provider.set_mood(Mood::Fine);
    assert_eq!(office.refund(&payment, "one", json!({})).await.status, 200);
    assert_eq!((office.given_back(), office.anna().await.balance), (vec![200_000], 0));
}

#[tokio::test]
async fn whoever_works_on_a_refund_has_it_alone() {
    let office = Office::open().await;
    let payment = office.paid().await;
    office.world.provider.set_mood(Mood::Held);
    let (world, wish) = (Arc::clone(&office.world), path(&payment));
    let wish = Office::request(&wish, json!({})).header("idempotency-key", "one");
    let instance = office.world.start(refund()).await;
    let first = {
        let (world, instance, wish) = (Arc::clone(&world), instance.clone(), wish.clone());
        tokio::spawn(async move { world.send(&instance, wish).await })
    };
    while office.count("RefundIntent").await == 0 {
        tokio::task::yield_now().await;
    }
    let second = world.send(&instance, wish).await;
    assert_eq!(code(&second), (503, "conflict_retry".to_owned()));
    assert_eq!(second.headers["retry-after"], "30");
    world.provider.let_go();
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(office.given_back(), [200_000]);
}

#[tokio::test]
async fn a_word_of_the_provider_and_the_administrators_refund_count_once() {
    let office = Office::open().await;
    let payment = office.paid().await;
    let reply = office.refund(&payment, "one", json!({ "amount": "500" })).await;
    let attempt = payment.trim_start_matches("sandbox:sbx_");
    let word = json!({
        "attempt_id": attempt, "event": "refund", "amount": "500.00",
        "refund_id": reply.body["refund"]["id"],
    });
    office.told(word).await;
    assert_eq!((office.count("Refund").await, office.anna().await.balance), (1, 375));
}

/// An office where stars were paid.
async fn star_office(settings: &[(&str, &str)]) -> (Office, BotServer, String) {
    let bot = BotServer::start().await;
    let mut all = vec![("TELEGRAM_API_URL", bot.url.as_str()), ("STARS_ENABLED", "true")];
    all.extend_from_slice(settings);
    let office = Office::with(&all).await;
    let payment = office.paid().await;
    let rows = office.world.items("Payment").await;
    let key = shared::table::Key::new(
        rows[0]["pk"]["S"].as_str().unwrap(),
        rows[0]["sk"]["S"].as_str().unwrap(),
    );
    let paid: crate::payments::Payment = office.world.item(&key).await.unwrap().read().unwrap();
    let stars = crate::payments::Payment {
        provider: crate::payments::Provider::Stars,
        external_id: "charge-1".to_owned(),
        ..paid
    };
    office.world.put(&stars).await;
    (office, bot, payment)
}

#[tokio::test]
async fn a_refusal_of_a_repeat_is_believed_once_the_first_call_is_long_over() {
    let (office, bot, _) = star_office(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    let id = "stars:charge-1";
    bot.feel(BotMood::Silent);
    assert_eq!(office.refund(id, "one", json!({})).await.status, 503);
    // The first call may still be at work: a refusal of the second tells nothing of it.
    bot.feel(BotMood::refusing(400, "Bad Request: CHARGE_NOT_FOUND"));
    for _ in 0..3 {
        let reply = office.refund(id, "one", json!({})).await;
        assert_eq!(code(&reply), (503, "conflict_retry".to_owned()), "{}", reply.body);
        office.pass(4 * 60);
    }
    let intents = office.world.items("RefundIntent").await;
    assert_eq!((intents.len(), &intents[0]["stands"]["S"]), (1, &json!("open")));
    office.pass(4 * 60);
    let reply = office.refund(id, "one", json!({})).await;
    assert_eq!(code(&reply), (502, "provider_error".to_owned()));
    bot.feel(BotMood::Fine);
    assert_eq!(office.refund(id, "one", json!({})).await.status, 200);
    assert_eq!((office.count("Refund").await, office.count("RefundIntent").await), (1, 2));
}

#[tokio::test]
async fn a_repeat_that_is_lost_counts_as_the_first_call_does() {
    let (office, bot, _) = star_office(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    let id = "stars:charge-1";
    for _ in 0..2 {
        bot.feel(BotMood::Silent);
        assert_eq!(office.refund(id, "one", json!({})).await.status, 503);
        office.pass(16 * 60);
    }
    bot.feel(BotMood::Silent);
    assert_eq!(office.refund(id, "one", json!({})).await.status, 503);
    bot.feel(BotMood::refusing(400, "Bad Request: CHARGE_NOT_FOUND"));
    assert_eq!(office.refund(id, "one", json!({})).await.status, 503);
    office.pass(16 * 60);
    let reply = office.refund(id, "one", json!({})).await;
    assert_eq!(code(&reply), (502, "provider_error".to_owned()));
}

#[tokio::test]
async fn stars_go_back_whole_and_once() {
    let (office, bot, payment) = star_office(&[]).await;
    let id = "stars:charge-1";
    let part = office.refund(id, "a", json!({ "amount": "1" })).await;
    assert_eq!(code(&part), (400, "validation_failed".to_owned()));
    bot.feel(BotMood::refusing(400, "Bad Request: CHARGE_ALREADY_REFUNDED"));
    // An answer that was lost: Telegram says that it has done it.
    let reply = office.refund(id, "b", json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["refund"]["id"], "charge-1");
    let called = bot.called("refundStarPayment");
    assert_eq!(called, [json!({ "user_id": ANNA, "telegram_payment_charge_id": "charge-1" })]);
    assert!(payment.starts_with("sandbox:"));
}
