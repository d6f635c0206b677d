//! The list over HTTP.

use super::search;
use crate::testing::{Request, World};

#[tokio::test]
async fn towns_are_found_and_need_not_be_sent_again() {
    let world = World::new().await;
    let ask = |query: &str| world.call(search(), Request::get(&format!("/api/cities{query}")));
    let all = ask("").await;
    assert!(all.body.as_array().unwrap().len() >= 1050);
    assert_eq!((all.status, all.cost.requests), (http::StatusCode::OK, 0));
    assert_eq!(all.headers["cache-control"], "public, max-age=86400");
    let found = ask("?search=%D0%BE%D1%80%D0%B5%D0%BB").await; // орел
    assert!(found.body.as_array().unwrap().contains(&"Орёл".into()));
    let tag = all.headers["etag"].as_str().unwrap();
    assert_ne!(found.headers["etag"], tag);
    let again = Request::get("/api/cities").header("if-none-match", tag);
    assert_eq!(world.call(search(), again).await.status, 304);
}

#[tokio::test]
async fn what_is_no_search_is_refused() {
    let world = World::new().await;
    let long = "a".repeat(101);
    for query in ["search=", "search=%20%C2%A0", &format!("search={long}"), "search=a%00"] {
        let refused = world.call(search(), Request::get(&format!("/api/cities?{query}"))).await;
        assert_eq!(refused.refusal().0, 422, "{query}");
        assert_eq!(refused.refusal().1, "validation_failed");
    }
    let longest = world.call(search(), Request::get(&format!("/api/cities?search={}", &long[1..])));
    assert_eq!(longest.await.body, serde_json::json!([]));
}
