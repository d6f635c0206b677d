//! One notice on its way to Telegram.

use serde_json::json;
use shared::table::Write;

use super::bot::Mood;
use super::town::{CLIENT, Town, offer, order};
use crate::events;
use crate::notify::{Notice, State, Told, send};
use crate::users::user_key;

const ANNA: i64 = 4_300_000_101;

fn closed(town: &Town, user: i64, order: &str) -> Notice {
    let told = Told::OrderClosed { category: "Другое".to_owned() };
    Notice::about_order(user, order, told, town.world.now())
}

async fn town() -> Town {
    let town = Town::open().await;
    town.world.known(ANNA, "Анна").await;
    town
}

/// Asks for a notice to Anna, and answers its id.
async fn asked(town: &Town) -> String {
    let notice = closed(town, ANNA, "x");
    town.ask(&notice).await;
    notice.id
}

#[tokio::test]
async fn a_notice_is_sent_once_however_often_it_is_asked_for_and_hinted_at() {
    let town = town().await;
    for _ in 0..5 {
        asked(&town).await;
    }
    assert_eq!(town.world.depth("notices"), 5);
    town.settle().await;
    let id = asked(&town).await;
    // Whoever found it claimed comes again once the claim would have ended.
    town.pass(61);
    town.settle().await;
    assert_eq!(town.world.depth("notices"), 0);
    assert_eq!(town.bot.texts(ANNA), ["🚪 Клиент закрыл заказ «Другое»."]);
    assert_eq!((town.notice(&id).await.state, town.bot.calls()), (State::Sent, 1));
}

#[tokio::test]
async fn a_delivery_takes_one_read_and_four_writes() {
    let town = town().await;
    let id = asked(&town).await;
    let instance = town.world.start(send()).await;
    let event = json!({ "Records": [{
        "messageId": "1", "body": json!({ "notice_id": id, "v": 1 }).to_string(),
        "attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs",
    }] });
    let (answer, cost) = town.world.run(&instance, &event).await;
    assert_eq!(answer.unwrap()["batchItemFailures"], json!([]));
    assert_eq!((cost.requests, cost.items, cost.messages), (5, 4, 0));
    assert_eq!(town.world.run(&instance, &event).await.1.requests, 1);
}

#[tokio::test]
async fn a_flood_waits_as_told_and_holds_the_others() {
    let town = town().await;
    town.world.known(ANNA + 1, "Борис").await;
    town.bot.next(&[Mood::Flooded(7)]);
    asked(&town).await;
    town.settle().await;
    town.ask(&closed(&town, ANNA + 1, "x")).await;
    town.settle().await;
    assert_eq!((town.bot.calls(), town.bot.sent().len()), (1, 0));
    town.run(6).await;
    assert_eq!(town.bot.calls(), 1);
    town.run(3).await;
    assert_eq!((town.bot.calls(), town.bot.sent().len()), (3, 2));
    let notice = town.notice(&closed(&town, ANNA, "x").id).await;
    assert_eq!((notice.state, notice.failures), (State::Sent, 0));
}

#[tokio::test]
async fn who_blocked_the_bot_is_sent_nothing_until_they_ask_again() {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    town.order(1).await;
    town.run(1).await;
    town.order(2).await;
    town.run(1).await;
    town.bot.mood(ANNA, Mood::Blocked);
    let refused = asked(&town).await;
    town.run(2).await;
    assert_eq!(town.notice(&refused).await.state, State::Refused);
    let user = town.world.user(ANNA).await;
    assert_eq!((user.notifications, user.bot_blocked), (false, true));
    assert_eq!(town.world.items("Subscription").await.len(), 0);
    let calls = town.bot.calls();
    // Neither a participant's notice nor an offer nor the digest that waited.
    town.bot.mood(ANNA, Mood::Fine);
    town.ask(&closed(&town, ANNA, "y")).await;
    town.order(3).await;
    town.run(2).await;
    town.pass(600);
    town.run(2).await;
    assert_eq!((town.bot.calls(), town.bot.texts(ANNA)), (calls, vec![offer(1)]));
    let write = Write::update("user", user_key(ANNA));
    let write = write.set("notifications", true).set("bot_blocked", false);
    town.world.table().write(write).await.unwrap();
    town.follow().await;
    town.ask(&closed(&town, ANNA, "z")).await;
    town.run(2).await;
    town.order(4).await;
    town.run(2).await;
    assert_eq!(
        town.bot.texts(ANNA)[1..],
        ["🚪 Клиент закрыл заказ «Другое».".to_owned(), offer(4)]
    );
}

#[tokio::test]
async fn a_failure_comes_again_five_times_and_then_is_a_dead_letter() {
    let town = town().await;
    town.bot.mood(ANNA, Mood::Failing);
    let id = asked(&town).await;
    for (pause, calls) in [1, 2, 4, 8, 16].into_iter().zip(1..) {
        town.settle().await;
        assert_eq!(town.bot.calls(), calls);
        town.pass(pause - 1);
        town.settle().await;
        assert_eq!(town.bot.calls(), calls, "nothing is due yet");
        // What was in flight counts from when it ended.
        town.pass(2);
    }
    assert_eq!(town.world.deliver(send(), "notices").await, (1, 1));
    assert_eq!((town.bot.calls(), town.notice(&id).await.state), (6, State::Dead));
    // It fails until the queue puts it aside, without being tried.
    for _ in 0..4 {
        town.pass(60);
        assert_eq!(town.world.deliver(send(), "notices").await, (1, 1));
    }
    assert_eq!((town.bot.calls(), town.bot.sent().len()), (6, 0));
    town.pass(600);
    assert_eq!(town.world.tick(events::sweep()).await.unwrap()["notices"], 0);
}

#[tokio::test]
async fn what_may_have_arrived_is_tried_once_more() {
    let town = town().await;
    town.bot.next(&[Mood::Lost, Mood::Fine]);
    let id = asked(&town).await;
    town.run(3).await;
    assert_eq!((town.bot.sent().len(), town.notice(&id).await.state), (2, State::Sent));
    town.bot.next(&[Mood::Lost, Mood::Lost, Mood::Fine]);
    let other = closed(&town, ANNA, "y");
    town.ask(&other).await;
    for _ in 0..4 {
        town.world.deliver(send(), "notices").await;
        town.pass(2);
    }
    assert_eq!((town.bot.sent().len(), town.notice(&other.id).await.state), (4, State::Dead));
}

#[tokio::test]
async fn what_is_refused_or_nobodys_is_over() {
    let town = town().await;
    town.bot.mood(ANNA, Mood::Unfit);
    let id = asked(&town).await;
    let nobody = closed(&town, 1, "x");
    town.ask(&nobody).await;
    town.run(2).await;
    assert_eq!((town.bot.calls(), town.notice(&id).await.state), (1, State::Refused));
    assert_eq!(town.notice(&nobody.id).await.state, State::Skipped);
    assert!(!town.world.user(ANNA).await.bot_blocked);
}

#[tokio::test]
async fn a_chat_gets_one_message_a_second() {
    let town = town().await;
    for order in ["x", "y", "z"] {
        town.ask(&closed(&town, ANNA, order)).await;
    }
    for sent in 1..=3 {
        town.settle().await;
        assert_eq!(town.bot.sent().len(), sent);
        town.pass(2);
    }
}

/// Somebody claims the notice and is never heard of again.
async fn lost(town: &Town, id: &str, crashes: u32) {
    let until = town.world.now() + jiff::SignedDuration::from_secs(60);
    let write = Write::update("claim", Notice::key_of(id))
        .set("owner", "somebody who died")
        .set("claimed_until", until)
        .set("crashes", crashes)
        .add("fence", 1);
    town.world.table().write(write).await.unwrap();
}

#[tokio::test]
async fn a_claim_that_was_lost_with_its_process_is_taken_over_after_a_growing_pause() {
    let town = town().await;
    let id = asked(&town).await;
    for (crashes, pause) in [(0, 0), (1, 60), (4, 480), (40, 900)] {
        lost(&town, &id, crashes).await;
        town.bot.next(&[Mood::Failing]);
        let calls = town.bot.calls();
        town.pass(59 + pause);
        town.settle().await;
        assert_eq!(town.bot.calls(), calls, "the claim still holds: {crashes}");
        town.pass(1);
        town.settle().await;
        assert_eq!(town.bot.calls(), calls + 1, "{crashes}");
        let notice = town.notice(&id).await;
        assert_eq!((notice.state, notice.crashes), (State::Pending, crashes + 1));
    }
    town.run(10).await;
    assert_eq!((town.bot.sent().len(), town.notice(&id).await.state), (1, State::Sent));
}

#[tokio::test]
async fn senders_that_die_one_after_another_lose_no_notice() {
    let town = town().await;
    let id = asked(&town).await;
    for at in 0..12_u32 {
        // With the message in flight, or before it.
        let plan = engine::CrashPlan {
            caller: Some("local-errands-notify-send".to_owned()),
            at: 2 + u64::from(at % 3),
            mode: engine::CrashMode::Before,
        };
        town.world.engine.faults().crash(plan);
        town.settle().await;
        assert!(town.world.engine.faults().crashed(), "{at}");
        town.world.engine.faults().clear();
        assert_eq!(
            (town.notice(&id).await.state, town.notice(&id).await.crashes),
            (State::Pending, at)
        );
        // Its hints are among the dead letters by now: what is left is the sweep.
        town.world.engine.queues().purge("notices").unwrap();
        // The claim, the longest pause, what the sweep waits for, and the time that a try took.
        town.pass(60 + 900 + 60 + 10);
        town.world.tick(events::sweep()).await.unwrap();
    }
    town.run(2).await;
    assert_eq!(town.notice(&id).await.state, State::Sent);
}

#[tokio::test]
async fn a_notice_whose_senders_die_for_a_day_is_a_dead_letter() {
    let town = town().await;
    let id = asked(&town).await;
    lost(&town, &id, 95).await;
    town.pass(86_399);
    town.bot.next(&[Mood::Failing]);
    town.settle().await;
    assert_eq!((town.bot.calls(), town.notice(&id).await.state), (1, State::Pending));
    lost(&town, &id, 96).await;
    town.pass(961);
    // It fails until the queue puts it aside, where an alarm is raised, without being tried.
    for _ in 0..2 {
        assert_eq!(town.world.deliver(send(), "notices").await, (1, 1));
        assert_eq!((town.bot.calls(), town.notice(&id).await.state), (1, State::Dead));
        town.pass(60);
    }
    assert_eq!(town.world.tick(events::sweep()).await.unwrap()["notices"], 0);
}

#[tokio::test]
async fn notices_whose_hints_were_lost_are_found_by_the_sweep() {
    let town = town().await;
    for n in 0..5 {
        town.world.known(ANNA + n, "Анна").await;
        town.ask(&closed(&town, ANNA + n, "x")).await;
    }
    town.world.engine.queues().purge("notices").unwrap();
    town.pass(59);
    assert_eq!(town.world.tick(events::sweep()).await.unwrap()["notices"], 0);
    town.pass(1);
    assert_eq!(town.world.tick(events::sweep()).await.unwrap()["notices"], 5);
    town.run(2).await;
    assert_eq!(town.bot.sent().len(), 5);
    town.pass(60);
    assert_eq!(town.world.tick(events::sweep()).await.unwrap()["notices"], 0);
}

#[tokio::test]
async fn sweeps_do_not_multiply_the_hints_of_a_long_queue() {
    let town = Town::with(&[("TELEGRAM_MSGS_PER_SECOND", "1")]).await;
    for n in 0..80 {
        town.world.known(ANNA + n, "Анна").await;
        town.ask(&closed(&town, ANNA + n, "x")).await;
    }
    town.run(60).await;
    let swept = town.world.tick(events::sweep()).await.unwrap()["notices"].as_u64().unwrap();
    assert!(swept > 10, "{swept}");
    town.run(5).await;
    let unsent = 80 - i64::try_from(town.bot.sent().len()).unwrap();
    let hints = i64::try_from(town.world.depth("notices")).unwrap();
    assert!(hints <= unsent + 2, "{hints} hints at {unsent} notices");
    town.run(90).await;
    assert_eq!(town.bot.sent().len(), 80);
}

#[tokio::test]
async fn a_stale_hint_is_as_good_as_any_in_its_turn() {
    let town = town().await;
    let id = asked(&town).await;
    town.pass(60);
    assert_eq!(town.world.tick(events::sweep()).await.unwrap()["notices"], 1);
    assert_eq!((town.world.depth("notices"), town.notice(&id).await.hints), (2, 1));
    town.bot.next(&[Mood::Flooded(30)]);
    town.settle().await;
    town.run(61).await;
    assert_eq!(town.bot.sent().len(), 1);
    town.pass(60);
    town.settle().await;
    assert_eq!((town.bot.sent().len(), town.world.depth("notices")), (1, 0));
}

#[tokio::test]
async fn without_a_name_of_the_bot_the_app_is_to_be_opened() {
    let town = Town::with(&[("TELEGRAM_BOT_USERNAME", " ")]).await;
    town.subscriber(ANNA).await;
    town.post(&order(1, town.world.now())).await;
    town.run(1).await;
    let texts = town.bot.texts(ANNA);
    assert!(texts[0].ends_with("!\n\nОткройте приложение, чтобы посмотреть детали."), "{texts:?}");
    assert_eq!(town.bot.texts(CLIENT).len(), 0);
}
