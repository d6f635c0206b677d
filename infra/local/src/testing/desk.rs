use std::collections::BTreeMap;

use http::HeaderName;
use serde_json::{Value, json};
use shared::outbound::Outbound;
use shared::telegram::{BotToken, Key, Rules, verify};

use super::{World, body_of};
use crate::Alone;

#[tokio::test]
async fn minted_init_data_passes_the_check_of_its_service() {
    let world = World::start(|_, _| Ok(json!(null))).await;
    let user = json!({ "service": "demo", "id": 42, "first_name": "Анна", "username": "anna" });
    let answer = body_of(&world.post("/_local/users", &user).await);
    assert_eq!(answer["user"], json!({ "id": 42, "first_name": "Анна", "username": "anna" }));
    let token = world.stack.secrets().get("demo", "TELEGRAM_BOT_TOKEN");
    let key = Key::from_bot_token(&BotToken::parse(&token).unwrap());
    let raw = answer["init_data"].as_str().unwrap();
    let checked = verify(raw, &key.into(), world.stack.clock().now(), &Rules::default()).unwrap();
    assert_eq!(checked.user.id.get(), 42);
    assert_eq!(world.post("/_local/users", &json!({ "id": 1, "nam": "x" })).await.status, 400);
    world.stack.stop().await;
}

#[tokio::test]
async fn the_bot_api_records_and_answers_like_the_real_one() {
    let world = World::start(|_, _| Ok(json!(null))).await;
    let token = world.stack.secrets().get("demo", "TELEGRAM_BOT_TOKEN");
    let send = format!("/_local/sandbox/telegram/bot{token}/sendMessage");
    let message = |chat: i64| json!({ "chat_id": chat, "text": "Привет" });
    let answer = body_of(&world.post(&send, &message(42)).await);
    assert_eq!((&answer["ok"], &answer["result"]["message_id"]), (&json!(true), &json!(1)));
    let rule = json!({ "chat_id": 7, "status": 403, "times": 1 });
    world.post("/_local/sandbox/telegram/rules", &rule).await;
    let blocked = world.post(&send, &message(7)).await;
    assert_eq!(blocked.status, 403);
    assert_eq!(body_of(&blocked)["description"], "Forbidden: bot was blocked by the user");
    world.post(&send, &message(7)).await;
    let fault = json!({ "target": "telegram", "kind": "throttle", "calls": [0] });
    assert_eq!(world.post("/_local/faults", &fault).await.status, 200);
    let limited = body_of(&world.post(&send, &message(42)).await);
    assert_eq!(limited["parameters"]["retry_after"], 1);
    let wrong = world.post("/_local/sandbox/telegram/bot1:x/sendMessage", &message(1)).await;
    assert_eq!(wrong.status, 401);
    let of_42 = world.get("/_local/telegram/messages?chat_id=42").await;
    assert_eq!(of_42["messages"].as_array().unwrap().len(), 1);
    let all = world.get("/_local/telegram/messages").await;
    assert_eq!(all["messages"][1]["chat_id"], 7);
    world.stack.stop().await;
}

#[tokio::test]
async fn a_lost_answer_at_the_sandbox_has_its_effect() {
    let world = World::start(|_, _| Ok(json!(null))).await;
    let fault = json!({ "target": "telegram", "kind": "lost_answer" });
    world.post("/_local/faults", &fault).await;
    let token = world.stack.secrets().get("demo", "TELEGRAM_BOT_TOKEN");
    let url = format!("{}/_local/sandbox/telegram/bot{token}/sendMessage", world.stack.base_url);
    let call = Outbound::new().post(&url).json(&json!({ "chat_id": 1, "text": "x" }));
    assert!(!call.send().await.unwrap_err().is_definite());
    let all = world.get("/_local/telegram/messages").await;
    assert_eq!(all["messages"].as_array().unwrap().len(), 1);
    world.stack.stop().await;
}

#[tokio::test]
async fn an_invoice_is_made_once_and_settled_from_the_desk() {
    let world = World::start(|_, _| Ok(json!(null))).await;
    let bearer = format!("Bearer {}", world.stack.secrets().get("demo", "SANDBOX_SECRET"));
    let invoice = json!({ "attempt_id": "att_1", "amount_minor": 200_000, "currency": "RUB", "description": "x" });
    let path = "/_local/sandbox/provider/invoices";
    assert_eq!(world.post(path, &invoice).await.status, 401);
    let headers = [("authorization", bearer.as_str())];
    let first = world.post_with(path, &invoice, &headers).await;
    assert_eq!(first.status, 201);
    let again = body_of(&world.post_with(path, &invoice, &headers).await);
    assert_eq!(body_of(&first), again);
    assert!(again["url"].as_str().unwrap().ends_with("/_local/pay/demo/att_1"));
    let lost = json!({ "outcome": "paid", "webhook": false });
    let settled = body_of(&world.post("/_local/payments/att_1", &lost).await);
    assert_eq!(settled["deliveries"], json!([]));
    let twice = json!({ "outcome": "paid", "deliveries": 2 });
    let settled = body_of(&world.post("/_local/payments/sbx_att_1", &twice).await);
    assert_eq!(settled["deliveries"].as_array().unwrap().len(), 2);
    assert_eq!(settled["deliveries"][0]["status"], 404, "the demo has no such route");
    let get = Outbound::new().get(&format!("{}{path}/att_1", world.stack.base_url));
    let name = HeaderName::from_static("authorization");
    let state: Value = get.header(name, &bearer).send().await.unwrap().json().unwrap();
    assert_eq!((&state["state"], &state["external_id"]), (&json!("paid"), &json!("sbx_att_1")));
    assert_eq!(world.post("/_local/payments/att_2", &twice).await.status, 404);
    world.stack.stop().await;
}

#[tokio::test]
async fn everything_of_the_desk_answers() {
    let world = World::start(|event, _| Ok(event["n"].clone())).await;
    for path in [
        "health",
        "settings",
        "routes",
        "functions",
        "clock",
        "invocations",
        "queues",
        "instances",
        "logs",
    ] {
        let answer = world.get(&format!("/_local/{path}")).await;
        assert!(answer.is_object(), "{path}");
    }
    let result = world.post("/_local/functions/demo-tick/invoke", &json!({ "n": 7 })).await;
    assert_eq!(body_of(&result), json!(7));
    assert_eq!(world.post("/_local/functions/other/invoke", &json!({})).await.status, 404);
    let calls = world.get("/_local/calls").await;
    assert_eq!(calls["dropped"], 0);
    let fault = json!({ "target": "dynamodb", "kind": "throttle", "rate": 0.5, "seed": 1 });
    assert_eq!(world.post("/_local/faults", &fault).await.status, 200);
    for bad in [
        json!({ "target": "moon", "kind": "throttle" }),
        json!({ "target": "sqs", "kind": "flood" }),
    ] {
        assert_eq!(world.post("/_local/faults", &bad).await.status, 400);
    }
    let page =
        Outbound::new().get(&format!("{}/_local", world.stack.base_url)).send().await.unwrap();
    assert!(String::from_utf8_lossy(&page.body).contains("demo-tick"));
    world.stack.stop().await;
}

#[tokio::test]
async fn the_sandboxes_stand_alone() {
    let nowhere = BTreeMap::from([("club".to_owned(), "http://127.0.0.1:9".to_owned())]);
    let alone = Alone::start(0, nowhere, false).await.unwrap();
    let http = Outbound::new();
    let url = |path: &str| format!("{}/_local/{path}", alone.base_url);
    let send = url("sandbox/telegram/bot7000000001:local-club/sendMessage");
    let message = json!({ "chat_id": 1, "text": "x" });
    assert_eq!(http.post(&send).json(&message).send().await.unwrap().status, 200);
    let fault = json!({ "target": "telegram", "kind": "error" });
    assert_eq!(http.post(&url("faults")).json(&fault).send().await.unwrap().status, 200);
    assert_eq!(http.post(&send).json(&message).send().await.unwrap().status, 500);
    assert_eq!(http.get(&url("health")).send().await.unwrap().status, 200);
    assert_eq!(http.get(&url("queues")).send().await.unwrap().status, 404);
    alone.stop().await;
}
