//! What a closing means outside.

use super::*;
use crate::outbox::{deliver, sweep};
use crate::testing::{BotMood, BotServer, OUTBOX};

const CHATS: [i64; 2] = [-1_001_000_000_002, -1_001_000_000_001];

/// A club with two protected chats and the Bot API of tests.
async fn club() -> (Club, BotServer) {
    let bot = BotServer::start().await;
    let chats = CHATS.map(|chat| chat.to_string()).join(",");
    let settings = [("PROTECTED_CHAT_IDS", chats.as_str()), ("TELEGRAM_API_URL", bot.url.as_str())];
    (Club::with(&settings).await, bot)
}

/// Has the outbox deliver whatever is due within so many rounds of the sweep.
async fn delivered(club: &Club, rounds: u32) {
    for _ in 0..rounds {
        club.world.pass(Duration::from_secs(121));
        club.world.tick(sweep()).await.unwrap();
        while club.world.deliver(deliver(), OUTBOX).await.0 > 0 {}
    }
}

/// Whom a method was called for: chat and member.
fn called(bot: &BotServer, method: &str) -> Vec<(i64, i64)> {
    let of = |body: &Value| (body["chat_id"].as_i64().unwrap(), body["user_id"].as_i64().unwrap());
    let mut calls: Vec<_> = bot.called(method).iter().map(of).collect();
    calls.sort_unstable();
    calls
}

#[tokio::test]
async fn whoever_is_closed_leaves_every_protected_chat_and_is_told() {
    let (club, bot) = club().await;
    club.ending(7, club.world.now() - days(1)).await;
    club.ending(8, club.world.now() + days(20)).await;
    for _ in 0..2 {
        club.guard().await;
        delivered(&club, 3).await;
    }
    assert_eq!(called(&bot, "banChatMember"), CHATS.map(|chat| (chat, 7)));
    assert_eq!(called(&bot, "unbanChatMember"), []);
    let told = bot.called("sendMessage");
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["chat_id"], &told[0]["text"]), (&json!(7), &json!(texts::ACCESS_CLOSED)));
    assert_eq!(club.told("access_closed").await.len(), 1);
}

#[tokio::test]
async fn who_pays_before_it_is_looked_at_stays_in_and_hears_nothing() {
    let (club, bot) = club().await;
    club.ending(7, club.world.now() - days(1)).await;
    assert_eq!(club.guard().await["closed"], 1);
    club.moves(7, club.world.now() + days(30)).await;
    delivered(&club, 3).await;
    assert_eq!(called(&bot, "banChatMember"), []);
    assert_eq!((bot.called("sendMessage").len(), club.told("kick").await.len()), (0, 0));
}

#[tokio::test]
async fn a_kick_that_comes_after_a_payment_lets_in() {
    let (club, bot) = club().await;
    club.ending(7, club.world.now() - days(1)).await;
    club.guard().await;
    bot.feel(BotMood::refusing(500, "Internal Server Error"));
    delivered(&club, 3).await;
    let tried = called(&bot, "banChatMember").len();
    assert!(tried >= 2, "{tried}");
    club.moves(7, club.world.now() + days(30)).await;
    bot.feel(BotMood::Fine);
    club.pass(2);
    delivered(&club, 2).await;
    assert_eq!(called(&bot, "banChatMember").len(), tried);
    assert_eq!(called(&bot, "unbanChatMember"), CHATS.map(|chat| (chat, 7)));
    let kicks = club.world.items("Outbox").await;
    let kicks: Vec<_> =
        kicks.iter().filter(|row| row["payload"]["M"]["message"]["S"] == "kick").collect();
    assert!(kicks.len() == 2 && kicks.iter().all(|row| row["state"]["S"] == "sent"), "{kicks:?}");
}

#[tokio::test]
async fn a_store_that_fails_leaves_a_closing_to_a_later_delivery() {
    let (club, bot) = club().await;
    club.ending(7, club.world.now() - days(1)).await;
    club.guard().await;
    let fault = engine::Fault::new(engine::Target::Dynamodb, engine::FaultKind::Error)
        .operation("GetItem")
        .when(engine::When::Calls((1..8).collect()))
        .caller("local-club-outbox-deliver");
    club.world.engine.faults().inject(fault);
    delivered(&club, 1).await;
    club.world.engine.faults().clear();
    delivered(&club, 4).await;
    assert_eq!(called(&bot, "banChatMember"), CHATS.map(|chat| (chat, 7)));
    assert_eq!(bot.called("sendMessage").len(), 1);
}
