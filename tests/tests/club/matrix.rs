//! Who may call what: every route with every credential that must not work (§17.1, §17.3, §17.5).

use serde_json::json;
use tests::{Access, Call, InitData, Member, ROUTES, Route, World, forged, local, payload};

fn call(world: &World, route: &Route) -> Call {
    let call = world.call(route.method, route.path);
    if route.body { call.json(&json!({})) } else { call }
}

fn members_only() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.access == Access::Member)
}

/// Tokens and headers that nobody was given.
fn malformed(world: &World, member: &Member) -> Vec<String> {
    let claims = payload(&member.token);
    let (body, signature) = member.token.rsplit_once('.').unwrap();
    let mut later = claims.clone();
    later["telegramId"] = json!(43);
    let secret = world.secret("JWT_SECRET").as_bytes().to_vec();
    let mut tokens = vec![
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer x".to_owned(),
        "Bearer a.b.c".to_owned(),
        "Bearer ..".to_owned(),
        format!("Bearer {}", "A".repeat(5_000)),
        format!("Bearer {}", forged(&claims, None)),
        format!("Bearer {}", forged(&claims, Some(b"another secret of thirty-two bytes"))),
        format!("Bearer {}", forged(&claims, Some(b""))),
        format!("Bearer {}", forged(&json!({"sub": member.uuid}), Some(secret.as_slice()))),
        format!("Bearer {}.{signature}", forged(&later, None).trim_end_matches('.')),
        format!("Bearer {body}."),
        format!("Bearer {}", member.refresh),
        "Basic NDI6NDI=".to_owned(),
        "tma".to_owned(),
        "tma ".to_owned(),
        "tma x".to_owned(),
        "tma user=%7B%22id%22%3A42%7D".to_owned(),
        "tma %ff%fe&hash=00".to_owned(),
        format!("tma {}", member.token),
        member.token.clone(),
    ];
    let mut wrong_kind = claims;
    wrong_kind["exp"] = json!("never");
    tokens.push(format!("Bearer {}", forged(&wrong_kind, Some(secret.as_slice()))));
    tokens
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_of_members_answers_without_a_credential() {
    let world = local!();
    for route in members_only() {
        let answer = call(&world, route).await;
        let problem = answer.problem(401, "unauthorized");
        // The payment forms show `error`, so it is a sentence there.
        if !["/api/payments/", "/api/analytics/"].iter().any(|of| route.path.starts_with(of)) {
            assert_eq!(problem["error"], "Unauthorized", "{answer}");
        }
        assert_eq!(answer.must("cache-control"), "no-store", "{answer}");
        let admin = call(&world, route).header("x-admin-secret", world.secret("ADMIN_SECRET"));
        admin.await.problem(401, "unauthorized");
        let ids = world.call(route.method, &format!("{}?userId=42&telegram_id=42", route.path));
        ids.await.problem(401, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_of_members_answers_to_what_nobody_was_given() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    for route in members_only() {
        for header in malformed(&world, &anna) {
            let answer = call(&world, route).header("authorization", &header).await;
            let problem = answer.refusal();
            let code = problem["code"].as_str().unwrap();
            assert_eq!(answer.status, 401, "{header}: {answer}");
            assert!(matches!(code, "unauthorized" | "invalid_init_data"), "{header}: {answer}");
        }
        let bytes = call(&world, route).header("authorization", b"Bearer \xff\xfe").await;
        assert_eq!(bytes.status, 401, "{bytes}");
        let cookie = call(&world, route).cookie("auth_token", "x").await;
        assert_eq!(cookie.status, 401, "{cookie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_of_members_answers_to_what_has_run_out() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let init_data = anna.user.init_data().await;
    world.advance(86_401).await;
    for route in members_only() {
        call(&world, route).bearer(&anna.token).await.problem(401, "token_expired");
        call(&world, route)
            .cookie("auth_token", &anna.auth_cookie)
            .await
            .problem(401, "token_expired");
        call(&world, route).tma(&init_data).await.problem(401, "invalid_init_data");
        call(&world, route).bearer(&init_data).await.problem(401, "invalid_init_data");
    }
    let ahead = world.now().await.as_second() + 61;
    let ahead = InitData::new(&anna.user.profile(), ahead).signed(world.bot_token());
    for route in members_only() {
        call(&world, route).tma(&ahead).await.problem(401, "invalid_init_data");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_of_members_answers_to_what_was_revoked() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.call("POST", "/api/v1/auth/logout").await.ok();
    for route in members_only() {
        call(&world, route).bearer(&anna.token).await.problem(401, "token_revoked");
        let cookie = call(&world, route).cookie("auth_token", &anna.auth_cookie);
        let cookie = cookie.header("origin", tests::ORIGIN).await;
        cookie.problem(401, "token_revoked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_is_out_of_reach() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let attempt = anna.link(tests::MONTH).await;
    let before = anna.everything().await;
    let path = format!("/api/payments/attempts/{attempt}");
    boris.get(&path).await.problem(404, "not_found");
    boris.ask(&anna.wish(tests::MONTH)).await.problem(403, "subject_mismatch");
    let theirs = format!("/api/v1/ratings/personal?userId={}", anna.uuid);
    boris.get(&theirs).await.problem(403, "subject_mismatch");
    let mine = boris.patch(&json!({"id": anna.uuid, "telegramId": 42, "firstName": "Чужой"})).await;
    assert_eq!(mine.ok()["user"]["id"], json!(boris.uuid));
    let state = format!("/api/payments/sandbox/{attempt}/state");
    boris.post(&state, &json!({"state": "paid"})).await.problem(401, "unauthorized");
    let paid = json!({"attempt_id": attempt, "event": "success"});
    boris.post("/api/webhooks/sandbox/payment", &paid).await.problem(401, "unauthorized");
    assert_eq!(anna.everything().await, before);
    assert_eq!(anna.attempt_status(&attempt).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_gets_through_everywhere() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    let init_data = anna.user.init_data().await;
    for route in members_only().filter(|route| !route.path.ends_with("/logout")) {
        for call in [
            call(&world, route).bearer(&anna.token),
            call(&world, route).tma(&init_data),
            call(&world, route)
                .cookie("auth_token", &anna.auth_cookie)
                .header("origin", tests::ORIGIN),
        ] {
            let answer = call.await;
            assert!(matches!(answer.status, 200 | 400 | 404), "{answer}");
        }
    }
    for route in ROUTES.iter().filter(|route| route.access == Access::Anyone && !route.body) {
        let answer = call(&world, route).await;
        let is_nothing = route.path.ends_with("/x") && answer.status == 404;
        assert!(answer.status == 200 || is_nothing, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_checked_also_where_none_is_needed() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    world.get("/api/v1/ratings/cities").bearer(&anna.token).await.is(200);
    for path in ["/health", "/health/live"] {
        world.get(path).bearer("nonsense").await.is(200);
    }
}
