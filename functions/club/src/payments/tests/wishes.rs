//! A member's wish to end their subscription outlives the call that brought it.

use engine::{Fault, FaultKind, Target};
use shared::outbox::{Entry, State};

use super::lavatop::Lava;
use super::stars::star_shop;
use super::updates::recurring;
use super::*;
use crate::testing::{BotMood, BotServer, LavatopMood};

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

#[tokio::test]
async fn a_refusal_does_not_take_an_earlier_call_s_wish_back() {
    let (shop, bot) = subscribed(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    bot.feel(BotMood::Silent);
    assert_eq!(shop.cancel(PATH, json!({})).await.status, 502);
    bot.feel(BotMood::refusing(400, "Bad Request: CHARGE_NOT_FOUND"));
    assert_eq!(shop.cancel(PATH, json!({})).await.status, 502);
    bot.feel(BotMood::Fine);
    shop.pass(2 * 60);
    shop.perform_all().await;
    assert!(!shop.payer().await.auto_renewal, "the first call's end may have been lost");
    assert_eq!(wishes(&shop).await, [State::Sent]);
}

#[tokio::test]
async fn an_end_whose_answer_somebody_in_between_gave_up_is_made_good() {
    let lava = Lava::open().await;
    lava.subscribed().await;
    lava.shop.perform_all().await;
    lava.server.feel(LavatopMood::Refusing(429));
    assert_eq!(lava.shop.cancel(PATH, json!({})).await.status, 502);
    assert_eq!(wishes(&lava.shop).await, [], "refused");
    lava.server.feel(LavatopMood::Refusing(504));
    assert_eq!(lava.shop.cancel(PATH, json!({})).await.status, 502);
    assert_eq!(wishes(&lava.shop).await.len(), 1, "lost");
    lava.server.feel(LavatopMood::Fine);
    lava.shop.pass(2 * 60);
    lava.shop.perform_all().await;
    assert!(!lava.shop.payer().await.auto_renewal && !lava.shop.contract().await.live);
}

#[tokio::test]
async fn a_server_that_fails_may_have_ended_it() {
    for status in [500, 502, 503] {
        let lava = Lava::open().await;
        lava.subscribed().await;
        lava.shop.perform_all().await;
        lava.server.feel(LavatopMood::Refusing(status));
        assert_eq!(lava.shop.cancel(PATH, json!({})).await.status, 502, "{status}");
        assert!(lava.shop.payer().await.auto_renewal, "{status}");
        assert_eq!(wishes(&lava.shop).await, [State::Pending], "{status}");
    }
}

#[tokio::test]
async fn an_end_takes_no_longer_than_one_call_may() {
    let lava = Lava::with(&[("PROVIDER_TIMEOUT_MS", "400")]).await;
    let (_, purchase) = lava.subscribed().await;
    lava.shop.perform_all().await;
    // Over already, so that it is asked after as well: each call in time, both together not.
    lava.server.change(&purchase, |invoice| invoice.subscription = Some("CANCELLED"));
    lava.server.feel(LavatopMood::Slow(Duration::from_millis(300)));
    assert_eq!(lava.shop.cancel(PATH, json!({})).await.status, 502);
    assert_eq!(wishes(&lava.shop).await.len(), 1, "nobody knows");
    lava.server.feel(LavatopMood::Fine);
    assert_eq!(lava.shop.cancel(PATH, json!({})).await.status, 200);
}
