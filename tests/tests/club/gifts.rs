//! Gifts: activation, the giver's list, their end and their refund (§5.2, §6.6, §7; acceptance 12
//! and 13, property 11).

use serde_json::{Value, json};
use tests::{Answer, Call, GIFT, Member, Webhook, World, at_once, local};

use crate::{DAY, tag, unless};

const ACTIVATE: &str = "/api/v1/gifts/activate";
const MY: &str = "/api/v1/gifts/my";

/// What the bot has written to a member, oldest first.
async fn texts(member: &Member) -> Vec<String> {
    let messages = member.messages().await;
    messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// Pays a gift, for somebody or for whoever has the link. Attempt and token.
async fn gives(giver: &Member, recipient: Option<i64>) -> (String, String) {
    let mut wish = giver.wish(GIFT);
    wish["recipient_id"] = json!(recipient);
    let attempt = giver.ask(&wish).await.ok()["attempt_id"].as_str().unwrap().to_owned();
    giver.user.world.pay(&attempt, Webhook::Delivered).await;
    let last = texts(giver).await.pop().unwrap();
    let (_, token) = last.split_once("?start=gift_").unwrap_or_else(|| panic!("{last}"));
    assert_eq!(token.len(), 22, "{last}");
    (attempt, token.to_owned())
}

fn activate(member: &Member, token: &str) -> Call {
    member.post(ACTIVATE, &json!({"token": token}))
}

async fn expires(member: &Member) -> Value {
    member.status().await["subscription_expires"].clone()
}

async fn given(member: &Member) -> Vec<Value> {
    member.get(MY).await.ok()["gifts"].as_array().unwrap().clone()
}

async fn refund(world: &World, attempt: &str, id: &str, amount: &str) -> Answer {
    let body = json!({
        "attempt_id": attempt, "event": "refund", "refund_id": id, "amount": amount,
    });
    world.webhook(&body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_a_gift_of_an_active_subscriber_is_its_recipients_alone() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let vera = world.member(44, "Вера").await;
    anna.pays().await;
    let before = anna.everything().await;
    let (_, token) = gives(&anna, Some(43)).await;
    assert_eq!(anna.everything().await, before, "the giver gets neither days nor energies");
    activate(&vera, &token).await.problem(403, "gift_wrong_recipient");
    activate(&anna, &token).await.problem(409, "gift_self");
    let first = activate(&boris, &token).await;
    let body = first.ok();
    assert_eq!(body["gift"]["status"], "activated");
    assert_eq!((&body["gift"]["days"], &body["energiesEarned"]), (&json!(30), &json!(500)));
    assert_eq!(body["subscriptionExpires"], "2026-02-19T12:00:00.000Z");
    assert!(!first.text().contains(&token), "{first}");
    let me = boris.me().await;
    assert_eq!(
        (&me["isPro"], &me["gifted"], &me["energies"]),
        (&json!(true), &json!(true), &json!(500))
    );
    let history = boris.history().await;
    assert_eq!((history.len(), &history[0]["kind"]), (1, &json!("gift")));
    assert_eq!(history[0]["reason"], "Активация подарочной подписки");
    // A chat takes one message a second, and this clock stands still.
    world.advance(4).await;
    let told = texts(&anna).await;
    assert_eq!(told.iter().filter(|text| text.contains("подарок активирован")).count(), 1);
    // The recipient hears of the club, and nothing else.
    assert!(texts(&boris).await.is_empty());
    let begun = boris.all_messages().await;
    assert_eq!(begun.len(), 1, "{begun:?}");
    assert_eq!(activate(&boris, &token).await.ok(), body, "the same once more");
    assert_eq!((boris.balance().await, anna.everything().await), (500, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_twenty_activations_at_once_are_one() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let vera = world.member(44, "Вера").await;
    let (_, token) = gives(&anna, None).await;
    let who = [&boris, &vera];
    let mut answers = at_once(20, |n| activate(who[n % 2], &token)).await;
    while answers.iter().any(|answer| answer.status == 503) {
        answers = at_once(20, |n| activate(who[n % 2], &token)).await;
    }
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 10, "{answers:?}");
    assert!(won.iter().all(|answer| answer.ok() == won[0].ok()));
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        lost.problem(409, "gift_already_activated");
    }
    let (boris, vera) = (boris.balance().await, vera.balance().await);
    assert!([(500, 0), (0, 500)].contains(&(boris, vera)), "{boris} {vera}");
    let told = texts(&anna).await;
    assert_eq!(told.iter().filter(|text| text.contains("подарок активирован")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_a_key_is_answered_as_before_and_stands_for_one_token() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let (_, token) = gives(&anna, None).await;
    let (_, other) = gives(&anna, None).await;
    let first = activate(&boris, &token).key("one").await;
    let again = activate(&boris, &token).key("one").await;
    assert_eq!((again.ok(), again.must("idempotency-replayed")), (first.ok(), "true"));
    activate(&boris, &other).key("one").await.problem(422, "idempotency_mismatch");
    assert_eq!(boris.balance().await, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_what_is_no_gift_is_refused() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    for token in [json!(null), json!(""), json!(22), json!("A".repeat(21)), json!("A".repeat(23))] {
        let answer = anna.post(ACTIVATE, &json!({"token": token})).await;
        answer.problem(400, "validation_failed");
    }
    world.advance(61).await;
    for token in ["AAAAAAAAAAAAAAAAAAAAAA", "ключ подарка из слов !"] {
        activate(&anna, token).await.problem(404, "gift_not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_a_gift_of_a_year_ago_has_expired() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let (_, token) = gives(&anna, None).await;
    world.advance(1).await;
    let (_, used) = gives(&anna, None).await;
    activate(&boris, &used).await.ok();
    let told = texts(&anna).await.len();
    world.advance(365 * DAY - 2).await;
    let anna = anna.user.sign_in().await;
    let tag = tag(&anna.get(MY).await);
    assert!(given(&anna).await.iter().any(|gift| gift["deepLink"].is_string()));
    world.advance(1).await;
    // By the clock: no job has been here yet.
    let boris = boris.user.sign_in().await;
    let answer = activate(&boris, &token).await;
    assert_eq!(answer.problem(410, "gift_expired")["message"], "Срок действия подарка истёк");
    let gone = unless(anna.get(MY), &tag).await;
    let gifts = gone.ok()["gifts"].clone();
    assert_eq!((&gifts[1]["status"], &gifts[1]["deepLink"]), (&json!("expired"), &Value::Null));
    assert_eq!(texts(&anna).await.len(), told);
    world.advance(18 * 3_600).await;
    for _ in 0..3 {
        world.run("club-gifts-expire").await;
    }
    let texts = texts(&anna).await;
    assert_eq!(texts.len(), told + 1, "{texts:?}");
    assert!(texts.last().unwrap().contains("срок его действия истёк"), "{texts:?}");
    let boris = boris.user.sign_in().await;
    activate(&boris, &token).await.problem(410, "gift_expired");
    let anna = anna.user.sign_in().await;
    let statuses: Vec<_> = given(&anna).await.iter().map(|gift| gift["status"].clone()).collect();
    assert_eq!(statuses, [json!("activated"), json!("expired")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p11_who_has_ten_days_left_gets_forty() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    boris.pays().await;
    let (_, token) = gives(&anna, Some(43)).await;
    world.advance(20 * DAY).await;
    let boris = boris.user.sign_in().await;
    activate(&boris, &token).await.ok();
    // 2026-02-19T12:00 and 30 days.
    assert_eq!(expires(&boris).await, "2026-03-21T12:00:00.000Z");
    assert_eq!(boris.balance().await, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn p11_ids_of_fifty_two_bits_give_and_get() {
    let world = local!();
    let largest = (1 << 52) - 1;
    let (anna, boris) =
        (world.member(largest - 1, "Анна").await, world.member(largest, "Борис").await);
    let (_, token) = gives(&anna, Some(largest)).await;
    assert_eq!(given(&anna).await[0]["recipientId"], largest);
    world
        .member(44, "Вера")
        .await
        .post(ACTIVATE, &json!({"token": token}))
        .await
        .problem(403, "gift_wrong_recipient");
    activate(&boris, &token).await.ok();
    assert_eq!(boris.balance().await, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn p11_a_giver_sees_every_gift_and_nobody_elses() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let empty = anna.get(MY).await;
    assert_eq!((&empty.ok()["gifts"], empty.must("x-cache")), (&json!([]), "MISS"));
    assert_eq!(empty.must("cache-control"), "private, no-cache, max-age=60");
    assert_eq!(anna.get(MY).await.must("x-cache"), "HIT");
    assert_eq!(unless(anna.get(MY), &tag(&empty)).await.must("x-cache"), "HIT-304");
    let (_, open) = gives(&anna, None).await;
    world.advance(1).await;
    let (_, bound) = gives(&anna, Some(43)).await;
    let first = unless(anna.get(MY), &tag(&empty)).await;
    let gifts = first.ok()["gifts"].clone();
    let link = |token: &str| json!(format!("https://t.me/{}?start=gift_{token}", bot(&gifts[0])));
    assert_eq!(gifts.as_array().unwrap().len(), 2);
    assert_eq!((&gifts[0]["deepLink"], &gifts[1]["deepLink"]), (&link(&bound), &link(&open)));
    assert_eq!((&gifts[0]["recipientId"], &gifts[1]["recipientId"]), (&json!(43), &Value::Null));
    assert_eq!(gifts[1]["expiresAt"], "2027-01-20T12:00:00.000Z");
    let fields = [
        "id",
        "status",
        "recipientId",
        "days",
        "deepLink",
        "createdAt",
        "activatedAt",
        "expiresAt",
    ];
    assert!(fields.iter().all(|name| gifts[0].get(name).is_some()), "{gifts}");
    assert!(!gifts[1]["id"].as_str().unwrap().contains(&open));
    activate(&boris, &open).await.ok();
    let changed = unless(anna.get(MY), &tag(&first)).await;
    let gift = changed.ok()["gifts"][1].clone();
    assert_eq!((&gift["status"], &gift["deepLink"]), (&json!("activated"), &Value::Null));
    assert_eq!(
        (&gift["recipientId"], &gift["activatedAt"]),
        (&json!(43), &json!("2026-01-20T12:00:01.000Z"))
    );
    assert!(given(&boris).await.is_empty());
}

/// The bot that a gift's link leads to.
fn bot(gift: &Value) -> String {
    let link = gift["deepLink"].as_str().unwrap();
    link.trim_start_matches("https://t.me/").split('?').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn p11_a_gift_given_back_gives_nothing() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let (attempt, token) = gives(&anna, Some(43)).await;
    refund(&world, &attempt, "half", "1000.00").await.ok();
    assert_eq!(given(&anna).await[0]["status"], "paid");
    refund(&world, &attempt, "rest", "1000.00").await.ok();
    assert_eq!(
        (anna.attempt_status(&attempt).await, given(&anna).await[0]["status"].clone()),
        ("refunded".to_owned(), json!("revoked"))
    );
    activate(&boris, &token).await.problem(410, "gift_revoked");
    assert_eq!((boris.balance().await, expires(&boris).await), (0, Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn p11_a_refund_of_an_activated_gift_takes_from_its_recipient() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    boris.pays().await;
    let (attempt, token) = gives(&anna, None).await;
    activate(&boris, &token).await.ok();
    let giver = anna.everything().await;
    for _ in 0..2 {
        refund(&world, &attempt, "half", "1000.00").await.ok();
    }
    assert_eq!(
        (boris.balance().await, expires(&boris).await),
        (750, json!("2026-03-06T12:00:00.000Z"))
    );
    refund(&world, &attempt, "rest", "1000.00").await.ok();
    assert_eq!(
        (boris.balance().await, expires(&boris).await),
        (500, json!("2026-02-19T12:00:00.000Z"))
    );
    assert_eq!(anna.attempt_status(&attempt).await, "refunded");
    assert_eq!(anna.everything().await, giver);
}
