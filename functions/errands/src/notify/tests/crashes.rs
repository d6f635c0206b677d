//! The process dies at every call to a store, or the store fails it; what comes after heals it.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};
use serde_json::json;

use super::town::Town;
use crate::events;
use crate::notify::{Notice, State, Told, digest_sweep, index};

const ANNA: i64 = 4_300_000_101;
const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

async fn town() -> Town {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    town
}

/// From now on, `function` dies at its call number `at`.
fn doom(town: &Town, function: &str, at: u64, mode: CrashMode) {
    let caller = Some(format!("local-{function}"));
    town.world.engine.faults().crash(CrashPlan { caller, at, mode });
}

/// The next process begins. Answers whether the one before had died.
fn revive(town: &Town) -> bool {
    let died = town.world.engine.faults().crashed();
    town.world.engine.faults().clear();
    died
}

/// What was in flight comes again, and the sweeps run.
async fn heal(town: &Town) {
    for _ in 0..3 {
        town.pass(60);
        for sweep in [events::sweep(), digest_sweep()] {
            town.world.tick(sweep).await.unwrap();
        }
        town.run(2).await;
    }
}

/// Each of these orders is in exactly one message, and nothing is left to be done.
async fn assert_each_told_once(town: &Town, orders: std::ops::RangeInclusive<u32>, what: &str) {
    let all = town.bot.texts(ANNA).join("\n");
    for n in orders {
        let link = format!("order_order-{n:06}");
        assert_eq!(all.matches(&link).count(), 1, "{what}: {n} in {all}");
    }
    for notice in town.world.items("Notice").await {
        assert_eq!(notice["state"]["S"], "sent", "{what}: {notice}");
    }
}

#[tokio::test]
async fn a_fan_out_that_dies_anywhere_tells_once() {
    for mode in MODES {
        for at in 0.. {
            let town = town().await;
            doom(&town, "errands-notify-fanout", at, mode);
            for n in 1..=3 {
                town.order(n).await;
                town.run(1).await;
            }
            let died = revive(&town);
            heal(&town).await;
            town.pass(600);
            heal(&town).await;
            assert_each_told_once(&town, 1..=3, &format!("{mode:?} at {at}")).await;
            if !died {
                assert!(at >= 12, "{at}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_digest_that_dies_anywhere_is_sent_once() {
    for (function, swept) in [("errands-notify-digest", false), ("errands-digest-sweep", true)] {
        for mode in MODES {
            for at in 0.. {
                let town = town().await;
                for n in 1..=3 {
                    town.order(n).await;
                    town.run(1).await;
                }
                doom(&town, function, at, mode);
                town.pass(if swept { 700 } else { 600 });
                if swept {
                    town.world.engine.queues().purge("digests").unwrap();
                    drop(town.world.tick(digest_sweep()).await);
                }
                town.run(2).await;
                let died = revive(&town);
                heal(&town).await;
                assert_each_told_once(&town, 1..=3, &format!("{function} {mode:?} at {at}")).await;
                assert_eq!(town.bot.sent().len(), 2);
                if !died {
                    assert!(at >= 4, "{at}");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_sender_that_dies_anywhere_repeats_at_most_what_was_in_flight() {
    for mode in MODES {
        for at in 0.. {
            let town = town().await;
            let told = Told::OrderClosed { category: "Другое".to_owned() };
            let notice = Notice::about_order(ANNA, "x", told, town.world.now());
            town.ask(&notice).await;
            doom(&town, "errands-notify-send", at, mode);
            town.settle().await;
            let in_flight = town.bot.sent().len();
            let died = revive(&town);
            heal(&town).await;
            let what = format!("{mode:?} at {at}");
            assert_eq!(town.notice(&notice.id).await.state, State::Sent, "{what}");
            // Whoever died after the end was written knows that it left.
            let ended = !died || (at == 4 && mode != CrashMode::Before);
            let repeats = usize::from(in_flight == 1 && !ended);
            assert_eq!(town.bot.sent().len(), 1 + repeats, "{what}");
            if !died {
                assert_eq!(at, 5);
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_index_that_dies_anywhere_follows_all_the_same() {
    for mode in MODES {
        for at in 0.. {
            let town = town().await;
            for n in 1..=3 {
                town.order(n).await;
                town.run(1).await;
            }
            town.change(ANNA, |user| {
                user.cities.push("Тула".to_owned());
                user.frequency = Some(5);
            })
            .await;
            let event = town.changes().await.of("User");
            doom(&town, "errands-subscriptions-index", at, mode);
            let instance = town.world.start(index()).await;
            let answer = town.world.run(&instance, &event).await.0.unwrap();
            let died = revive(&town);
            if answer["batchItemFailures"] != json!([]) {
                town.tell(index(), &event).await;
            }
            assert_eq!(town.world.items("Subscription").await.len(), 2, "{mode:?} at {at}");
            // The digest was re-timed, or is found by the sweep.
            town.pass(300);
            heal(&town).await;
            assert_each_told_once(&town, 1..=3, &format!("{mode:?} at {at}")).await;
            if !died {
                assert_eq!(at, 5);
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_any_call_once_changes_nothing_for_good() {
    let functions = ["errands-notify-fanout", "errands-notify-digest", "errands-notify-send"];
    for kind in [FaultKind::Conflict, FaultKind::LostAnswer, FaultKind::Error] {
        for function in functions {
            for nth in 0..6 {
                let town = town().await;
                let fault = Fault::new(Target::Dynamodb, kind)
                    .when(When::Calls(vec![nth]))
                    .caller(&format!("local-{function}"));
                town.world.engine.faults().inject(fault);
                for n in 1..=3 {
                    town.order(n).await;
                    town.run(1).await;
                }
                heal(&town).await;
                // What came late waits for another digest.
                for _ in 0..2 {
                    town.pass(600);
                    heal(&town).await;
                }
                town.world.engine.faults().clear();
                let what = format!("{function} {kind:?} at {nth}");
                assert_each_told_once(&town, 1..=3, &what).await;
            }
        }
    }
}
