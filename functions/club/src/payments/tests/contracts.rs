//! Standing subscriptions that are to end, and the webhook that production does not start without.

use super::stars::star_shop;
use super::updates::{recurring, refunded};
use super::*;
use crate::bot::{update, webhook};
use crate::outbox::deliver;
use crate::testing::{BotMood, OUTBOX, WEBHOOK_SECRET};

#[tokio::test]
async fn an_end_that_telegram_has_not_confirmed_is_none() {
    for (mood, comes_again) in [
        (BotMood::refusing(429, "Too Many Requests: retry after 1"), true),
        (BotMood::Refusing(500, json!({})), true),
        (BotMood::Refusing(200, json!("what is that")), true),
        (BotMood::refusing(400, "Bad Request: CHARGE_NOT_FOUND"), false),
    ] {
        let (shop, bot) = star_shop(&[]).await;
        let id = shop.star_linked().await;
        shop.hear(recurring(1, &id, "charge", true)).await;
        shop.hear(refunded(2, &id, "charge")).await;
        bot.feel(mood.clone());
        shop.tell_all().await;
        // However often it is not confirmed: the money would go on.
        for _ in 0..6 {
            bot.feel(mood.clone());
            shop.pass(301);
            shop.world.deliver(deliver(), OUTBOX).await;
            assert!(shop.contract().await.live, "{mood:?}");
        }
        bot.feel(BotMood::Fine);
        for _ in 0..2 {
            shop.pass(301);
            shop.world.deliver(deliver(), OUTBOX).await;
        }
        assert_eq!(shop.contract().await.live, !comes_again, "{mood:?}");
        let ends = bot.called("editUserStarSubscription").len();
        assert_eq!(ends > 6, comes_again, "{mood:?}: {ends}");
    }
}

#[tokio::test]
async fn production_starts_with_a_secret_of_the_webhook_alone() {
    let shop = Shop::open().await;
    let prod = [("STAGE", "prod"), ("SANDBOX_PROVIDER_URL", ""), ("SANDBOX_SECRET", "")];
    let start = |function, secret| {
        let mut changes = prod.to_vec();
        changes.push(("TELEGRAM_WEBHOOK_SECRET", secret));
        let world = &shop.world;
        async move { world.start_with(function, &changes).await.map(|_| ()) }
    };
    for secret in ["", "too-short"] {
        let error = start(webhook(), secret).await.unwrap_err().to_string();
        assert!(error.contains("TELEGRAM_WEBHOOK_SECRET"), "{secret:?}: {error}");
    }
    start(webhook(), WEBHOOK_SECRET).await.unwrap();
    start(update(), "").await.unwrap();
}
