//! The table of refused credentials, with the order of its checks.

use serde_json::{Value, json};
use tests::{Answer, InitData, World, errands};

const EXPIRED: &str = "Invalid Telegram initData: initData has expired";
const INVALID_HASH: &str = "Invalid Telegram initData: Invalid hash - data integrity check failed";
const MISSING_HASH: &str = "Invalid Telegram initData: Missing hash in initData";
const DUPLICATE: &str = "Invalid Telegram initData: Duplicate field in initData";
const NO_DATE: &str = "Invalid Telegram initData: Missing auth_date in initData";
const NO_USER: &str = "Invalid Telegram initData: Missing user data in initData";
const BAD_USER: &str = "Invalid Telegram initData: Malformed user data in initData";
const BAD_ID: &str = "Invalid user ID in initData";

async fn asked(world: &World, authorization: &str) -> Answer {
    world.get("/api/users/me").header("authorization", authorization).await
}

#[track_caller]
fn refused(answer: &Answer, code: &str, detail: &str) {
    answer.detail(401, code, detail);
    assert_eq!(answer.must("www-authenticate"), "Bearer", "{answer}");
    assert_eq!(answer.must("cache-control"), "no-store", "{answer}");
}

async fn invalid(world: &World, init_data: &str, detail: &str) {
    for scheme in ["Bearer", "tma"] {
        let answer = asked(world, &format!("{scheme} {init_data}")).await;
        refused(&answer, "invalid_init_data", detail);
    }
}

/// Launch data of this moment, unsigned.
async fn fresh(world: &World) -> InitData {
    let now_s = world.now().await.as_second();
    InitData::new(&json!({"id": 42, "first_name": "Анна"}), now_s)
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_every_missing_or_foreign_credential_has_its_text() {
    let world = errands!();
    refused(&world.get("/api/users/me").await, "not_authenticated", "Not authenticated");
    for empty in ["Bearer", "Bearer ", "tma", "tma ", "bearer", ""] {
        refused(&asked(&world, empty).await, "not_authenticated", "Not authenticated");
    }
    let good = fresh(&world).await.signed(world.bot_token());
    for other in ["Basic NDI6NDI=", &format!("Token {good}"), &format!("Bearer: {good}")] {
        let answer = asked(&world, other).await;
        refused(&answer, "unsupported_auth_scheme", "Invalid authentication credentials");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_every_broken_string_has_its_text() {
    let world = errands!();
    let (data, token) = (fresh(&world).await, world.bot_token().to_owned());
    for garbage in ["mock_init_data_for_development", "x", "{}", "a=b&c=d", "a.b.c", "%ff", "&&"] {
        invalid(&world, garbage, MISSING_HASH).await;
    }
    let twice = data.clone().twice("auth_date", "1").signed(&token);
    invalid(&world, &twice, DUPLICATE).await;
    let good = data.signed(&token);
    invalid(&world, &format!("{good}&hash=00"), DUPLICATE).await;
    invalid(&world, "user=%7B%22id%22%3A1%7D&auth_date=1&hash=abc", INVALID_HASH).await;
    invalid(&world, &data.signed("1:other"), INVALID_HASH).await;
    invalid(&world, &good.replace("42", "43"), INVALID_HASH).await;
    invalid(&world, &format!("{good}&extra=1"), INVALID_HASH).await;
    invalid(&world, &data.clone().without("auth_date").signed(&token), NO_DATE).await;
    for date in ["", "soon", "12a"] {
        invalid(&world, &data.clone().with("auth_date", date).signed(&token), NO_DATE).await;
    }
    invalid(&world, &data.clone().without("user").signed(&token), NO_USER).await;
    invalid(&world, &data.clone().with("user", "").signed(&token), NO_USER).await;
    for user in ["{", "nonsense", "{'id':1}"] {
        invalid(&world, &data.clone().with("user", user).signed(&token), BAD_USER).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_an_id_is_a_positive_number_javascript_holds() {
    let world = errands!();
    let (data, token) = (fresh(&world).await, world.bot_token().to_owned());
    for id in [json!(0), json!(-1), json!(1_i64 << 53), json!(1.5), Value::Null, json!([1])] {
        let user = json!({"id": id, "first_name": "Анна"}).to_string();
        invalid(&world, &data.clone().with("user", &user).signed(&token), BAD_ID).await;
    }
    for user in ["{}", r#"{"first_name":"Анна"}"#, r#"{"id":"x"}"#] {
        invalid(&world, &data.clone().with("user", user).signed(&token), BAD_ID).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_the_checks_run_in_their_order() {
    let world = errands!();
    let token = world.bot_token().to_owned();
    let data = fresh(&world).await;
    let pair = "auth_date=1&auth_date=2";
    invalid(&world, pair, MISSING_HASH).await;
    invalid(&world, &format!("{pair}&hash=00"), DUPLICATE).await;
    let old = data.clone().with("auth_date", "1000000000");
    invalid(&world, &old.signed("1:other"), INVALID_HASH).await;
    let old_and_nobody = old.without("user").signed(&token);
    let answer = asked(&world, &format!("tma {old_and_nobody}")).await;
    refused(&answer, "init_data_expired", EXPIRED);
    let undated = data.without("auth_date").without("user").signed(&token);
    invalid(&world, &undated, NO_DATE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a27_launch_data_lives_for_a_day_and_may_be_a_minute_ahead() {
    let world = errands!();
    let now_s = world.now().await.as_second();
    let profile = json!({"id": 42, "first_name": "Анна"});
    for (seconds, lives) in
        [(-86_400, true), (-86_401, false), (60, true), (61, false), (-760_000_000, false)]
    {
        let data = InitData::new(&profile, now_s + seconds).signed(world.bot_token());
        let answer = asked(&world, &format!("Bearer {data}")).await;
        if lives {
            answer.is(200);
        } else {
            refused(&answer, "init_data_expired", EXPIRED);
        }
    }
}
