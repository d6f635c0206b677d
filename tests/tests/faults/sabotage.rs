//! What the tests are worth: each guarantee is dropped on purpose, and must be missed.
//!
//! A condition only shows when two meet, so the sabotage also makes them meet: whoever is about to
//! write waits until as many have read as are to collide.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use engine::tamper::drop_conditions;
use serde_json::json;

use crate::bench::Bench;
use crate::invariants::violations;
use crate::walks::ANNA;

/// How long a writer waits for the others.
const MEETING: Duration = Duration::from_secs(3);

/// Drops all conditions on items whose partition key begins with one of `prefixes`, and lets the
/// writes of `operation` to the first of them pass only when `many` have come.
fn forget(bench: &Bench, prefixes: &'static [&'static str], operation: &'static str, many: usize) {
    let arrived = Arc::new(AtomicUsize::new(0));
    bench.stack.engine().tamper().with(move |caller, called, body| {
        let is_met = called == operation && body.to_string().contains(prefixes[0]);
        if many > 1 && is_met && caller.starts_with("local-") {
            arrived.fetch_add(1, Ordering::SeqCst);
            let until = Instant::now() + MEETING;
            while arrived.load(Ordering::SeqCst) < many && Instant::now() < until {
                std::thread::yield_now();
            }
        }
        drop_conditions(called, body, |pk| prefixes.iter().any(|prefix| pk.starts_with(prefix)));
    });
}

/// Two deliveries at the same instant, each on a thread of its own.
async fn deliver_both(bench: &Arc<Bench>, attempts: [&str; 2]) {
    let deliveries = attempts.map(|attempt| {
        let (bench, attempt) = (bench.clone(), attempt.to_owned());
        tokio::spawn(async move { bench.deliver(&attempt).await })
    });
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    bench.stack.engine().tamper().stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_payment_that_need_not_be_new_is_missed() {
    let bench = Arc::new(Bench::start().await);
    bench.sign_in(ANNA).await;
    let attempt = bench.link(ANNA).await;
    forget(
        &bench,
        &["PAYMENT#", "ATTEMPT#", "MEMBER#", "OPEN#", "OUTBOX#", "EVENTS#"],
        "TransactWriteItems",
        2,
    );
    deliver_both(&bench, [&attempt, &attempt]).await;
    assert_ne!(violations(&bench).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_member_whose_version_does_not_count_is_missed() {
    let bench = Arc::new(Bench::start().await);
    bench.sign_in(ANNA).await;
    let first = bench.link(ANNA).await;
    bench.provider_says(&first, "unpaid").await;
    for _ in 0..12 {
        bench.advance(30).await;
    }
    let second = bench.link(ANNA).await;
    assert_ne!(first, second);
    forget(&bench, &["MEMBER#"], "TransactWriteItems", 2);
    let paid_at = bench.stack.clock().now();
    deliver_both(&bench, [&first, &second]).await;
    let two_months = paid_at + jiff::SignedDuration::from_hours(2 * 30 * 24);
    let expires = bench.member(ANNA).await["subscriptionExpires"].clone();
    let expires: jiff::Timestamp = expires.as_str().unwrap().parse().unwrap();
    assert!(expires < two_months, "both months count, although the members' versions do not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_that_anyone_may_claim_is_missed() {
    let bench = Arc::new(Bench::start().await);
    bench.sign_in(ANNA).await;
    let attempt = bench.link(ANNA).await;
    forget(&bench, &["OUTBOX#"], "UpdateItem", 2);
    let event = {
        let body = json!({ "outbox_id": format!("congrats:{attempt}") }).to_string();
        json!({ "Records": [{
            "messageId": "m", "receiptHandle": "r", "body": body,
            "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:0:outbox",
            "awsRegion": "us-east-1", "md5OfBody": "",
        }] })
    };
    bench.deliver(&attempt).await;
    let hints: Vec<_> = (0..2)
        .map(|_| {
            let (bench, event) = (bench.clone(), event.clone());
            tokio::spawn(async move { bench.stack.invoke("club-outbox-deliver", &event).await })
        })
        .collect();
    for hint in hints {
        let _ = hint.await.unwrap();
    }
    bench.stack.engine().tamper().stop();
    bench.advance(60).await;
    assert!(bench.messages(ANNA).await.len() > 1, "two claimed it, and one was sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bucket_without_a_bottom_is_missed() {
    let bench = Bench::start_with(|options| options.set("RATE_PAYMENT", "10/60")).await;
    bench.sign_in(ANNA).await;
    forget(&bench, &["LIMIT#"], "UpdateItem", 1);
    let launch = bench.launch(ANNA);
    let mut passed = 0;
    for _ in 0..12 {
        let headers = [("authorization", launch.as_str())];
        let reply = bench.send("POST", "/api/payments/generate-link", &headers, &json!({})).await;
        passed += usize::from(reply.status != 429);
    }
    assert!(passed > 10, "{passed} passed a limit of ten");
}
