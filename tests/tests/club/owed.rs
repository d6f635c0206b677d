//! Every route that the contract gives to administrators, built or owed (acceptance 26).

use serde_json::{Value, json};
use tests::{Call, World, local};

/// The document of the club's API, as it is built.
const DOCUMENT: &str = include_str!("../../../docs/openapi/club.json");

/// The contract's routes of administrators (§5.4 to §5.7), with names where they take an id.
const ADMINISTRATORS: &[(&str, &str)] = &[
    ("POST", "/api/v1/energies/award"),
    ("POST", "/api/v1/energies/spend"),
    ("POST", "/api/v1/energies/triggers/daily-login"),
    ("POST", "/api/v1/energies/triggers/lesson-view"),
    ("POST", "/api/v1/energies/triggers/sunday-practice"),
    ("POST", "/api/v1/gamification/add-xp"),
    ("POST", "/api/teams"),
    ("POST", "/api/teams/{id}/join"),
    ("POST", "/api/teams/leave"),
    ("POST", "/api/teams/{id}/replace-leader"),
    ("POST", "/api/teams/distribute"),
    ("GET", "/api/v1/decades/admin/all"),
    ("GET", "/api/v1/decades/admin/stats"),
    ("GET", "/api/v1/decades/admin/reports"),
    ("GET", "/api/v1/decades/admin/members/{id}"),
    ("GET", "/api/reports/stats/global"),
    ("POST", "/api/v1/shop/purchases/{id}/use"),
    ("GET", "/api/streams/{id}/attendees"),
    ("GET", "/api/streams/{id}/attendance"),
    ("GET", "/api/streams/{id}/stats"),
    ("GET", "/api/admin/offers"),
    ("POST", "/api/admin/offers"),
    ("PATCH", "/api/admin/offers/{key}"),
    ("DELETE", "/api/admin/offers/{key}"),
    ("GET", "/api/admin/lavatop-offers"),
    ("POST", "/api/admin/lavatop-offers"),
    ("PATCH", "/api/admin/lavatop-offers/{key}"),
    ("DELETE", "/api/admin/lavatop-offers/{key}"),
    ("POST", "/api/admin/grant-subscription"),
    ("POST", "/api/admin/revoke-subscription"),
    ("GET", "/api/admin/user/{telegram_id}"),
    ("POST", "/api/admin/payments/{id}/refund"),
    ("GET", "/api/admin/unassigned-payments"),
    ("POST", "/api/admin/unassigned-payments/{id}/assign"),
    ("POST", "/api/admin/unassigned-payments/{id}/dismiss"),
    ("POST", "/api/admin/ratings/refresh"),
    ("POST", "/api/admin/jobs/{name}"),
    ("POST", "/api/admin/shop/items/{id}/draw"),
    ("PUT", "/api/admin/content/{kind}/{id}"),
    ("DELETE", "/api/admin/content/{kind}/{id}"),
    ("POST", "/api/streams"),
    ("PATCH", "/api/streams/{id}/status"),
    ("PUT", "/api/admin/city-chats/{chat_id}"),
    ("PUT", "/api/admin/leaders/{telegram_id}"),
    ("GET", "/api/v1/cache/stats"),
    ("GET", "/metrics"),
];

/// Is it built?
fn is_built(document: &Value, method: &str, path: &str) -> bool {
    let unnamed = |path: &str| -> Vec<String> {
        let parts = path.split('/');
        parts.map(|part| if part.starts_with('{') { "{}" } else { part }.to_owned()).collect()
    };
    let paths = document["paths"].as_object().unwrap();
    let mut same = paths.iter().filter(|(built, _)| unnamed(built) == unnamed(path));
    same.any(|(_, methods)| methods.get(method.to_lowercase()).is_some())
}

fn call(world: &World, method: &str, path: &str) -> Call {
    let path = path.replace("{id}", "00000000-0000-4000-8000-000000000001");
    let path = path.replace("{telegram_id}", "42").replace("{name}", "gift_expiry");
    let path = path.replace("{kind}", "course").replace("{chat_id}", "-1001234567890");
    let call = world.call(method, &path.replace("{key}", "x")).key("a26");
    if method == "GET" { call } else { call.json(&json!({"telegram_id": 42, "userId": "42"})) }
}

/// Nobody gets in by any of these; what is owed is not there at all.
async fn refused(world: &World, guesses: &[Option<&str>], token: Option<&str>) {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    for (method, path) in ADMINISTRATORS {
        for guess in guesses {
            let mut call = call(world, method, path);
            if let Some(token) = token {
                call = call.bearer(token);
            }
            if let Some(guess) = guess {
                call = call.header("x-admin-secret", guess);
            }
            let answer = call.await;
            if is_built(&document, method, path) {
                answer.problem(403, "admin_required");
            } else {
                let owed = matches!(answer.status, 404 | 405);
                assert!(owed || answer.problem(403, "admin_required").is_object(), "{answer}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_no_route_of_the_contracts_administrators_lets_anybody_else_in() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let before = anna.everything().await;
    let own = world.secret("ADMIN_SECRET").to_owned();
    let guesses = [None, Some(""), Some("x"), Some(&own[1..])];
    refused(&world, &guesses, None).await;
    refused(&world, &guesses, Some(&anna.token)).await;
    assert_eq!(anna.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_without_a_secret_no_route_of_the_contracts_administrators_lets_anybody_in() {
    let world = local!("ADMIN_SECRET" => "");
    let local = "local-club-admin-secret-0000000000000000";
    refused(&world, &[None, Some(""), Some(local)], None).await;
}
