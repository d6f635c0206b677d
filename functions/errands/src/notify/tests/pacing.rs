//! The pace of several senders at once, by a clock that the test moves.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use shared::clock::Instant;

use super::town::Town;
use crate::notify::pace::Pace;
use crate::notify::{Notice, Told, send};
use crate::testing::World;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// No second, wherever it begins, holds more than `most`.
fn assert_at_most(slots: &mut [Instant], most: usize) {
    slots.sort_unstable();
    for start in slots.iter() {
        let second = *start..*start + SECOND;
        let within = slots.iter().filter(|slot| second.contains(slot)).count();
        assert!(within <= most, "{within} from {start}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_senders_share_thirty_slots_a_second() {
    let world = Arc::new(World::new().await);
    let pace = Pace::of(&world.app.settings);
    let mut slots: Vec<Instant> = Vec::new();
    // Each sender wants a slot all the time; whoever is told to come again does so later.
    for _ in 0..40 {
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let world = Arc::clone(&world);
            senders.spawn(async move {
                let mut taken = Vec::new();
                while let Ok(slot) = pace.slot(world.table(), world.now()).await.unwrap() {
                    taken.push(slot);
                }
                taken
            });
        }
        slots.extend(senders.join_all().await.into_iter().flatten());
        world.pass(std::time::Duration::from_millis(100));
    }
    // Four seconds, and what was taken ahead: nothing is left unused, nothing is given twice.
    assert!((4 * 30..=4 * 30 + 16).contains(&slots.len()), "{}", slots.len());
    assert_at_most(&mut slots, 30);
    slots.dedup();
    assert!(slots.len() >= 4 * 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_senders_let_one_message_a_second_into_a_chat() {
    let world = Arc::new(World::new().await);
    let pace = Pace::of(&world.app.settings);
    let mut entered: BTreeMap<i64, Vec<Instant>> = BTreeMap::new();
    for _ in 0..35 {
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..8 {
            let (world, chat) = (Arc::clone(&world), sender % 2);
            senders.spawn(async move {
                let now = world.now();
                let entered = pace.enter(world.table(), chat, now).await.unwrap();
                (chat, entered.ok().map(|_| now))
            });
        }
        for (chat, at) in senders.join_all().await {
            entered.entry(chat).or_default().extend(at);
        }
        world.pass(std::time::Duration::from_millis(100));
    }
    for slots in entered.values_mut() {
        assert_eq!(slots.len(), 4);
        assert_at_most(slots, 1);
    }
}

#[tokio::test]
async fn a_hold_holds_everybody_and_is_never_shortened() {
    let world = World::new().await;
    let (table, now) = (world.table(), world.now());
    let pace = Pace::of(&world.app.settings);
    pace.hold(table, now + SECOND * 30).await.unwrap();
    pace.hold(table, now + SECOND * 10).await.unwrap();
    assert_eq!(pace.slot(table, now).await.unwrap(), Err(now + SECOND * 30));
    let rows = table.batch(&Pace::keys(7)).await.unwrap();
    assert_eq!(pace.too_early(&rows, 7, now), Some(now + SECOND * 30));
    world.pass(std::time::Duration::from_secs(30));
    assert_eq!(pace.slot(table, world.now()).await.unwrap(), Ok(world.now()));
    assert_eq!(pace.too_early(&rows, 7, world.now()), None);
}

#[tokio::test]
async fn the_pace_follows_the_settings() {
    let settings = [("TELEGRAM_MSGS_PER_SECOND", "3"), ("TELEGRAM_MSGS_PER_CHAT_PER_SECOND", "20")];
    let world = World::with(&settings).await;
    let pace = Pace::of(&world.app.settings);
    let now = world.now();
    assert!(pace.slot(world.table(), now).await.unwrap().is_ok());
    let next = pace.slot(world.table(), now).await.unwrap();
    assert_eq!(next, Err(now + SignedDuration::from_micros(333_334)));
    let busy = pace.enter(world.table(), 1, now).await.unwrap();
    assert_eq!(busy, Ok(now + SignedDuration::from_millis(50)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_senders_at_once_send_each_notice_once() {
    let town = Arc::new(Town::open().await);
    let people = 4_300_000_100..4_300_000_140;
    for id in people.clone() {
        town.world.known(id, "Иван").await;
        let told = Told::OrderClosed { category: "Другое".to_owned() };
        let notice = Notice::about_order(id, "x", told, town.world.now());
        for _ in 0..3 {
            town.ask(&notice).await;
        }
    }
    let mut rounds = 0;
    while town.world.depth("notices") > 0 {
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let town = Arc::clone(&town);
            senders.spawn(async move { town.world.deliver(send(), "notices").await });
        }
        senders.join_all().await;
        // Whoever found a notice claimed comes again when the claim would have ended.
        town.pass(if rounds < 8 { 1 } else { 31 });
        rounds += 1;
        assert!(rounds < 40, "{} left", town.world.depth("notices"));
    }
    let mut chats: Vec<_> = town.bot.sent().iter().map(|sent| sent.chat).collect();
    chats.sort_unstable();
    assert_eq!(chats, people.collect::<Vec<_>>());
}
