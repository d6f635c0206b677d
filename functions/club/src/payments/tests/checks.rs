//! Delayed checks and the sweep.

use shared::clock::days;
use shared::lease::Lease;

use super::*;
use crate::payments::model::{Event, Said, Success};
use crate::payments::providers::Provider;
use crate::payments::{check, settlement, store, sweep};
use crate::testing::{CHECKS, Mood};

impl Shop {
    /// Lets the next check come due and runs it. Answers how many messages there were.
    async fn next_check(&self) -> usize {
        self.pass(30);
        let (received, failed) = self.world.deliver(check(), CHECKS).await;
        assert_eq!(failed, 0);
        received
    }

    async fn sweep(&self) -> Value {
        self.world.tick(sweep()).await.unwrap()
    }
}

#[tokio::test]
async fn ten_checks_end_an_attempt_that_nobody_pays() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    for n in 1..=9 {
        assert_eq!(shop.next_check().await, 1);
        let attempt = shop.attempt(&id).await;
        assert_eq!((attempt.status, attempt.checks_done), (Status::Pending, n));
        shop.check_invariants().await;
    }
    // A silent provider counts as unpaid.
    shop.world.provider.set_mood(Mood::Refusing(500));
    assert_eq!(shop.next_check().await, 1);
    let attempt = shop.attempt(&id).await;
    assert_eq!((attempt.status, attempt.checks_done), (Status::Abandoned, 10));
    assert_eq!((shop.world.depth(CHECKS), shop.messages("payment_not_completed").await), (0, 1));
    shop.check_invariants().await;

    shop.pass(3600);
    for _ in 0..3 {
        assert_eq!(shop.succeed(&id).await.status, 200);
    }
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
    assert_eq!(shop.messages("congratulation").await, 1);
    assert_eq!(shop.messages("payment_not_completed").await, 1);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_check_settles_what_the_webhook_lost() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    shop.next_check().await;
    shop.world.provider.change(&id, |invoice| invoice.state = "paid".to_owned());
    shop.next_check().await;
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
    assert_eq!(shop.world.depth(CHECKS), 0);
    // The webhook after all, and checks that come twice.
    shop.succeed(&id).await;
    for n in 1..=10 {
        let hint = json!({ "attempt_id": id, "n": n }).to_string();
        shop.world.engine.queues().send(CHECKS, &hint, None).unwrap();
    }
    assert_eq!(shop.world.deliver(check(), CHECKS).await, (10, 0));
    assert_eq!((shop.payer().await.balance, shop.count("Payment").await), (500, 1));
    assert_eq!((shop.messages("congratulation").await, shop.world.depth(CHECKS)), (1, 0));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_check_costs_one_read_one_write_one_message() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    shop.pass(30);
    let instance = shop.world.start(check()).await;
    let event = |n: u32| {
        let body = json!({ "attempt_id": id, "n": n }).to_string();
        json!({ "Records": [{
            "messageId": "m", "body": body, "attributes": {}, "messageAttributes": {},
        }] })
    };
    let (_, cost) = shop.world.run(&instance, &event(1)).await;
    assert_eq!((cost.requests, cost.items, cost.messages), (2, 1, 1));
    let (_, cost) = shop.world.run(&instance, &event(1)).await;
    assert_eq!((cost.requests, cost.items, cost.messages), (1, 0, 0));
}

#[tokio::test]
async fn a_hint_that_comes_too_early_is_sent_again() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    shop.world.engine.queues().purge(CHECKS).unwrap();
    let hint = json!({ "attempt_id": id, "n": 1 }).to_string();
    shop.world.engine.queues().send(CHECKS, &hint, None).unwrap();
    shop.pass(10);
    let asked = shop.world.provider.calls();
    assert_eq!(shop.world.deliver(check(), CHECKS).await, (1, 0));
    assert_eq!((shop.world.provider.calls(), shop.world.depth(CHECKS)), (asked, 1));
    shop.pass(19);
    assert_eq!(shop.world.deliver(check(), CHECKS).await, (0, 0));
    shop.pass(1);
    assert_eq!(shop.world.deliver(check(), CHECKS).await, (1, 0));
    assert_eq!(shop.attempt(&id).await.checks_done, 1);
}

#[tokio::test]
async fn a_provider_that_says_failed_ends_the_attempt() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    shop.world.provider.change(&id, |invoice| invoice.state = "failed".to_owned());
    shop.next_check().await;
    assert_eq!(shop.status(&id).await, Status::Failed);
    assert_eq!((shop.messages("payment_not_completed").await, shop.world.depth(CHECKS)), (1, 0));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_check_that_finds_another_sum_puts_it_aside_and_goes_on() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    shop.world.provider.change(&id, |invoice| {
        invoice.state = "paid".to_owned();
        invoice.amount_minor -= 1;
    });
    for _ in 0..10 {
        shop.next_check().await;
    }
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Abandoned, 0));
    assert_eq!((shop.count("UnassignedPayment").await, shop.messages("admin_alert").await), (1, 1));
}

#[tokio::test]
async fn the_sweep_sends_lost_hints_again() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    shop.world.engine.queues().purge(CHECKS).unwrap();
    shop.pass(149);
    assert_eq!(shop.sweep().await["hints"], 0);
    shop.pass(1);
    let swept = shop.sweep().await;
    assert_eq!((&swept["hints"], &swept["complete"]), (&json!(1), &json!(true)));
    assert_eq!(shop.world.deliver(check(), CHECKS).await, (1, 0));
    assert_eq!(shop.attempt(&id).await.checks_done, 1);
    assert_eq!(shop.sweep().await["hints"], 0);
}

#[tokio::test]
async fn the_sweep_asks_about_attempts_without_money_at_four_ages() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    for _ in 0..10 {
        shop.next_check().await;
    }
    let mut asked = Vec::new();
    for minute in 6..=(25 * 60) {
        shop.pass(60);
        if shop.sweep().await["asked"] == 1 {
            asked.push(minute);
        }
        if asked.len() == 4 {
            break;
        }
    }
    assert_eq!(asked, [15, 60, 360, 1440]);
    assert_eq!(shop.attempt(&id).await.due_at, None);
    assert_eq!(shop.messages("payment_not_completed").await, 1);
}

#[tokio::test]
async fn the_sweep_ends_what_was_never_answered_and_settles_what_was_paid() {
    let shop = Shop::with(&[("PROVIDER_TIMEOUT_MS", "2000")]).await;
    let id = shop.linked().await;
    let created = Attempt { status: Status::Created, url: None, ..shop.attempt(&id).await };
    let due_at = Attempt::follow_up(created.created_at, created.created_at);
    shop.world.put(&Attempt { due_at, ..created }).await;
    shop.pass(15 * 60);
    let swept = shop.sweep().await;
    assert_eq!((&swept["asked"], &swept["settled"]), (&json!(1), &json!(0)));
    assert_eq!(shop.status(&id).await, Status::Abandoned);
    assert_eq!(shop.messages("payment_not_completed").await, 0);
    shop.check_invariants().await;

    shop.world.provider.change(&id, |invoice| invoice.state = "paid".to_owned());
    shop.pass(45 * 60);
    let swept = shop.sweep().await;
    assert_eq!((&swept["asked"], &swept["settled"]), (&json!(1), &json!(1)));
    assert_eq!(shop.status(&id).await, Status::Paid);
    assert_eq!(shop.payer().await.subscription_expires, Some(shop.world.now() + days(30)));
    assert_eq!(shop.sweep().await["asked"], 0);
    shop.check_invariants().await;
}

#[tokio::test]
async fn an_attempt_that_fails_keeps_no_other_from_its_turn() {
    let shop = Shop::open().await;
    let (broken, good) = (shop.linked().await, shop.gift_linked(77).await);
    let nobody = PAYER + 1;
    for (id, payer) in [(&broken, nobody), (&good, PAYER)] {
        let attempt = shop.attempt(id).await;
        let due_at = Attempt::follow_up(attempt.created_at, attempt.created_at);
        shop.world.put(&Attempt { status: Status::Created, due_at, payer, ..attempt }).await;
        shop.world.provider.change(id, |invoice| invoice.state = "paid".to_owned());
    }
    shop.pass(15 * 60);
    let swept = shop.sweep().await;
    let counts = ["asked", "settled", "failed"].map(|name| swept[name].as_u64().unwrap());
    assert_eq!((counts, &swept["complete"]), ([2, 1, 1], &json!(false)));
    assert_eq!(shop.status(&good).await, Status::Paid);
    assert_eq!(shop.status(&broken).await, Status::Created);
}

#[tokio::test]
async fn one_sweep_at_a_time() {
    let shop = Shop::open().await;
    let (table, now) = (shop.world.table(), shop.world.now());
    let lease = Lease::acquire(table, "attempt_sweep", now, now + days(1)).await.unwrap();
    assert_eq!(shop.sweep().await["lease_held"], true);
    lease.release(table, now).await.unwrap();
    assert_eq!(shop.sweep().await["lease_held"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_check_that_comes_many_times_at_once_counts_once() {
    let shop = Arc::new(Shop::open().await);
    let id = shop.linked().await;
    shop.world.engine.queues().purge(CHECKS).unwrap();
    shop.pass(30);
    let body = json!({ "attempt_id": id, "n": 1 }).to_string();
    let event = json!({ "Records": [{
        "messageId": "m", "body": body, "attributes": {}, "messageAttributes": {},
    }] });
    let instance = shop.world.start(check()).await;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (shop, instance, event) = (Arc::clone(&shop), instance.clone(), event.clone());
        runs.spawn(async move { shop.world.run(&instance, &event).await.0.unwrap() });
    }
    runs.join_all().await;
    assert_eq!((shop.attempt(&id).await.checks_done, shop.world.depth(CHECKS)), (1, 1));
}

#[tokio::test]
async fn whoever_lost_the_lease_writes_nothing() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let table = shop.world.table();
    let take = async || {
        let now = shop.world.now();
        let until = now + jiff::SignedDuration::from_secs(60);
        Lease::acquire(table, "attempt_sweep", now, until).await.unwrap()
    };
    let slow = take().await;
    shop.pass(61);
    let other = take().await;
    let (attempt, now) = (shop.attempt(&id).await, shop.world.now());
    let event = Event::LastCheckUnpaid;
    let ended = store::end(table, &attempt, event, "unpaid", Some(&slow), now).await;
    assert_eq!(ended.unwrap_err().code(), "lease_lost");
    store::put_off(table, &attempt, &slow, now).await.unwrap_err();
    let mut word = Success {
        provider: Provider::Sandbox,
        attempt_id: id.clone(),
        external_id: "x".to_owned(),
        said: Said::default(),
        payer: None,
        recurs: false,
        contract_id: None,
    };
    let (slow, other) = (slow.fence(), other.fence());
    settlement::settle(&shop.world.app, &word, Some(&slow), now).await.unwrap_err();
    word.said.amount = Some("1".to_owned());
    settlement::settle(&shop.world.app, &word, Some(&slow), now).await.unwrap_err();
    assert_eq!(shop.attempt(&id).await, attempt);
    assert_eq!(shop.count("Payment").await + shop.count("UnassignedPayment").await, 0);
    word.said = Said::default();
    let settled = settlement::settle(&shop.world.app, &word, Some(&other), now).await.unwrap();
    assert_eq!(settled, settlement::Settled::Now);
    shop.check_invariants().await;
}
