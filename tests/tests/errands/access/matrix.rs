//! Every route with every credential that must not work.

use serde_json::json;
use tests::{Answer, InitData, World};

use crate::scene::{busy, rich};
use crate::wire::{Route, routes};

fn closed(routes: &[Route]) -> impl Iterator<Item = &Route> {
    routes.iter().filter(|route| route.required)
}

#[track_caller]
fn refused(answer: &Answer, code: &str) {
    answer.problem(401, code);
    assert_eq!(answer.must("www-authenticate"), "Bearer", "{answer}");
    assert_eq!(answer.must("cache-control"), "no-store", "{answer}");
}

async fn asked(world: &World, route: &Route, authorization: Option<&str>) -> Answer {
    let call = route.call(world);
    match authorization {
        Some(header) => call.header("authorization", header).await,
        None => call.await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_no_closed_route_answers_without_a_credential() {
    let world = busy!();
    let routes = routes(&world).await;
    assert_eq!(closed(&routes).count(), 21, "{routes:?}");
    for route in closed(&routes) {
        refused(&asked(&world, route, None).await, "not_authenticated");
        for empty in ["Bearer", "tma "] {
            refused(&asked(&world, route, Some(empty)).await, "not_authenticated");
        }
        let basic = asked(&world, route, Some("Basic NDI6NDI=")).await;
        refused(&basic, "unsupported_auth_scheme");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a27_no_closed_route_answers_to_what_is_expired_or_forged() {
    let world = busy!();
    let routes = routes(&world).await;
    let now_s = world.now().await.as_second();
    let profile = json!({"id": 42, "first_name": "Анна"});
    let old = InitData::new(&profile, now_s - 86_401).signed(world.bot_token());
    let forged = InitData::new(&profile, now_s).signed("1:other");
    for route in closed(&routes) {
        for scheme in ["Bearer", "tma"] {
            let header = format!("{scheme} {old}");
            refused(&asked(&world, route, Some(&header)).await, "init_data_expired");
            let header = format!("{scheme} {forged}");
            refused(&asked(&world, route, Some(&header)).await, "invalid_init_data");
            let header = format!("{scheme} mock_init_data_for_development");
            refused(&asked(&world, route, Some(&header)).await, "invalid_init_data");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_open_routes_answer_whatever_the_credential() {
    let world = busy!();
    for path in ["/", "/health", "/openapi.json", "/api/cities", "/api/orders", "/api/reviews"] {
        for header in [None, Some("Bearer garbage"), Some("Basic x"), Some("tma")] {
            let call = world.get(path);
            let call = match header {
                Some(header) => call.header("authorization", header),
                None => call,
            };
            call.await.is(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_a_user_gets_through_everywhere() {
    let world = busy!();
    let anna = rich(&world, 42).await;
    for route in closed(&routes(&world).await) {
        for scheme in ["Bearer", "tma"] {
            let header = format!("{scheme} {}", anna.init_data);
            let answer = asked(&world, route, Some(&header)).await;
            assert!(!matches!(answer.status, 401 | 405 | 500..), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_deliveries_are_refused_without_their_proof() {
    let world = busy!();
    let update = json!({"update_id": 1, "message": {"text": "/start", "chat": {"id": 1}}});
    let path = "/api/telegram/webhook";
    world.post(path, &update).await.refusal();
    for secret in ["", "x", "00000000"] {
        let answer = world.post(path, &update).header("x-telegram-bot-api-secret-token", secret);
        assert_eq!(answer.await.status, 401);
    }
    let anna = world.person(42, "Анна").await;
    anna.post(path, &update).await.is(401);
    let secret = world.secret("TELEGRAM_WEBHOOK_SECRET").to_owned();
    let call = world.post(path, &update).header("x-telegram-bot-api-secret-token", secret);
    assert_eq!(call.await.is(200).json(), json!({}));
}
