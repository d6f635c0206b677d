//! Lists of reviews: about me, by me, by stars, page by page.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::{Person, World};

use super::{listed, review};
use crate::scene::{busy, completed, leap, rich};

const STARS: [i64; 9] = [5, 4, 5, 3, 5, 1, 5, 4, 5];

/// A client who reviewed one executor nine times, a minute apart, and what was written.
async fn history(world: &World) -> (Person, Person, Vec<i64>) {
    let (client, executor) = (world.person(1, "Иван").await, rich(world, 2).await);
    let mut ids = Vec::new();
    for (n, stars) in STARS.into_iter().enumerate() {
        let contact = format!("contact {n}");
        let order = completed(&client, &contact, std::slice::from_ref(&executor)).await;
        let made = review(&client, &order, None, stars).await.ok();
        ids.insert(0, made["review_id"].as_i64().unwrap());
        if n % 2 == 0 {
            leap(world, 60).await;
        }
    }
    world.idle().await;
    (client, executor, ids)
}

fn ids(list: &[Value]) -> Vec<i64> {
    list.iter().map(|review| review["id"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a22_about_me_and_by_me_are_two_sides() {
    let world = busy!();
    let (client, executor, all) = history(&world).await;
    let stranger = world.person(3, "Чужой").await;
    let sorted = |list: &[Value]| ids(list).into_iter().collect::<BTreeSet<_>>();
    let wanted: BTreeSet<i64> = all.iter().copied().collect();
    for query in ["?mine=true", "?about_me=true", "?mine=true&about_me=true"] {
        assert_eq!(sorted(&listed(&executor, query).await), wanted, "{query}");
        assert_eq!(listed(&client, query).await.len(), 0, "{query}");
    }
    assert_eq!(sorted(&listed(&client, "?by_me=true").await), wanted);
    assert_eq!(listed(&executor, "?by_me=true").await.len(), 0);
    for query in ["?by_me=true&mine=true", "?by_me=true&about_me=true"] {
        for person in [&client, &executor] {
            assert_eq!(listed(person, query).await.len(), 0, "{query}");
        }
    }
    for query in ["?mine=true", "?by_me=true"] {
        assert_eq!(listed(&stranger, query).await.len(), 0, "{query}");
    }
    assert_eq!(sorted(&listed(&stranger, "").await), wanted);
    let list = listed(&stranger, "").await;
    let times: Vec<&str> = list.iter().map(|one| one["created_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "newest first: {times:?}");
}

/// All pages of a list; page data is in headers.
async fn walked(person: &Person, query: &str, limit: usize) -> Vec<i64> {
    let mut found = Vec::new();
    let mut path = format!("/api/reviews?limit={limit}{query}");
    loop {
        let answer = person.get(&path).await;
        let page = answer.is(200).json().as_array().unwrap().clone();
        let cost = answer.cost().unwrap();
        assert!(cost.items == 0 && cost.requests == 1, "{path}: {cost:?}");
        assert!(page.len() <= limit);
        found.extend(ids(&page));
        let total: usize = answer.must("x-total-count").parse().unwrap();
        assert!(total >= found.len(), "{answer}");
        let Some(cursor) = answer.header("x-next-cursor") else {
            assert!(answer.header("link").is_none(), "{answer}");
            return found;
        };
        let link = answer.must("link");
        assert!(link.starts_with('<') && link.ends_with(">; rel=\"next\""), "{link}");
        assert!(link.contains(cursor), "{link}");
        path = format!("/api/reviews?limit={limit}{query}&cursor={cursor}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a22_stars_and_cursors_work_in_every_list() {
    let world = busy!();
    let (client, executor, all) = history(&world).await;
    for (person, scope) in [
        (&client, ""),
        (&client, "&by_me=true"),
        (&executor, "&about_me=true"),
        (&executor, "&mine=true"),
    ] {
        let whole = walked(person, scope, 100).await;
        assert_eq!(whole.iter().collect::<BTreeSet<_>>(), all.iter().collect(), "{scope}");
        for limit in [1, 2, 4, 9] {
            assert_eq!(walked(person, scope, limit).await, whole, "{scope} {limit}");
        }
        for (stars, count) in [(5, 5), (4, 2), (3, 1), (2, 0), (1, 1)] {
            let query = format!("{scope}&rating={stars}");
            let some = walked(person, &query, 100).await;
            assert_eq!(some.len(), count, "{query}");
            assert_eq!(walked(person, &query, 1).await, some, "{query}");
            for one in listed(person, &format!("?{}", &query[1..])).await {
                assert_eq!(one["rating"], stars, "{one}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a22_a_cursor_stays_with_its_list() {
    let world = busy!();
    let (client, executor, _) = history(&world).await;
    let first = executor.get("/api/reviews?about_me=true&limit=1").await;
    let cursor = first.must("x-next-cursor").to_owned();
    executor.get(&format!("/api/reviews?about_me=true&cursor={cursor}")).await.is(200);
    for (person, query) in [
        (&client, "about_me=true"),
        (&executor, "by_me=true"),
        (&executor, "about_me=true&rating=5"),
        (&executor, "limit=1"),
    ] {
        let answer = person.get(&format!("/api/reviews?{query}&cursor={cursor}")).await;
        assert_eq!(answer.is(422).refusal()["detail"], "Invalid cursor", "{answer}");
    }
}
