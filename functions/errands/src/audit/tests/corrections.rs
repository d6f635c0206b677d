//! Counters of feeds that went wrong.

use std::collections::BTreeMap;

use super::{EXECUTOR, review, sound};
use crate::audit::check;
use crate::audit::feeds::Correction;
use crate::events::{Event, Feed, FeedCounter};
use crate::notify::tests::town::{CLIENT, Town, facts, order};
use crate::orders::{Order, Status};
use crate::users::User;

async fn said(town: &Town, feed: &Feed) -> i64 {
    let rows = town.world.table().batch(&FeedCounter::keys(feed)).await.unwrap();
    rows.iter().map(|item| item.read::<FeedCounter>().unwrap().count).sum()
}

fn feeds(status: Status) -> Vec<Feed> {
    Feed::of(status, "нижний новгород", "Клининг")
}

#[tokio::test]
async fn counters_that_never_were_fed_are_set_right() {
    // Its orders were put without their events.
    let town = sound().await;
    let report = check(&town.world.app).await.unwrap();
    assert_eq!((report.corrections.len(), report.violations.len()), (8, 0));
    for (status, expected) in [(Status::Active, 2), (Status::Expired, 1), (Status::Completed, 0)] {
        for feed in feeds(status) {
            assert_eq!(said(&town, &feed).await, expected, "{feed:?}");
        }
    }
    assert_eq!(check(&town.world.app).await.unwrap().corrections, []);
}

#[tokio::test]
async fn a_counter_of_an_empty_feed_is_set_right_too() {
    let town = Town::open().await;
    let created = town.order(1).await;
    town.follow().await;
    let feed = &feeds(Status::Completed)[3];
    town.world.table().write(FeedCounter::change(feed, 2, 7)).await.unwrap();
    let report = check(&town.world.app).await.unwrap();
    assert_eq!(report.corrections.len(), 1);
    let correction = &report.corrections[0];
    assert_eq!((&correction.feed, correction.from, correction.to), (feed, 7, 0));
    assert_eq!(said(&town, feed).await, 0);
    assert_eq!(said(&town, &feeds(created.status)[0]).await, 1);
}

#[tokio::test]
async fn counters_of_reviews_are_set_right() {
    let town = Town::open().await;
    let feeds = [Feed::of_reviews(None), Feed::of_reviews(Some(4)), Feed::of_reviews(Some(1))];
    town.world.put(&review(town.world.now())).await;
    town.change(CLIENT, |user| user.given_4 = 1).await;
    town.world.known(EXECUTOR, "Иван").await;
    town.change(EXECUTOR, |user| {
        *user = User { rating_sum: 4, rating_count: 1, rated_4: 1, ..user.clone() };
    })
    .await;
    for (feed, by) in feeds.iter().zip([1, 7, 2]) {
        town.world.table().write(FeedCounter::change(feed, 2, by)).await.unwrap();
    }
    let corrections = check(&town.world.app).await.unwrap().corrections;
    let corrected =
        |(n, from, to): (usize, i64, i64)| Correction { feed: feeds[n].clone(), from, to };
    let found: BTreeMap<_, _> = corrections.iter().map(|c| (c.feed.clone(), c.clone())).collect();
    let expected = [(1, 7, 1), (2, 2, 0)].map(corrected).map(|c| (c.feed.clone(), c));
    assert_eq!((corrections.len(), found), (2, expected.into()));
    for (feed, expected) in feeds.iter().zip([1, 1, 0]) {
        assert_eq!(said(&town, feed).await, expected, "{feed:?}");
    }
    assert_eq!(check(&town.world.app).await.unwrap().corrections, []);
}

#[tokio::test]
async fn what_is_still_to_be_published_is_no_mistake() {
    let town = Town::open().await;
    town.order(1).await;
    town.follow().await;
    // Committed and not counted yet.
    let ended = Order { status: Status::Completed, ..order(1, town.world.now()) };
    let event = Event::OrderEnded {
        order: facts(&ended),
        from: Status::Active,
        to: Status::Completed,
        by_clock: false,
        refunded: Vec::new(),
    };
    town.put_with(&ended, event).await;
    assert_eq!(check(&town.world.app).await.unwrap().corrections, []);
    town.follow().await;
    assert_eq!(check(&town.world.app).await.unwrap().corrections, []);
    assert_eq!(said(&town, &feeds(Status::Active)[0]).await, 0);
    assert_eq!(said(&town, &feeds(Status::Completed)[0]).await, 1);
}
