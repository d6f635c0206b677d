//! The sandbox is believed by its secret alone, and production does not know it.

use http::Method;
use shared::function::{Declaration, Function};

use super::*;
use crate::health::fallback;
use crate::payments::sandbox_state;

/// Settings of production, of this world.
const PRODUCTION: [(&str, &str); 7] = [
    ("STAGE", "prod"),
    ("SANDBOX_PROVIDER_URL", ""),
    ("SANDBOX_SECRET", ""),
    ("LAVATOP_API_URL", ""),
    ("LAVATOP_API_KEY", ""),
    ("LAVATOP_WEBHOOK_SECRET", ""),
    ("CLOUDPAYMENTS_API_SECRET", ""),
];

/// Does a route belong to the sandbox, as its path says?
fn by_path(declaration: &Declaration) -> bool {
    let endpoint = declaration.endpoint();
    endpoint.is_some_and(|endpoint| endpoint.path.split('/').any(|part| part == "sandbox"))
}

/// The functions of the sandbox.
fn sandboxes() -> Vec<Function<App>> {
    crate::functions().into_iter().filter(|function| by_path(function.declaration())).collect()
}

/// A path that the function is called by.
fn path(function: &Function<App>, attempt: &str) -> String {
    function.declaration().endpoint().unwrap().path.replace("{attempt_id}", attempt)
}

#[tokio::test]
async fn without_a_secret_the_sandbox_does_not_start() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let before = sabotage::everything(&shop).await;
    for function in [sandbox_webhook(), sandbox_state()] {
        let refused = shop.world.start_with(function, &[("SANDBOX_SECRET", "")]).await;
        assert_eq!(refused.err().unwrap().to_string(), "setting SANDBOX_SECRET is missing");
    }
    assert_eq!(sabotage::everything(&shop).await, before);
    assert_eq!(shop.world.provider.invoice(&id).unwrap().state, "unpaid");
}

#[test]
fn every_route_of_the_sandbox_is_declared_as_one() {
    let mut routes = Vec::new();
    for function in crate::functions() {
        let declaration = function.declaration();
        assert_eq!(declaration.sandbox, by_path(declaration), "{}", declaration.name);
        if declaration.sandbox {
            routes.push(declaration.endpoint().unwrap().path);
        }
    }
    routes.sort_unstable();
    let known = ["/api/payments/sandbox/{attempt_id}/state", "/api/webhooks/sandbox/payment"];
    assert_eq!(routes, known);
}

#[tokio::test]
async fn production_starts_no_function_of_the_sandbox() {
    let shop = Shop::open().await;
    let mut settings = PRODUCTION.to_vec();
    settings.push(("SANDBOX_SECRET", SANDBOX_SECRET));
    for function in sandboxes() {
        let name = function.declaration().name;
        let refused = shop.world.start_with(function, &settings).await.err().unwrap();
        assert_eq!(refused.to_string(), format!("setting {name} is not allowed in stage prod"));
    }
}

#[tokio::test]
async fn production_knows_no_route_of_the_sandbox() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let production = shop.world.start_with(fallback(), &PRODUCTION).await.unwrap();
    let elsewhere = shop.world.start(fallback()).await;
    for function in sandboxes() {
        let path = path(&function, &id);
        let body = json!({ "attempt_id": id, "event": "success", "state": "paid" });
        let post = |path: &str| {
            Request::post(path, body.clone()).header("x-sandbox-secret", SANDBOX_SECRET)
        };
        for request in [
            post(&path),
            post(&format!("{path}/")),
            Request::get(&path),
            Request::get(&path).method(Method::OPTIONS),
        ] {
            let reply = shop.world.send(&production, request).await;
            assert_eq!((reply.status.as_u16(), &reply.body["code"]), (404, &json!("not_found")));
        }
        // Where it is a route, only its method is another.
        let reply = shop.world.send(&elsewhere, Request::get(&path)).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.headers["allow"]),
            (405, &json!("OPTIONS, POST"))
        );
    }
    // What is a route in production is one still.
    let link = Request::get("/api/payments/generate-link");
    assert_eq!(shop.world.send(&production, link).await.status, 405);
    assert_eq!((shop.status(&id).await, shop.count("Payment").await), (Status::Pending, 0));
}
