//! Buckets and limiters.

use futures::future::join_all;

use super::*;
use crate::table::testing;

fn at(millis: i64) -> Instant {
    Instant::from_millis(1_768_900_000_000 + millis)
}

const EXACT: LimitClass = LimitClass {
    name: "EXACT",
    tokens: 10,
    seconds: 60,
    counts: Counts::Calls,
    kept: Kept::Exact,
    fails_closed: true,
};
const FEW: LimitClass = LimitClass { name: "FEW", tokens: 5, ..EXACT };
const WARM: LimitClass = LimitClass { name: "WARM", tokens: 20, kept: Kept::ByMethod, ..EXACT };

async fn limiter() -> Limiter {
    let (none, table) = (Environment::default(), testing::table().await);
    Limiter::from_environment(&none, table, &[EXACT, FEW, WARM]).unwrap()
}

#[tokio::test]
async fn parallel_calls_pass_exactly_the_limit() {
    let limiter = limiter().await;
    let calls = (0..200).map(|_| limiter.take(&EXACT, "42", true, at(0)));
    let passed = join_all(calls).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(passed, 10);
}

#[tokio::test]
async fn tokens_come_back_one_by_one() {
    let limiter = limiter().await;
    let take = |millis| limiter.take(&FEW, "42", true, at(millis));
    for left in (0..5).rev() {
        assert_eq!(take(0).await.unwrap().remaining, left);
    }
    let refused = take(0).await.unwrap_err();
    assert_eq!(refused.status(), 429);
    assert_eq!(take(11_999).await.unwrap_err().status(), 429);
    assert_eq!(take(12_000).await.unwrap().remaining, 0);
    assert!(take(12_000).await.is_err());
    assert_eq!(take(300_000).await.unwrap().remaining, 4);
}

#[tokio::test]
async fn reads_cost_no_request_and_callers_do_not_share() {
    let limiter = limiter().await;
    let meter = crate::meter::Meter::default();
    meter
        .watch(async {
            for _ in 0..20 {
                assert!(limiter.take(&WARM, "a", false, at(0)).await.is_ok());
            }
            assert!(limiter.take(&WARM, "a", false, at(0)).await.is_err());
            assert!(limiter.take(&WARM, "b", false, at(0)).await.is_ok());
        })
        .await;
    assert_eq!(meter.choke().requests, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_in_parallel_pass_exactly_the_limit_too() {
    let limiter = limiter().await;
    for round in 0..100 {
        let calls = (0..40).map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                limiter.take(&WARM, &round.to_string(), false, at(0)).await.is_ok()
            })
        });
        let passed = join_all(calls).await.into_iter().filter(|call| *call.as_ref().unwrap());
        assert_eq!(passed.count(), 20, "round {round}");
    }
}

#[tokio::test]
async fn a_setting_replaces_the_figures_of_its_class() {
    let settings: Environment = [("RATE_FEW".to_owned(), "1/5".to_owned())].into_iter().collect();
    let limiter = Limiter::from_environment(&settings, testing::table().await, &[FEW]).unwrap();
    assert!(limiter.take(&FEW, "42", true, at(0)).await.is_ok());
    let refused = limiter.take(&FEW, "42", true, at(0)).await.unwrap_err();
    assert_eq!(refused.header(&header::RETRY_AFTER).unwrap(), "5");
    assert_eq!(limiter.take(&WARM, "42", false, at(0)).await.unwrap_err().code(), "internal");
    let bad: Environment = [("RATE_FEW".to_owned(), "1".to_owned())].into_iter().collect();
    assert!(Limiter::from_environment(&bad, testing::table().await, &[FEW]).is_err());
}

#[test]
fn settings_are_tokens_per_seconds() {
    assert_eq!("5/60".parse(), Ok(Bucket { tokens: 5, seconds: 60 }));
    for text in ["", "5", "0/60", "5/0", "a/b", "-1/5"] {
        assert!(text.parse::<Bucket>().is_err(), "{text}");
    }
}
