//! Whose chat a city's chat is.

use super::*;

#[tokio::test]
async fn a_chat_is_given_to_a_city_and_to_another() {
    let world = World::new().await;
    let set = async |chat: &str, body: Value| {
        let path = format!("/api/admin/city-chats/{chat}");
        let request = asked(&path, body).method(http::Method::PUT);
        world.call(set_city_chat(), request).await
    };
    let first = set("-100", json!({ "city": "Орёл" })).await;
    assert_eq!((first.body, first.cost.requests), (json!({ "success": true }), 1));
    let again = json!({ "city": " Нижний  Новгород ", "inviteLink": "https://t.me/+x" });
    assert_eq!(set("-100", again).await.status, 200);
    let chats = world.items("CityChat").await;
    assert_eq!(chats.len(), 1);
    assert_eq!(chats[0]["city_key"]["S"], "нижний новгород");
    for body in [
        json!({}),
        json!({ "city": "" }),
        json!({ "city": "Город 17" }),
        json!({ "city": 7 }),
        json!({ "city": "Орёл", "inviteLink": "http://t.me/+x" }),
        json!({ "city": "Орёл", "inviteLink": format!("https://t.me/{}", "x".repeat(250)) }),
    ] {
        assert_eq!(code(&set("-100", body.clone()).await).0, 400, "{body}");
    }
    for chat in ["x", "1.5", "99999999999999999999"] {
        assert_eq!(set(chat, json!({ "city": "Орёл" })).await.status, 404, "{chat}");
    }
    assert_eq!(world.items("CityChat").await, chats);
}
