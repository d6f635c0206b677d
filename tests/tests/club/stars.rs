//! Payments in Telegram Stars (§5.3, §6.4; acceptance 10).

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use tests::{Call, GIFT, MONTH, Member, World, at_once, local};

use crate::DAY;

const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";
/// Numbers of updates; each is new unless it is said otherwise.
static UPDATES: AtomicI64 = AtomicI64::new(700_000);

fn update_id() -> i64 {
    UPDATES.fetch_add(1, Ordering::Relaxed)
}

/// An update, delivered as Telegram does.
pub fn telegram(world: &World, update: &Value) -> Call {
    world
        .post("/api/v1/bot/webhook", update)
        .header(SECRET_HEADER, world.secret("TELEGRAM_WEBHOOK_SECRET"))
}

/// An attempt to pay in stars, from the payer's side of Telegram.
pub struct Stars {
    world: World,
    payer: i64,
    /// The attempt.
    pub attempt: String,
    /// As the bot asked for it.
    pub invoice: Value,
}

impl Stars {
    /// Asks for a link of this offer.
    pub async fn of(member: &Member, offer: &str) -> Self {
        let world = member.user.world.clone();
        let mut wish = member.wish(offer);
        wish["provider"] = json!("stars");
        wish["currency"] = json!("XTR");
        let body = member.ask(&wish).await.ok();
        let attempt = body["attempt_id"].as_str().unwrap().to_owned();
        assert_eq!((&body["provider"], &body["currency"]), (&json!("stars"), &json!("XTR")));
        let links = world.bot_calls("createInvoiceLink").await;
        let made = links.iter().find(|call| call["payload"]["payload"] == attempt.as_str());
        let invoice = made.unwrap_or_else(|| panic!("{links:?}"))["payload"].clone();
        assert_eq!(body["amount"], invoice["prices"][0]["amount"].to_string());
        Self { world, payer: member.id(), attempt, invoice }
    }

    fn price(&self) -> i64 {
        self.invoice["prices"][0]["amount"].as_i64().unwrap()
    }

    fn from(&self) -> Value {
        json!({"id": self.payer, "is_bot": false, "first_name": "Анна"})
    }

    /// The payer is about to pay, with other fields where they are given; what the bot answers.
    pub async fn query(&self, other: Value) -> Value {
        let id = update_id();
        let mut query = json!({
            "id": id.to_string(), "from": self.from(), "currency": "XTR",
            "total_amount": self.price(), "invoice_payload": self.attempt,
        });
        for (name, value) in other.as_object().unwrap() {
            query[name] = value.clone();
        }
        let update = json!({"update_id": id, "pre_checkout_query": query});
        let answer = telegram(&self.world, &update).await;
        assert_eq!(answer.is(200).json(), json!({"ok": true}));
        // At once: no clock has moved.
        let calls = self.world.bot_calls("answerPreCheckoutQuery").await;
        let mut own = calls.into_iter().map(|call| call["payload"].clone());
        own.find(|call| call["pre_checkout_query_id"] == id.to_string().as_str()).unwrap()
    }

    fn money(&self, kind: &str, charge: &str) -> Value {
        json!({
            "update_id": update_id(),
            "message": {
                "message_id": 7, "date": 1_768_910_400, "from": self.from(),
                "chat": {"id": self.payer, "type": "private", "first_name": "Анна"},
                kind: {
                    "currency": "XTR", "total_amount": self.price(),
                    "invoice_payload": self.attempt,
                    "telegram_payment_charge_id": charge, "provider_payment_charge_id": "",
                },
            },
        })
    }

    /// The update that the payer has paid by this charge.
    pub fn payment(&self, charge: &str) -> Value {
        self.money("successful_payment", charge)
    }

    /// The same, of a standing subscription.
    pub fn recurring(&self, charge: &str, first: bool) -> Value {
        let mut update = self.payment(charge);
        let paid = &mut update["message"]["successful_payment"];
        paid["is_recurring"] = json!(true);
        paid["is_first_recurring"] = json!(first);
        paid["subscription_expiration_date"] = json!(1_771_502_400);
        update
    }

    /// The update that this charge was given back.
    pub fn refund(&self, charge: &str) -> Value {
        self.money("refunded_payment", charge)
    }

    /// Delivers an update and waits for what follows.
    pub async fn tell(&self, update: &Value) {
        assert_eq!(telegram(&self.world, update).await.is(200).json(), json!({"ok": true}));
        self.world.idle().await;
    }
}

async fn expires(member: &Member) -> Value {
    member.status().await["subscription_expires"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_monthly_link_renews_itself_and_a_gift_does_not() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let month = Stars::of(&anna, MONTH).await;
    assert_eq!(month.invoice["subscription_period"], 2_592_000);
    assert_eq!(month.invoice["prices"].as_array().unwrap().len(), 1);
    assert_eq!(month.price(), 1_500);
    let gift = Stars::of(&anna, GIFT).await;
    assert_eq!(gift.invoice.get("subscription_period"), None);
    gift.tell(&gift.payment("charge-gift")).await;
    assert_eq!(anna.attempt_status(&gift.attempt).await, "paid");
    assert_eq!((expires(&anna).await, anna.balance().await), (Value::Null, 0));
    let told = anna.messages().await;
    assert!(told.iter().any(|message| message["text"].as_str().unwrap().contains("?start=gift_")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_equal_terms_pass_and_others_do_not() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let stars = Stars::of(&anna, MONTH).await;
    assert_eq!(stars.query(json!({})).await["ok"], true);
    let stranger = json!({"id": boris.id(), "is_bot": false, "first_name": "Борис"});
    for other in [
        json!({"from": stranger}),
        json!({"total_amount": stars.price() - 1}),
        json!({"total_amount": stars.price() + 1}),
        json!({"currency": "RUB"}),
        json!({"invoice_payload": "att_01KFD5J3Z0ABCDEFGHJKMNPQRS"}),
        json!({"invoice_payload": ""}),
        json!({"invoice_payload": anna.link(MONTH).await}),
    ] {
        let answer = stars.query(other.clone()).await;
        assert_eq!(answer["ok"], false, "{other}");
        let sentence = answer["error_message"].as_str().unwrap();
        assert!(sentence.chars().any(|c| ('а'..='я').contains(&c)), "{sentence}");
    }
    assert_eq!(stars.query(json!({})).await["ok"], true);
    stars.tell(&stars.payment("charge")).await;
    assert_eq!(stars.query(json!({})).await["ok"], false, "paid already");
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_link_lives_a_day() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let stars = Stars::of(&anna, MONTH).await;
    world.advance(DAY - 1).await;
    let anna = anna.user.sign_in().await;
    assert_eq!(anna.attempt_status(&stars.attempt).await, "abandoned");
    assert_eq!(stars.query(json!({})).await["ok"], true, "the checks have ended, the link has not");
    world.advance(1).await;
    assert_eq!(stars.query(json!({})).await["ok"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_store_that_does_not_answer_is_a_veto() {
    let world = local!("PRE_CHECKOUT_BUDGET_MS" => "300");
    let anna = world.member(42, "Анна").await;
    let stars = Stars::of(&anna, MONTH).await;
    for kind in ["error", "timeout"] {
        world.fault("dynamodb", kind).await;
        assert_eq!(stars.query(json!({})).await["ok"], false, "{kind}");
        world.heal().await;
    }
    assert_eq!(stars.query(json!({})).await["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_one_charge_settles_once() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let stars = Stars::of(&anna, MONTH).await;
    let update = stars.payment("charge");
    let answers = at_once(10, |n| match n.is_multiple_of(2) {
        true => telegram(&world, &update),
        false => telegram(&world, &stars.payment("charge")),
    });
    for answer in answers.await {
        answer.is(200);
    }
    world.idle().await;
    assert_eq!(anna.attempt_status(&stars.attempt).await, "paid");
    assert_eq!(expires(&anna).await, "2026-02-19T12:00:00.000Z");
    assert_eq!((anna.balance().await, anna.history().await.len()), (500, 1));
    assert_eq!(anna.messages().await.len(), 1);
    let before = anna.everything().await;
    // Neither a repetition nor the checks find anything to do.
    stars.tell(&update).await;
    world.advance(600).await;
    assert_eq!(anna.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_an_update_has_one_effect_whatever_it_says() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let stars = Stars::of(&anna, MONTH).await;
    let mut update = stars.payment("charge");
    stars.tell(&update).await;
    update["message"]["successful_payment"]["telegram_payment_charge_id"] = json!("another");
    stars.tell(&update).await;
    assert_eq!((anna.balance().await, anna.history().await.len()), (500, 1));
    // As an update of its own it is one more payment of the same attempt.
    stars.tell(&stars.payment("another")).await;
    assert_eq!((anna.balance().await, anna.history().await.len()), (1_000, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_charge_that_disagrees_gives_nothing() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let stars = Stars::of(&anna, MONTH).await;
    let before = anna.everything().await;
    for (n, (name, value)) in [
        ("total_amount", json!(1)),
        ("currency", json!("RUB")),
        ("invoice_payload", json!("att_01KFD5J3Z0ABCDEFGHJKMNPQRS")),
    ]
    .into_iter()
    .enumerate()
    {
        let mut update = stars.payment(&format!("wrong{n}"));
        update["message"]["successful_payment"][name] = value;
        stars.tell(&update).await;
    }
    let mut foreign = stars.payment("foreign");
    foreign["message"]["from"]["id"] = json!(boris.id());
    foreign["message"]["chat"]["id"] = json!(boris.id());
    stars.tell(&foreign).await;
    assert_eq!(anna.everything().await, before);
    assert_eq!((boris.balance().await, expires(&boris).await), (0, Value::Null));
    assert_eq!(anna.attempt_status(&stars.attempt).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_recurring_charge_adds_thirty_days() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let stars = Stars::of(&anna, MONTH).await;
    stars.tell(&stars.recurring("first", true)).await;
    assert_eq!(expires(&anna).await, "2026-02-19T12:00:00.000Z");
    assert_eq!(anna.status().await["auto_renewal"], true);
    let mut wish = anna.wish(MONTH);
    wish["provider"] = json!("stars");
    assert_eq!(anna.ask(&wish).await.ok()["active_subscription"], true);
    world.advance(DAY).await;
    let anna = anna.user.sign_in().await;
    let renewal = stars.recurring("second", false);
    for _ in 0..2 {
        stars.tell(&renewal).await;
    }
    stars.tell(&stars.recurring("second", false)).await;
    assert_eq!(expires(&anna).await, "2026-03-21T12:00:00.000Z");
    assert_eq!((anna.balance().await, anna.history().await.len()), (1_000, 2));
    assert_eq!(anna.messages().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_repeated_refund_reverses_once() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let stars = Stars::of(&anna, MONTH).await;
    stars.tell(&stars.recurring("charge", true)).await;
    let refund = stars.refund("charge");
    let answers = at_once(6, |n| match n.is_multiple_of(2) {
        true => telegram(&world, &refund),
        false => telegram(&world, &stars.refund("charge")),
    });
    for answer in answers.await {
        answer.is(200);
    }
    world.idle().await;
    stars.tell(&refund).await;
    assert_eq!(anna.attempt_status(&stars.attempt).await, "refunded");
    let status = anna.status().await;
    assert_eq!((&status["isPro"], &status["auto_renewal"]), (&json!(false), &json!(false)));
    assert_eq!((anna.balance().await, anna.history().await.len()), (0, 2));
    let ended = world.bot_calls("editUserStarSubscription").await;
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!(ended[0]["payload"]["telegram_payment_charge_id"], "charge");
    assert_eq!(ended[0]["payload"]["is_canceled"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_lost_update_is_healed_by_a_check() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let stars = Stars::of(&anna, MONTH).await;
    let paid = |webhook: bool| json!({"outcome": "paid", "webhook": webhook, "user_id": anna.id()});
    world.desk_post(&format!("payments/{}", stars.attempt), &paid(false)).await;
    world.advance(29).await;
    assert_eq!(anna.attempt_status(&stars.attempt).await, "pending");
    world.advance(1).await;
    assert_eq!(anna.attempt_status(&stars.attempt).await, "paid");
    assert_eq!((anna.balance().await, anna.messages().await.len()), (500, 1));
    // The update comes after all.
    world.desk_post(&format!("payments/{}", stars.attempt), &paid(true)).await;
    world.idle().await;
    assert_eq!((anna.balance().await, anna.messages().await.len()), (500, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_an_update_is_believed_by_its_secret_alone() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let stars = Stars::of(&anna, MONTH).await;
    let update = stars.payment("charge");
    let path = "/api/v1/bot/webhook";
    let errands = "local-errands-telegram-webhook-secret-0000000000000000";
    let mut refused = vec![world.post(path, &update).await];
    for wrong in ["", "x", errands] {
        refused.push(world.post(path, &update).header(SECRET_HEADER, wrong).await);
    }
    for answer in refused {
        let body = answer.problem(401, "unauthorized");
        assert_eq!((&body["ok"], &body["error"]), (&json!(false), &json!("Unauthorized")));
    }
    world.idle().await;
    assert_eq!(anna.attempt_status(&stars.attempt).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_who_asks_for_help_is_answered_once() {
    let world = local!("PAYMENT_SUPPORT_CONTACT" => "@club_help");
    let anna = world.member(42, "Анна").await;
    let says = |text: &str| {
        json!({
            "update_id": update_id(),
            "message": {
                "message_id": 8, "date": 1_768_910_400, "text": text,
                "chat": {"id": anna.id(), "type": "private"},
                "from": {"id": anna.id(), "is_bot": false, "first_name": "Анна"},
            },
        })
    };
    for text in ["/start", "/paysupport", "как дела?"] {
        let update = says(text);
        for _ in 0..2 {
            telegram(&world, &update).await.is(200);
            world.idle().await;
        }
    }
    let told = anna.messages().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1]["text"].as_str().unwrap().contains("@club_help"), "{told:?}");
}

/// What nobody can read is set aside alone; what concerns nobody is forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn a10_other_updates_are_taken() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let stars = Stars::of(&anna, MONTH).await;
    for body in [
        json!({"update_id": update_id()}),
        json!({"update_id": update_id(), "message": {"unreadable": true}}),
        json!({"update_id": update_id(), "callback_query": {"id": "1"}}),
    ] {
        telegram(&world, &body).await.is(200);
    }
    stars.tell(&stars.payment("charge")).await;
    assert_eq!(anna.attempt_status(&stars.attempt).await, "paid");
}
