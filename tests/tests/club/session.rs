//! Access and refresh tokens: rotation, reuse, silent renewal, cookies, logout (§3.1).

use serde_json::json;
use tests::{Answer, Member, ORIGIN, World, local};

use crate::DAY;

async fn refresh(world: &World, token: &str) -> Answer {
    world.post("/api/v1/auth/refresh", &json!({"refreshToken": token})).await
}

async fn next(world: &World, token: &str) -> String {
    let body = refresh(world, token).await.ok();
    assert_eq!(body["token"], body["accessToken"]);
    assert_eq!(body["expiresIn"], 3600);
    body["refreshToken"].as_str().unwrap().to_owned()
}

/// All that its owner could still present is refused.
async fn is_revoked(world: &World, member: &Member, refresh_token: &str) {
    let me = world.get("/api/v1/auth/me").bearer(&member.token).await;
    me.problem(401, "token_revoked");
    refresh(world, refresh_token).await.is(401).refusal();
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_an_expired_token_is_renewed_silently() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    world.advance(3_601).await;
    let me = || world.get("/api/v1/auth/me");
    let bare = me().bearer(&anna.token).await;
    bare.problem(401, "token_expired");
    assert!(bare.cookies().is_empty(), "{bare}");

    let renewed = me().bearer(&anna.token).cookie("refresh_token", &anna.refresh_cookie).await;
    assert_eq!(renewed.ok()["user"]["telegramId"], 42);
    let token = renewed.must("x-access-token").to_owned();
    let auth = renewed.set_cookie("auth_token").unwrap().value;
    let rotated = renewed.set_cookie("refresh_token").unwrap().value;
    assert_ne!(rotated, anna.refresh_cookie);
    me().bearer(&token).await.is(200);

    let beside = me()
        .bearer(&anna.token)
        .header("cookie", format!("auth_token={auth}; refresh_token={rotated}"))
        .await;
    beside.is(200);
    assert_eq!(beside.header("x-access-token"), None, "{beside}");
    assert!(beside.cookies().is_empty(), "{beside}");

    let out = world.call("POST", "/api/v1/auth/logout").bearer(&token).await;
    assert_eq!(out.ok()["message"], "Logged out successfully");
    for name in ["auth_token", "refresh_token"] {
        assert!(out.set_cookie(name).is_some_and(|cookie| cookie.clears()), "{name}: {out}");
    }
    me().bearer(&token).await.problem(401, "token_revoked");
    me().cookie("auth_token", &auth).await.problem(401, "token_revoked");
    refresh(&world, &rotated).await.is(401).refusal();
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_only_an_expired_token_of_the_same_member_is_renewed() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    world.advance(3_601).await;
    let me = || world.get("/api/v1/auth/me");
    let foreign = me().bearer(&anna.token).cookie("refresh_token", &boris.refresh_cookie).await;
    assert_eq!(foreign.status, 401, "{foreign}");
    foreign.refusal();
    assert!(foreign.cookies().is_empty(), "{foreign}");
    let mut broken = anna.token.clone();
    broken.truncate(broken.len() - 4);
    let answer = me().bearer(&broken).cookie("refresh_token", &anna.refresh_cookie).await;
    assert_eq!(answer.status, 401, "{answer}");
    answer.refusal();
    // Boris's token was neither used nor revoked by the refusals.
    refresh(&world, &boris.refresh).await.ok();
    refresh(&world, &anna.refresh).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_called_expired_whatever_the_cookie() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    world.advance(3_601).await;
    for cookie in ["", "x", boris.refresh_cookie.as_str()] {
        let me = world.get("/api/v1/auth/me").bearer(&anna.token);
        me.cookie("refresh_token", cookie).await.problem(401, "token_expired");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_renewal_serves_a_mutation_too() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    world.advance(3_601).await;
    let answer = anna
        .patch(&json!({"firstName": "Аня"}))
        .cookie("refresh_token", &anna.refresh_cookie)
        .await;
    assert_eq!(answer.ok()["user"]["firstName"], "Аня");
    assert!(answer.header("x-access-token").is_some(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_repeated_until_its_successor_is_used() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let second = next(&world, &anna.refresh).await;
    assert_eq!(next(&world, &anna.refresh).await, second);
    world.advance(DAY).await;
    assert_eq!(next(&world, &anna.refresh).await, second);
    let third = next(&world, &second).await;
    assert_ne!(third, second);
    world.advance(29).await;
    assert_eq!(next(&world, &anna.refresh).await, second, "within the grace");
    world.advance(2).await;
    refresh(&world, &anna.refresh).await.problem(401, "refresh_reused");
    refresh(&world, &third).await.is(401).refusal();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_token_revokes_the_family() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let other = anna.user.sign_in().await;
    let second = next(&world, &anna.refresh).await;
    let third = next(&world, &second).await;
    let fourth = next(&world, &third).await;
    refresh(&world, &anna.refresh).await.problem(401, "refresh_reused");
    is_revoked(&world, &anna, &fourth).await;
    // Another login of the same person lives on.
    world.get("/api/v1/auth/me").bearer(&other.token).await.is(200);
    let _ = next(&world, &other.refresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_refreshes_get_the_same_successor() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let body = json!({"refreshToken": anna.refresh});
    let answers = tests::at_once(10, |_| world.post("/api/v1/auth/refresh", &body)).await;
    let tokens: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| answer.ok()["refreshToken"].to_string()).collect();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_says_what_is_wrong() {
    let world = local!();
    let missing = world.post("/api/v1/auth/refresh", &json!({})).await;
    assert_eq!(missing.problem(401, "refresh_missing")["error"], "No token provided");
    let anna = world.member(42, "Анна").await;
    for strange in [
        "x".to_owned(),
        "a.b.c".to_owned(),
        anna.token.clone(),
        format!("{}x", anna.refresh),
        "0".repeat(4_000),
    ] {
        let answer = refresh(&world, &strange).await;
        assert_eq!(answer.problem(401, "refresh_invalid")["error"], "Invalid token");
    }
    let by_cookie =
        world.call("POST", "/api/v1/auth/refresh").cookie("refresh_token", &anna.refresh_cookie);
    let answer = by_cookie.header("origin", ORIGIN).await;
    assert!(answer.ok()["accessToken"].is_string());
    assert!(answer.set_cookie("refresh_token").is_some(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_lives_thirty_days_from_its_last_use() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    world.advance(20 * DAY).await;
    let second = next(&world, &anna.refresh).await;
    world.advance(11 * DAY).await;
    let _ = next(&world, &second).await;
    refresh(&world, &boris.refresh).await.problem(401, "refresh_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_alone_needs_the_apps_origin_to_change_anything() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let cookie = |call: tests::Call| call.cookie("auth_token", &anna.auth_cookie);
    cookie(world.get("/api/v1/users/me")).await.is(200);
    let change =
        || cookie(world.call("PATCH", "/api/v1/users/me")).json(&json!({"firstName": "Чужая"}));
    change().await.problem(403, "origin_refused");
    for origin in ["https://evil.example.com", "null", "https://app.example.com.evil.com", ""] {
        change().header("origin", origin).await.problem(403, "origin_refused");
    }
    assert_eq!(anna.me().await["firstName"], "Анна");
    let allowed = change().header("origin", ORIGIN).await.ok();
    assert_eq!(allowed["user"]["firstName"], "Чужая");
    let header = anna.patch(&json!({"firstName": "Аня"})).await.ok();
    assert_eq!(header["user"]["firstName"], "Аня");
    let logout = cookie(world.call("POST", "/api/v1/auth/logout"));
    logout.await.problem(403, "origin_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_wins_over_the_cookie() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let answer = anna.get("/api/v1/users/me").cookie("auth_token", &boris.auth_cookie).await;
    assert_eq!(answer.ok()["user"]["telegramId"], 42);
}
