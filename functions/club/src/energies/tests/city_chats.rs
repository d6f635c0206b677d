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
    assert_eq!((first.body, first.cost.requests), (json!({ "success": true }), 2));
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

/// The link that the people of a city are shown.
async fn link(world: &World, city: &str) -> Option<String> {
    let rows = world.table().batch(&[city_door(city)]).await.unwrap();
    city_link(&rows, city).unwrap()
}

#[tokio::test]
async fn people_of_a_city_are_shown_the_chat_that_was_set_last() {
    let world = World::new().await;
    let set = async |chat: i64, city: &str, link: Option<&str>| {
        let path = format!("/api/admin/city-chats/{chat}");
        let body = json!({ "city": city, "inviteLink": link });
        let request = asked(&path, body).method(http::Method::PUT);
        assert_eq!(world.call(set_city_chat(), request).await.status, 200);
    };
    let both = async || (link(&world, "орел").await, link(&world, "тверь").await);
    assert_eq!(both().await, (None, None));
    let shown = |link: &str| Some(link.to_owned());
    set(-1, "Орёл", Some("https://t.me/+one")).await;
    set(-2, " ОРЕЛ ", Some("https://t.me/+two")).await;
    assert_eq!(both().await, (shown("https://t.me/+two"), None));
    // The other chat goes to another city, and then this one.
    set(-1, "Тверь", Some("https://t.me/+one")).await;
    assert_eq!(both().await, (shown("https://t.me/+two"), shown("https://t.me/+one")));
    set(-2, "Тверь", Some("https://t.me/+two")).await;
    assert_eq!(both().await, (None, shown("https://t.me/+two")));
    set(-2, "Тверь", None).await;
    assert_eq!(both().await, (None, None));
}

/// A city's chat becomes a supergroup.
fn grows(update_id: i64, from: i64, to: i64) -> Value {
    json!({ "update_id": update_id, "message": {
        "message_id": 9, "date": 1_769_860_800, "chat": { "id": from, "type": "group" },
        "migrate_to_chat_id": to,
    } })
}

#[tokio::test]
async fn a_city_s_chat_that_grows_stays_the_city_s() {
    let club = Club::open().await;
    let to = CITY_CHAT - 1;
    for _ in 0..2 {
        club.hear(&grows(1, CITY_CHAT, to)).await;
    }
    club.hear(&grows(2, CITY_CHAT, to)).await;
    club.posts(to, 3, "#инсайт", json!({})).await;
    club.posts(CITY_CHAT, 4, "#инсайт", json!({})).await;
    assert_eq!(club.earned().await, [(format!("insight:{to}:3"), 40)]);
    assert_eq!(link(&club.world, "москва").await.as_deref(), Some("https://t.me/+abc"));
    let alerts: Vec<_> = club.world.items("Outbox").await;
    let alerts = alerts.iter().filter(|row| row["payload"]["M"]["message"]["S"] == "admin_alert");
    assert_eq!(alerts.count(), 1);
    // The link is that of the new chat: it goes where the chat goes.
    let path = format!("/api/admin/city-chats/{to}");
    let request = asked(&path, json!({ "city": "Тверь" })).method(http::Method::PUT);
    assert_eq!(club.world.call(set_city_chat(), request).await.status, 200);
    assert_eq!(link(&club.world, "москва").await, None);
}

#[tokio::test]
async fn a_chat_that_was_set_before_it_is_told_of_stays_as_it_was_set() {
    let club = Club::open().await;
    let to = CITY_CHAT - 1;
    let path = format!("/api/admin/city-chats/{to}");
    let body = json!({ "city": "Москва", "inviteLink": "https://t.me/+new" });
    let request = asked(&path, body).method(http::Method::PUT);
    assert_eq!(club.world.call(set_city_chat(), request).await.status, 200);
    club.hear(&grows(1, CITY_CHAT, to)).await;
    assert_eq!(link(&club.world, "москва").await.as_deref(), Some("https://t.me/+new"));
    let chats = club.world.items("CityChat").await;
    assert_eq!((chats.len(), &chats[0]["invite_link"]["S"]), (1, &json!("https://t.me/+new")));
}
