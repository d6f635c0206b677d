//! Many at once, twice, in any order, while the store is busy: always one effect.

use engine::{Fault, FaultKind, Target, When};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::invariants::{unsettled, violations};
use crate::walks::{ANNA, late_webhook, lost_webhook};

async fn all_is_well(bench: &Bench) {
    assert_eq!(violations(bench).await, Vec::<String>::new());
    assert_eq!(unsettled(bench).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_calls_under_one_key_make_one_attempt() {
    let bench = Bench::start().await;
    bench.sign_in(ANNA).await;
    let launch = bench.launch(ANNA);
    let headers = [("authorization", launch.as_str()), ("idempotency-key", "one-key")];
    let body = json!({
        "telegram_id": ANNA, "email": "anna@example.test", "offer_key": "monthly_rub_2000",
        "provider": "sandbox",
    });
    let calls =
        (0..64).map(|_| bench.outwait("POST", "/api/payments/generate-link", &headers, &body));
    let replies = join_all(calls).await;
    let bodies: Vec<&Value> = replies.iter().map(|reply| &reply.body).collect();
    for (reply, body) in replies.iter().zip(&bodies) {
        assert_eq!(reply.status, 200, "{body}");
        for field in ["attempt_id", "payment_url", "invoice_id", "amount", "reused"] {
            assert_eq!(body[field], bodies[0][field], "{field}");
        }
    }
    let attempts = bench
        .items()
        .await
        .into_iter()
        .filter(|item| item.get("kind").is_some_and(|kind| kind == "Attempt"))
        .count();
    assert_eq!(attempts, 1);
    let other =
        json!({ "telegram_id": ANNA, "email": "x@example.test", "offer_key": "monthly_rub_2000" });
    let reply = bench.send("POST", "/api/payments/generate-link", &headers, &other).await;
    assert_eq!((reply.status, &reply.body["code"]), (422, &json!("idempotency_mismatch")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_deliveries_and_a_check_pay_once() {
    let bench = Bench::start().await;
    bench.sign_in(ANNA).await;
    let attempt = bench.link(ANNA).await;
    bench.provider_says(&attempt, "paid").await;
    let deliveries = join_all((0..50).map(|_| bench.deliver(&attempt)));
    let (replies, ()) = tokio::join!(deliveries, bench.advance(30));
    assert!(replies.iter().all(|reply| reply.status == 200));
    bench.converge().await;
    assert_eq!(bench.member(ANNA).await["energies"], 500);
    assert_eq!(bench.messages(ANNA).await.len(), 1);
    all_is_well(&bench).await;
}

/// Hints, twice each and in every order, change nothing that one of each would not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_in_any_order_and_number_come_to_the_same() {
    for seed in 0..6_usize {
        let bench = Bench::start().await;
        bench.sign_in(ANNA).await;
        let attempt = bench.link(ANNA).await;
        let mut numbers: Vec<usize> = (1..=10).chain(1..=10).collect();
        let length = numbers.len();
        for index in 0..length {
            numbers.swap(index, (index * 7 + seed * 11 + 3) % length);
        }
        for (index, number) in numbers.into_iter().enumerate() {
            if index == 9 {
                bench.provider_says(&attempt, "paid").await;
            }
            let body = json!({ "attempt_id": attempt, "n": number }).to_string();
            let record = json!({
                "messageId": format!("m{index}"), "receiptHandle": "r", "body": body,
                "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
                "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:0:payment-checks",
                "awsRegion": "us-east-1", "md5OfBody": "",
            });
            let event = json!({ "Records": [record] });
            bench.stack.invoke("club-payments-check", &event).await.expect("the check runs");
        }
        bench.converge().await;
        assert_eq!(bench.member(ANNA).await["energies"], 500, "seed {seed}");
        assert_eq!(bench.messages(ANNA).await.len(), 1, "seed {seed}");
        all_is_well(&bench).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_store_delays_and_never_doubles() {
    for (kind, share) in
        [(FaultKind::Throttle, 0.08), (FaultKind::Conflict, 0.2), (FaultKind::LostAnswer, 0.05)]
    {
        for seed in 1..=2 {
            let bench = Bench::start().await;
            let fault = Fault::new(Target::Dynamodb, kind).when(When::rate(share)).seed(seed);
            bench.stack.engine().faults().inject(fault);
            let attempt =
                if seed % 2 == 0 { late_webhook(&bench).await } else { lost_webhook(&bench).await };
            bench.stack.engine().faults().clear();
            bench.converge().await;
            assert_eq!(bench.attempt(&attempt).await, "paid", "{kind:?}, seed {seed}");
            assert_eq!(bench.member(ANNA).await["energies"], 500, "{kind:?}, seed {seed}");
            assert_eq!(violations(&bench).await, Vec::<String>::new(), "{kind:?}, seed {seed}");
        }
    }
}
