//! What forms tell.

use serde_json::{Value, json};
use shared::clock::days;
use shared::function::Function;

use super::*;
use crate::auth::Member;
use crate::testing::{Reply, Request, World};

const ANNA: i64 = 1_000_000_001;

struct Form {
    world: World,
    token: String,
}

impl Form {
    async fn open() -> Self {
        let world = World::new().await;
        let member = Member { first_name: "Анна".to_owned(), ..world.member(ANNA).await };
        world.put(&member).await;
        let token = world.token(&member).await;
        Self { world, token }
    }

    async fn tell(&self, function: Function<App>, body: Value) -> Reply {
        let path = function.declaration().endpoint().unwrap().path;
        self.world.call(function, Request::post(path, body).token(&self.token)).await
    }

    async fn cooldown(&self, query: &str) -> Reply {
        let path = format!("/api/analytics/check-cooldown{query}");
        self.world.call(check_cooldown(), Request::get(&path).token(&self.token)).await
    }

    async fn events(&self) -> Vec<Value> {
        self.world.items("FormEvent").await
    }

    async fn expired_for(&self, ago: u32) {
        let expires = Some(self.world.now() - days(ago));
        let member = self.world.member_now(ANNA).await;
        self.world.put(&Member { subscription_expires: expires, ..member }).await;
    }
}

fn payment() -> Value {
    json!({ "telegram_id": ANNA, "payment_method": "bank-rf", "amount": 2000 })
}

#[tokio::test]
async fn each_event_is_taken_down_and_gives_nothing() {
    let form = Form::open().await;
    let before = form.world.member_now(ANNA).await;
    let mut opened = json!({ "telegram_id": ANNA.to_string(), "email": "victim@example.com" });
    opened["utm_source"] = json!("undefined");
    opened["phone"] = json!("null");
    opened["other"] = json!({ "ignored": true });
    let gift = json!({ "gifter_id": ANNA, "recipient_id": "77" });
    for (function, body, message) in [
        (form_open(), opened, "Form open tracked"),
        (gift_attempt(), gift, "Gift attempt tracked"),
        (payment_success(), payment(), "Payment success tracked"),
        (payment_attempt(), payment(), "Payment attempt tracked"),
    ] {
        let reply = form.tell(function, body).await;
        assert_eq!((reply.status.as_u16(), &reply.body["message"]), (200, &json!(message)));
        assert_eq!((reply.cost.requests, reply.cost.items), (2, 2));
    }
    assert_eq!(form.world.member_now(ANNA).await, before);
    let events = form.events().await;
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event["expires_at_s"]["N"].is_string()), "kept for good");
    let opened = events.iter().find(|event| event["event"]["S"] == "form_open").unwrap();
    assert_eq!(opened["details"]["M"], json!({ "email": { "S": "victim@example.com" } }));
    for kind in ["Payment", "Attempt", "EnergyEntry", "Outbox"] {
        assert!(form.world.items(kind).await.is_empty(), "{kind}");
    }
}

#[tokio::test]
async fn what_is_sent_again_within_45_seconds_is_one_event() {
    let form = Form::open().await;
    for (pause, events) in [(0, 1), (40, 1), (40, 1), (46, 2), (1, 2)] {
        form.world.pass(std::time::Duration::from_secs(pause));
        assert_eq!(form.tell(payment_attempt(), payment()).await.status, 200);
        assert_eq!(form.events().await.len(), events, "{pause}");
    }
    let mut other = payment();
    other["amount"] = json!("2500.00");
    form.tell(payment_attempt(), other).await;
    assert_eq!(form.events().await.len(), 3);
}

#[tokio::test]
async fn nobody_tells_anything_of_anybody_else() {
    let form = Form::open().await;
    let other = json!({
        "telegram_id": 5, "gifter_id": 5, "recipient_id": 7, "payment_method": "x", "amount": "1",
    });
    for function in [form_open(), gift_attempt(), payment_success(), payment_attempt()] {
        let reply = form.tell(function, other.clone()).await;
        assert_eq!((reply.status.as_u16(), &reply.body["code"]), (403, &json!("subject_mismatch")));
    }
    let reply = form.cooldown("?telegram_id=5").await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (403, &json!("subject_mismatch")));
    assert!(form.events().await.is_empty());
}

#[tokio::test]
async fn what_does_not_read_is_refused() {
    let form = Form::open().await;
    let long = "x".repeat(256);
    for (function, body) in [
        (form_open(), json!({})),
        (form_open(), json!({ "telegram_id": "null" })),
        (form_open(), json!({ "telegram_id": "anna" })),
        (form_open(), json!({ "telegram_id": true })),
        (form_open(), json!({ "telegram_id": ANNA, "email": long })),
        (form_open(), json!({ "telegram_id": ANNA, "utm_term": ["x"] })),
        (gift_attempt(), json!({ "gifter_id": ANNA })),
        (gift_attempt(), json!({ "gifter_id": ANNA, "recipient_id": "undefined" })),
        (payment_success(), json!({ "telegram_id": ANNA, "amount": "1" })),
        (payment_attempt(), json!({ "telegram_id": ANNA, "payment_method": "x" })),
        (
            payment_attempt(),
            json!({ "telegram_id": ANNA, "payment_method": "x", "amount": "a lot" }),
        ),
        (payment_attempt(), json!({ "telegram_id": ANNA, "payment_method": "x", "amount": -1 })),
    ] {
        let reply = form.tell(function, body.clone()).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (400, &json!("validation_failed")),
            "{body}"
        );
        // The forms show `error`.
        assert_eq!(reply.body["error"], crate::texts::INVALID);
    }
    for query in ["", "?telegram_id=", "?telegram_id=x", "?telegram_id=-1"] {
        let reply = form.cooldown(query).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (400, &json!("bad_telegram_id")),
            "{query}"
        );
    }
    assert!(form.events().await.is_empty());
}

#[tokio::test]
async fn who_has_to_wait_is_told_until_when() {
    let form = Form::open().await;
    let query = format!("?telegram_id={ANNA}");
    assert_eq!(form.cooldown(&query).await.body, json!({ "success": true, "blocked": false }));
    form.expired_for(8).await;
    let told = form.cooldown(&query).await.body;
    let blocked = json!({
        "success": true, "blocked": true, "unlock_date": "23.04.2026", "first_name": "Анна",
    });
    assert_eq!(told, blocked);
    let reply = form.tell(payment_attempt(), payment()).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (403, &json!("cooldown_active")));
    assert_eq!(
        (&reply.body["error"], &reply.body["unlock_date"]),
        (&json!("cooldown_active"), &json!("23.04.2026"))
    );
    assert_eq!(reply.body["first_name"], "Анна");
    assert!(form.events().await.is_empty());
    let mut gift = payment();
    gift["metka"] = json!("gift_payment");
    assert_eq!(form.tell(payment_attempt(), gift).await.status, 200);
    // A form that is opened or calls itself paid is never refused for that.
    assert_eq!(form.tell(payment_success(), payment()).await.status, 200);
    assert_eq!(form.tell(form_open(), json!({ "telegram_id": ANNA })).await.status, 200);
    for ago in [6, 91] {
        form.expired_for(ago).await;
        assert_eq!(form.cooldown(&query).await.body["blocked"], false, "{ago}");
    }
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let form = Form::open().await;
    for _ in 0..2 {
        form.tell(payment_attempt(), payment()).await;
    }
    form.cooldown(&format!("?telegram_id={ANNA}")).await;
    let asked = |name: &str| {
        let calls = form.world.engine.calls().of(&format!("local-{name}"));
        let permissions = calls.into_iter().flat_map(|call| call.permissions);
        permissions.map(|asked| asked.action).collect::<std::collections::BTreeSet<_>>()
    };
    let told = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];
    assert_eq!(asked("club-analytics-payment-attempt"), told.map(str::to_owned).into());
    let read = ["dynamodb:GetItem", "dynamodb:UpdateItem"];
    assert_eq!(asked("club-analytics-cooldown"), read.map(str::to_owned).into());
}
