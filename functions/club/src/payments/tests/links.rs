//! Links: one open attempt of equal terms, whoever asks how often.

use shared::clock::days;
use shared::idempotency::Idempotency;
use shared::table::Entity as _;

use super::*;
use crate::payments::items::{AnalyticsEvent, OpenAttempt};
use crate::payments::offers::Offer;
use crate::payments::providers::Invoice;
use crate::payments::store::Replaced;
use crate::payments::{attempt, status, store};
use crate::testing::{CHECKS, Mood};

#[tokio::test]
async fn a_link_is_made_once_and_given_again() {
    let shop = Shop::open().await;
    let first = shop.ask(monthly()).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(
        (&first.body["amount"], &first.body["currency"]),
        (&json!("2000.00"), &json!("RUB"))
    );
    assert_eq!(
        (&first.body["provider"], &first.body["reused"]),
        (&json!("sandbox"), &json!(false))
    );
    let id = first.body["attempt_id"].as_str().unwrap();
    assert!(id.starts_with("att_") && id.len() == 30);
    assert!(first.body["payment_url"].as_str().unwrap().ends_with(id));
    // One batch read, one transaction, one update.
    assert_eq!((first.cost.requests, first.cost.sequence, first.cost.items), (3, 3, 4));
    assert_eq!((first.cost.messages, shop.world.depth(CHECKS)), (1, 1));

    let again = shop.ask(monthly()).await;
    assert_eq!((&again.body["attempt_id"], &again.body["reused"]), (&json!(id), &json!(true)));
    assert_eq!(again.body["payment_url"], first.body["payment_url"]);
    assert_eq!((again.cost.requests, again.cost.items), (2, 0));
    assert_eq!((shop.count("Attempt").await, shop.world.provider.invoices()), (1, 1));
    assert_eq!(shop.status(id).await, Status::Pending);
    shop.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_calls_at_once_make_one_attempt() {
    let shop = Shop::open().await;
    let instance = shop.world.start(link()).await;
    let calls = (0..10).map(|_| shop.request(monthly()));
    let replies = shop.world.send_all(&instance, calls).await;
    let made = replies.iter().filter(|reply| reply.body["reused"] == json!(false)).count();
    assert_eq!((made, shop.count("Attempt").await, shop.world.provider.invoices()), (1, 1, 1));
    for reply in &replies {
        match reply.status.as_u16() {
            200 => assert!(reply.body["attempt_id"].is_string()),
            503 => {
                assert!(reply.headers["retry-after"].as_str().unwrap().parse::<u32>().unwrap() >= 1)
            }
            other => panic!("{other} {}", reply.body),
        }
    }
    shop.check_invariants().await;
}

/// The body of the monthly link with some fields replaced.
pub(super) fn with(fields: Value) -> Value {
    let mut body = monthly();
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn what_the_rules_refuse() {
    let shop = Shop::open().await;
    let long = "x".repeat(256);
    for (body, status, code, error) in [
        (json!({}), 400, "field_required", "Обязательные поля: telegram_id, email, offer_key"),
        (with(json!({ "email": "" })), 400, "field_required", "Обязательные поля"),
        (with(json!({ "telegram_id": null })), 400, "field_required", "Обязательные поля"),
        (with(json!({ "telegram_id": "12x" })), 400, "bad_telegram_id", "Некорректный telegram_id"),
        (with(json!({ "telegram_id": 1.5 })), 400, "bad_telegram_id", "Некорректный telegram_id"),
        (with(json!({ "telegram_id": PAYER + 1 })), 403, "subject_mismatch", "Действие недоступно"),
        (with(json!({ "email": "a@b@c" })), 400, "validation_failed", "Проверьте"),
        (with(json!({ "email": 7 })), 400, "validation_failed", "Проверьте"),
        (with(json!({ "phone": long })), 400, "validation_failed", "Проверьте"),
        (with(json!({ "offer_key": "unknown" })), 404, "offer_unknown", "Предложение не найдено"),
        (with(json!({ "offer_key": "closed" })), 400, "offer_inactive", "больше не действует"),
        (with(json!({ "currency": "USD" })), 400, "currency_not_offered", "валюте"),
        (
            with(json!({ "offer_key": "gift_rub_2000", "recipient_id": PAYER.to_string() })),
            400,
            "gift_self",
            "самому себе",
        ),
        (
            with(json!({
                "offer_key": "gift_rub_2000", "email": format!("{PAYER}_giftclub@mail.ru"),
            })),
            400,
            "gift_self",
            "самому себе",
        ),
    ] {
        let monthly = Offer::seeded("monthly_rub_2000").unwrap();
        let closed = Offer { key: "closed".to_owned(), active: false, ..monthly };
        shop.world.put(&closed).await;
        let reply = shop.ask(body.clone()).await;
        assert_eq!((reply.status.as_u16(), &reply.body["code"]), (status, &json!(code)), "{body}");
        let told = reply.body["error"].as_str().unwrap();
        assert!(told.contains(error), "{body}: {told}");
    }
    assert_eq!((shop.count("Attempt").await, shop.world.provider.calls()), (0, 0));
}

#[tokio::test]
async fn an_offer_in_the_table_overrides_the_seed() {
    let shop = Shop::open().await;
    let offer = Offer { days: 45, ..Offer::seeded("monthly_rub_2000").unwrap() };
    shop.world.put(&offer).await;
    let id = shop.linked().await;
    assert_eq!(shop.attempt(&id).await.days, 45);
}

#[tokio::test]
async fn other_terms_are_other_attempts() {
    let shop = Shop::open().await;
    shop.sell_for_every_currency().await;
    let own = shop.linked().await;
    let (one, other) = (shop.gift_linked(77).await, shop.gift_linked(78).await);
    let dollars = shop.ask(with(json!({ "currency": "USD" }))).await;
    assert_eq!((&dollars.body["amount"], dollars.status.as_u16()), (&json!("25.00"), 200));
    let stars = shop.ask(with(json!({ "currency": "XTR" }))).await;
    assert_eq!(stars.body["amount"], "1500");
    // A recipient means nothing for days of one's own.
    let same = shop.ask(with(json!({ "recipient_id": 77 }))).await;
    assert_eq!(same.body["attempt_id"], own.as_str());
    assert_eq!(shop.count("Attempt").await, 5);
    assert_eq!(shop.attempt(&one).await.recipient, Some(77));
    assert_ne!(one, other);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_cooldown_refuses_days_and_not_gifts() {
    let shop = Shop::open().await;
    let mut member = shop.payer().await;
    member.subscription_expires = Some(shop.world.now() - days(8));
    shop.world.put(&member).await;
    let refused = shop.ask(monthly()).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.body["error"], "cooldown_active");
    assert_eq!(refused.body["message"], "Оформить подписку пока нельзя");
    assert_eq!(refused.body["unlock_date"], "23.04.2026");
    assert_eq!(shop.count("Attempt").await, 0);
    let request = Request::get("/api/payments/status").token(&shop.token);
    let told = shop.world.call(status(), request).await;
    assert_eq!((&told.body["blocked"], &told.body["isPro"]), (&json!(true), &json!(false)));
    assert_eq!((&told.body["unlock_date"], told.cost.requests), (&json!("23.04.2026"), 1));
    shop.gift_linked(77).await;
}

#[tokio::test]
async fn a_subscription_that_renews_itself_needs_no_link() {
    let shop = Shop::open().await;
    let mut member = shop.payer().await;
    member.subscription_expires = Some(shop.world.now() + days(3));
    member.auto_renewal = true;
    shop.world.put(&member).await;
    for body in [monthly(), with(json!({ "email": "x@check.local" }))] {
        let reply = shop.ask(body).await;
        assert_eq!(reply.body["active_subscription"], true);
        assert_eq!(reply.body["expires_at"], reply.body["subscription_expires"]);
    }
    assert_eq!(shop.count("Attempt").await, 0);
    let forced = shop.ask(with(json!({ "force_renew": "true" }))).await;
    assert_eq!(forced.body["reused"], false);
    shop.gift_linked(77).await;
}

#[tokio::test]
async fn a_probe_creates_nothing() {
    let shop = Shop::open().await;
    let reply = shop.ask(with(json!({ "email": "check@Check.local" }))).await;
    assert_eq!(reply.body, json!({ "success": true, "active_subscription": false }));
    let made = shop.count("Attempt").await + shop.count("AnalyticsEvent").await;
    assert_eq!((made, shop.world.provider.calls(), reply.cost.items), (0, 0, 0));
}

#[tokio::test]
async fn a_silent_provider_is_given_up() {
    let shop = Shop::with(&[("PROVIDER_TIMEOUT_MS", "100")]).await;
    shop.world.provider.set_mood(Mood::Silent);
    let reply = shop.ask(monthly()).await;
    assert_eq!(reply.status, 502);
    let attempts: Vec<Attempt> = shop.read("Attempt").await;
    assert_eq!((attempts.len(), attempts[0].status), (1, Status::Failed));
    assert!(attempts[0].due_at.is_some(), "asked about once more");
    shop.check_invariants().await;
}

/// An attempt whose call died before the provider's answer was written down.
pub(super) async fn orphan(shop: &Shop) -> Attempt {
    let id = shop.linked().await;
    let attempt = Attempt {
        status: Status::Created,
        invoice_id: None,
        url: None,
        due_at: Attempt::follow_up(shop.world.now(), shop.world.now()),
        ..shop.attempt(&id).await
    };
    shop.world.put(&attempt).await;
    attempt
}

#[tokio::test]
async fn an_unanswered_attempt_is_waited_for_and_then_replaced() {
    let shop = Shop::open().await;
    let old = orphan(&shop).await;
    let waiting = shop.ask(monthly()).await;
    assert_eq!((waiting.status.as_u16(), &waiting.headers["retry-after"]), (503, &json!("8")));
    assert_eq!(waiting.body["code"], "conflict_retry");
    shop.pass(8);
    let replaced = shop.linked().await;
    assert_ne!(replaced, old.id);
    assert_eq!(shop.status(&old.id).await, Status::Failed);
    shop.check_invariants().await;
}

/// Its link would be one that the key leads nobody else to, for an attempt that has failed.
#[tokio::test]
async fn a_call_that_was_overtaken_at_the_provider_gives_no_link_of_its_own() {
    let shop = Shop::with(&[("PROVIDER_TIMEOUT_MS", "60000")]).await;
    let asked = || shop.request(monthly()).header("idempotency-key", "one");
    let provider = &shop.world.provider;
    provider.set_mood(Mood::Held);
    let overtaking = async {
        provider.called().await;
        provider.set_mood(Mood::Fine);
        shop.pass(60);
        let faster = shop.world.call(link(), asked()).await;
        provider.let_go();
        faster
    };
    let (slower, faster) = tokio::join!(shop.world.call(link(), asked()), overtaking);
    assert_eq!(faster.status, 200, "{}", faster.body);
    assert_eq!((slower.status.as_u16(), &slower.headers["retry-after"]), (503, &json!("1")));
    let again = shop.world.call(link(), asked()).await;
    assert_eq!(again.body["attempt_id"], faster.body["attempt_id"]);
    assert_eq!((shop.count("Attempt").await, provider.invoices()), (2, 2));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_late_answer_of_the_provider_changes_no_state() {
    let shop = Shop::open().await;
    let attempt = orphan(&shop).await;
    shop.succeed(&attempt.id).await;
    let invoice = Invoice { id: "inv".to_owned(), url: "https://pay.example.com".to_owned() };
    let now = shop.world.now();
    let stands = store::answered(shop.world.table(), &attempt, &invoice, now, now).await;
    assert_eq!(stands.unwrap(), Status::Paid);
    let stored = shop.attempt(&attempt.id).await;
    assert_eq!((stored.status, stored.url), (Status::Paid, Some(invoice.url)));
    let gone = store::end(
        shop.world.table(),
        &attempt,
        crate::payments::model::Event::Unanswered,
        "no_link",
        None,
        now,
    );
    assert!(!gone.await.unwrap());
    shop.check_invariants().await;
}

#[tokio::test]
async fn an_attempt_is_shown_to_its_payer_only() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let show = |id: &str, token: &str| {
        let request = Request::get(&format!("/api/payments/attempts/{id}")).token(token);
        shop.world.call(attempt(), request)
    };
    let shown = show(&id, &shop.token).await;
    assert_eq!(
        shown.body["attempt"],
        json!({
            "id": id, "status": "pending", "purpose": "self", "offer_key": "monthly_rub_2000",
            "amount": "2000.00", "currency": "RUB", "provider": "sandbox", "checksDone": 0,
            "createdAt": "2026-01-31T12:00:00.000Z",
        })
    );
    assert_eq!(shown.cost.requests, 1);
    let stranger = shop.world.token(&shop.world.member(8).await).await;
    assert_eq!(show(&id, &stranger).await.status, 404);
    for bad in ["x", "att_", "att_01KG9JV9M0SAMPLEATTEMPT00%20"] {
        let reply = show(bad, &shop.token).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["error"]),
            (404, &json!("Платёж не найден"))
        );
    }
}

#[tokio::test]
async fn a_slot_without_its_attempt_is_taken() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let slot = OpenAttempt { slot: shop.attempt(&id).await.slot(), attempt_id: "gone".to_owned() };
    assert_eq!(slot.key(), slot.slot.key());
    shop.world.put(&slot).await;
    assert_ne!(shop.linked().await, id);
}

#[tokio::test]
async fn a_session_whose_member_is_gone_gets_no_link() {
    let shop = Shop::open().await;
    let gone = Member::new(PAYER + 1, None, None, shop.world.now());
    let token = shop.world.token(&gone).await;
    let body = with(json!({ "telegram_id": PAYER + 1 }));
    let request = Request::post("/api/payments/generate-link", body).token(&token);
    let reply = shop.world.call(link(), request).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (401, &json!("member_gone")));
    let request = Request::get("/api/payments/status").token(&token);
    let told = shop.world.call(status(), request).await;
    assert_eq!((told.status.as_u16(), &told.body["provider"]), (200, &Value::Null));
}

/// Deterministic, where ten calls at once may happen not to meet.
#[tokio::test]
async fn a_slot_is_taken_once() {
    let shop = Shop::open().await;
    let first = shop.attempt(&shop.linked().await).await;
    let second = Attempt { id: "att_second".to_owned(), ..first.clone() };
    let event = AnalyticsEvent::of(&second, "payment_attempt", "", shop.world.now());
    let key = Idempotency::none();
    let table = shop.world.table();
    let opened = store::open(table, &second, &event, &key, None, None).await;
    let refusal = opened.unwrap_err().refusal().unwrap();
    assert_eq!((refusal.name(), store::holder(&refusal)), ("open", Some(first.id.clone())));
    let other = Replaced { id: "att_other", unanswered: None };
    let opened = store::open(table, &second, &event, &key, None, Some(other)).await;
    assert_eq!(opened.unwrap_err().refusal().unwrap().name(), "open");
    assert_eq!(shop.count("Attempt").await, 1);
    shop.check_invariants().await;
}
