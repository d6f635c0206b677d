//! What follows a payment: told, let in and ended once, whoever performs its row how often.

use super::rules::attempt;
use super::stars::star_shop;
use super::updates::recurring;
use super::*;
use crate::payments::contracts::RecurringContract;
use crate::payments::{Provider, Success, settle};
use crate::testing::{BotMood, BotServer};

const CHATS: (&str, &str) = ("PROTECTED_CHAT_IDS", "-100, -200,-100");

/// A row as the outbox has it, by its id.
async fn row(shop: &Shop, id: &str) -> Option<Entry> {
    shop.world.table().get(&Entry::key_of(id)).await.unwrap()
}

fn unbanned(bot: &BotServer) -> Vec<(i64, bool)> {
    let calls = bot.called("unbanChatMember");
    let mut chats: Vec<_> = calls
        .iter()
        .map(|call| {
            assert_eq!(call["user_id"], PAYER);
            (call["chat_id"].as_i64().unwrap(), call["only_if_banned"].as_bool().unwrap())
        })
        .collect();
    chats.sort_unstable();
    chats
}

#[tokio::test]
async fn a_first_payment_is_congratulated_let_in_and_begins_the_onboarding() {
    let (shop, bot) = star_shop(&[CHATS]).await;
    let id = shop.linked().await;
    shop.succeed(&id).await;
    assert_eq!(shop.count("Outbox").await, 1, "one row with the payment");
    shop.perform_all().await;
    assert_eq!(unbanned(&bot), [(-200, true), (-100, true)]);
    let texts = bot.called("sendMessage");
    let congratulated = texts.iter().filter(|call| call["chat_id"] == PAYER).count();
    assert_eq!((congratulated, shop.messages("congratulation").await), (1, 1));
    assert!(row(&shop, &format!("congrats:{id}")).await.is_some());
    assert_eq!(shop.count("Onboarding").await, 1);
    // A further payment is congratulated and lets in, too, and begins nothing.
    let begun = shop.world.items("Onboarding").await;
    shop.deliver(json!({ "attempt_id": id, "external_id": "second", "event": "success" })).await;
    shop.perform_all().await;
    assert_eq!((unbanned(&bot).len(), shop.messages("congratulation").await), (4, 2));
    assert!(row(&shop, "congrats:sandbox:second").await.is_some());
    assert_eq!(shop.world.items("Onboarding").await, begun);
    shop.check_invariants().await;
}

#[tokio::test]
async fn what_follows_a_gift_is_its_recipients() {
    let (shop, bot) = star_shop(&[CHATS]).await;
    let id = shop.gift_linked(77).await;
    shop.succeed(&id).await;
    shop.perform_all().await;
    assert!(unbanned(&bot).is_empty(), "the giver has bought nothing");
    let gifts: Vec<crate::gifts::Gift> = shop.read("Gift").await;
    let token = shop.world.token(&shop.world.member(77).await).await;
    let wish = Request::post("/api/v1/gifts/activate", json!({ "token": gifts[0].token }));
    let reply = shop.world.call(crate::gifts::activate(), wish.token(&token)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    shop.perform_all().await;
    let told = bot.called("unbanChatMember");
    assert!(told.len() == 2 && told.iter().all(|call| call["user_id"] == 77), "{told:?}");
    assert_eq!((shop.messages("gift_activated").await, shop.count("Onboarding").await), (1, 1));
}

#[tokio::test]
async fn a_chat_that_refuses_is_left_and_one_that_fails_is_tried_again() {
    for (mood, calls) in [
        (BotMood::refusing(400, "Bad Request: not enough rights"), 2),
        (BotMood::refusing(429, "Too Many Requests: retry after 1"), 3),
        (BotMood::Refusing(500, json!({})), 3),
        (BotMood::Refusing(200, json!("what is that")), 3),
    ] {
        let (shop, bot) = star_shop(&[("PROTECTED_CHAT_IDS", "-100")]).await;
        let unban = crate::outbox::Message::Unban { tg_id: PAYER, chat: -100 };
        let kick = crate::outbox::Message::Kick { tg_id: PAYER, chat: -100 };
        for (id, message) in [("unban:1", unban), ("kick:1", kick)] {
            let write = crate::outbox::ask(id, &message, shop.world.now()).unwrap();
            shop.world.table().transact(vec![write]).await.unwrap();
        }
        bot.feel(mood.clone());
        let queue = shop.world.app.outbox_queue.as_ref().unwrap();
        for id in ["unban:1", "kick:1"] {
            let hint = Hint { outbox_id: id.to_owned() };
            queue.send(&hint, jiff::SignedDuration::ZERO).await.unwrap();
            shop.world.deliver(deliver(), OUTBOX).await;
        }
        bot.feel(BotMood::Fine);
        shop.pass(3);
        shop.perform_all().await;
        let made = bot.called("unbanChatMember").len() + bot.called("banChatMember").len();
        assert!(made >= calls, "{mood:?}: {made}");
        let state = row(&shop, "kick:1").await.unwrap().state;
        let expected = if calls == 2 { State::Refused } else { State::Sent };
        assert_eq!(state, expected, "{mood:?}");
    }
}

#[tokio::test]
async fn another_subscription_ends_the_older_one() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "first", true)).await;
    // A second one by the same link, which Telegram says begins.
    shop.hear(recurring(2, &id, "second", true)).await;
    let contracts: Vec<RecurringContract> = shop.read("RecurringContract").await;
    let names: Vec<_> = contracts.iter().map(|contract| contract.contract_id.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(shop.payer().await.contract.unwrap().contract_id, "second");
    shop.perform_all().await;
    let ended = bot.called("editUserStarSubscription");
    assert_eq!((ended.len(), &ended[0]["telegram_payment_charge_id"]), (1, &json!("first")));
    let contracts: Vec<RecurringContract> = shop.read("RecurringContract").await;
    assert_eq!((contracts[0].live, contracts[1].live), (false, true));
    // What renews now is the second.
    shop.hear(recurring(3, &id, "third", false)).await;
    let contracts: Vec<RecurringContract> = shop.read("RecurringContract").await;
    assert_eq!((contracts[0].newest.as_str(), contracts[1].newest.as_str()), ("first", "third"));
    assert!(shop.payer().await.auto_renewal);
    shop.check_invariants().await;
}

#[tokio::test]
async fn an_older_subscription_that_takes_money_all_the_same_is_ended_again() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "first", true)).await;
    let other = Attempt {
        id: "att_other".to_owned(),
        payer: PAYER,
        provider: Provider::Lavatop,
        recurs: true,
        ..attempt(Status::Pending)
    };
    shop.world.put(&other).await;
    let paid = Success {
        provider: Provider::Lavatop,
        attempt_id: other.id.clone(),
        external_id: "lava-1".to_owned(),
        said: crate::payments::Said::default(),
        payer: None,
        recurs: false,
        contract_id: Some("lava-1".to_owned()),
    };
    settle(&shop.world.app, &paid, None, shop.world.now()).await.unwrap();
    assert_eq!(shop.payer().await.contract.unwrap().provider, Provider::Lavatop);
    bot.feel(BotMood::Refusing(500, json!({})));
    shop.perform_all().await;
    shop.hear(recurring(2, &id, "renewed", false)).await;
    // It counts, and it is not what renews the member's.
    let payer = shop.payer().await;
    assert_eq!((payer.balance, payer.contract.unwrap().provider), (1_500, Provider::Lavatop));
    bot.feel(BotMood::Fine);
    let before = bot.called("editUserStarSubscription").len();
    for _ in 0..2 {
        shop.pass(301);
        shop.perform_all().await;
    }
    assert!(bot.called("editUserStarSubscription").len() > before);
    let contracts: Vec<RecurringContract> = shop.read("RecurringContract").await;
    let live = |provider| contracts.iter().find(|c| c.provider == provider).unwrap().live;
    assert_eq!((live(Provider::Stars), live(Provider::Lavatop)), (false, true));
    assert!(shop.payer().await.auto_renewal);
}

#[tokio::test]
async fn chats_are_read_from_the_settings() {
    let shop = Shop::with(&[CHATS]).await;
    assert_eq!(shop.world.app.outbox.protected_chats, [-200, -100]);
    for bad in ["x", "0", "-100;-200", "1.5"] {
        let started = shop.world.start_with(deliver(), &[("PROTECTED_CHAT_IDS", bad)]).await;
        let error = started.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("PROTECTED_CHAT_IDS"), "{bad}: {error}");
    }
}
