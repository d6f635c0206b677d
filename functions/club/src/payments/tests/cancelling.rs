//! A member ends the subscription that renews their own.

use http::StatusCode;

use super::rules::attempt;
use super::stars::star_shop;
use super::updates::{recurring, refunded};
use super::*;
use crate::payments::contracts::{ContractHandle, RecurringContract};
use crate::payments::{Provider, payments_cancel, users_cancel};
use crate::testing::BotMood;
use crate::texts;

const USERS: &str = "/api/v1/users/cancel-subscription";
const FORMS: &str = "/api/payments/cancel-subscription";

impl Shop {
    pub(super) async fn cancel(&self, path: &str, body: Value) -> Reply {
        let function = if path == USERS { users_cancel() } else { payments_cancel() };
        self.world.call(function, Request::post(path, body).token(&self.token)).await
    }
}

#[tokio::test]
async fn a_subscription_is_ended_once_and_what_is_paid_stays() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "first", true)).await;
    let until = shop.payer().await.subscription_expires;
    let first = shop.cancel(USERS, json!({ "telegram_id": PAYER })).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    let said = json!({
        "success": true, "provider": "stars", "expires_at": "02.03.2026",
        "message": texts::subscription_cancelled(Some("02.03.2026")),
    });
    assert_eq!(first.body, said);
    let payer = shop.payer().await;
    assert_eq!((payer.auto_renewal, payer.subscription_expires), (false, until));
    assert!(!shop.contract().await.live && shop.attempt(&id).await.contract_over);
    let events = shop.count("SubscriptionEvent").await;
    for (path, body) in [(FORMS, json!({})), (USERS, json!({ "telegram_id": PAYER.to_string() }))] {
        let again = shop.cancel(path, body).await;
        assert_eq!((again.status, &again.body, again.cost.items), (StatusCode::OK, &said, 0));
    }
    assert_eq!(bot.called("editUserStarSubscription").len(), 1);
    assert_eq!(shop.count("SubscriptionEvent").await, events);
    // Money that was on its way counts, and renews nothing.
    shop.hear(recurring(2, &id, "late", false)).await;
    let payer = shop.payer().await;
    assert_eq!((payer.balance, payer.auto_renewal), (1_000, false));
    shop.check_invariants().await;
}

#[tokio::test]
async fn who_has_no_subscription_has_none_to_end() {
    let (shop, bot) = star_shop(&[]).await;
    let refused = |reply: &Reply| {
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (400, &json!("no_active_subscription"))
        );
    };
    let reply = shop.cancel(USERS, json!({})).await;
    refused(&reply);
    assert_eq!(reply.body["message"], texts::NO_ACTIVE_SUBSCRIPTION);
    let reply = shop.cancel(FORMS, json!({})).await;
    assert_eq!(reply.body["error"], texts::NO_ACTIVE_SUBSCRIPTION);
    // Paid, and nothing renews it.
    let once = shop.linked().await;
    shop.succeed(&once).await;
    refused(&shop.cancel(USERS, json!({})).await);
    // Renewed once, ended, and over.
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "first", true)).await;
    shop.cancel(USERS, json!({})).await;
    shop.pass(61 * 86_400);
    refused(&shop.cancel(USERS, json!({})).await);
    assert_eq!(bot.called("editUserStarSubscription").len(), 1);
}

#[tokio::test]
async fn nobody_ends_anothers() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "first", true)).await;
    let other = shop.cancel(USERS, json!({ "telegram_id": 77 })).await;
    assert_eq!((other.status.as_u16(), &other.body["code"]), (403, &json!("subject_mismatch")));
    for bad in [json!("x"), json!(-1), json!(true), json!({})] {
        let reply = shop.cancel(FORMS, json!({ "telegram_id": bad })).await;
        let said = (reply.status.as_u16(), &reply.body["code"]);
        assert_eq!(said, (400, &json!("bad_telegram_id")));
    }
    let nobody = shop.world.call(users_cancel(), Request::post(USERS, json!({}))).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert!(bot.called("editUserStarSubscription").is_empty() && shop.payer().await.auto_renewal);
}

#[tokio::test]
async fn a_provider_that_does_not_confirm_leaves_everything_as_it_was() {
    let (shop, bot) = star_shop(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "first", true)).await;
    let (payer, contract) = (shop.payer().await, shop.contract().await);
    for mood in [
        BotMood::refusing(400, "Bad Request: CHARGE_NOT_FOUND"),
        BotMood::refusing(429, "Too Many Requests: retry after 1"),
        BotMood::Refusing(500, json!({})),
        BotMood::Refusing(200, json!("what is that")),
        BotMood::Silent,
    ] {
        bot.feel(mood.clone());
        let reply = shop.cancel(FORMS, json!({})).await;
        let said = (reply.status.as_u16(), &reply.body["code"], &reply.body["error"]);
        let expected = (502, &json!("provider_error"), &json!(texts::CANCEL_FAILED));
        assert_eq!(said, expected, "{mood:?}");
        assert_eq!((shop.payer().await, shop.contract().await), (payer.clone(), contract.clone()));
    }
    bot.feel(BotMood::Fine);
    assert_eq!(shop.cancel(USERS, json!({})).await.status, StatusCode::OK);
    assert!(!shop.payer().await.auto_renewal);
}

#[tokio::test]
async fn an_end_that_goes_by_an_email_needs_one() {
    let shop = Shop::open().await;
    let handle = ContractHandle { provider: Provider::Lavatop, contract_id: "lava-1".to_owned() };
    let until = shop.world.now() + shared::clock::days(30);
    let mut payer = shop.payer().await;
    payer.subscription_expires = Some(until);
    (payer.auto_renewal, payer.contract) = (true, Some(handle.clone()));
    shop.world.put(&payer).await;
    let started = shop.world.now();
    let contract = RecurringContract {
        provider: Provider::Lavatop,
        contract_id: handle.contract_id,
        attempt_id: "att_1".to_owned(),
        payer: PAYER,
        email: None,
        offer: "monthly_rub_2000".to_owned(),
        days: 30,
        price: attempt(Status::Paid).price,
        newest: "lava-1".to_owned(),
        paid_from: Some(started),
        paid_until: Some(until),
        live: true,
        started_at: started,
        updated_at: started,
    };
    shop.world.put(&contract).await;
    let reply = shop.cancel(FORMS, json!({})).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (400, &json!("email_missing")));
    assert_eq!(reply.body["error"], texts::EMAIL_MISSING);
    assert!(shop.payer().await.auto_renewal);
    // With one its provider is asked, which is not enabled here.
    payer.email = Some("anna@example.com".to_owned());
    shop.world.put(&payer).await;
    assert_eq!(shop.cancel(FORMS, json!({})).await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_subscription_that_renews_nothing_any_more_is_ended_while_it_takes_money() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "first", true)).await;
    shop.hear(recurring(2, &id, "second", false)).await;
    shop.hear(refunded(3, &id, "second")).await;
    // The refund has asked for the end, which nobody has performed.
    assert!(!shop.payer().await.auto_renewal && shop.contract().await.live);
    for calls in [1, 1] {
        let reply = shop.cancel(USERS, json!({})).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        assert_eq!(bot.called("editUserStarSubscription").len(), calls);
        assert!(!shop.contract().await.live);
    }
    shop.check_invariants().await;
}
