//! What signing in and out takes from cookies.

use serde_json::json;

use super::refresh;
use crate::testing::{Request, World};

#[tokio::test]
async fn a_refresh_cookie_counts_only_from_a_page_of_the_app() {
    let allowed = "https://app.example.test";
    let world = World::with(&[("CORS_ORIGIN", allowed)]).await;
    let member = world.member(42).await;
    let sessions = world.app.platform.sessions().unwrap();
    let (family, tokens) = sessions.open(&member.id, member.tg_id, world.now()).unwrap();
    world.table().write(family).await.unwrap();
    let cookie = format!("refresh_token={}", tokens.refresh_token);
    let ask = |body, origin: Option<&str>| {
        let request = Request::post("/api/v1/auth/refresh", body).header("cookie", &cookie);
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        world.call(refresh(), request)
    };
    for origin in [None, Some("https://evil.example.test"), Some("null")] {
        let refused = ask(json!({}), origin).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["code"]),
            (403, &json!("origin_refused"))
        );
    }
    assert_eq!(ask(json!({}), Some(allowed)).await.status, 200);
    // A token in the body is no cookie, and comes first.
    let body = json!({ "refreshToken": tokens.refresh_token });
    assert_eq!(ask(body, None).await.status, 200);
    let wrong = ask(json!({ "refreshToken": "x" }), Some(allowed)).await;
    assert_eq!(wrong.body["code"], "refresh_invalid");
}
