//! Lists, their pages and their cursors.

use proptest::prelude::*;
use shared::clock::Instant;
use shared::settings::Secret;

use super::super::items::Review;
use super::super::list::{List, Whose, said};
use super::{CLIENT, EXECUTORS};
use crate::testing::World;

/// `n` reviews of changing clients, executors and ratings, some within one microsecond.
async fn written(world: &World, n: i64) -> Vec<Review> {
    let mut all = Vec::new();
    for i in 0..n {
        let review = Review {
            id: 9_007_199_254_740_000 + i,
            order_id: format!("order-{i:06}"),
            client_id: CLIENT + i % 2,
            executor_id: EXECUTORS[usize::try_from(i % 3).unwrap()],
            author_name: "Анна".to_owned(),
            rating: 1 + i % 5,
            comment: None,
            category: "Другое".to_owned(),
            city: "Москва".to_owned(),
            created_at: world.now() + jiff::SignedDuration::from_micros(i / 4),
        };
        world.put(&review).await;
        all.push(review);
    }
    all.sort_by_key(|review| std::cmp::Reverse(review.place()));
    all
}

#[tokio::test]
async fn every_list_pages_without_gap_or_repeat() {
    let world = World::new().await;
    let all = written(&world, 61).await;
    let secret = Secret::new("0123456789abcdef0123456789abcdef");
    for whose in [Whose::All, Whose::About(EXECUTORS[1]), Whose::By(CLIENT), Whose::By(5)] {
        for rating in [None, Some(1), Some(5)] {
            let expected: Vec<i64> = all
                .iter()
                .filter(|review| match whose {
                    Whose::All => true,
                    Whose::About(id) => review.executor_id == id,
                    Whose::By(id) => review.client_id == id,
                })
                .filter(|review| rating.is_none_or(|rating| rating == review.rating))
                .map(|review| review.id)
                .collect();
            let list = List { whose, rating };
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = list.page(world.table(), after, 5, None).await.unwrap();
                assert!(page.reviews.0.len() == 5 || page.next.is_none());
                found.extend(page.reviews.0.iter().map(|review| review.id));
                let Some(place) = page.next else { break };
                let cursor = list.seal(place, Some(CLIENT), &secret);
                after = list.open(&cursor, Some(CLIENT), &secret);
                assert!(after.is_some());
            }
            assert_eq!(found, expected, "{list:?}");
        }
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_list_and_caller_only() {
    let world = World::new().await;
    written(&world, 20).await;
    let secret = Secret::new("0123456789abcdef0123456789abcdef");
    let list = List { whose: Whose::All, rating: None };
    let place = list.page(world.table(), None, 5, None).await.unwrap().next.unwrap();
    let cursor = list.seal(place, None, &secret);
    assert!(list.open(&cursor, None, &secret).is_some());
    assert_eq!(list.open(&cursor, Some(CLIENT), &secret), None);
    for other in [
        List { rating: Some(5), ..list },
        List { whose: Whose::About(CLIENT), ..list },
        List { whose: Whose::By(CLIENT), ..list },
    ] {
        assert_eq!(other.open(&cursor, None, &secret), None);
    }
}

#[tokio::test]
async fn the_authors_id_is_in_no_cursor_of_others() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let world = World::new().await;
    written(&world, 20).await;
    let secret = Secret::new("0123456789abcdef0123456789abcdef");
    for whose in [Whose::All, Whose::About(EXECUTORS[0])] {
        let list = List { whose, rating: None };
        let place = list.page(world.table(), None, 5, None).await.unwrap().next.unwrap();
        let sealed = URL_SAFE_NO_PAD.decode(list.seal(place, None, &secret)).unwrap();
        let text = String::from_utf8_lossy(&sealed).into_owned();
        assert!(!text.contains(&CLIENT.to_string()[..9]), "{text}");
    }
}

#[tokio::test]
async fn a_check_is_one_query_and_names_all_reviewed() {
    let world = World::new().await;
    let now = world.now();
    for (i, executor_id) in (0..).zip(EXECUTORS) {
        let review = Review { executor_id, id: 10 - i, ..first(now) };
        world.put(&review).await;
    }
    let (meter, reviewed) = (shared::meter::Meter::default(), said);
    let found = meter.watch(reviewed(world.table(), CLIENT, "abcdefghijkl", None)).await.unwrap();
    assert_eq!(meter.choke().requests, 1);
    assert_eq!((found.submitted, found.kind), (true, Some("review")));
    assert_eq!(found.executor_ids, [EXECUTORS[2], EXECUTORS[1], EXECUTORS[0]]);
    for id in ["abcdefghijkm", "abcdefghijk", "#", "x'y"] {
        let found = said(world.table(), CLIENT, id, None).await.unwrap();
        assert_eq!((found.submitted, found.kind, found.executor_ids), (false, None, vec![]));
    }
}

fn first(now: Instant) -> Review {
    Review {
        id: 1,
        order_id: "abcdefghijkl".to_owned(),
        client_id: CLIENT,
        executor_id: EXECUTORS[0],
        author_name: "Анна".to_owned(),
        rating: 5,
        comment: None,
        category: "Другое".to_owned(),
        city: "Москва".to_owned(),
        created_at: now,
    }
}

proptest! {
    #[test]
    fn no_text_is_a_cursor(text in ".*") {
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        let list = List { whose: Whose::All, rating: None };
        prop_assert_eq!(list.open(&text, None, &secret), None);
    }
}
