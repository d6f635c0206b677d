//! The price of every function: requests to DynamoDB, items written, units (§16).
//!
//! The table is a snapshot: a change in it is a decision. HTTP rows come from the header `X-Cost`,
//! jobs from the desk's list of invocations.

use serde_json::json;
use tests::{GIFT, MONTH, Member, Table, Webhook, World, local};

use crate::stars::{Stars, telegram};
use crate::{DAY, tag, unless};
use crate::{cost_community, cost_money, cost_office, cost_shelves, cost_teams};

async fn sign_in(table: &mut Table, world: &World) -> Member {
    let anna = world.user(42, "Анна");
    table.http("auth/telegram, a new member", &anna.login().await);
    table.http("auth/telegram, a known one", &anna.login().await);
    let member = anna.sign_in().await;
    let refresh = json!({"refreshToken": member.refresh});
    table.http("auth/refresh", &world.post("/api/v1/auth/refresh", &refresh).await);
    let out = anna.sign_in().await;
    table.http("auth/logout", &out.call("POST", "/api/v1/auth/logout").await);
    member
}

async fn profile(table: &mut Table, anna: &Member) {
    for path in ["/api/v1/auth/me", "/api/v1/users/me"] {
        let first = anna.get(path).await;
        let plain = table.http(path, &first);
        assert_eq!(plain.requests, 1, "a plain read");
        let hit = table.http(&format!("{path}, again"), &anna.get(path).await);
        assert!(hit.requests <= 1, "a cached read");
        let same = table.http(path, &unless(anna.get(path), &tag(&first)).await);
        assert!(same.requests <= 1 && same.read_milliunits <= 2_000, "a small one: {same:?}");
    }
    table.http("PATCH users/me, names", &anna.patch(&json!({"firstName": "Аня"})).await);
    table.http("PATCH users/me, city", &anna.patch(&json!({"city": "Казань"})).await);
}

async fn payment(table: &mut Table, world: &World, anna: &Member) -> String {
    let wish = anna.wish(MONTH);
    let made = anna.ask(&wish).key("cost").await;
    let attempt = made.ok()["attempt_id"].as_str().unwrap().to_owned();
    let link = table.http("payments/generate-link", &made);
    assert!(link.requests <= 5 && link.items <= 5, "{link:?}");
    table.http("payments/generate-link, the key again", &anna.ask(&wish).key("cost").await);
    table.http("payments/generate-link, reused", &anna.ask(&wish).await);
    let shown = anna.get(&format!("/api/payments/attempts/{attempt}")).await;
    assert_eq!(table.http("payments/attempts/{id}", &shown).requests, 1);
    let state = world
        .post(&format!("/api/payments/sandbox/{attempt}/state"), &json!({"state": "unpaid"}))
        .header("x-sandbox-secret", world.secret("SANDBOX_SECRET"))
        .await;
    table.http("payments/sandbox/{attempt_id}/state", &state);
    world.advance(30).await;
    table.job(world, "club-payments-check", "unpaid").await;
    attempt
}

async fn settlement(table: &mut Table, world: &World, anna: &Member, attempt: &str) {
    let body = json!({"attempt_id": attempt, "event": "success"});
    let settled = table.http("webhooks/sandbox/payment, settles", &world.webhook(&body).await);
    assert!(settled.requests <= 2 && settled.items <= 10, "{settled:?}");
    table.http("webhooks/sandbox/payment, again", &world.webhook(&body).await);
    world.idle().await;
    table.job(world, "club-outbox-relay", "one entry").await;
    table.job(world, "club-outbox-deliver", "one message").await;
    table.job(world, "club-ratings-aggregate", "one payment").await;
    let status = anna.get("/api/payments/status").await;
    assert_eq!(table.http("payments/status", &status).requests, 1);
    world.advance(30).await;
    table.job(world, "club-payments-check", "already paid").await;
    let second = anna.link(MONTH).await;
    world.pay(&second, Webhook::Lost).await;
    world.advance(30).await;
    let checked = table.job(world, "club-payments-check", "settles").await;
    assert!(checked.requests <= 4 && checked.items <= 10, "{checked:?}");
}

async fn gifts(table: &mut Table, world: &World, anna: &Member) {
    let boris = world.member(43, "Борис").await;
    let attempt = anna.link(GIFT).await;
    let body = json!({"attempt_id": attempt, "event": "success"});
    let settled =
        table.http("webhooks/sandbox/payment, settles a gift", &world.webhook(&body).await);
    assert!(settled.requests <= 2 && settled.items <= 10, "{settled:?}");
    let path = "/api/v1/gifts/my";
    let list = anna.get(path).await;
    assert_eq!(table.http(path, &list).requests, 1);
    let link = list.ok()["gifts"][0]["deepLink"].as_str().unwrap().to_owned();
    let same = table.http(path, &unless(anna.get(path), &tag(&list)).await);
    assert!(same.requests <= 1, "{same:?}");
    let wish = json!({"token": link.split_once("gift_").unwrap().1});
    let wish = || boris.post("/api/v1/gifts/activate", &wish).key("cost");
    let activated = table.http("gifts/activate", &wish().await);
    assert!(activated.requests <= 2 && activated.items <= 7, "{activated:?}");
    table.http("gifts/activate, the key again", &wish().await);
    let back = json!({"attempt_id": attempt, "event": "refund"});
    table.http("webhooks/sandbox/payment, takes a gift back", &world.webhook(&back).await);
    let unused = anna.link(GIFT).await;
    world.pay(&unused, Webhook::Delivered).await;
    world.advance(366 * DAY).await;
    table.job(world, "club-gifts-expire", "one gift").await;
}

async fn stars(table: &mut Table, world: &World) {
    let vera = world.member(44, "Вера").await;
    let stars = Stars::of(&vera, MONTH).await;
    stars.query(json!({})).await;
    let asked = table.job(world, "club-bot-webhook", "pre-checkout").await;
    assert!(asked.requests <= 1 && asked.items == 0, "{asked:?}");
    let taken =
        table.http("bot/webhook, queued", &telegram(world, &stars.recurring("1", true)).await);
    assert!(taken.requests == 0 && taken.items == 0, "{taken:?}");
    world.idle().await;
    let settled = table.job(world, "club-bot-update", "settles the first of a subscription").await;
    assert!(settled.requests <= 2 && settled.items <= 10, "{settled:?}");
    stars.tell(&stars.recurring("2", false)).await;
    let renewed = table.job(world, "club-bot-update", "renews").await;
    assert!(renewed.requests <= 2 && renewed.items <= 10, "{renewed:?}");
    stars.tell(&stars.recurring("2", false)).await;
    table.job(world, "club-bot-update", "again").await;
    stars.tell(&stars.refund("2")).await;
    let back = table.job(world, "club-bot-update", "takes it back").await;
    assert!(back.requests <= 4 && back.items <= 10, "{back:?}");
}

async fn reads(table: &mut Table, world: &World, anna: &Member) {
    for (path, most) in [
        ("/api/v1/energies/balance", 1),
        ("/api/v1/energies/history", 2),
        ("/api/v1/ratings/cities", 1),
        ("/api/v1/ratings/personal", 3),
    ] {
        let first = anna.get(path).await;
        let plain = table.http(path, &first);
        assert!(plain.requests <= most && plain.items == 0, "{path}: {plain:?}");
        let hit = table.http(&format!("{path}, again"), &anna.get(path).await);
        assert!(hit.requests <= 1, "{path}: {hit:?}");
        let same = table.http(path, &unless(anna.get(path), &tag(&first)).await);
        assert!(same.requests <= 1 && same.read_milliunits <= 2_000, "{path}: {same:?}");
    }
    for path in ["/health", "/health/live", "/health/ready", "/nowhere"] {
        table.http(path, &world.get(path).await);
    }
}

async fn jobs(table: &mut Table, world: &World) {
    world.run("club-ratings-publish").await;
    table.job(world, "club-ratings-publish", "one member, one city").await;
    for job in
        ["club-payments-sweep", "club-outbox-sweep", "club-energies-audit", "club-gifts-expire"]
    {
        world.run(job).await;
        table.job(world, job, "nothing to mend").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_of_every_function() {
    let world = local!();
    let mut table = Table::new();
    let anna = sign_in(&mut table, &world).await;
    profile(&mut table, &anna).await;
    let attempt = payment(&mut table, &world, &anna).await;
    settlement(&mut table, &world, &anna, &attempt).await;
    jobs(&mut table, &world).await;
    reads(&mut table, &world, &anna).await;
    stars(&mut table, &world).await;
    gifts(&mut table, &world, &anna).await;
    cost_money::rows(&mut table, &world).await;
    cost_community::rows(&mut table).await;
    cost_teams::rows(&mut table).await;
    cost_shelves::rows(&mut table).await;
    cost_office::rows(&mut table).await;
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("cost", table.text()));
    assert_eq!(cost_office::without_a_row(table.text()), Vec::<String>::new(), "not in the table");
}
