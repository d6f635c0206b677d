//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::*;
use crate::testing::allowed;

fn asked(office: &Office, function: &str) -> BTreeSet<(String, String)> {
    office.world.asked(function)
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let office = Office::with(&[("PROTECTED_CHAT_IDS", "-100")]).await;
    let body = json!({ "telegram_id": ANNA });
    office.keyed(grant(), "/api/admin/grant-subscription", body.clone(), "k").await;
    let kick = json!({ "telegram_id": ANNA, "kick": true });
    office.keyed(revoke(), "/api/admin/revoke-subscription", kick, "k").await;

    // Refunds: of the whole, of a part, of a gift, refused, gone on with.
    let payment = office.paid().await;
    let path = |id: &str| format!("/api/admin/payments/{id}/refund");
    office.world.provider.set_mood(crate::testing::Mood::Refusing(500));
    office.keyed(refund(), &path(&payment), json!({ "amount": "1" }), "a").await;
    office.world.provider.set_mood(crate::testing::Mood::Fine);
    office.keyed(refund(), &path(&payment), json!({ "amount": "1" }), "a").await;
    office.keyed(refund(), &path(&payment), json!({}), "b").await;
    let gift = office.linked("gift_rub_2000").await;
    office.told(json!({ "attempt_id": gift, "event": "success" })).await;
    office.keyed(refund(), &path(&format!("sandbox:sbx_{gift}")), json!({}), "c").await;

    for stray in ["a", "b", "c"] {
        office.stray(stray).await;
    }
    let path = "/api/admin/unassigned-payments";
    office.get(unassigned(), path).await;
    let own = json!({ "telegram_id": ANNA, "offer_key": "monthly_rub_2000" });
    let gift = json!({ "telegram_id": ANNA, "offer_key": "gift_rub_2000" });
    office.keyed(assign(), &format!("{path}/sandbox:a/assign"), own, "a").await;
    office.keyed(assign(), &format!("{path}/sandbox:b/assign"), gift, "b").await;
    let reason = json!({ "reason": "x" });
    office.post(dismiss(), &format!("{path}/sandbox:c/dismiss"), reason).await;
    let body = json!({ "city": "Москва", "leaderUserId": ANNA });
    assert_eq!(office.post(crate::teams::create(), "/api/teams", body).await.status, 200);
    office.get(person(), &format!("/api/admin/user/{ANNA}")).await;

    let period = allowed(&["BatchGetItem", "PutItem", "UpdateItem"], &[]);
    assert_eq!(asked(&office, "club-admin-grant"), period);
    assert_eq!(asked(&office, "club-admin-revoke"), period);
    let refunds = ["BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"];
    assert_eq!(asked(&office, "club-admin-refund"), allowed(&refunds, &[]));
    let assigns = ["BatchGetItem", "PutItem", "UpdateItem"];
    assert_eq!(asked(&office, "club-admin-assign"), allowed(&assigns, &[]));
    let list = allowed(&["BatchGetItem", "UpdateItem"], &["due"]);
    assert_eq!(asked(&office, "club-admin-unassigned"), list);
    assert_eq!(asked(&office, "club-admin-dismiss"), allowed(&["GetItem", "UpdateItem"], &[]));
    let file = allowed(&["BatchGetItem", "GetItem", "Query", "UpdateItem"], &["history", "payer"]);
    assert_eq!(asked(&office, "club-admin-user"), file);
}

#[tokio::test]
async fn functions_of_offers_ask_for_exactly_this() {
    let office = Office::open().await;
    let path = "/api/admin/offers";
    let create = || create_offer("club-admin-offer-create", path);
    let body = json!({
        "key": "x", "label": "x", "purpose": "gift", "days": 1, "prices": { "RUB": "1" },
    });
    office.keyed(create(), path, body, "k").await;
    office.get(list_offers("club-admin-offers", path), path).await;
    let one = format!("{path}/x");
    let update = update_offer("club-admin-offer-update", "/api/admin/offers/{key}");
    let request = Office::request(&one, json!({ "days": 2 })).method(http::Method::PATCH);
    office.world.call(update, request).await;
    for key in ["x", "gift_rub_2000"] {
        let delete = delete_offer("club-admin-offer-delete", "/api/admin/offers/{key}");
        let request = Office::request(&format!("{path}/{key}"), json!({}));
        office.world.call(delete, request.method(http::Method::DELETE)).await;
    }
    let asked = |name: &str| asked(&office, name);
    assert_eq!(
        asked("club-admin-offer-create"),
        allowed(&["BatchGetItem", "PutItem", "UpdateItem"], &[])
    );
    assert_eq!(asked("club-admin-offers"), allowed(&["BatchGetItem", "UpdateItem"], &["registry"]));
    assert_eq!(
        asked("club-admin-offer-update"),
        allowed(&["GetItem", "PutItem", "UpdateItem"], &[])
    );
    let deletes = ["DeleteItem", "GetItem", "PutItem", "UpdateItem"];
    assert_eq!(asked("club-admin-offer-delete"), allowed(&deletes, &[]));
}
