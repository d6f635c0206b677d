//! What must hold when many call at once (acceptance 6; §12: P1, P2, P4, P5, P13).
//!
//! Functions run on several threads of this process; with `TAMGA_MODE=process` each runs in
//! processes of its own, up to ten per function.

use serde_json::{Value, json};
use tests::{Answer, Person, World, at_once, errands, job};

/// How many of the answers have this status.
fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// The ledger's entries of one type, oldest first.
async fn entries(person: &Person, kind: &str) -> Vec<Value> {
    let mut ledger = person.ledger().await;
    ledger.retain(|entry| entry["type"] == kind);
    ledger.reverse();
    ledger
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// I1 as the ledger shows it: each entry says what the balance was after it, and the newest what
/// it is.
async fn books_agree(person: &Person) {
    let (ledger, balance) = (person.ledger().await, person.rubles().await);
    let mut running = 0;
    for entry in ledger.iter().rev() {
        running += number(&entry["amount"]);
        assert_eq!(number(&entry["balance_after"]), running, "{ledger:?}");
        assert!(running >= 0, "{ledger:?}");
    }
    assert_eq!(running, balance, "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_ten_takes_of_one_price_are_one_take() {
    let world = errands!();
    let (client, executor) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    executor.recharges(2).await;
    let mut orders = Vec::new();
    for n in 0..10 {
        orders.push(client.posts(&job(&format!("@ivan_{n}0000"))).await);
    }
    let answers = at_once(10, |n| executor.act(&orders[n], "take")).await;
    assert_eq!((count(&answers, 200), count(&answers, 402)), (1, 9), "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status == 402) {
        refused.detail(402, "insufficient_balance", "Insufficient balance. Need 2₽");
    }
    assert_eq!(executor.rubles().await, 0);
    let takes = entries(&executor, "order_take").await;
    assert_eq!(takes.len(), 1, "{takes:?}");
    assert_eq!((&takes[0]["amount"], &takes[0]["balance_after"]), (&json!(-2), &json!(0)));
    books_agree(&executor).await;
    let taken = client.get("/api/orders?mine=true").await.is(200).json();
    let taken = taken["orders"].as_array().unwrap().iter();
    let executors = taken.map(|order| order["taken_by"].as_array().unwrap().len());
    assert_eq!(executors.sum::<usize>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_twenty_recharges_lose_nothing() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let wish = json!({"amount": 10});
    let answers = at_once(20, |_| payer.post("/api/balance/recharge", &wish)).await;
    assert_eq!(count(&answers, 200), 20, "{answers:?}");
    assert_eq!(payer.rubles().await, 200);
    let steps: Vec<i64> = (1..=20).map(|n| n * 10).collect();
    let answered = answers.iter().map(|answer| number(&answer.json()["new_balance"]));
    let mut answered: Vec<i64> = answered.collect();
    answered.sort_unstable();
    assert_eq!(answered, steps, "each answer is a step of its own");
    let recharges = entries(&payer, "recharge").await;
    let after = recharges.iter().map(|entry| number(&entry["balance_after"]));
    assert_eq!(after.collect::<Vec<_>>(), steps, "in the order they took effect");
    books_agree(&payer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_twenty_creations_are_all_counted() {
    let world = errands!();
    let client = world.person(1, "Иван").await;
    let answers = at_once(20, |n| client.post("/api/orders", &job(&format!("@ivan_{n:05}")))).await;
    assert_eq!(count(&answers, 201), 20, "{answers:?}");
    assert_eq!(client.me().await["active_orders"], 20);
    let list = client.get("/api/orders?mine=true").await.is(200).json();
    assert_eq!((&list["total"], list["orders"].as_array().unwrap().len()), (&json!(20), 20));
}

/// One round: either the take is there and the order lives, or it is deleted and untaken.
async fn take_against_delete(client: &Person, executor: &Person, round: usize) -> bool {
    let order = client.posts(&job(&format!("@ivan_{round:05}"))).await;
    let path = format!("/api/orders/{order}");
    let answers = at_once(2, |n| match (n + round).is_multiple_of(2) {
        true => executor.act(&order, "take"),
        false => client.delete(&path),
    })
    .await;
    let (take, delete) = match round.is_multiple_of(2) {
        true => (&answers[0], &answers[1]),
        false => (&answers[1], &answers[0]),
    };
    let shown = client.sees(&order).await;
    let takes = shown["taken_by"].as_array().unwrap().len();
    if take.status == 200 {
        delete.detail(403, "order_taken", "Cannot delete order after executor has taken it");
        assert_eq!((&shown["status"], takes), (&json!("active"), 1), "{shown}");
    } else {
        delete.is(204);
        take.detail(410, "order_not_active", "Order is no longer active");
        assert_eq!((&shown["status"], takes), (&json!("deleted"), 0), "{shown}");
    }
    take.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_no_deleted_order_is_taken() {
    let world = errands!();
    let (client, executor) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    executor.recharges(100).await;
    let mut taken = 0_i64;
    for round in 0..30 {
        taken += i64::from(take_against_delete(&client, &executor, round).await);
    }
    assert_eq!(executor.rubles().await, 100 - 2 * taken);
    assert_eq!(client.me().await["active_orders"], taken);
    assert_eq!(executor.me().await["active_orders"], taken);
    books_agree(&executor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_one_of_six_completions_completes() {
    let world = errands!();
    let (client, executor) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    executor.recharges(10).await;
    let order = client.posts(&job("@ivan_123")).await;
    executor.act(&order, "take").await.is(200);
    let answers = at_once(6, |_| client.act(&order, "complete")).await;
    assert_eq!((count(&answers, 200), count(&answers, 410)), (1, 5), "{answers:?}");
    for late in answers.iter().filter(|answer| answer.status == 410) {
        late.detail(410, "order_not_active", "Order is no longer active");
    }
    for person in [&client, &executor] {
        let me = person.me().await;
        assert_eq!((&me["active_orders"], &me["completed_orders"]), (&json!(0), &json!(1)));
    }
    assert_eq!(executor.rubles().await, 8, "never a refund");
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_twenty_first_calls_meet_one_user() {
    let world = errands!();
    let anna = world.person(1, "Анна").await;
    let paths = [
        "/api/users/me",
        "/api/balance",
        "/api/users/me/preferences",
        "/api/users/me/notification-settings",
        "/api/orders?mine=true",
    ];
    let answers = at_once(20, |n| anna.get(paths[n % paths.len()])).await;
    assert_eq!(count(&answers, 200), 20, "{answers:?}");
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.json(), answers[n % paths.len()].json(), "{answer}");
    }
    let boris = world.person(2, "Борис").await;
    let answers = at_once(20, |_| boris.post("/api/balance/recharge", &json!({"amount": 1}))).await;
    assert_eq!(count(&answers, 200), 20, "{answers:?}");
    assert_eq!((boris.rubles().await, boris.ledger().await.len()), (20, 20));
}

/// Money comes back while the balances it comes to are changing.
#[tokio::test(flavor = "multi_thread")]
async fn a06_refunds_meet_balances_that_change() {
    let world = errands!();
    let client = world.person(1, "Иван").await;
    let mut executors = Vec::new();
    for id in 11..14 {
        let executor = world.person(id, "Пётр").await;
        executor.recharges(100).await;
        executors.push(executor);
    }
    for round in 0..4 {
        let order = client.posts(&job(&format!("@ivan_{round:05}"))).await;
        let other = client.posts(&job(&format!("@petr_{round:05}"))).await;
        for executor in &executors {
            executor.act(&order, "take").await.is(200);
        }
        let answers = at_once(14, |n| match (n, n % 3) {
            (12.., _) => client.act(&order, "close"),
            (6..12, which) => executors[which].act(&other, "take"),
            (_, which) => executors[which].post("/api/balance/recharge", &json!({"amount": 1})),
        })
        .await;
        assert_eq!(count(&answers[..12], 200), 12, "{answers:?}");
        assert_eq!((count(&answers, 204), count(&answers, 410)), (1, 1), "{answers:?}");
    }
    for executor in &executors {
        assert_eq!(entries(executor, "refund").await.len(), 4);
        assert_eq!(entries(executor, "order_take").await.len(), 8);
        assert_eq!(executor.rubles().await, 100 + 4 * 2 - 4 * 2);
        books_agree(executor).await;
    }
}

/// The clock ends orders while everybody else does too.
#[tokio::test(flavor = "multi_thread")]
async fn a06_the_clock_and_the_client_refund_once() {
    let world = errands!();
    let client = world.person(1, "Иван").await;
    let mut executors = Vec::new();
    for id in 11..14 {
        let executor = world.person(id, "Пётр").await;
        executor.recharges(6).await;
        executors.push(executor);
    }
    let mut orders = Vec::new();
    for n in 0..3 {
        let order = client.posts(&job(&format!("@ivan_{n:05}"))).await;
        for executor in &executors {
            executor.act(&order, "take").await.is(200);
        }
        orders.push(order);
    }
    let clock = world.clone();
    let moving = tokio::spawn(async move { clock.advance(960).await });
    let answers = at_once(18, |n| match n % 2 {
        0 => client.act(&orders[n % 3], "close"),
        _ => executors[n % 3].post("/api/balance/recharge", &json!({"amount": 1})),
    })
    .await;
    moving.await.unwrap();
    world.run("errands-orders-sweep").await;
    for answer in &answers {
        assert!([200, 204, 410].contains(&answer.status), "{answer}");
    }
    for executor in &executors {
        assert_eq!(entries(executor, "refund").await.len(), 3);
        assert_eq!(
            (executor.rubles().await, &executor.me().await["active_orders"]),
            (9, &json!(0))
        );
        books_agree(executor).await;
    }
}

/// Everybody does everything at once, some of it to the same orders.
async fn bustle(client: &Person, executors: &[Person], orders: &[String]) -> Vec<Answer> {
    let takes = executors.len() * orders.len();
    at_once(takes + 2 * orders.len(), |n| {
        let order = &orders[n % orders.len()];
        match n.checked_sub(takes) {
            None => executors[n / orders.len()].act(order, "take"),
            Some(n) if n < orders.len() => {
                client.act(order, ["respond", "close", "complete"][n % 3])
            }
            Some(_) => client.delete(&format!("/api/orders/{order}")),
        }
    })
    .await
}

/// I2, I3, I6 and I8 as far as people see them.
async fn everything_agrees(client: &Person, executors: &[Person], orders: &[String]) {
    let (mut kept, mut recharged, mut balances) = (0, 0, 0);
    let mut active = vec![0; executors.len()];
    for order in orders {
        let shown = client.sees(order).await;
        let takers = shown["taken_by"].as_array().unwrap();
        assert!(takers.len() <= 3, "{shown}");
        assert!(shown["status"] != "deleted" || takers.is_empty(), "{shown}");
        let responded = !shown["customer_responded_at"].is_null();
        let back = shown["status"] == "closed_no_response" && !responded;
        for taker in takers {
            let id = number(&taker["executor_id"]);
            let which = executors.iter().position(|executor| executor.id() == id).unwrap();
            let ledger = executors[which].ledger().await;
            let of = |kind: &str| {
                let own = ledger.iter().filter(|entry| entry["order_id"] == order.as_str());
                own.filter(|entry| entry["type"] == kind).count()
            };
            assert_eq!((of("order_take"), of("refund")), (1, usize::from(back)), "{shown}");
            kept += if back { 0 } else { 2 };
            active[which] += i64::from(shown["status"] == "active");
        }
    }
    for (executor, active) in executors.iter().zip(active) {
        books_agree(executor).await;
        assert_eq!(executor.me().await["active_orders"], active);
        balances += executor.rubles().await;
        let entries = entries(executor, "recharge").await;
        recharged += entries.iter().map(|entry| number(&entry["amount"])).sum::<i64>();
    }
    assert_eq!(balances + kept, recharged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_a_bustle_leaves_the_books_in_order() {
    let world = errands!();
    let client = world.person(1, "Иван").await;
    let mut executors = Vec::new();
    for id in 11..17 {
        let executor = world.person(id, "Пётр").await;
        executor.recharges(9).await;
        executors.push(executor);
    }
    let mut orders = Vec::new();
    for n in 0..6 {
        orders.push(client.posts(&job(&format!("@ivan_{n:05}"))).await);
    }
    let answers = bustle(&client, &executors, &orders).await;
    for answer in &answers {
        let expected = [200, 204, 402, 403, 409, 410, 503].contains(&answer.status);
        assert!(expected, "{answer}");
    }
    everything_agrees(&client, &executors, &orders).await;
    settle(&world).await;
    everything_agrees_after(&client, &executors, &orders).await;
}

/// Lets every order end by the clock.
async fn settle(world: &World) {
    world.advance(3_700).await;
    world.idle().await;
}

/// Once all orders have ended nobody has an active one, and the books still agree.
async fn everything_agrees_after(client: &Person, executors: &[Person], orders: &[String]) {
    assert_eq!(client.me().await["active_orders"], 0);
    for executor in executors {
        assert_eq!(executor.me().await["active_orders"], 0);
        books_agree(executor).await;
    }
    for order in orders {
        assert_ne!(client.sees(order).await["status"], "active");
    }
}
