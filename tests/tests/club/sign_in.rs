//! Signing in: what Telegram signed, how old it may be, and the one member it makes (§3.1, §5.1).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{InitData, VECTOR, VECTOR_TOKEN, at_once, local, payload};

/// Fields of `User` in §3.4.
const USER: [&str; 24] = [
    "id",
    "telegramId",
    "username",
    "firstName",
    "lastName",
    "photoUrl",
    "languageCode",
    "city",
    "email",
    "phone",
    "level",
    "experience",
    "energies",
    "streak",
    "lastActiveDate",
    "isPro",
    "subscriptionExpires",
    "autoRenewalEnabled",
    "gifted",
    "lavaContactId",
    "cloudpaymentsSubscriptionId",
    "settings",
    "createdAt",
    "updatedAt",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_published_vector_signs_in() {
    let world = local!("TELEGRAM_BOT_TOKEN" => VECTOR_TOKEN, "CLOCK" => "2026-01-20T09:06:40Z");
    let answer = world.login(VECTOR).await;
    let body = answer.ok();
    let user = body["user"].as_object().expect("user");
    for field in USER {
        assert!(user.contains_key(field), "no {field}: {answer}");
    }
    assert_eq!(user["telegramId"], 1_000_000_001);
    assert_eq!((&user["firstName"], &user["username"]), (&json!("Test"), &json!("test_user")));
    assert_eq!((&user["languageCode"], &user["lastName"]), (&json!("ru"), &Value::Null));
    assert_eq!((&user["city"], &user["photoUrl"]), (&Value::Null, &Value::Null));
    assert_eq!((&user["isPro"], &user["subscriptionExpires"]), (&json!(false), &Value::Null));
    assert_eq!((&user["energies"], &user["level"]), (&json!(0), &json!(1)));
    assert_eq!(user["createdAt"], "2026-01-20T09:06:40.000Z");
    assert_eq!(body["token"], body["accessToken"]);
    assert_eq!(body["expiresIn"], 3600);
    assert!(body["refreshToken"].is_string(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_tokens_and_cookies_are_what_the_contract_says() {
    let world = local!();
    let answer = world.user(42, "Анна").login().await;
    let body = answer.ok();
    let claims = payload(body["token"].as_str().unwrap());
    let names: BTreeSet<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["sub", "telegramId", "fam", "jti", "iat", "exp"]));
    assert_eq!(claims["telegramId"], 42);
    assert_eq!(claims["sub"], body["user"]["id"]);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    for name in ["auth_token", "refresh_token"] {
        let cookie = answer.set_cookie(name).unwrap_or_else(|| panic!("no {name}: {answer}"));
        assert!(cookie.has("HttpOnly") && cookie.has("Path=/"), "{cookie:?}");
        assert!(cookie.has("SameSite=Lax") && !cookie.has("Secure"), "{cookie:?}");
    }
    assert_eq!(answer.set_cookie("auth_token").unwrap().value, body["token"].as_str().unwrap());
    let refresh = answer.set_cookie("refresh_token").unwrap().value;
    assert_eq!(refresh, body["refreshToken"].as_str().unwrap());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn init_data_lives_a_day() {
    let world = local!("TELEGRAM_BOT_TOKEN" => VECTOR_TOKEN, "CLOCK" => "2026-01-20T09:06:40Z");
    world.advance(86_400).await;
    world.login(VECTOR).await.ok();
    world.advance(1).await;
    let late = world.login(VECTOR).await.problem(401, "invalid_init_data");
    assert_eq!(late["error"], "Invalid Telegram initData");
    let me = world.get("/api/v1/users/me");
    me.clone().tma(VECTOR).await.problem(401, "invalid_init_data");
    me.bearer(VECTOR).await.problem(401, "invalid_init_data");
}

#[tokio::test(flavor = "multi_thread")]
async fn init_data_may_be_a_minute_ahead() {
    let world = local!("TELEGRAM_BOT_TOKEN" => VECTOR_TOKEN, "CLOCK" => "2026-01-20T09:05:39Z");
    world.login(VECTOR).await.problem(401, "invalid_init_data");
    world.advance(1).await;
    world.login(VECTOR).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_vector_is_refused() {
    let world = local!("TELEGRAM_BOT_TOKEN" => VECTOR_TOKEN, "CLOCK" => "2026-01-20T09:06:40Z");
    let (pairs, hash) = VECTOR.rsplit_once("&hash=").unwrap();
    let mut broken = vec![
        pairs.to_owned(),
        format!("{VECTOR}&hash={hash}"),
        format!("{pairs}&hash={}", hash.to_uppercase()),
        format!("{pairs}&hash={}", &hash[..62]),
        format!("{pairs}&hash="),
        VECTOR.replace("auth_date=1768900000&", ""),
        VECTOR.replace("auth_date=1768900000", "auth_date=1768900001"),
        format!("{VECTOR}&user=%7B%22id%22%3A1%7D"),
        format!("user=%7B%22id%22%3A1%7D&{VECTOR}"),
        format!("{VECTOR}&extra=1"),
    ];
    let start = VECTOR.find("user=").unwrap() + "user=".len();
    let end = VECTOR.find("&hash").unwrap();
    // Bytes of the user that stand for themselves; `%XX` is changed as its last digit.
    for at in (start..end).step_by(7) {
        let mut bytes = VECTOR.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        broken.push(String::from_utf8(bytes).unwrap());
    }
    for init_data in broken.iter().filter(|init_data| *init_data != VECTOR) {
        let answer = world.login(init_data).await;
        answer.problem(401, "invalid_init_data");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_nonsense_is_refused() {
    let world = local!();
    let now = world.now().await.as_second();
    let user = json!({"id": 42, "first_name": "Анна"});
    let good = InitData::new(&user, now);
    let sign = |data: &InitData| data.signed(world.bot_token());
    let mut refused = Vec::new();
    for id in [
        json!(0),
        json!(-1),
        json!(4_503_599_627_370_496_i64),
        json!("42"),
        json!(1.5),
        json!(null),
        json!(18_446_744_073_709_551_615_u64),
        json!([42]),
    ] {
        let strange = json!({"id": id, "first_name": "Анна"});
        refused.push(sign(&good.clone().with("user", &strange.to_string())));
    }
    for user in ["{", "[]", "null", "42", r#"{"first_name":"Анна"}"#] {
        refused.push(sign(&good.clone().with("user", user)));
    }
    for date in [
        "",
        "-1",
        "+1",
        " 1",
        "1e9",
        "0x10",
        "12345678901234567890",
        "99999999999999999999999",
        "18446744073709551615",
        "9223372036854775807",
        "NaN",
    ] {
        refused.push(sign(&good.clone().with("auth_date", date)));
    }
    refused.push(sign(&good.clone().without("auth_date")));
    refused.push(sign(&good.clone().twice("auth_date", &now.to_string())));
    refused.push(good.signed("7000000009:somebody-else"));
    for init_data in refused {
        let header = world.get("/api/v1/users/me").tma(&init_data).await;
        assert_eq!(header.status, 401, "{init_data}: {header}");
        header.refusal();
        let login = world.login(&init_data).await;
        assert!(matches!(login.status, 400 | 401), "{init_data}: {login}");
        login.refusal();
    }
    let largest = json!({"id": 4_503_599_627_370_495_i64, "first_name": "Анна"});
    let largest = sign(&InitData::new(&largest, now));
    assert_eq!(world.login(&largest).await.ok()["user"]["telegramId"], 4_503_599_627_370_495_i64);
    let kept = sign(&good.clone().with("signature", "kept-in-the-string"));
    world.login(&kept).await.ok();
    let long = sign(&good.with("start_param", &"x".repeat(8_192)));
    world.login(&long).await.problem(400, "validation_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_without_init_data_says_what_is_missing() {
    let world = local!();
    let login = || world.call("POST", "/api/v1/auth/telegram");
    let errors = [
        (login(), "Empty body"),
        (login().raw(""), "Empty body"),
        (login().raw("{"), "Invalid JSON"),
        (login().raw("{}"), "initData is required"),
        (login().raw(r#"{"initData":""}"#), "initData is required"),
        (
            login().json(&json!({"initDataUnsafe": {"user": {"id": 42, "first_name": "Анна"}}})),
            "initData is required",
        ),
    ];
    let mut wrong = Vec::new();
    for (call, error) in errors {
        let answer = call.await;
        answer.is(400).refusal();
        if answer.json()["error"] != error {
            wrong.push(format!("wanted {error}: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let now = world.now().await.as_second();
    let nobody = InitData::new(&json!({}), now).without("user").signed(world.bot_token());
    let answer = world.login(&nobody).await;
    answer.is(400).refusal();
    assert_eq!(answer.json()["error"], "User data not found", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_parallel_first_logins_create_one_member() {
    let world = local!("RATE_AUTH" => "1000/60");
    let init_data = world.user(42, "Анна").init_data().await;
    let body = json!({"initData": init_data});
    let answers = at_once(30, |_| world.post("/api/v1/auth/telegram", &body)).await;
    // Who loses too many races for the one row is told when to come again.
    let (busy, done): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 503);
    for answer in &busy {
        answer.problem(503, "conflict_retry");
        assert!(answer.header("retry-after").is_some(), "{answer}");
    }
    let ids: BTreeSet<String> =
        done.iter().map(|answer| answer.ok()["user"]["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let tokens: BTreeSet<String> =
        done.iter().map(|answer| answer.json()["refreshToken"].to_string()).collect();
    assert_eq!(tokens.len(), done.len(), "each login is a family of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_data_alone_is_a_credential_and_makes_the_member() {
    let world = local!();
    let anna = world.user(42, "Анна");
    let init_data = anna.init_data().await;
    let me = world.get("/api/v1/users/me").tma(&init_data).await.ok();
    assert_eq!(me["user"]["telegramId"], 42);
    let again = world.get("/api/v1/auth/me").bearer(&init_data).await.ok();
    assert_eq!(again["user"]["id"], me["user"]["id"]);
    assert_eq!(anna.sign_in().await.uuid, me["user"]["id"].as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_renews_what_telegram_knows_but_not_the_name() {
    let world = local!();
    let now = world.now().await.as_second();
    let login = async |user: Value| {
        let init_data = InitData::new(&user, now).signed(world.bot_token());
        world.login(&init_data).await.ok()["user"].clone()
    };
    let first = login(json!({
        "id": 42, "first_name": "Анна", "username": "anna", "language_code": "ru",
        "photo_url": "https://t.me/i/userpic/320/anna.svg",
    }))
    .await;
    assert_eq!(first["photoUrl"], "https://t.me/i/userpic/320/anna.svg");
    let second = login(json!({
        "id": 42, "first_name": "Другая", "last_name": "Фамилия", "username": "anna2",
        "language_code": "en", "photo_url": "https://cdn.telegram.org/a.jpg",
    }))
    .await;
    assert_eq!((&second["firstName"], &second["lastName"]), (&json!("Анна"), &Value::Null));
    assert_eq!((&second["username"], &second["languageCode"]), (&json!("anna2"), &json!("en")));
    assert_eq!(second["photoUrl"], "https://cdn.telegram.org/a.jpg");
    assert_eq!(second["createdAt"], first["createdAt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_photo_with_the_bots_token_in_its_address() {
    let world = local!();
    let now = world.now().await.as_second();
    let token = world.bot_token().to_owned();
    for host in ["t.me", "cdn4.telegram.org"] {
        for path in [format!("file/bot{token}/a.svg"), format!("a.svg?token={token}")] {
            let url = format!("https://{host}/{path}");
            let user = json!({"id": 42, "first_name": "Анна", "photo_url": url});
            let answer = world.login(&InitData::new(&user, now).signed(&token)).await;
            assert_eq!(answer.ok()["user"]["photoUrl"], Value::Null, "{url}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_photo_from_where_a_token_could_be() {
    let world = local!("RATE_AUTH" => "100/60");
    let now = world.now().await.as_second();
    let token = world.bot_token().to_owned();
    for url in [
        format!("https://api.telegram.org/file/bot{token}/photos/file_1.jpg"),
        "https://API.telegram.org/x.jpg".to_owned(),
        "http://t.me/a.svg".to_owned(),
        "https://t.me.example.com/a.svg".to_owned(),
        "https://eviltelegram.org/a.svg".to_owned(),
        "https://t.me@example.com/a.svg".to_owned(),
        "https://example.com/t.me/a.svg".to_owned(),
        "javascript:alert(1)".to_owned(),
        "not a url".to_owned(),
    ] {
        let user = json!({"id": 42, "first_name": "Анна", "photo_url": url});
        let init_data = InitData::new(&user, now).signed(&token);
        let answer = world.login(&init_data).await;
        assert_eq!(answer.ok()["user"]["photoUrl"], Value::Null, "{url}: {answer}");
    }
}
