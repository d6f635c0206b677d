//! What is said, and how often one may ask.

use http::Method;
use shared::function::Function;

use super::*;
use crate::testing::{Person, Request, World};
use crate::{App, cities, reviews, users};

fn told(problem: &Problem) -> (u16, Value, Value) {
    let Dressed { status, body, .. } = dress(problem, "r-1");
    assert_eq!(body["request_id"], "r-1");
    (status.as_u16(), body["code"].clone(), body["detail"].clone())
}

#[test]
fn every_failure_of_ours_is_told_as_one() {
    for problem in [Problem::bug("secret"), Problem::try_again("secret")] {
        let unavailable = json!("Service is temporarily unavailable");
        assert_eq!(told(&problem), (503, json!("unavailable"), unavailable));
        let headers = dress(&problem, "").headers;
        let told = headers.get(header::RETRY_AFTER).or(problem.header(&header::RETRY_AFTER));
        assert_eq!(told.unwrap(), "1");
    }
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let own = Problem::refused(status, "payments_not_configured", "Payment service not configured");
    assert_eq!(told(&own).1, "payments_not_configured");
}

#[test]
fn complaints_are_joined_and_listed() {
    let problem = Problem::invalid_fields(vec![
        FieldError::new("city", "is required"),
        FieldError::sentence("category", "Category must be one of: a, b"),
    ]);
    let detail = json!("city: is required; Category must be one of: a, b");
    assert_eq!(told(&problem), (422, json!("validation_failed"), detail));
    let errors = json!([
        { "field": "city", "message": "city: is required" },
        { "field": "category", "message": "Category must be one of: a, b" },
    ]);
    assert_eq!(dress(&problem, "").body["errors"], errors);
}

#[test]
fn launch_data_is_refused_in_these_words() {
    use InitDataError as E;
    for (error, detail) in [
        (E::HashMissing, "Invalid Telegram initData: Missing hash in initData"),
        (E::DuplicateKey, "Invalid Telegram initData: Duplicate field in initData"),
        (E::HashMismatch, "Invalid Telegram initData: Invalid hash - data integrity check failed"),
        (E::AuthDateMalformed, "Invalid Telegram initData: Missing auth_date in initData"),
        (E::Expired, "Invalid Telegram initData: initData has expired"),
        (E::UserMissing, "Invalid Telegram initData: Missing user data in initData"),
        (E::UserMalformed, "Invalid Telegram initData: Malformed user data in initData"),
        (E::UserIdInvalid, "Invalid user ID in initData"),
    ] {
        let problem = Problem::unauthorized("invalid_init_data").because(error);
        assert_eq!(told(&problem), (401, json!("invalid_init_data"), json!(detail)));
        assert_eq!(dress(&problem, "").headers[header::WWW_AUTHENTICATE], "Bearer");
    }
    let nobody = Problem::unauthorized("not_authenticated");
    assert_eq!(told(&nobody).2, "Not authenticated");
}

/// Calls a function as nobody in particular.
async fn ask(world: &World, function: Function<App>, request: Request) -> (u16, Value, Value) {
    let reply = world.call(function, request).await;
    (reply.status.as_u16(), reply.body["code"].clone(), reply.body["detail"].clone())
}

#[tokio::test]
async fn bodies_are_json_of_a_bounded_size() {
    let world = World::new().await;
    let by = world.sign_in(&Person::new(7, "Анна"));
    let post = |body: &str| Request::new(Method::POST, "/api/reviews/client").body(body).by(&by);
    let large = post(&"x".repeat(16 * 1024 + 1));
    assert_eq!(
        ask(&world, reviews::review(), large).await,
        (413, json!("body_too_large"), json!("Request body is too large"))
    );
    let other = post("a=b").header("content-type", "application/x-www-form-urlencoded");
    let told = ask(&world, reviews::review(), other).await;
    assert_eq!((told.0, told.1), (415, json!("unsupported_media_type")));
    for body in ["{", "[]", "null", "\u{0}"] {
        assert_eq!(
            ask(&world, reviews::review(), post(body)).await,
            (422, json!("invalid_json"), json!("Request body is not valid JSON"))
        );
    }
    let key = post("{}").header("idempotency-key", "ключ");
    let told = ask(&world, reviews::review(), key).await;
    let says = "Idempotency-Key: must be 1 to 255 visible ASCII characters";
    assert_eq!(told, (422, json!("validation_failed"), json!(says)));
    let nul = Request::get("/api/reviews/check?order_id=a%00b").by(&by);
    let says = "order_id: contains a character that is not allowed";
    assert_eq!(ask(&world, reviews::check(), nul).await.2, says);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let world = World::with(&[("RATE_ANON", "2/4"), ("RATE_SETTINGS", "2/4")]).await;
    let cities = world.start(cities::search()).await;
    let at = |address| Request::get("/api/cities?search=x").from(address);
    for status in [200, 200, 429] {
        assert_eq!(world.send(&cities, at("203.0.113.1")).await.status, status);
    }
    let refused = world.send(&cities, at("203.0.113.1")).await;
    let detail = "Too many requests. Try again later";
    assert_eq!(refused.refusal(), (429, "rate_limited", detail));
    assert_eq!(refused.headers["retry-after"], "2");
    assert_eq!(world.send(&cities, at("203.0.113.2")).await.status, 200);
    let save = world.start(users::save_notifications()).await;
    let put = |id| {
        let by = world.sign_in(&Person::new(id, "Анна"));
        Request::put("/api/users/me/notification-settings", json!({})).by(&by)
    };
    for status in [200, 200, 429] {
        assert_eq!(world.send(&save, put(7)).await.status, status);
    }
    assert_eq!(world.send(&save, put(8)).await.status, 200);
    world.pass(std::time::Duration::from_secs(2));
    assert_eq!(world.send(&save, put(7)).await.status, 200);
}

#[test]
fn classes_are_as_agreed() {
    for (class, burst, per_minute) in [
        (READ, 300, 1_200),
        (POLL, 60, 60),
        (ANON, 300, 3_000),
        (ORDER, 120, 60),
        (TAKE, 40, 60),
        (SETTINGS, 30, 60),
        (REVIEW, 30, 60),
        (PAYMENT, 30, 12),
        (WEBHOOK, 600, 6_000),
    ] {
        let refill = 60 * class.tokens / class.seconds;
        assert_eq!((class.tokens, refill), (burst, per_minute), "{}", class.name);
        assert!(WIRE.limits.contains(&class));
    }
}

#[tokio::test]
async fn a_blank_field_of_launch_data_is_part_of_what_was_signed() {
    use shared::telegram::{BotToken, sign};
    let world = World::new().await;
    let date = world.now().seconds().to_string();
    let token = BotToken::parse(crate::testing::BOT_TOKEN).unwrap();
    let ask = async |fields: &[(&str, &str)]| {
        let fields = [&[("auth_date", date.as_str())], fields].concat();
        let by = format!("tma {}", sign(&fields, &token));
        ask(&world, users::me(), Request::get("/api/users/me").by(&by)).await
    };
    let good = ask(&[("start_param", ""), ("user", r#"{"id":7,"first_name":"A B+C"}"#)]).await;
    assert_eq!(good.0, 200);
    for (user, detail) in [
        (None, "Invalid Telegram initData: Missing user data in initData"),
        (Some(" "), "Invalid Telegram initData: Missing user data in initData"),
        (Some("{"), "Invalid Telegram initData: Malformed user data in initData"),
        (Some("{}"), "Invalid user ID in initData"),
        (Some(r#"{"id":0}"#), "Invalid user ID in initData"),
        (Some(r#"{"id":9007199254740992}"#), "Invalid user ID in initData"),
    ] {
        let fields: Vec<_> = user.map(|user| ("user", user)).into_iter().collect();
        let told = (401, json!("invalid_init_data"), json!(detail));
        assert_eq!(ask(&fields).await, told, "{user:?}");
    }
}

/// What nobody sends who means well.
#[tokio::test]
async fn hostile_input_is_refused_and_nothing_else() {
    let world = World::with(&[("RATE_SETTINGS", "9999/1"), ("RATE_REVIEW", "9999/1")]).await;
    let by = world.sign_in(&Person::new(7, "Анна"));
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "\"",
        "\u{0}",
        "{\"order_id\":\"a\\u0000b\",\"rating\":5}",
        "{\"order_id\":{},\"rating\":[],\"comment\":7,\"complaint\":null}",
        "{\"order_id\":\"\",\"rating\":1e400}",
        "{\"order_id\":\"x\",\"rating\":99999999999999999999}",
        "{\"categories\":{\"a\":1},\"cities\":\"\\ud800\"}",
        "{\"enabled\":\"maybe\",\"frequency\":-1e9}",
        "{\"cities\":[[],null,\"a#b\"],\"categories\":[\"#\"]}",
        &deep,
    ];
    let changes = [
        (reviews::review(), Method::POST, "/api/reviews/client"),
        (reviews::complain(), Method::POST, "/api/reviews/executor"),
        (users::save_preferences(), Method::PUT, "/api/users/me/preferences"),
        (users::save_notifications(), Method::PUT, "/api/users/me/notification-settings"),
    ];
    for (function, method, path) in changes {
        let function = world.start(function).await;
        for body in bodies {
            let request = Request::new(method.clone(), path).body(body).by(&by);
            let reply = world.send(&function, request).await;
            assert!(reply.status.as_u16() < 500, "{path} {body}: {:?}", reply.body);
        }
    }
    let queries = [
        "limit=99999999999999999999",
        "limit=-1",
        "limit=1e3",
        "rating=%00",
        "cursor=%F0%28",
        "cursor=AAAA",
        "mine=%00",
        "order_id=%ff%fe",
        "order_id=#",
        "executor_id=1180591620717411303424",
        "search=%00",
        "search=%ff",
        "search=%F0%9F%92%A9",
        "a[]=1&a[]=2",
        "%=%",
        "&&&=",
        "limit=1&limit=2",
    ];
    let gets = [
        (reviews::list(), "/api/reviews"),
        (reviews::check(), "/api/reviews/check"),
        (cities::search(), "/api/cities"),
        (users::me(), "/api/users/me"),
    ];
    for (function, path) in gets {
        let function = world.start(function).await;
        for query in queries {
            let reply =
                world.send(&function, Request::get(&format!("{path}?{query}")).by(&by)).await;
            assert!(reply.status.as_u16() < 500, "{path} {query}: {:?}", reply.body);
        }
    }
}
