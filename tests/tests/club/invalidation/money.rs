//! Rows of subscriptions and gifts.

use club::tags::Action::{EnergiesChange, Gift, SubscriptionChange};
use serde_json::{Value, json};
use tests::{GIFT, MONTH, Member, Webhook};

use super::rows::{Row, act};
use super::scene::{Scene, Who};
use crate::stars::Stars;

/// Where the end of a subscription is seen.
const SUBSCRIPTION: &[&str] = &["/api/v1/users/me", "/api/v1/auth/me"];
/// Where energies are.
const ENERGIES: &[&str] = &["/api/v1/energies/balance", "/api/v1/energies/history"];
/// What is for paid members alone.
const PAID: &[&str] = &[
    "/api/v1/content/sections/{id}/videos",
    "/api/v1/content/{itemId}/videos",
    "/api/v1/content/videos/{id}",
    "/api/v1/content/practices/{id}/content",
    "/api/streams",
    "/api/streams/{id}",
];
const HOOK: &str = "club-payments-sandbox-webhook";

async fn hears(scene: &Scene, attempt: &str, change: Value) {
    let mut body = json!({ "attempt_id": attempt });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    scene.world.webhook(&body).await.ok();
}

/// All that a payment brought goes back.
async fn goes_back(scene: &Scene, attempt: &str) {
    let refund = json!({ "event": "refund", "refund_id": "all", "amount": "2000.00" });
    hears(scene, attempt, refund).await;
}

async fn revokes(scene: &Scene, tg_id: i64) {
    let body = json!({ "telegram_id": tg_id });
    scene.office("POST", "/api/admin/revoke-subscription", &body).await.ok();
}

/// A subscription in stars; every member has one of their own.
async fn subscribes(member: &Member) {
    let stars = Stars::of(member, MONTH).await;
    stars.tell(&stars.recurring(&format!("stars-{}", member.id()), true)).await;
}

/// Puts money aside; its id.
async fn aside(scene: &Scene, external_id: &str) -> String {
    let attempt = scene.anna().link(MONTH).await;
    let short = json!({ "event": "success", "external_id": external_id, "amount": "1.00" });
    hears(scene, &attempt, short).await;
    let listed = scene.office("GET", "/api/admin/unassigned-payments", &json!({})).await.ok();
    listed["payments"][0]["id"].as_str().unwrap().to_owned()
}

pub fn rows() -> Vec<Row> {
    vec![
        Row::new("user.subscription.change: paid", &[SubscriptionChange, EnergiesChange], &[
            "club-payments-link", HOOK, "club-outbox-relay", "club-ratings-aggregate",
        ], act!(scene => scene.note("paid", scene.anna().pays().await)))
        .of(&[Who::Anna])
        .shows(Who::Anna, SUBSCRIPTION)
        .shows(Who::Anna, ENERGIES),
        Row::new("user.subscription.change: checked", &[SubscriptionChange, EnergiesChange], &[
            "club-payments-check",
        ], act!(scene => {
            let attempt = scene.anna().link(MONTH).await;
            scene.world.pay(&attempt, Webhook::Lost).await;
            scene.world.advance(30).await;
            scene.note("checked", attempt)
        }))
        .of(&[Who::Anna])
        .shows(Who::Anna, SUBSCRIPTION)
        .shows(Who::Anna, ENERGIES),
        Row::new("user.subscription.change: given back", &[SubscriptionChange, EnergiesChange], &[
            HOOK,
        ], act!(scene => goes_back(scene, &scene.noted("paid")).await))
        .of(&[Who::Anna])
        .shows(Who::Anna, SUBSCRIPTION)
        .shows(Who::Anna, ENERGIES),
        Row::new("user.subscription.change: given back by hand", &[
            SubscriptionChange, EnergiesChange,
        ], &["club-admin-refund"], act!(scene => {
            let path = format!("/api/admin/payments/sandbox:sbx_{}/refund", scene.noted("checked"));
            scene.office("POST", &path, &json!({})).key("back").await.ok()
        }))
        .of(&[Who::Anna])
        .shows(Who::Anna, SUBSCRIPTION)
        .shows(Who::Anna, ENERGIES),
        Row::new("user.subscription.change: assigned", &[SubscriptionChange, EnergiesChange], &[
            "club-admin-assign",
        ], act!(scene => {
            let path = format!("/api/admin/unassigned-payments/{}/assign", scene.noted("aside"));
            let wish = json!({ "telegram_id": 42, "offer_key": MONTH });
            scene.office("POST", &path, &wish).await.ok()
        }))
        .after(act!(scene => scene.note("aside", aside(scene, "short").await)))
        .of(&[Who::Anna])
        .shows(Who::Anna, SUBSCRIPTION)
        .shows(Who::Anna, ENERGIES),
        Row::new("user.subscription.change: in stars", &[SubscriptionChange, EnergiesChange], &[
            "club-bot-webhook", "club-bot-update",
        ], act!(scene => subscribes(&scene.anna()).await))
        .of(&[Who::Anna])
        .shows(Who::Anna, SUBSCRIPTION)
        .shows(Who::Anna, ENERGIES),
        Row::new("user.subscription.change: cancelled", &[SubscriptionChange], &[
            "club-users-cancel-subscription",
        ], act!(scene => {
            scene.anna().post("/api/v1/users/cancel-subscription", &json!({})).await.ok()
        }))
        .of(&[Who::Anna]),
        Row::new("user.subscription.change: cancelled at the till", &[SubscriptionChange], &[
            "club-payments-cancel-subscription",
        ], act!(scene => {
            scene.boris().post("/api/payments/cancel-subscription", &json!({})).await.ok()
        }))
        .after(act!(scene => subscribes(&scene.boris()).await))
        .of(&[Who::Boris]),
        Row::new("user.subscription.change: revoked", &[SubscriptionChange], &[
            "club-admin-revoke",
        ], act!(scene => revokes(scene, 42).await))
        .of(&[Who::Anna])
        .paid(&[Who::Anna])
        .shows(Who::Anna, SUBSCRIPTION)
        .shows(Who::Anna, PAID),
        Row::new("user.subscription.change: granted", &[SubscriptionChange], &["club-admin-grant"],
            act!(scene => scene.grants(42, 3_650).await))
        .of(&[Who::Anna])
        .paid(&[Who::Anna])
        .shows(Who::Anna, SUBSCRIPTION)
        .shows(Who::Anna, PAID),
        Row::new("what somebody else has paid", &[SubscriptionChange, EnergiesChange], &[HOOK],
            act!(scene => scene.dora().pays().await)),
    ]
}

const GIFTS: &str = "/api/v1/gifts/my";

/// Anna pays a gift for whoever has its link.
async fn gives(scene: &Scene, name: &'static str) {
    let attempt = scene.anna().link(GIFT).await;
    scene.world.pay(&attempt, Webhook::Delivered).await;
    scene.note(name, attempt);
}

/// What the link of the newest gift that is not taken brings.
async fn token(scene: &Scene) -> String {
    let given = scene.anna().get(GIFTS).await.ok();
    let gifts = given["gifts"].as_array().unwrap().clone();
    let link = gifts.iter().find_map(|gift| gift["deepLink"].as_str()).unwrap().to_owned();
    link.split_once("?start=gift_").unwrap().1.to_owned()
}

/// Rows of gifts. A giver's list is validated by what it shows, and nothing else of a giver's
/// changes by a gift.
pub fn gifts() -> Vec<Row> {
    vec![
        Row::new("gift.bought", &[Gift], &[HOOK], act!(scene => gives(scene, "gift").await))
            .shows(Who::Anna, &[GIFTS]),
        Row::new(
            "gift.activated",
            &[Gift, SubscriptionChange, EnergiesChange],
            &["club-gifts-activate"],
            act!(scene => {
                let body = json!({ "token": token(scene).await });
                scene.boris().post("/api/v1/gifts/activate", &body).await.ok()
            }),
        )
        .of(&[Who::Boris])
        .shows(Who::Anna, &[GIFTS])
        .shows(Who::Boris, SUBSCRIPTION)
        .shows(Who::Boris, ENERGIES),
        Row::new(
            "gift.refunded of who has it",
            &[Gift, SubscriptionChange, EnergiesChange],
            &[HOOK],
            act!(scene => goes_back(scene, &scene.noted("gift")).await),
        )
        .of(&[Who::Boris])
        .shows(Who::Boris, SUBSCRIPTION)
        .shows(Who::Boris, ENERGIES),
        Row::new(
            "gift.activated by its link",
            &[Gift, SubscriptionChange, EnergiesChange],
            &["club-bot-update"],
            act!(scene => {
                let text = format!("/start gift_{}", token(scene).await);
                let update = json!({ "update_id": 810_002, "message": {
                    "message_id": 5, "date": 1_768_910_400, "text": text,
                    "from": { "id": 43, "is_bot": false, "first_name": "Борис" },
                    "chat": { "id": 43, "type": "private", "first_name": "Борис" },
                } });
                scene.tells(&update).await
            }),
        )
        .after(act!(scene => gives(scene, "linked").await))
        .of(&[Who::Boris])
        .shows(Who::Anna, &[GIFTS])
        .shows(Who::Boris, SUBSCRIPTION),
        Row::new(
            "gift.refunded before",
            &[Gift],
            &[HOOK],
            act!(scene => {
                goes_back(scene, &scene.noted("unused")).await
            }),
        )
        .after(act!(scene => gives(scene, "unused").await))
        .shows(Who::Anna, &[GIFTS]),
    ]
}
