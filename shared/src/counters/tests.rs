//! Counting, writing, folding and reading against the embedded engine.

use http::HeaderValue;

use super::*;
use crate::lease::Lease;
use crate::table::{Query, testing};

fn at(seconds: i64) -> Instant {
    Instant::from_seconds(1_768_900_000 + seconds)
}

fn counters(table: &Table, setting: &str) -> Counters {
    let environment = [("COUNTERS".to_owned(), setting.to_owned())].into_iter().collect();
    Counters::new(&environment, table.clone(), "club-test")
}

async fn answer(counters: &Counters, status: u16, outcome: Option<&'static str>, now: Instant) {
    let mut headers = HeaderMap::new();
    if let Some(outcome) = outcome {
        headers.insert(X_CACHE, HeaderValue::from_static(outcome));
    }
    let status = StatusCode::from_u16(status).unwrap();
    counters.count(("/a/{id}", &Method::GET), status, (Some("user"), &headers), now);
    counters.keep(now).await;
}

fn of(sums: &Sums, status: u16) -> u64 {
    let answered = Answered { route: "/a/{id}".into(), method: "GET".into(), status };
    sums.requests.get(&answered).copied().unwrap_or_default()
}

#[tokio::test]
async fn an_environment_writes_at_once_and_then_every_ten_seconds() {
    let table = testing::table().await;
    let one = counters(&table, "on");
    answer(&one, 200, Some("MISS"), at(0)).await;
    assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 1);
    answer(&one, 200, Some("HIT"), at(1)).await;
    answer(&one, 404, None, at(9)).await;
    assert_eq!(of(&Sums::read(&table).await.unwrap(), 404), 0, "not yet");
    answer(&one, 200, Some("HIT-304"), at(10)).await;
    let sums = Sums::read(&table).await.unwrap();
    assert_eq!((of(&sums, 200), of(&sums, 404), sums.since), (3, 1, Some(at(0))));
    let expected = Cached { hits: 1, misses: 1, hits304: 1 };
    assert_eq!(sums.caches, BTreeMap::from([("user".to_owned(), expected)]));
}

#[tokio::test]
async fn environments_add_up_and_never_shrink() {
    let table = testing::table().await;
    let (one, two) = (counters(&table, "on"), counters(&table, "on"));
    let mut last = 0;
    for n in 0..50 {
        answer(if n % 3 == 0 { &one } else { &two }, 200, None, at(n * 3)).await;
        let sum = of(&Sums::read(&table).await.unwrap(), 200);
        assert!(sum >= last && sum <= u64::try_from(n).unwrap() + 1);
        last = sum;
    }
    answer(&one, 500, None, at(200)).await;
    answer(&two, 500, None, at(200)).await;
    let sums = Sums::read(&table).await.unwrap();
    assert_eq!((of(&sums, 200), of(&sums, 500)), (50, 2));
}

#[tokio::test]
async fn nothing_is_written_where_counting_is_off() {
    let table = testing::table().await;
    let off = counters(&table, "off");
    answer(&off, 200, None, at(0)).await;
    assert!(Sums::read(&table).await.unwrap().requests.is_empty());
}

#[tokio::test]
async fn what_came_within_the_pause_is_written_by_its_end() {
    let table = testing::table().await;
    let one = counters(&table, "on");
    answer(&one, 200, None, at(0)).await;
    assert!(one.late().is_none(), "there is nothing to wait for");
    answer(&one, 200, None, at(1)).await;
    assert!(!one.begins_to_wait(), "one waits already");
    let late = one.late().unwrap();
    one.write(late).await;
    assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 2);
    assert!(one.late().is_none());
}

#[tokio::test]
async fn a_write_that_comes_late_undoes_nothing() {
    let table = testing::table().await;
    let one = counters(&table, "on");
    answer(&one, 200, None, at(0)).await;
    answer(&one, 200, None, at(1)).await;
    let old = one.late().unwrap();
    answer(&one, 200, None, at(2)).await;
    let new = one.late().unwrap();
    one.write(new).await;
    one.write(old).await;
    assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 3);
    assert!(!one.lock().dirty, "there is nothing to make up for");
}

#[tokio::test]
async fn two_writes_are_never_within_the_pause() {
    let table = testing::table().await;
    let one = counters(&table, "on");
    assert!(one.rest().is_none(), "nothing was written");
    answer(&one, 200, None, at(0)).await;
    answer(&one, 200, None, at(1)).await;
    // A call writes while somebody waits, and then that one waits on.
    answer(&one, 200, None, at(10)).await;
    let rest = one.rest().unwrap();
    assert!(rest > PAUSE / 2, "{rest:?}");
    // And whoever writes late is no earlier call.
    answer(&one, 200, None, at(11)).await;
    let late = one.late().unwrap();
    one.write(late).await;
    answer(&one, 200, None, at(20)).await;
    assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 4, "not yet");
}

/// One run of the job.
async fn run(table: &Table, now: Instant) -> usize {
    let until = Instant::from_seconds(now.seconds() + 60);
    let lease = Lease::acquire(table, "job", now, until).await.unwrap();
    let folded = fold(table, &lease, now, || true).await.unwrap();
    lease.release(table, now).await.unwrap();
    folded
}

/// Items that a reader of all counters meets.
async fn items(table: &Table) -> usize {
    table.query(&Query::partition(PARTITION)).await.unwrap().items.len()
}

#[tokio::test]
async fn ended_environments_become_one_total_and_sums_stay() {
    let table = testing::table().await;
    for n in 0..120 {
        answer(&counters(&table, "on"), 200, Some("MISS"), at(n)).await;
    }
    let alive = counters(&table, "on");
    answer(&alive, 404, None, at(3_600)).await;
    let sums = async || {
        let sums = Sums::read(&table).await.unwrap();
        (of(&sums, 200), of(&sums, 404), sums.caches["user"].misses, sums.since)
    };
    let all = (120, 1, 120, Some(at(0)));
    assert_eq!(run(&table, at(3_599)).await, 0, "any of them may still write");
    assert_eq!((run(&table, at(3_719)).await, items(&table).await), (120, 122));
    assert_eq!(sums().await, all, "no item counts twice beside the total");
    assert_eq!((run(&table, at(4_000)).await, items(&table).await), (0, 2));
    assert_eq!(sums().await, all);
    answer(&counters(&table, "on"), 200, Some("MISS"), at(4_000)).await;
    for _ in 0..3 {
        run(&table, at(9_000)).await;
    }
    assert_eq!((items(&table).await, sums().await), (1, (121, 1, 121, Some(at(0)))));
}

#[tokio::test]
async fn an_environment_that_comes_back_counts_on_in_another_item() {
    let table = testing::table().await;
    let one = counters(&table, "on");
    let mut expected = 0;
    for n in 0..5 {
        for late in [0, 10] {
            answer(&one, 200, None, at(n * 4_000 + late)).await;
            expected += 1;
        }
        for pass in [0, 300] {
            run(&table, at(n * 4_000 + 3_650 + pass)).await;
            assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), expected);
        }
        assert_eq!(items(&table).await, 1);
    }
}

#[tokio::test]
async fn a_write_that_comes_after_its_item_was_folded_counts_nothing_twice() {
    let table = testing::table().await;
    let one = counters(&table, "on");
    answer(&one, 200, None, at(0)).await;
    answer(&one, 200, None, at(1)).await;
    let frozen = one.late().unwrap();
    run(&table, at(3_700)).await;
    run(&table, at(4_000)).await;
    one.write(frozen).await;
    assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 1);
    // What it would have told is told in another item.
    answer(&one, 200, None, at(4_000)).await;
    assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 3);
    assert_eq!(items(&table).await, 2);
}

#[tokio::test]
async fn nobody_writes_late_before_there_is_an_item() {
    let table = testing::table().await;
    let one = counters(&table, "on");
    one.count(("/a/{id}", &Method::GET), StatusCode::OK, (None, &HeaderMap::new()), at(0));
    assert!(!one.begins_to_wait());
    one.keep(at(0)).await;
    one.count(("/a/{id}", &Method::GET), StatusCode::OK, (None, &HeaderMap::new()), at(1));
    assert!(one.begins_to_wait());
    // Somebody waits, and half an hour later another item is begun.
    one.count(("/a/{id}", &Method::GET), StatusCode::OK, (None, &HeaderMap::new()), at(1_800));
    assert!(one.late().is_none());
    one.keep(at(1_800)).await;
    assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 3);
}

#[tokio::test]
async fn who_has_lost_the_lease_folds_nothing() {
    let table = testing::table().await;
    answer(&counters(&table, "on"), 200, None, at(0)).await;
    let old = Lease::acquire(&table, "job", at(1), at(2)).await.unwrap();
    let _new = Lease::acquire(&table, "job", at(2), at(9_000)).await.unwrap();
    assert!(fold(&table, &old, at(8_000), || true).await.is_err());
    assert_eq!((items(&table).await, of(&Sums::read(&table).await.unwrap(), 200)), (1, 1));
}

#[test]
fn any_word_may_be_a_method() {
    assert_eq!(known(&Method::from_bytes(b"BREW").unwrap()), "OTHER");
    assert_eq!(known(&Method::PATCH), "PATCH");
}
