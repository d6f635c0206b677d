//! The same request again under its `Idempotency-Key` (acceptance 24).

use serde_json::{Value, json};
use tests::{Answer, Call, Person, World, at_once, errands, job};

use crate::payments::Crypto;

const REUSED: &str = "Idempotency key reuse";

/// What a reply must repeat.
fn told(answer: &Answer) -> (u16, Vec<u8>) {
    (answer.status, answer.body.clone())
}

/// Sends it five times under one key; what the first answered.
async fn repeats(call: &Call, key: &str, status: u16) -> Value {
    let first = call.clone().key(key).await;
    first.is(status);
    for _ in 0..4 {
        let again = call.clone().key(key).await;
        assert_eq!(told(&again), told(&first), "{again}");
    }
    if first.body.is_empty() { Value::Null } else { first.json() }
}

#[track_caller]
fn is_another(answer: &Answer) {
    answer.detail(422, "idempotency_mismatch", REUSED);
}

async fn people(world: &World) -> (Person, Person) {
    let (client, executor) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    executor.recharges(100).await;
    (client, executor)
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_an_order_is_posted_once() {
    let world = errands!();
    let (client, _) = people(&world).await;
    let call = client.post("/api/orders", &job("@ivan_123"));
    let order = repeats(&call, "post", 201).await;
    assert_eq!(client.me().await["active_orders"], 1);
    is_another(&client.post("/api/orders", &job("@ivan_124")).key("post").await);
    is_another(&client.post("/api/orders?x=1", &job("@ivan_123")).key("post").await);
    // The stored answer, whatever became of the order since.
    client.delete(&format!("/api/orders/{}", order["id"].as_str().unwrap())).await.is(204);
    assert_eq!(call.clone().key("post").await.is(201).json(), order);
    assert_eq!(client.me().await["active_orders"], 0);
    assert_ne!(call.key("another").await.is(201).json()["id"], order["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_an_order_is_taken_once() {
    let world = errands!();
    let (client, executor) = people(&world).await;
    let order = client.posts(&job("@ivan_123")).await;
    let other = client.posts(&job("@ivan_124")).await;
    let taken = repeats(&executor.act(&order, "take"), "take", 200).await;
    assert_eq!(taken["new_balance"], 98);
    is_another(&executor.act(&other, "take").key("take").await);
    is_another(&executor.call("POST", &format!("/api/orders/{order}/take?x")).key("take").await);
    executor.recharges(10).await;
    let again = executor.act(&order, "take").key("take").await;
    assert_eq!(again.is(200).json(), taken, "the stored answer");
    assert_eq!(executor.act(&order, "take").await.ok()["new_balance"], 108, "current figures");
    assert_eq!(executor.ledger().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_respond_complete_and_close_happen_once() {
    let world = errands!();
    let (client, executor) = people(&world).await;
    let mut orders = Vec::new();
    for contact in ["@ivan_123", "@ivan_124", "@ivan_125"] {
        let order = client.posts(&job(contact)).await;
        executor.act(&order, "take").await.is(200);
        orders.push(order);
    }
    let [first, second, third] = orders.try_into().unwrap();
    let responded = repeats(&client.act(&first, "respond"), "k", 200).await;
    assert!(responded["customer_responded_at"].is_string(), "{responded}");
    is_another(&client.act(&second, "respond").key("k").await);
    client.act(&first, "respond").await.detail(409, "already_responded", "Already responded");
    // The same key on another route is another key.
    let completed = repeats(&client.act(&first, "complete"), "k", 200).await;
    assert_eq!(completed["status"], "completed");
    is_another(&client.act(&second, "complete").key("k").await);
    assert_eq!(client.act(&first, "respond").key("k").await.is(200).json(), responded);
    repeats(&client.act(&second, "close"), "k", 204).await;
    is_another(&client.act(&third, "close").key("k").await);
    let me = client.me().await;
    assert_eq!((&me["active_orders"], &me["completed_orders"]), (&json!(1), &json!(1)));
    assert_eq!(executor.rubles().await, 100 - 3 * 2 + 2, "one refund");
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_money_is_put_on_once() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let wish = |rubles: i64| payer.post("/api/balance/recharge", &json!({"amount": rubles}));
    let done = repeats(&wish(10), "more", 200).await;
    assert_eq!(done["new_balance"], 10);
    is_another(&wish(11).key("more").await);
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (10, 1));
    wish(10).key("more-still").await.is(200);
    assert_eq!(payer.rubles().await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_reviews_and_complaints_are_made_once() {
    let world = errands!();
    let (client, executor) = people(&world).await;
    let order = client.posts(&job("@ivan_123")).await;
    executor.act(&order, "take").await.is(200);
    client.act(&order, "complete").await.is(200);
    let review = |rating: i64| {
        client.post("/api/reviews/client", &json!({"order_id": order, "rating": rating}))
    };
    let made = repeats(&review(4), "said", 200).await;
    assert_eq!(made["success"], true);
    is_another(&review(5).key("said").await);
    review(4).await.problem(409, "already_reviewed");
    assert_eq!(executor.me().await["rating"], json!(4));
    let complaint = |comment: &str| {
        let body = json!({"order_id": order, "complaint": "Не отвечал", "comment": comment});
        executor.post("/api/reviews/executor", &body)
    };
    let made = repeats(&complaint("жду"), "said", 200).await;
    assert_eq!(made["success"], true);
    is_another(&complaint("не жду").key("said").await);
    complaint("жду").await.problem(409, "already_complained");
}

fn invoice(payer: &Person, rubles: i64) -> Call {
    let wish = json!({"amount": rubles, "provider": "crypto_bot"});
    payer.post("/api/balance/create-invoice", &wish)
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_an_invoice_is_made_once() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let made = repeats(&invoice(&payer, 100), "pay", 200).await;
    is_another(&invoice(&payer, 101).key("pay").await);
    assert_eq!(Crypto::all(&world).await.len(), 1);
    // Paid or over, it is the same link.
    let payment = made["payment_id"].as_i64().unwrap();
    Crypto::of(&world, payment).await.paid().await.is(200);
    let again = invoice(&payer, 100).key("pay").await.is(200).json();
    assert_eq!((&again["payment_id"], &again["pay_url"]), (&made["payment_id"], &made["pay_url"]));
    let other = invoice(&payer, 100).key("pay-again").await.is(200).json();
    assert_ne!(other["payment_id"], made["payment_id"]);
    assert_eq!(payer.rubles().await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_ten_invoices_at_once_are_one() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let answers = at_once(10, |_| invoice(&payer, 100).key("pay")).await;
    let (made, waiting): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(!made.is_empty(), "{answers:?}");
    for answer in &made {
        assert_eq!(answer.body, made[0].body, "{answer}");
    }
    for answer in waiting {
        answer.is(503).refusal();
        assert!(answer.header("retry-after").is_some(), "{answer}");
    }
    let all = Crypto::all(&world).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(invoice(&payer, 100).key("pay").await.is(200).body, made[0].body);
    let payment = made[0].json()["payment_id"].as_i64().unwrap();
    Crypto::of(&world, payment).await.paid().await.is(200);
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (100, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_a_failed_invoice_is_tried_anew_under_its_key() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    world.fault("provider", "error").await;
    for _ in 0..2 {
        let down = invoice(&payer, 100).key("pay").await;
        down.problem(503, "payment_provider_unavailable");
    }
    world.heal().await;
    let made = repeats(&invoice(&payer, 100), "pay", 200).await;
    assert_eq!(Crypto::all(&world).await.len(), 1);
    let payment = made["payment_id"].as_i64().unwrap();
    assert_eq!(payer.payment(payment).await["status"], "pending");
}

/// Each of ten equal calls at once has the answer of the one that took effect, or is told to come
/// again.
#[tokio::test(flavor = "multi_thread")]
async fn a24_ten_of_each_at_once_take_effect_once() {
    let world = errands!();
    let (client, executor) = people(&world).await;
    let order = client.posts(&job("@ivan_123")).await;
    let calls = [
        (client.post("/api/orders", &job("@ivan_124")), 201),
        (executor.post("/api/balance/recharge", &json!({"amount": 10})), 200),
        (executor.act(&order, "take"), 200),
        (client.act(&order, "respond"), 200),
        (client.act(&order, "complete"), 200),
        (client.post("/api/reviews/client", &json!({"order_id": order, "rating": 5})), 200),
    ];
    for (n, (call, status)) in calls.iter().enumerate() {
        let key = format!("key{n}");
        let answers = at_once(10, |_| call.clone().key(&key)).await;
        let last = call.clone().key(&key).await;
        last.is(*status);
        for answer in &answers {
            assert!(answer.status == 503 || told(answer) == told(&last), "{answer}");
        }
    }
    assert_eq!(client.me().await["active_orders"], 1);
    assert_eq!((executor.rubles().await, executor.ledger().await.len()), (108, 3));
    let me = executor.me().await;
    assert_eq!((&me["completed_orders"], &me["rating"]), (&json!(1), &json!(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_a_key_is_its_callers_own_and_lives_a_day() {
    let world = errands!();
    let (anna, boris) = (world.person(1, "Анна").await, world.person(2, "Борис").await);
    let wish = json!({"amount": 10});
    let recharge = |payer: &Person| payer.post("/api/balance/recharge", &wish).key("k");
    recharge(&anna).await.is(200);
    let bigger = json!({"amount": 20});
    boris.post("/api/balance/recharge", &bigger).key("k").await.is(200);
    world.advance(23 * 3_600).await;
    let anna = anna.again().await;
    recharge(&anna).await.is(200);
    assert_eq!((anna.rubles().await, boris.again().await.rubles().await), (10, 20));
    world.advance(2 * 3_600).await;
    recharge(&anna).await.is(200);
    assert_eq!(anna.rubles().await, 20, "the key has been forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_a_key_is_visible_ascii_of_at_most_255() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let recharge = |key: &str| payer.post("/api/balance/recharge", &json!({"amount": 1})).key(key);
    for good in ["!".to_owned(), "~".repeat(255), "a,b;c=\"d\"".to_owned()] {
        recharge(&good).await.is(200);
    }
    for bad in ["k".repeat(256), "a b".to_owned(), "ключ".to_owned(), String::new()] {
        let answer = recharge(&bad).await;
        assert!((400..500).contains(&answer.status), "{bad:?}: {answer}");
        answer.refusal();
    }
    assert_eq!(payer.rubles().await, 3);
}

/// A refusal has no effect, and what is refused once may be granted later under the same key.
#[tokio::test(flavor = "multi_thread")]
async fn a24_a_refusal_moves_nothing() {
    let world = errands!();
    let (client, executor) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    let order = client.posts(&job("@ivan_123")).await;
    for _ in 0..2 {
        executor.act(&order, "take").key("k").await.problem(402, "insufficient_balance");
    }
    assert_eq!(executor.ledger().await.len(), 0);
    executor.recharges(10).await;
    assert_eq!(executor.act(&order, "take").key("k2").await.ok()["new_balance"], 8);
}
