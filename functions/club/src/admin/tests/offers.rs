//! What is sold, as administrators set it.

use super::*;
use crate::testing::Mood;

const OFFERS: &str = "/api/admin/offers";

fn yearly() -> Value {
    json!({
        "key": "yearly", "label": "Год", "purpose": "self", "days": 365,
        "prices": { "RUB": "15000.00", "XTR": 9_000 }, "offer_id": "lava-1",
    })
}

impl Office {
    async fn create(&self, body: Value) -> Reply {
        self.post(create_offer("club-admin-offer-create", OFFERS), OFFERS, body).await
    }

    async fn update(&self, key: &str, body: Value) -> Reply {
        let function = update_offer("club-admin-offer-update", "/api/admin/offers/{key}");
        let request = Self::request(&format!("{OFFERS}/{key}"), body).method(http::Method::PATCH);
        self.world.call(function, request).await
    }

    async fn delete(&self, key: &str) -> Reply {
        let function = delete_offer("club-admin-offer-delete", "/api/admin/offers/{key}");
        let path = format!("{OFFERS}/{key}");
        let request = Self::request(&path, json!({})).method(http::Method::DELETE);
        self.world.call(function, request).await
    }

    async fn offers(&self) -> Vec<Value> {
        let reply = self.get(list_offers("club-admin-offers", OFFERS), OFFERS).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["offers"].as_array().unwrap().clone()
    }

    async fn offer(&self, key: &str) -> Option<Value> {
        self.offers().await.into_iter().find(|offer| offer["key"] == key)
    }

    /// Asks for a link of an offer.
    async fn buys(&self, offer: &str) -> (u16, Value) {
        let token = self.world.token(&self.anna().await).await;
        let body = json!({
            "telegram_id": ANNA, "email": "anna@example.com", "offer_key": offer,
            "provider": "sandbox",
        });
        let request = Request::post("/api/payments/generate-link", body).token(&token);
        let reply = self.world.call(link(), request).await;
        (reply.status.as_u16(), reply.body)
    }
}

#[tokio::test]
async fn an_offer_is_made_once_and_sold() {
    let office = Office::open().await;
    let reply = office.create(yearly()).await;
    let offer = &reply.body["offer"];
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(offer["prices"], json!({ "RUB": "15000.00", "XTR": "9000" }));
    assert_eq!((&offer["is_active"], &offer["is_gift"]), (&json!(true), &json!(false)));
    assert_eq!((&offer["periodicity"], &offer["offer_id"]), (&json!("ONE_TIME"), &json!("lava-1")));
    assert_eq!(code(&office.create(yearly()).await), (409, "offer_exists".to_owned()));
    let seeded = json!({
        "key": "gift_rub_2000", "label": "x", "is_gift": true, "prices": { "RUB": "1" },
    });
    assert_eq!(code(&office.create(seeded).await), (409, "offer_exists".to_owned()));
    let keys: Vec<_> = office.offers().await.iter().map(|offer| offer["key"].clone()).collect();
    assert_eq!(keys, ["gift_rub_2000", "monthly_rub_2000", "yearly"]);
    let (status, link) = office.buys("yearly").await;
    assert_eq!((status, &link["amount"]), (200, &json!("15000.00")), "{link}");
}

#[tokio::test]
async fn what_is_stored_stands_for_the_seed() {
    let office = Office::open().await;
    let dearer = json!({ "prices": { "RUB": "2500.00" }, "label": "Месяц" });
    let reply = office.update("monthly_rub_2000", dearer).await;
    assert_eq!(reply.body["offer"]["prices"], json!({ "RUB": "2500.00" }), "{}", reply.body);
    assert_eq!(
        (&reply.body["offer"]["days"], &reply.body["offer"]["label"]),
        (&json!(30), &json!("Месяц"))
    );
    let (status, link) = office.buys("monthly_rub_2000").await;
    assert_eq!((status, &link["amount"]), (200, &json!("2500.00")));
    let off = office.update("monthly_rub_2000", json!({ "is_active": false })).await;
    assert_eq!(off.body["offer"]["is_active"], false);
    let (status, link) = office.buys("monthly_rub_2000").await;
    assert_eq!((status, &link["code"]), (400, &json!("offer_inactive")));
    assert_eq!(code(&office.update("nothing", json!({})).await), (404, "offer_unknown".to_owned()));
    assert_eq!(code(&office.update("НЕТ", json!({})).await), (404, "offer_unknown".to_owned()));
}

#[tokio::test]
async fn only_an_offer_that_nobody_asked_for_is_taken_away() {
    let office = Office::open().await;
    office.create(yearly()).await;
    let gone = office.delete("yearly").await;
    assert_eq!((&gone.body["deleted"], &gone.body["offer"]), (&json!(true), &Value::Null));
    assert_eq!(office.offer("yearly").await, None);
    assert_eq!(code(&office.delete("yearly").await), (404, "offer_unknown".to_owned()));

    office.create(yearly()).await;
    office.world.provider.set_mood(Mood::Refusing(500));
    assert_eq!(office.buys("yearly").await.0, 502, "the attempt is there, though it failed");
    let kept = office.delete("yearly").await;
    assert_eq!(
        (&kept.body["deleted"], &kept.body["offer"]["is_active"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(office.offer("yearly").await.unwrap()["is_active"], false);
    assert_eq!(office.buys("yearly").await.1["code"], "offer_inactive");
    let back = office.update("yearly", json!({ "is_active": true })).await;
    assert_eq!(back.body["offer"]["is_active"], true);
    assert_eq!(office.delete("yearly").await.body["deleted"], false);

    let seeded = office.delete("gift_rub_2000").await;
    assert_eq!(seeded.body["deleted"], false);
    assert_eq!(office.buys("gift_rub_2000").await.1["code"], "offer_inactive");
}

#[tokio::test]
async fn only_the_first_link_of_an_offer_marks_it() {
    let office = Office::open().await;
    office.create(yearly()).await;
    let token = office.world.token(&office.anna().await).await;
    let wish = |currency: &str| {
        let body = json!({
            "telegram_id": ANNA, "email": "anna@example.com", "offer_key": "yearly",
            "provider": "sandbox", "currency": currency,
        });
        Request::post("/api/payments/generate-link", body).token(&token)
    };
    let first = office.world.call(link(), wish("RUB")).await;
    let second = office.world.call(link(), wish("XTR")).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200), "{}", second.body);
    assert_eq!(first.cost.items, second.cost.items + 1);
}

#[tokio::test]
async fn limits_are_kept() {
    let office = Office::open().await;
    let with = |field: &str, value: Value| {
        let mut body = yearly();
        body[field] = value;
        body
    };
    for body in [
        json!({}),
        with("key", json!("")),
        with("key", json!("Yearly")),
        with("key", json!("x".repeat(65))),
        with("label", json!("")),
        with("label", Value::Null),
        with("purpose", json!("other")),
        with("purpose", Value::Null),
        with("is_gift", json!(true)),
        with("days", json!(0)),
        with("days", json!(3_661)),
        with("prices", json!({})),
        with("prices", json!({ "RUB": "0" })),
        with("prices", json!({ "RUB": "-1" })),
        with("prices", json!({ "RUB": "1.001" })),
        with("prices", json!({ "DOGE": "1" })),
        with("prices", json!({ "XTR": "1.5" })),
        with("prices", json!(["RUB"])),
        with("periodicity", json!("WEEKLY")),
        with("offer_id", json!("x".repeat(129))),
        with("is_active", json!("yes")),
    ] {
        let reply = office.create(body.clone()).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{body}");
    }
    let dear = json!({
        "key": "m", "label": "m", "purpose": "self", "periodicity": "MONTHLY",
        "prices": { "XTR": 10_001 },
    });
    assert_eq!(office.create(dear).await.status, 400, "Telegram takes 10000 at most");
    assert_eq!(office.offers().await.len(), 2);
}
