//! What a giver sees.

use super::*;

#[tokio::test]
async fn gifts_are_listed_newest_first_with_links_that_work() {
    let party = Party::begin().await;
    let (_, first) = party.give(None).await;
    party.pass(60);
    let (attempt, second) = party.give(Some(STRANGER)).await;
    party.pass(60);
    let (_, third) = party.give(Some(RECIPIENT)).await;
    party.activate(RECIPIENT, &third).await;
    party.refund(&attempt, "all", None).await;
    let reply = party.list(GIVER).await;
    assert_eq!((reply.cost.requests, reply.cost.items), (1, 0));
    let link = format!("https://t.me/club_test_bot?start=gift_{}", first.token);
    let row = |gift: &Gift, status: &str| {
        json!({
            "id": gift.id, "status": status, "recipientId": gift.recipient, "days": 30,
            "deepLink": null, "createdAt": gift.created_at, "activatedAt": null,
            "expiresAt": gift.valid_until,
        })
    };
    let mut expected = [row(&third, "activated"), row(&second, "revoked"), row(&first, "paid")];
    expected[0]["activatedAt"] = json!(party.world.now());
    expected[2]["deepLink"] = json!(link);
    assert_eq!(reply.body["gifts"], json!(expected));
    let others = party.list(RECIPIENT).await;
    assert_eq!(others.body["gifts"], json!([]));
}

#[tokio::test]
async fn whoever_activated_an_open_gift_is_shown() {
    let party = Party::begin().await;
    let (_, gift) = party.give(None).await;
    party.activate(STRANGER, &gift).await;
    assert_eq!(party.list(GIVER).await.body["gifts"][0]["recipientId"], STRANGER);
}

#[tokio::test]
async fn a_list_is_known_until_it_changes() {
    let party = Party::begin().await;
    let (_, gift) = party.give(None).await;
    let token = party.token(GIVER).await;
    let instance = party.world.start(my()).await;
    let get = async |tag: Option<&str>| {
        let request = Request::get("/api/v1/gifts/my").token(&token);
        let request = match tag {
            Some(tag) => request.header("if-none-match", tag),
            None => request,
        };
        party.world.send(&instance, request).await
    };
    let miss = get(None).await;
    assert_eq!(miss.headers["x-cache"], "MISS");
    let tag = miss.headers["etag"].as_str().unwrap().to_owned();
    let hit = get(None).await;
    assert_eq!((&hit.headers["x-cache"], &hit.body), (&json!("HIT"), &miss.body));
    assert_eq!(get(Some(&tag)).await.status, 304);
    // By the clock alone, and no write.
    party.pass(365 * DAY);
    let over = get(Some(&tag)).await;
    assert_eq!((over.status.as_u16(), &over.headers["x-cache"]), (200, &json!("MISS")));
    assert_eq!(over.body["gifts"][0]["status"], "expired");
    assert_eq!(over.body["gifts"][0]["deepLink"], Value::Null);
    let (_, _) = party.give(None).await;
    let more = get(Some(over.headers["etag"].as_str().unwrap())).await;
    assert_eq!(more.body["gifts"].as_array().unwrap().len(), 2);
    assert!(more.body["gifts"][1]["id"] == gift.id);
}
