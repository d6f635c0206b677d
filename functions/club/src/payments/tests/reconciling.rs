//! Providers' books against ours.

use super::stars::{NOW_S, star_shop};
use super::updates::{recurring, refunded};
use super::*;
use crate::payments::{Provider, reconcile};
use crate::testing::{BotMood, BotServer};

/// Stars that came for an attempt, as the bot's books show it.
fn came(charge: &str, attempt: &str, date_s: i64) -> Value {
    json!({
        "id": charge, "amount": 1_500, "date": date_s,
        "source": {
            "type": "user", "transaction_type": "invoice_payment", "invoice_payload": attempt,
            "user": { "id": PAYER, "is_bot": false, "first_name": "Анна" },
        },
    })
}

/// The same stars going back.
fn went_back(charge: &str, attempt: &str, date_s: i64) -> Value {
    let mut gone = came(charge, attempt, date_s);
    gone["receiver"] = gone["source"].take();
    gone.as_object_mut().unwrap().remove("source");
    gone
}

async fn run(shop: &Shop) -> Value {
    shop.world.tick(reconcile()).await.unwrap()
}

fn books(bot: &BotServer, transactions: Vec<Value>) {
    bot.books().transactions = transactions;
}

#[tokio::test]
async fn money_whose_every_word_was_lost_is_settled() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    books(&bot, vec![came("old", "att_x", NOW_S - 4 * 86_400), came("charge", &id, NOW_S + 60)]);
    shop.pass(3_600);
    let ran = run(&shop).await;
    let expected = json!({
        "lease_held": false, "listed": 1, "settled": 1, "quarantined": 0, "refunds": 0,
        "failed": 0, "complete": true,
    });
    assert_eq!((ran, shop.status(&id).await), (expected, Status::Paid));
    assert_eq!(
        (shop.payer().await.balance, shop.contract().await.contract_id.as_str()),
        (500, "charge")
    );
    // Known by then, it costs nothing more; so does what was put aside.
    let foreign = came("foreign", "att_unknown", NOW_S + 61);
    bot.books().transactions.push(foreign);
    assert_eq!(run(&shop).await["quarantined"], 1);
    for _ in 0..2 {
        shop.pass(3_600);
        let ran = run(&shop).await;
        let done = ["settled", "quarantined", "failed"].map(|name| ran[name].as_u64().unwrap());
        assert_eq!((done, &ran["listed"]), ([0, 0, 0], &json!(2)));
    }
    assert_eq!((shop.count("Payment").await, shop.count("UnassignedPayment").await), (1, 1));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_refund_whose_word_was_lost_is_reversed() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    let mut nameless = went_back("charge", &id, NOW_S + 90);
    nameless["receiver"].as_object_mut().unwrap().remove("invoice_payload");
    books(&bot, vec![came("charge", &id, NOW_S + 60), nameless]);
    shop.pass(3_600);
    let ran = run(&shop).await;
    assert_eq!((&ran["settled"], &ran["refunds"]), (&json!(1), &json!(1)));
    assert_eq!((shop.status(&id).await, shop.count("Refund").await), (Status::Refunded, 1));
    assert_eq!(run(&shop).await["refunds"], 0);
    shop.check_invariants().await;
}

#[tokio::test]
async fn what_is_known_costs_one_read_for_a_hundred() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "c0", true)).await;
    let mut rows = vec![came("c0", &id, NOW_S)];
    for n in 1..150 {
        let charge = format!("c{n}");
        let known = Payment {
            provider: Provider::Stars,
            external_id: charge.clone(),
            ..super::rules::payment(&id)
        };
        shop.world.put(&known).await;
        rows.push(came(&charge, &id, NOW_S + n));
    }
    books(&bot, rows);
    shop.pass(3_600);
    let instance = shop.world.start(reconcile()).await;
    let event = json!({ "version": "0", "time": shop.world.now(), "detail": {} });
    let (ran, cost) = shop.world.run(&instance, &event).await;
    let ran = ran.unwrap();
    assert_eq!(
        (&ran["listed"], &ran["settled"], &ran["complete"]),
        (&json!(150), &json!(0), &json!(true))
    );
    // The lease twice, walks, marks to start from, for each page a read and a mark, and the place
    // that was never kept.
    assert!(cost.requests <= 9, "{}", cost.requests);
}

#[tokio::test]
async fn a_walk_goes_on_where_it_was_left() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    let mut rows: Vec<Value> =
        (0..100).map(|n| came(&format!("old{n}"), "att_other", NOW_S)).collect();
    rows.push(came("charge", &id, NOW_S + 60));
    books(&bot, rows);
    shop.pass(3_600);
    let walk = super::super::reconcile::left_at(Provider::Stars, shop.world.now(), "100");
    shop.world.put(&walk).await;
    let ran = run(&shop).await;
    assert_eq!((&ran["listed"], &ran["settled"]), (&json!(1), &json!(1)));
    assert_eq!(shop.count("ReconcileWalk").await, 0, "ended");
    // A place that the provider does not know any more is forgotten.
    shop.world.put(&walk).await;
    bot.feel(BotMood::refusing(400, "Bad Request: offset"));
    let ran = run(&shop).await;
    assert_eq!((&ran["failed"], &ran["complete"]), (&json!(1), &json!(false)));
    assert_eq!(shop.count("ReconcileWalk").await, 0, "forgotten");
    bot.feel(BotMood::Fine);
    assert_eq!(run(&shop).await["listed"], 101);
}

#[tokio::test]
async fn a_provider_that_is_silent_keeps_nobody_from_his_turn() {
    let (shop, bot) = star_shop(&[("PROVIDER_TIMEOUT_MS", "200")]).await;
    bot.feel(BotMood::Silent);
    let ran = run(&shop).await;
    assert_eq!((&ran["failed"], &ran["listed"]), (&json!(1), &json!(0)));
    let shop = Shop::open().await;
    let ran = run(&shop).await;
    assert_eq!((&ran["failed"], &ran["complete"]), (&json!(0), &json!(true)));
}

#[tokio::test]
async fn one_run_at_a_time() {
    let (shop, _bot) = star_shop(&[]).await;
    let (table, now) = (shop.world.table(), shop.world.now());
    let until = now + jiff::SignedDuration::from_secs(60);
    shared::lease::Lease::acquire(table, "payments_reconcile", now, until).await.unwrap();
    assert_eq!(run(&shop).await["lease_held"], true);
}

#[tokio::test]
async fn marks_in_the_books_spare_the_search() {
    let (shop, bot) = star_shop(&[]).await;
    // Far more than is searched step by step.
    let old = (0..3_000).map(|n| came(&format!("o{n}"), "att_x", NOW_S - 40 * 86_400));
    let mut rows: Vec<Value> = old.collect();
    rows.extend((0..20).map(|n| came(&format!("n{n}"), "att_x", NOW_S - 7_200)));
    books(&bot, rows);
    let first = {
        run(&shop).await;
        bot.called("getStarTransactions").len()
    };
    bot.books().calls.clear();
    run(&shop).await;
    let second = bot.called("getStarTransactions").len();
    assert!(second < first && second <= 3, "{first}, then {second}");
    // A check starts from there, too.
    let id = shop.star_linked().await;
    let attempt: Attempt = shop.attempt(&id).await;
    bot.books().transactions.push(came("charge", &id, NOW_S + 1));
    bot.books().calls.clear();
    let told = attempt.provider.ask(&shop.world.app, &attempt, Duration::from_secs(60)).await;
    assert!(matches!(told.unwrap(), crate::payments::providers::Told::Paid(_)));
    assert!(bot.called("getStarTransactions").len() <= 4);
}

#[tokio::test]
async fn a_known_refund_is_not_looked_at_again() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(1, &id, "charge", true)).await;
    shop.hear(refunded(2, &id, "charge")).await;
    books(&bot, vec![came("charge", &id, NOW_S), went_back("charge", &id, NOW_S + 1)]);
    let ran = run(&shop).await;
    assert_eq!(
        (&ran["listed"], &ran["refunds"], &ran["settled"]),
        (&json!(2), &json!(0), &json!(0))
    );
}
