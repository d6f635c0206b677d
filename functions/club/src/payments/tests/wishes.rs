//! A member's wish to end their subscription outlives the call that brought it.

use engine::{Fault, FaultKind, Target};
use shared::outbox::{Entry, State};

use super::stars::star_shop;
use super::updates::recurring;
use super::*;
use crate::testing::{BotMood, BotServer};

const PATH: &str = "/api/v1/users/cancel-subscription";

async fn subscribed(settings: &[(&str, &str)]) -> (Shop, BotServer) {
    let (shop, bot) = star_shop(settings).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "first", true)).await;
    shop.perform_all().await;
    (shop, bot)
}

async fn wishes(shop: &Shop) -> Vec<State> {
    let rows: Vec<Entry> = shop.read("Outbox").await;
    let wishes = rows.iter().filter(|row| row.id.starts_with("end_contract:"));
    wishes.map(|row| row.state).collect()
}

fn ended(bot: &BotServer) -> usize {
    bot.called("editUserStarSubscription").len()
}

#[tokio::test]
async fn a_call_that_dies_after_the_provider_has_ended_it_is_made_good() {
    let (shop, bot) = subscribed(&[]).await;
    // Whatever it writes after the wish is not written.
    let dead = Fault::new(Target::Dynamodb, FaultKind::Error).operation("TransactWriteItems");
    shop.world.engine.faults().inject(dead);
    assert_eq!(shop.cancel(PATH, json!({})).await.status, 503);
    shop.world.engine.faults().clear();
    assert_eq!(ended(&bot), 1);
    assert!(shop.payer().await.auto_renewal && shop.contract().await.live);
    // Not while the call may be under way.
    shop.perform_all().await;
    assert!(shop.payer().await.auto_renewal);
    shop.pass(2 * 60);
    shop.perform_all().await;
    assert!(!shop.payer().await.auto_renewal && !shop.contract().await.live);
    assert_eq!(wishes(&shop).await, [State::Sent]);
}

#[tokio::test]
async fn an_end_whose_answer_is_lost_is_made_good() {
    let (shop, bot) = subscribed(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    bot.feel(BotMood::Silent);
    assert_eq!(shop.cancel(PATH, json!({})).await.status, 502);
    assert_eq!(shop.cancel(PATH, json!({})).await.status, 502, "again, and still one wish");
    assert!(shop.payer().await.auto_renewal);
    bot.feel(BotMood::Fine);
    shop.pass(2 * 60);
    shop.perform_all().await;
    assert!(!shop.payer().await.auto_renewal);
    assert_eq!(wishes(&shop).await, [State::Sent]);
}

#[tokio::test]
async fn what_the_provider_refuses_is_not_wished_for_any_longer() {
    let (shop, bot) = subscribed(&[]).await;
    for mood in [
        BotMood::refusing(400, "Bad Request: CHARGE_NOT_FOUND"),
        BotMood::refusing(429, "Too Many Requests: retry after 1"),
        BotMood::Refusing(500, json!({})),
    ] {
        bot.feel(mood.clone());
        assert_eq!(shop.cancel(PATH, json!({})).await.status, 502, "{mood:?}");
        assert_eq!(wishes(&shop).await, [], "{mood:?}");
    }
    bot.feel(BotMood::Fine);
    let before = ended(&bot);
    shop.pass(5 * 60);
    shop.perform_all().await;
    assert_eq!(ended(&bot), before, "nothing changes behind the member's back");
    assert!(shop.payer().await.auto_renewal);
}

#[tokio::test]
async fn a_wish_that_came_true_asks_nobody() {
    let (shop, bot) = subscribed(&[]).await;
    assert_eq!(shop.cancel(PATH, json!({})).await.status, 200);
    let events = shop.count("SubscriptionEvent").await;
    shop.pass(2 * 60);
    shop.perform_all().await;
    assert_eq!((ended(&bot), wishes(&shop).await), (1, vec![State::Sent]));
    assert_eq!(shop.count("SubscriptionEvent").await, events);
}
