use serde_json::json;

use super::{World, body_of};

#[tokio::test]
async fn a_request_becomes_an_event_and_the_answer_a_response() {
    let world = World::start(|event, now| {
        Ok(json!({
            "statusCode": 201,
            "headers": { "x-now": now },
            "cookies": ["a=1", "b=2"],
            "body": event.to_string(),
        }))
    })
    .await;
    let headers = [("x-local-source-ip", "203.0.113.7"), ("cookie", "k=v")];
    let answer = world.post_with("/demo/echo/%D0%B0?x=1", &json!({"n": 1}), &headers).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers["x-now"], "2026-01-31T12:00:00.000Z");
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
    let event = body_of(&answer);
    assert_eq!(event["routeKey"], "POST /echo/{id}");
    assert_eq!(event["rawPath"], "/echo/%D0%B0");
    assert_eq!(event["pathParameters"]["id"], "а");
    assert_eq!(event["requestContext"]["http"]["sourceIp"], "203.0.113.7");
    assert!(event["headers"].get("x-local-source-ip").is_none());
    let log = world.get("/_local/invocations?function=demo-echo").await;
    assert_eq!(log["invocations"][0]["outcome"], "ok");
    world.stack.stop().await;
}

#[tokio::test]
async fn the_api_answers_for_functions_that_fail_hang_or_are_too_many() {
    let world = World::start(|event, _| match event["body"].as_str() {
        Some("\"fail\"") => Err("broken".to_owned()),
        Some("\"panic\"") => panic!("on purpose"),
        _ => Ok(json!("no status")),
    })
    .await;
    for (body, status) in [("fail", 500), ("panic", 500), ("fine", 200)] {
        assert_eq!(world.post("/demo/echo/1", &json!(body)).await.status, status, "{body}");
    }
    assert_eq!(world.post("/demo/nothing", &json!(1)).await.status, 404);
    assert_eq!(world.post("/elsewhere/echo/1", &json!(1)).await.status, 404);
    let large = "x".repeat(7 * 1024 * 1024);
    assert_eq!(world.post("/demo/echo/1", &json!(large)).await.status, 413);
    let large = "x".repeat(11 * 1024 * 1024);
    assert_eq!(world.post("/demo/echo/1", &json!(large)).await.status, 413);
    world.stack.stop().await;
}

#[tokio::test]
async fn time_limit_and_reserved_concurrency_are_kept() {
    let world = World::start(|_, _| Ok(json!({ "statusCode": 204 }))).await;
    let event = super::slow();
    let slow = || world.stack.invoke("demo-echo", &event);
    let (first, second, third) = tokio::join!(slow(), slow(), slow());
    let failures = [first, second, third].map(|result| result.unwrap_err().to_string());
    let timed_out = failures.iter().filter(|text| text.starts_with("Task timed out")).count();
    assert_eq!(timed_out, 2, "{failures:?}");
    let log = world.get("/_local/invocations?limit=3").await;
    let outcomes: Vec<&str> =
        (0..3).map(|n| log["invocations"][n]["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "timeout").count(), 2);
    assert!(outcomes.contains(&"throttled"));
    world.stack.stop().await;
}

#[tokio::test]
async fn the_desk_refuses_names_that_are_not_loopback() {
    let world = World::start(|_, _| Ok(json!({}))).await;
    let answer = world.post_with("/_local/idle", &json!({}), &[("host", "evil.example")]).await;
    assert_eq!(answer.status, 403);
    world.stack.stop().await;
}

#[tokio::test]
async fn a_redirect_stays_below_the_root_of_its_service() {
    let world = World::start(|event, _| {
        Ok(json!({ "statusCode": 308, "headers": { "location": event["queryStringParameters"]["to"] } }))
    })
    .await;
    for (to, expected) in [("/x", "/demo/x"), ("//x", "//x"), ("https://a/", "https://a/")] {
        let answer = world.post(&format!("/demo/echo/1?to={to}"), &json!(1)).await;
        assert_eq!(answer.headers["location"], expected);
    }
    world.stack.stop().await;
}
