//! Administration (§5.7, §6.6; acceptance 8 and 26, properties 13 and 26).

use serde_json::{Value, json};
use tests::{Access, Call, MONTH, Member, ROUTES, Route, World, at_once, local};

use crate::DAY;

/// A call of an administrator.
fn admin(world: &World, method: &str, path: &str) -> Call {
    world.call(method, path).header("x-admin-secret", world.secret("ADMIN_SECRET"))
}

fn post(world: &World, path: &str, body: &Value) -> Call {
    admin(world, "POST", path).json(body)
}

fn routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.access == Access::Admin)
}

async fn expires(member: &Member) -> Value {
    member.status().await["subscription_expires"].clone()
}

fn refund(world: &World, attempt: &str, body: &Value) -> Call {
    post(world, &format!("/api/admin/payments/sandbox:sbx_{attempt}/refund"), body)
}

/// What the sandbox provider has given back of an attempt's payment.
async fn given_back(world: &World, attempt: &str) -> Vec<i64> {
    let path = format!("sandbox/provider/club/payments/sbx_{attempt}/refunds");
    let found = world.provider_knows(&path).await;
    let refunds = found["refunds"].as_array().unwrap();
    refunds.iter().map(|refund| refund["amount_minor"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_no_admin_route_answers_without_the_secret() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let before = anna.everything().await;
    let own = world.secret("ADMIN_SECRET").to_owned();
    assert_eq!(routes().count(), 47);
    for route in routes() {
        let call = || {
            let call = anna.call(route.method, route.path).key("a26");
            if route.body { call.json(&json!({ "telegram_id": 42 })) } else { call }
        };
        let bare = call().await;
        let problem = bare.problem(403, "admin_required");
        assert_eq!(problem["error"], "Forbidden: admin access required");
        for wrong in ["", "x", &own[1..], &format!("{own}x"), &own.to_uppercase()] {
            call().header("x-admin-secret", wrong).await.problem(403, "admin_required");
        }
        call().header("x-sandbox-secret", &own).await.problem(403, "admin_required");
        call().bearer(&own).await.problem(403, "admin_required");
    }
    assert_eq!(anna.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_where_no_secret_is_set_nobody_is_an_administrator() {
    let world = local!("ADMIN_SECRET" => "");
    for route in routes() {
        for guess in ["", "x", "local-club-admin-secret-0000000000000000"] {
            let call = world.call(route.method, route.path).header("x-admin-secret", guess);
            let call = if route.body { call.json(&json!({})) } else { call };
            call.await.problem(403, "admin_required");
        }
        world.call(route.method, route.path).await.problem(403, "admin_required");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_money_of_a_wrong_amount_is_assigned_once() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    let wrong = json!({
        "attempt_id": attempt, "event": "success", "external_id": "short", "amount": "1999.00",
    });
    world.webhook(&wrong).await.ok();
    assert_eq!((anna.balance().await, expires(&anna).await), (0, Value::Null));
    let path = "/api/admin/unassigned-payments";
    let listed = admin(&world, "GET", path).await.ok();
    let rows = listed["payments"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{listed}");
    assert_eq!((&rows[0]["amount"], &rows[0]["reason"]), (&json!("1999.00"), &json!("other_sum")));
    let id = rows[0]["id"].as_str().unwrap();
    let wish = json!({ "telegram_id": 42, "offer_key": MONTH });
    let assign = format!("{path}/{id}/assign");
    let answers = at_once(10, |_| post(&world, &assign, &wish)).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409 | 503)), "{answers:?}");
    post(&world, &assign, &wish).await.problem(409, "already_assigned");
    world.webhook(&wrong).await.ok();
    assert_eq!((anna.balance().await, anna.history().await.len()), (500, 1));
    assert_eq!(expires(&anna).await, "2026-02-19T12:00:00.000Z");
    world.advance(60).await;
    assert_eq!(anna.messages().await.len(), 1, "the member is congratulated once");
    let left = admin(&world, "GET", path).await.ok();
    assert_eq!(left["payments"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_money_that_was_assigned_is_given_back_by_the_attempt_that_its_provider_names() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    let word = |event: &str| {
        json!({
            "attempt_id": attempt, "event": event, "external_id": "short", "amount": "1999.00",
        })
    };
    world.webhook(&word("success")).await.ok();
    let path = "/api/admin/unassigned-payments";
    let listed = admin(&world, "GET", path).await.ok();
    let id = listed["payments"][0]["id"].as_str().unwrap();
    let wish = json!({ "telegram_id": 42, "offer_key": MONTH });
    post(&world, &format!("{path}/{id}/assign"), &wish).await.ok();
    assert_eq!((anna.balance().await, anna.me().await["isPro"].clone()), (500, json!(true)));
    for _ in 0..3 {
        world.webhook(&word("refund")).await.ok();
    }
    assert_eq!((anna.balance().await, anna.me().await["isPro"].clone()), (0, json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_stacks_and_a_revocation_ends_it() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let grant = |days: u32, key: &str| {
        let body = json!({ "telegram_id": 42, "days": days });
        post(&world, "/api/admin/grant-subscription", &body).key(key)
    };
    for _ in 0..3 {
        grant(10, "one").await.ok();
    }
    assert_eq!(expires(&anna).await, "2026-01-30T12:00:00.000Z");
    grant(30, "two").await.ok();
    assert_eq!(expires(&anna).await, "2026-03-01T12:00:00.000Z");
    assert_eq!((anna.balance().await, anna.history().await.len()), (0, 0));
    let body = json!({ "telegram_id": 42 });
    post(&world, "/api/admin/revoke-subscription", &body).await.ok();
    assert_eq!(anna.me().await["isPro"], false);
    world.advance(60).await;
    post(&world, "/api/admin/revoke-subscription", &body).await.ok();
    assert_eq!(expires(&anna).await, "2026-01-20T12:00:00.000Z");
    let nobody = json!({ "telegram_id": 4_242 });
    post(&world, "/api/admin/grant-subscription", &nobody).await.problem(404, "not_found");
    world.advance(DAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_refund_touches_its_payment_only() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let (first, second) = (anna.pays().await, anna.pays().await);
    refund(&world, &first, &json!({})).await.problem(400, "validation_failed");
    let done = refund(&world, &first, &json!({})).key("one").await;
    let again = refund(&world, &first, &json!({})).key("one").await;
    assert_eq!(done.ok(), again.ok());
    assert_eq!(again.must("idempotency-replayed"), "true");
    refund(&world, &first, &json!({})).key("two").await.problem(409, "already_refunded");
    assert_eq!(given_back(&world, &first).await, [200_000]);
    assert_eq!(anna.attempt_status(&first).await, "refunded");
    assert_eq!(expires(&anna).await, "2026-02-19T12:00:00.000Z");
    assert_eq!(anna.balance().await, 500);
    // Two halves reverse the award once.
    for key in ["a", "b"] {
        refund(&world, &second, &json!({ "amount": "1000.00" })).key(key).await.ok();
    }
    assert_eq!(given_back(&world, &second).await, [100_000, 100_000]);
    assert_eq!((anna.balance().await, &anna.me().await["isPro"]), (0, &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_whose_answer_is_lost_happens_once() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.pays().await;
    for kind in ["lost_answer", "error"] {
        world.fault("provider", kind).await;
        refund(&world, &attempt, &json!({})).key("one").await.problem(503, "conflict_retry");
        refund(&world, &attempt, &json!({})).key("one").await.problem(503, "conflict_retry");
        world.heal().await;
    }
    refund(&world, &attempt, &json!({})).key("one").await.ok();
    assert_eq!(given_back(&world, &attempt).await, [200_000]);
    assert_eq!((anna.balance().await, anna.history().await.len()), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_refunds_at_once_are_one() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.pays().await;
    let answers =
        at_once(20, |n| refund(&world, &attempt, &json!({})).key(&format!("key-{}", n % 4))).await;
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 409 | 503), "{answer}");
    }
    assert_eq!(given_back(&world, &attempt).await, [200_000]);
    assert_eq!((anna.balance().await, anna.history().await.len()), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_file_holds_no_secrets() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.pays().await;
    let mut wish = anna.wish(tests::GIFT);
    wish["recipient_id"] = json!(77);
    let gift = anna.ask(&wish).await.ok()["attempt_id"].as_str().unwrap().to_owned();
    world.pay(&gift, tests::Webhook::Delivered).await;
    let sent = anna.messages().await;
    let link = sent.iter().find_map(|message| {
        let text = message["text"].as_str()?;
        text.split_once("?start=gift_").map(|(_, token)| token.to_owned())
    });
    let answer = admin(&world, "GET", "/api/admin/user/42").await;
    let file = answer.ok();
    assert_eq!(file["user"]["telegramId"], 42);
    assert_eq!(file["payments"].as_array().unwrap().len(), 2, "{answer}");
    let attempts = file["attempts"].as_array().unwrap();
    assert!(attempts.len() == 2 && attempts.iter().any(|made| made["id"] == *attempt), "{answer}");
    assert_eq!((file["gifts"].as_array().unwrap().len(), &file["team"]), (1, &Value::Null));
    assert_eq!(file["entries"].as_array().unwrap().len(), 1);
    assert!(!answer.text().contains(&link.unwrap()), "a gift's token is a secret");
    admin(&world, "GET", "/api/admin/user/43").await.problem(404, "not_found");
    admin(&world, "GET", "/api/admin/user/x").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_of_an_administrator_is_sold() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    for path in ["/api/admin/offers", "/api/admin/lavatop-offers"] {
        let key = path.rsplit('/').next().unwrap().replace('-', "_");
        let offer = json!({
            "key": key, "label": "Год", "purpose": "self", "days": 365,
            "prices": { "RUB": "15000.00" },
        });
        post(&world, path, &offer).await.ok();
        post(&world, path, &offer).await.problem(409, "offer_exists");
        let listed = admin(&world, "GET", path).await.ok();
        assert!(listed["offers"].as_array().unwrap().iter().any(|offer| offer["key"] == *key));
        let attempt = anna.link(&key).await;
        assert_eq!(anna.attempt(&attempt).await["amount"], "15000.00");
        let gone = admin(&world, "DELETE", &format!("{path}/{key}")).await.ok();
        assert_eq!((&gone["deleted"], &gone["offer"]["is_active"]), (&json!(false), &json!(false)));
        anna.ask(&anna.wish(&key)).await.problem(400, "offer_inactive");
        let on = json!({ "is_active": true });
        admin(&world, "PATCH", &format!("{path}/{key}")).json(&on).await.ok();
        anna.link(&key).await;
    }
    admin(&world, "DELETE", "/api/admin/offers/none").await.problem(404, "offer_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_can_be_run_by_hand() {
    let world = local!();
    let answer = admin(&world, "POST", "/api/admin/jobs/ratings_publish").await;
    assert!(answer.ok()["result"].is_object(), "{answer}");
    admin(&world, "POST", "/api/admin/jobs/none").await.problem(404, "not_found");
    world.advance(60).await;
    let refresh = admin(&world, "POST", "/api/admin/ratings/refresh").await.ok();
    let shown = world.get("/api/v1/ratings/cities").await.ok();
    assert_eq!(refresh["generation"], shown["generation"]);
    assert_eq!(refresh["generatedAt"], shown["generatedAt"]);
    assert_eq!(refresh["generatedAt"], "2026-01-20T12:01:00.000Z");
}
