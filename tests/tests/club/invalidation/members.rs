//! Rows of what members are, earn and buy.

use club::tags::Action::{
    AchievementUnlock, EnergiesChange, Report, ShopItemUpdate, ShopPurchase, ShopPurchaseOfStock,
    ShopPurchaseUse, SubscriptionChange, UserUpdate, XpChange,
};
use serde_json::{Value, json};

use super::rows::{Row, act};
use super::scene::{Scene, Who};

const CITY_CHAT: i64 = -1_001_000_000_002;
/// Where energies of one's own are seen.
const ENERGIES: &[&str] = &[
    "/api/v1/users/me",
    "/api/v1/auth/me",
    "/api/v1/energies/balance",
    "/api/v1/energies/history",
    "/api/v1/ratings/all-data",
    "/api/v1/ratings/user-position",
    "/api/v1/shop/balance",
];

async fn energies(scene: &Scene, what: &str, change: Value) {
    let mut body = json!({ "userId": 42 });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    scene.office("POST", &format!("/api/v1/energies/{what}"), &body).await.ok();
}

async fn experience(scene: &Scene, amount: u32) {
    let body = json!({ "userId": 42, "amount": amount, "reason": "Помощь" });
    scene.office("POST", "/api/v1/gamification/add-xp", &body).await.ok();
}

async fn posts(scene: &Scene, text: &str) {
    let update = json!({ "update_id": 810_001, "message": {
        "message_id": 1, "date": 1_768_910_400,
        "from": { "id": 42, "is_bot": false, "first_name": "Анна" },
        "chat": { "id": CITY_CHAT, "type": "supergroup", "title": "Чат" },
        "caption": text,
        "photo": [{ "file_id": "x", "file_unique_id": "y", "width": 1, "height": 1 }],
    } });
    scene.tells(&update).await;
}

async fn city_chat(scene: &Scene) {
    let path = format!("/api/admin/city-chats/{CITY_CHAT}");
    scene.office("PUT", &path, &json!({ "city": "Казань" })).await.ok();
}

pub fn rows() -> Vec<Row> {
    vec![
        Row::new("user.update: signed in", &[UserUpdate], &["club-auth-telegram"], act!(
            scene => scene.anna().user.sign_in().await
        ))
        .after(act!(scene => scene.world.advance(1).await))
        .of(&[Who::Anna])
        .shows(Who::Anna, &["/api/v1/users/me"]),
        Row::new("user.update", &[UserUpdate], &["club-users-update"], act!(scene => {
            scene.anna().patch(&json!({ "firstName": "Анюта" })).await.ok()
        }))
        .of(&[Who::Anna])
        .shows(Who::Anna, &["/api/v1/users/me", "/api/v1/auth/me", "/api/v1/users/{id}"])
        .shows(Who::Boris, &["/api/v1/users/{id}", "/api/teams/{id}/members", "/api/teams/{id}"])
        .shows(Who::Vera, &["/api/v1/users/{id}"]),
        Row::new("user.update: may lead", &[UserUpdate], &["club-admin-leader"], act!(scene => {
            scene.office("PUT", "/api/admin/leaders/42", &json!({ "canLead": true })).await.ok()
        }))
        .of(&[Who::Anna]),
        Row::new("user.update of somebody in no team", &[UserUpdate], &["club-users-update"], act!(
            scene => scene.dora().patch(&json!({ "firstName": "Дарья" })).await.ok()
        )),
        Row::new("energy_points.change: awarded", &[EnergiesChange], &["club-energies-award"], act!(
            scene => energies(scene, "award", json!({ "amount": 7, "reason": "За помощь" })).await
        ))
        .of(&[Who::Anna])
        .shows(Who::Anna, ENERGIES)
        .shows(Who::Boris, &["/api/teams/{id}/members"]),
        Row::new("energy_points.change: spent", &[EnergiesChange], &["club-energies-spend"], act!(
            scene => energies(scene, "spend", json!({ "amount": 3, "reason": "Сувенир" })).await
        ))
        .of(&[Who::Anna])
        .shows(Who::Anna, ENERGIES),
        Row::new("energy_points.change: a daily login", &[EnergiesChange], &[
            "club-energies-daily-login",
        ], act!(scene => energies(scene, "triggers/daily-login", json!({})).await))
        .of(&[Who::Anna])
        .shows(Who::Anna, ENERGIES),
        Row::new("energy_points.change: a lesson", &[EnergiesChange], &[
            "club-energies-lesson-view",
        ], act!(scene => {
            energies(scene, "triggers/lesson-view", json!({ "lessonId": "walk:day1" })).await
        }))
        .of(&[Who::Anna])
        .shows(Who::Anna, ENERGIES),
        Row::new("energy_points.change: a Sunday's practice", &[EnergiesChange], &[
            "club-energies-sunday-practice",
        ], act!(scene => {
            energies(scene, "triggers/sunday-practice", json!({ "practiceId": "one" })).await
        }))
        .of(&[Who::Anna])
        .shows(Who::Anna, ENERGIES),
        Row::new("energy_points.change: a hashtag", &[EnergiesChange], &[
            "club-bot-webhook", "club-bot-update",
        ], act!(scene => posts(scene, "#инсайт").await))
        .after(act!(scene => city_chat(scene).await))
        .of(&[Who::Anna])
        .shows(Who::Anna, ENERGIES)
        .shows(Who::Anna, &["/api/v1/energies/weekly-progress"]),
        Row::new("gamification.xp.change", &[XpChange], &["club-gamification-add-xp"], act!(
            scene => experience(scene, 10).await
        ))
        .of(&[Who::Anna])
        .shows(Who::Anna, &["/api/v1/gamification/stats", "/api/v1/gamification/xp-history"]),
        Row::new("gamification.achievement.unlock", &[XpChange, AchievementUnlock], &[
            "club-gamification-add-xp",
        ], act!(scene => experience(scene, 1_000).await))
        .of(&[Who::Anna])
        .shows(Who::Anna, &["/api/v1/gamification/achievements", "/api/v1/gamification/stats"])
        .shows(Who::Vera, &["/api/v1/users/{id}"]),
        Row::new("report.delete", &[Report, EnergiesChange], &["club-reports-delete"], act!(
            scene => {
                let path = format!("/api/reports/{}", scene.report_of(Who::Anna));
                scene.anna().call("DELETE", &path).await.ok()
            }
        ))
        .of(&[Who::Anna])
        .shows(Who::Anna, ENERGIES)
        .shows(Who::Anna, REPORTS)
        .shows(Who::Anna, &["/api/reports/{id}"]),
        Row::new("report.submit", &[Report, EnergiesChange], &["club-reports-submit"], act!(
            scene => {
                let body = json!({ "content": "Ещё раз: практика" });
                scene.anna().post("/api/reports/submit", &body).await.ok()
            }
        ))
        .of(&[Who::Anna])
        .shows(Who::Anna, ENERGIES)
        .shows(Who::Anna, REPORTS),
    ]
}

/// Where a report of this week is seen.
const REPORTS: &[&str] = &[
    "/api/reports/my",
    "/api/reports/user",
    "/api/reports/current",
    "/api/reports/week",
    "/api/reports/stats/my",
    "/api/reports/stats",
];
/// Where a purchase is seen.
const PURCHASES: &[&str] = &[
    "/api/v1/shop/purchases",
    "/api/v1/shop/purchases/unused",
    "/api/v1/shop/stats",
    "/api/v1/shop/balance",
    "/api/v1/energies/history",
];
const CATALOGUE: &[&str] = &["/api/v1/shop/items", "/api/v1/shop/items/by-category"];

/// Rows of the shop.
pub fn goods() -> Vec<Row> {
    vec![
        Row::new(
            "shop.purchase",
            &[ShopPurchase, EnergiesChange],
            &["club-shop-purchase"],
            act!(
                scene => {
                    let id = scene.buys(&scene.anna(), "tea", "second").await;
                    scene.note("purchase", id)
                }
            ),
        )
        .of(&[Who::Anna])
        .shows(Who::Anna, PURCHASES),
        Row::new(
            "shop.purchase of stock",
            &[ShopPurchaseOfStock, EnergiesChange],
            &["club-shop-purchase"],
            act!(scene => scene.buys(&scene.anna(), "cake", "cake").await),
        )
        .of(&[Who::Anna])
        .shows(Who::Anna, PURCHASES)
        .shows(Who::Anna, CATALOGUE)
        .shows(Who::Vera, CATALOGUE)
        .shows(Who::Nobody, CATALOGUE),
        Row::new(
            "shop.purchase of a month",
            &[ShopPurchase, EnergiesChange, SubscriptionChange],
            &["club-shop-purchase"],
            act!(scene => scene.buys(&scene.anna(), "month", "month").await),
        )
        .of(&[Who::Anna])
        .shows(Who::Anna, PURCHASES)
        .shows(Who::Anna, &["/api/v1/users/me"]),
        Row::new(
            "shop.purchase.use",
            &[ShopPurchaseUse],
            &["club-shop-use"],
            act!(scene => {
                let path = format!("/api/v1/shop/purchases/{}/use", scene.noted("purchase"));
                scene.office("POST", &path, &json!({})).await.ok()
            }),
        )
        .of(&[Who::Anna])
        .shows(Who::Anna, &["/api/v1/shop/purchases", "/api/v1/shop/purchases/unused"]),
        Row::new(
            "shop.item.update",
            &[ShopItemUpdate],
            &["club-admin-content-put"],
            act!(
                scene => scene.sells("tea", json!({ "title": "Крепкий чай" })).await
            ),
        )
        .shows(Who::Nobody, CATALOGUE)
        .shows(Who::Nobody, &["/api/v1/shop/items/{id}"])
        .shows(Who::Anna, &["/api/v1/shop/items/{id}", "/api/v1/shop/purchased/{itemId}"])
        .shows(Who::Vera, &["/api/v1/shop/purchased/{itemId}"]),
        Row::new(
            "shop.item.update: deleted",
            &[ShopItemUpdate],
            &["club-admin-content-delete"],
            act!(
                scene => scene.deletes("shop-item", "old").await
            ),
        )
        .shows(Who::Nobody, CATALOGUE),
        Row::new(
            "shop.item.update: drawn",
            &[ShopItemUpdate],
            &["club-shop-draw"],
            act!(
                scene => {
                    let wish = json!({ "winners": 1, "seed": "00".repeat(32) });
                    scene.office("POST", "/api/admin/shop/items/lot/draw", &wish).await.ok()
                }
            ),
        )
        .after(act!(scene => scene.buys(&scene.anna(), "lot", "ticket").await))
        .shows(Who::Nobody, CATALOGUE),
    ]
}
