//! The price of what keeps money and subscriptions right; rows of the table of [`crate::cost`].

use serde_json::{Value, json};
use tests::{Call, MONTH, Member, Table, Webhook, World};

use crate::DAY;
use crate::stars::Stars;

fn admin(world: &World, method: &str, path: &str) -> Call {
    world.call(method, path).header("x-admin-secret", world.secret("ADMIN_SECRET"))
}

fn post(world: &World, path: &str, body: &Value) -> Call {
    admin(world, "POST", path).json(body)
}

/// Forms, administrators and jobs around the payments of one more member.
pub async fn rows(table: &mut Table, world: &World) {
    let dora = world.member(45, "Дора").await;
    forms(table, &dora).await;
    administration(table, world, &dora).await;
    renewals(table, world).await;
    ends(table, world, &dora).await;
    crate::cloudpayments::prices(table).await;
    crate::lavatop::prices(table).await;
}

async fn forms(table: &mut Table, dora: &Member) {
    let form = json!({ "telegram_id": 45, "email": "dora@example.test" });
    table.http("analytics/form-open", &dora.post("/api/analytics/form-open", &form).await);
    for path in ["/api/analytics/check-cooldown", "/api/payments/detect-provider"] {
        let read = table.http(path, &dora.get(&format!("{path}?telegram_id=45")).await);
        assert!(read.requests <= 1 && read.items == 0, "{path}: {read:?}");
    }
    let support = dora.post("/api/payments/generate-link-support", &form).await;
    let link = table.http("payments/generate-link-support", &support);
    assert!(link.requests <= 5 && link.items <= 5, "{link:?}");
}

async fn administration(table: &mut Table, world: &World, dora: &Member) {
    let grant = json!({ "telegram_id": 45, "days": 10 });
    let grant = post(world, "/api/admin/grant-subscription", &grant).key("cost").await;
    table.http("admin/grant-subscription", &grant);
    let attempt = dora.link(MONTH).await;
    let wrong = json!({
        "attempt_id": attempt, "event": "success", "external_id": "short", "amount": "1.00",
    });
    table.http("webhooks/sandbox, puts aside", &world.webhook(&wrong).await);
    let path = "/api/admin/unassigned-payments";
    let listed = admin(world, "GET", path).await;
    table.http("admin/unassigned-payments", &listed);
    let id = listed.ok()["payments"][0]["id"].as_str().unwrap().to_owned();
    let wish = json!({ "telegram_id": 45, "offer_key": MONTH });
    let assigned = post(world, &format!("{path}/{id}/assign"), &wish).await;
    table.http("admin/unassigned-payments/{id}/assign", &assigned);
    world.pay(&attempt, Webhook::Delivered).await;
    let path = format!("/api/admin/payments/sandbox:sbx_{attempt}/refund");
    let refund = || post(world, &path, &json!({})).key("cost");
    table.http("admin/payments/{id}/refund", &refund().await);
    table.http("admin/payments/{id}/refund, the key again", &refund().await);
    table.http("admin/user/{telegram_id}", &admin(world, "GET", "/api/admin/user/45").await);
    table.http("admin/offers", &admin(world, "GET", "/api/admin/offers").await);
}

async fn renewals(table: &mut Table, world: &World) {
    let elena = world.member(46, "Елена").await;
    let stars = Stars::of(&elena, MONTH).await;
    stars.tell(&stars.recurring("e1", true)).await;
    let cancelled = elena.post("/api/v1/users/cancel-subscription", &json!({})).await;
    table.http("users/cancel-subscription", &cancelled);
    world.run("club-payments-reconcile").await;
    table.job(world, "club-payments-reconcile", "all of it known").await;
}

/// What the clock does to a subscription: a reminder, its end, and a keyword that nobody sends.
async fn ends(table: &mut Table, world: &World, dora: &Member) {
    world.advance(20 * 60).await;
    table.job(world, "club-onboarding-remind", "one reminder").await;
    let left = dora.status().await;
    assert_eq!(left["isPro"], true, "{left}");
    let revoke = json!({ "telegram_id": 45 });
    let revoked = post(world, "/api/admin/revoke-subscription", &revoke).await;
    table.http("admin/revoke-subscription", &revoked);
    world.advance(DAY + 60).await;
    world.run("club-subscriptions-guard").await;
    table.job(world, "club-subscriptions-guard", "one member").await;
    world.run("club-subscriptions-remind").await;
    table.job(world, "club-subscriptions-remind", "nobody to remind").await;
    world.run("club-onboarding-sweep").await;
    table.job(world, "club-onboarding-sweep", "nothing to mend").await;
}
