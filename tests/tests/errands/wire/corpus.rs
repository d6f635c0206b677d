//! Bad bodies, paths and headers: each a 4xx with a stable code, and nothing written.

use serde_json::{Value, json};
use tests::{Answer, Call, Person, World, job};

use super::{Route, routes};
use crate::scene::{busy, rich};

/// A refusal in the right shape.
#[track_caller]
fn refused(answer: &Answer) -> Value {
    assert!((400..500).contains(&answer.status), "{answer}");
    answer.refusal()
}

/// A refusal, or an answer of something that did not mind.
#[track_caller]
fn no_failure(answer: &Answer) {
    if answer.status >= 400 {
        refused(answer);
    }
}

fn as_user(route: &Route, person: &Person, path: &str) -> Call {
    let call = person.user.world.call(&route.method, path);
    if route.knows_callers { call.bearer(&person.init_data) } else { call }
}

/// Someone with an open order, money and settings, and all that must stay as it is.
async fn settled(world: &World) -> (Person, String, Value) {
    let anna = rich(world, 42).await;
    let order = anna.posts(&job("@anna_bond")).await;
    let wishes = json!({"categories": ["Другое"], "cities": ["Омск"]});
    anna.put("/api/users/me/preferences", &wishes).await.is(200);
    world.idle().await;
    let before = everything(&anna, &order).await;
    (anna, order, before)
}

async fn everything(anna: &Person, order: &str) -> Value {
    json!([
        anna.me().await,
        anna.ledger().await,
        anna.sees(order).await,
        anna.get("/api/users/me/preferences").await.json(),
        anna.get("/api/users/me/notification-settings").await.json(),
        anna.get("/api/orders?mine=true&status=all").await.json(),
        anna.get("/api/reviews?by_me=true").await.json(),
    ])
}

/// Nothing has changed, and the service does its work.
async fn lives_on(anna: &Person, order: &str, before: &Value) {
    anna.user.world.idle().await;
    assert_eq!(&everything(anna, order).await, before);
    anna.posts(&job("@anna_other")).await;
    anna.user.world.get("/health").await.is(200);
}

async fn with_bodies(world: &World) -> Vec<Route> {
    let routes = routes(world).await.into_iter().filter(|route| route.body).collect::<Vec<_>>();
    assert!(routes.len() >= 8, "{routes:?}");
    routes
}

/// The path of a route, of the person's own order where it takes one.
fn own(route: &Route, order: &str) -> String {
    route.path_with(order, "1")
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_unreadable_bodies_are_refused() {
    let world = busy!();
    let (anna, order, before) = settled(&world).await;
    let deep = format!("{}{}", "[".repeat(7_000), "]".repeat(7_000));
    let nested = format!("{{\"category\":{}1{}}}", "{\"a\":".repeat(2_000), "}".repeat(2_000));
    let bodies: [&[u8]; 16] = [
        b"{",
        b"{\"a\":",
        b"{'category':'x'}",
        b"\0",
        b"{\"category\":\"\xff\xfe\"}",
        b"\xff\xfe{\0}\0",
        b"{\"category\":\"\\ud800\"}",
        b"{} {}",
        b"{},",
        b"nonsense",
        b"{\"amount\":NaN}",
        b"{\"amount\":Infinity}",
        b"a=1&b=2",
        b"{\"amount\":01}",
        deep.as_bytes(),
        nested.as_bytes(),
    ];
    for route in with_bodies(&world).await {
        let path = own(&route, &order);
        for body in bodies {
            let answer = as_user(&route, &anna, &path).raw(body).await;
            let problem = refused(&answer);
            assert_eq!(answer.status, 422, "{answer}");
            if problem["code"] == "invalid_json" {
                assert_eq!(problem["detail"], "Request body is not valid JSON", "{answer}");
            } else {
                assert_eq!(problem["code"], "validation_failed", "{answer}");
            }
        }
        let broken = as_user(&route, &anna, &path).raw("{\"a\":").await;
        broken.detail(422, "invalid_json", "Request body is not valid JSON");
        for body in ["[]", "null", "1", "\"x\"", "true", "[{}]", "[[],[]]"] {
            let answer = as_user(&route, &anna, &path).raw(body).await;
            assert_eq!(answer.status, 422, "{body}: {answer}");
            refused(&answer);
        }
    }
    lives_on(&anna, &order, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_large_bodies_are_refused() {
    let world = busy!();
    let (anna, order, before) = settled(&world).await;
    let limit = 16_384;
    for route in routes(&world).await.into_iter().filter(|route| route.method != "GET") {
        let path = own(&route, &order);
        let limit = if route.is_webhook() { 65_536 } else { limit };
        for size in [limit + 1, 200_000] {
            let body = json!({"filler": "x".repeat(size - 13)}).to_string();
            assert_eq!(body.len(), size);
            let answer = as_user(&route, &anna, &path).raw(body).await;
            answer.detail(413, "body_too_large", "Request body is too large");
        }
    }
    let answer = anna.call("POST", "/api/orders").raw(vec![b'x'; 10 << 20]).await;
    assert_eq!(answer.status, 413, "{answer}");
    lives_on(&anna, &order, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_other_types_are_unsupported() {
    let world = busy!();
    let (anna, order, before) = settled(&world).await;
    for route in with_bodies(&world).await {
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json"] {
            let call = as_user(&route, &anna, &own(&route, &order));
            let answer = call.header("content-type", kind).raw("{}").await;
            refused(&answer);
            answer.problem(415, "unsupported_media_type");
        }
    }
    let order_of = |kind: &str, contact: &str| {
        let call = world.call("POST", "/api/orders").bearer(&anna.init_data);
        call.header("content-type", kind).raw(job(contact).to_string())
    };
    lives_on(&anna, &order, &before).await;
    order_of("application/json; charset=utf-8", "@kind_one").await.is(201);
    order_of("APPLICATION/JSON", "@kind_two").await.is(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_wrong_types_are_refused() {
    let world = busy!();
    let (anna, order, before) = settled(&world).await;
    let strange = [
        json!(true),
        json!([]),
        json!({}),
        json!(["x"]),
        json!({"x": 1}),
        json!(1.5),
        json!(-1),
        json!("a\u{0}b"),
        json!(18_446_744_073_709_551_615_u64),
        json!("x".repeat(5_000)),
    ];
    let names = [
        "category",
        "description",
        "city",
        "contact",
        "order_id",
        "executor_id",
        "complaint",
        "comment",
        "categories",
        "cities",
        "frequency",
        "method",
        "provider",
        "amount",
        "rating",
    ];
    for route in with_bodies(&world).await {
        // What a body may leave out or is not asked for is not refused for its type.
        for name in names {
            for value in &strange {
                let call = as_user(&route, &anna, &own(&route, NO));
                no_failure(&call.raw(json!({name: value}).to_string()).await);
            }
        }
    }
    for name in ["category", "description", "city", "contact"] {
        for value in strange.iter().chain([&Value::Null]) {
            let mut body = job("@anna_else");
            body[name] = value.clone();
            let answer = anna.post("/api/orders", &body).await;
            if answer.status == 201 {
                panic!("{name} {value}: {answer}");
            }
            answer.problem(422, "validation_failed");
        }
    }
    let cleared = json!({"categories": ["Другое"], "cities": ["Омск"]});
    anna.put("/api/users/me/preferences", &cleared).await.is(200);
    lives_on(&anna, &order, &before).await;
}

/// An order that is nowhere.
const NO: &str = crate::scene::NO_ORDER;

#[tokio::test(flavor = "multi_thread")]
async fn a23_ids_that_cannot_exist_are_not_found() {
    let world = busy!();
    let (anna, order, before) = settled(&world).await;
    let long = "A".repeat(2_000);
    let ids = [
        "x",
        "0",
        "-1",
        "null",
        "undefined",
        "%00",
        "%ff",
        "%20",
        "%D1%8B",
        "..%2f..%2fetc",
        "'%20or%201=1",
        "AAAAAAAAAAA",
        "AAAAAAAAAAAAA",
        "AAAAAAAAAAA=",
        "AAAAAAAAAAA+",
        "AAAAAAAAAAA%00",
        "____________",
        "------------",
        "order%23AAAAAA",
        long.as_str(),
    ];
    let edit = json!({"description": "Течёт кран в ванной, мастер нужен сейчас"}).to_string();
    for route in routes(&world).await.iter().filter(|route| route.template.contains("{id}")) {
        for id in ids {
            let call = as_user(route, &anna, &route.path_with(id, "1"));
            let call = if route.body { call.raw(edit.clone()) } else { call };
            call.await.detail(404, "order_not_found", "Order not found");
        }
    }
    lives_on(&anna, &order, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_payment_ids_are_numbers_in_range() {
    let world = busy!();
    let anna = rich(&world, 42).await;
    let routes = routes(&world).await;
    let of_payments = routes.iter().filter(|route| route.template.contains("{payment_id}"));
    for route in of_payments {
        for number in [
            "2147483000",
            "1099511627776",
            "9007199254740991",
            "9007199254740992",
            "1180591620717411303424",
            "0",
            "-1",
        ] {
            let call = as_user(route, &anna, &route.path_with("x", number));
            let call = if route.body { call.raw("{}") } else { call };
            call.await.detail(404, "payment_not_found", "Payment not found");
        }
        for wrong in ["abc", "1x", "%00", "er1.42", "%20", "one", "--1"] {
            let call = as_user(route, &anna, &route.path_with("x", wrong));
            let call = if route.body { call.raw("{}") } else { call };
            call.await.problem(422, "validation_failed");
        }
        // What is no text in any encoding names no route.
        let call = as_user(route, &anna, &route.path_with("x", "%ff"));
        assert!(matches!(call.await.status, 404 | 422));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_strange_headers_are_refused_or_ignored() {
    let world = busy!();
    let (anna, order, before) = settled(&world).await;
    let strange: [&[u8]; 6] = [b"\xff\xfe", b"a,b", b"\"", b"%00", &[b'x'; 4_000], b"{}"];
    let names = [
        "if-none-match",
        "if-modified-since",
        "origin",
        "x-request-id",
        "cookie",
        "x-forwarded-for",
        "accept",
        "accept-encoding",
        "user-agent",
        "x-telegram-bot-api-secret-token",
        "crypto-pay-api-signature",
        "idempotency-key",
    ];
    for route in routes(&world).await {
        for name in names {
            for value in strange {
                let call = as_user(&route, &anna, &route.path());
                let call = if route.body { call.raw("{}") } else { call };
                no_failure(&call.header(name, value).await);
            }
        }
    }
    for value in strange {
        let answer = world.get("/api/users/me").header("authorization", value).await;
        answer.is(401).refusal();
    }
    for key in ["", " ", "a b", "ключ", &"k".repeat(256)] {
        let call = anna.post("/api/orders", &job("@anna_keys")).header("idempotency-key", key);
        let answer = call.await;
        refused(&answer);
    }
    // Empty bodies are full replacements of preferences.
    let wishes = json!({"categories": ["Другое"], "cities": ["Омск"]});
    anna.put("/api/users/me/preferences", &wishes).await.is(200);
    lives_on(&anna, &order, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_recharges_out_of_bounds_change_nothing() {
    let world = busy!();
    let anna = rich(&world, 42).await;
    for amount in
        ["0", "100001", "-1", "1.5", "\"x\"", "1e400", "null", "[]", "18446744073709551616"]
    {
        for path in ["/api/balance/recharge", "/api/balance/create-invoice"] {
            let body = format!("{{\"amount\":{amount}}}");
            let answer = anna.call("POST", path).raw(body).await;
            assert_eq!(answer.status, 422, "{amount}: {answer}");
            refused(&answer);
        }
    }
    let long = json!({"amount": 1, "method": "m".repeat(51)});
    anna.post("/api/balance/recharge", &long).await.problem(422, "validation_failed");
    for amount in [json!("10"), json!(10.0)] {
        anna.post("/api/balance/recharge", &json!({"amount": amount})).await.is(200);
    }
    assert_eq!(anna.rubles().await, 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_strange_deliveries_get_their_documented_answers() {
    let world = busy!();
    let path = "/api/balance/webhook/crypto-bot";
    for body in ["", "nonsense", "{}", "[]", "null", "{\"payload\":{}}"] {
        for signature in [None, Some("00"), Some("zz"), Some(&*"0".repeat(64))] {
            let call = world.call("POST", path).raw(body);
            let call = match signature {
                Some(signature) => call.header("crypto-pay-api-signature", signature),
                None => call,
            };
            assert_eq!(call.await.is(200).json(), json!({"ok": false}), "{body}");
        }
    }
    let secret = world.secret("TELEGRAM_WEBHOOK_SECRET").to_owned();
    for body in ["{}", "[]", "null", "{\"update_id\":\"x\"}", "{\"update_id\":1e30}", "nonsense"] {
        let call = world.call("POST", "/api/telegram/webhook").raw(body);
        let answer = call.header("x-telegram-bot-api-secret-token", &secret).await;
        no_failure(&answer);
    }
}
