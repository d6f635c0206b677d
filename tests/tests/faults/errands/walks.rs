//! Walks through the service, each with what must have come of it whatever died on the way.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target};
use serde_json::{Value, json};

use super::people::{CLIENT, EXECUTORS, Job, SUBSCRIBER, from, stars};
use crate::bench::Bench;

/// What must have come of a walk.
#[derive(Default)]
pub(super) struct Outcome {
    /// Users and their kopecks.
    pub(super) balances: Vec<(i64, i64)>,
    /// Orders and their stored statuses.
    pub(super) orders: Vec<(String, &'static str)>,
    /// Payments and their statuses.
    pub(super) payments: Vec<(i64, &'static str)>,
    /// Chats, and what the bot has said there: all of it.
    pub(super) said: Vec<(i64, String)>,
    /// Kinds of items and how many there are.
    pub(super) kinds: Vec<(&'static str, usize)>,
    /// Processes that died by the walk's own doing.
    pub(super) deaths: u64,
}

impl Outcome {
    fn said(&mut self, chat: i64, texts: &[&str]) {
        self.said.extend(texts.iter().map(|text| (chat, (*text).to_owned())));
    }

    fn link(&mut self, chat: i64, order: &str) {
        self.said.push((chat, format!("startapp=order_{order}")));
    }
}

const ELECTRICIAN: Job = Job { category: "Электрика", contact: "@anna_home" };
const PLUMBER: Job = Job { category: "Сантехника", contact: "+7 (900) 000-00-01" };
const CLEANER: Job = Job { category: "Клининг", contact: "Viber: 099" };

/// Posted, changed, taken by two, answered, completed, reviewed and complained of.
pub(super) async fn answered(bench: &Bench) -> Outcome {
    bench.subscribe(SUBSCRIBER).await;
    for executor in EXECUTORS {
        bench.recharge(executor, 10, &format!("recharge-{executor}")).await;
    }
    // Long enough for whatever died to be done again.
    bench.pass(300).await;
    let order = bench.post(&ELECTRICIAN, "post").await;
    bench.pass(900).await;
    let path = format!("/api/orders/{order}");
    let change = json!({ "category": "Сантехника", "contact": "t.me/anna_work" });
    bench.again(CLIENT, "PUT", &path, &change).await;
    let [first, second] = EXECUTORS;
    for executor in [first, first, second] {
        bench.take(executor, &order).await;
    }
    bench.act(&order, "respond").await;
    bench.act(&order, "complete").await;
    let review =
        json!({ "order_id": order, "executor_id": first, "rating": 4, "comment": "Спасибо" });
    bench.once(CLIENT, "/api/reviews/client", "review", &review).await;
    let complaint = json!({ "order_id": order, "complaint": "Не отвечал" });
    bench.once(second, "/api/reviews/executor", "complaint", &complaint).await;
    let mut outcome = Outcome {
        balances: EXECUTORS.map(|executor| (executor, 800)).to_vec(),
        kinds: vec![("Order", 1), ("Review", 1), ("Complaint", 1), ("LedgerEntry", 4)],
        ..Outcome::default()
    };
    outcome.link(SUBSCRIBER, &order);
    outcome.said(CLIENT, &["(1 из 3)", "(2 из 3)"]);
    for executor in EXECUTORS {
        outcome.said(executor, &["✅", "🏁"]);
    }
    outcome.orders.push((order, "completed"));
    outcome
}

/// Told of alone and in a digest; withdrawn; closed unanswered by the client, by the deadline and by
/// the hour: everything is given back.
pub(super) async fn unanswered(bench: &Bench) -> Outcome {
    let [first, second] = EXECUTORS;
    bench.subscribe(SUBSCRIBER).await;
    for executor in EXECUTORS {
        bench.recharge(executor, 10, &format!("recharge-{executor}")).await;
    }
    bench.pass(300).await;
    let closed = bench.post(&ELECTRICIAN, "post-1").await;
    bench.pass(60).await;
    let withdrawn = bench.post(&CLEANER, "post-2").await;
    let late = bench.post(&Job { contact: "@anna_work", ..ELECTRICIAN }, "post-3").await;
    bench.pass(1_200).await;
    bench.again(CLIENT, "DELETE", &format!("/api/orders/{withdrawn}"), &Value::Null).await;
    bench.take(first, &closed).await;
    bench.act(&closed, "close").await;
    bench.take(first, &late).await;
    bench.take(second, &late).await;
    // The contact of what was withdrawn is free.
    let hour = bench.post(&Job { contact: CLEANER.contact, ..PLUMBER }, "post-4").await;
    bench.pass(1_200).await;
    bench.pass(1_800).await;
    bench.take(second, &hour).await;
    // Its hour is over before its deadline: only the sweep looks.
    bench.pass(720).await;
    let mut outcome = Outcome {
        balances: EXECUTORS.map(|executor| (executor, 1_000)).to_vec(),
        kinds: vec![("Order", 4), ("LedgerEntry", 2 + 4 * 2), ("ContactLock", 0)],
        ..Outcome::default()
    };
    for order in [&closed, &withdrawn, &late] {
        outcome.link(SUBSCRIBER, order);
    }
    outcome.said(CLIENT, &["(1 из 3)", "(1 из 3)", "(2 из 3)", "⏱", "(1 из 3)"]);
    outcome.said(first, &["↩️", "↩️"]);
    outcome.said(second, &["↩️", "↩️"]);
    outcome.orders = vec![
        (closed, "closed_no_response"),
        (withdrawn, "deleted"),
        (late, "closed_no_response"),
        (hour, "expired"),
    ];
    outcome
}

/// Crypto Bot: told of twice; not told of and found by asking; paid when it was over, told of and
/// not told of.
pub(super) async fn invoices(bench: &Bench) -> Outcome {
    let payers = [101, 202, 203, 304];
    let mut payments = Vec::new();
    for (payer, rubles) in payers.into_iter().zip([100, 50, 70, 30]) {
        payments.push(bench.invoice(payer, rubles, "crypto_bot").await);
    }
    bench.pays(payers[0], payments[0], true).await;
    bench.pays(payers[1], payments[1], false).await;
    bench.pass(120).await;
    bench.pass(1_800).await;
    bench.pass(300).await;
    bench.pays(payers[2], payments[2], true).await;
    bench.pays(payers[3], payments[3], false).await;
    bench.pass(3_600).await;
    let mut outcome = Outcome {
        balances: payers.into_iter().zip([10_000, 5_000, 7_000, 3_000]).collect(),
        payments: payments.into_iter().map(|payment| (payment, "paid")).collect(),
        kinds: vec![("LedgerEntry", 4), ("ProviderReceipt", 4), ("UnmatchedEvent", 0)],
        ..Outcome::default()
    };
    outcome.said(payers[2], &["💰 Баланс пополнен на 70 ₽."]);
    outcome.said(payers[3], &["💰 Баланс пополнен на 30 ₽."]);
    outcome
}

/// Stars: admitted, paid, given back; paid and not told of. The sandbox: told of and not told of.
pub(super) async fn pretended(bench: &Bench) -> Outcome {
    let payers = [101, 202, 203, 304];
    let mut payments = Vec::new();
    for (index, payer) in payers.into_iter().enumerate() {
        let provider = if index < 2 { "telegram_stars" } else { "sandbox" };
        payments.push(bench.invoice(payer, 60, provider).await);
    }
    let query = json!({
        "id": "query", "from": { "id": payers[0], "is_bot": false, "first_name": "Анна" },
        "currency": "XTR", "total_amount": 50, "invoice_payload": format!("er1.{}", payments[0]),
    });
    bench.update(&json!({ "update_id": 901, "pre_checkout_query": query })).await;
    bench.pays(payers[0], payments[0], false).await;
    bench.update(&stars(902, payers[0], "successful_payment", payments[0], 50)).await;
    bench.update(&stars(903, payers[0], "refunded_payment", payments[0], 50)).await;
    bench.pays(payers[1], payments[1], false).await;
    for (index, told) in [(2, true), (3, false)] {
        let path = format!("/api/sandbox/payments/{}/pay", payments[index]);
        for _ in 0..2 {
            bench.again(payers[index], "POST", &path, &json!({ "webhook": told })).await;
        }
    }
    let mut start = from(904, payers[0]);
    start["text"] = "/start".into();
    bench.update(&json!({ "update_id": 904, "message": start })).await;
    bench.pass(120).await;
    let mut outcome = Outcome {
        balances: payers.into_iter().zip([0, 6_000, 6_000, 6_000]).collect(),
        payments: payments.into_iter().map(|payment| (payment, "paid")).collect(),
        kinds: vec![("LedgerEntry", 5), ("ProviderReceipt", 4), ("UnmatchedEvent", 0)],
        ..Outcome::default()
    };
    outcome.said(payers[0], &["Здравствуйте!"]);
    outcome
}

/// Everything that is not told gets lost: changes of the store, hints of notices, of deadlines and
/// of digests. What sweeps find late is what was to be found.
pub(super) async fn untold(bench: &Bench) -> Outcome {
    let [executor, _] = EXECUTORS;
    bench.subscribe(SUBSCRIBER).await;
    bench.recharge(executor, 10, "recharge").await;
    bench.pass(300).await;
    let alone = bench.post(&ELECTRICIAN, "post-1").await;
    bench.pass(30).await;
    let lost = |caller: &str| Fault::new(Target::Sqs, FaultKind::MessageLost).caller(caller);
    let faults = bench.stack.engine().faults();
    faults.inject(lost("local-errands-notify-fanout"));
    let waits = bench.post(&CLEANER, "post-2").await;
    bench.pass(900).await;
    let relay = "local-errands-events-relay".to_owned();
    for _ in 0..RELAYED {
        let plan = CrashPlan { caller: Some(relay.clone()), at: 0, mode: CrashMode::Before };
        faults.crash(plan);
    }
    bench.take(executor, &waits).await;
    bench.pass(120).await;
    faults.inject(lost(&relay));
    bench.take(executor, &alone).await;
    bench.pass(120).await;
    bench.pass(900).await;
    // Somebody has looked at what was given up, and seen that it is done.
    let queues = bench.stack.engine().queues();
    let given_up = queues.depths().expect("depths").into_iter().find(|queue| queue.visible > 0);
    let given_up = given_up.expect("changes of the store that were given up").name;
    assert!(given_up.ends_with("errands-events-relay-dead"), "{given_up}");
    queues.purge(&given_up).expect("a purge");
    let mut outcome = Outcome {
        balances: vec![(executor, 1_000)],
        kinds: vec![("Order", 2), ("LedgerEntry", 5)],
        deaths: RELAYED,
        ..Outcome::default()
    };
    outcome.link(SUBSCRIBER, &alone);
    outcome.link(SUBSCRIBER, &waits);
    outcome.said(CLIENT, &["(1 из 3)", "(1 из 3)", "⏱", "⏱"]);
    outcome.said(executor, &["↩️", "↩️"]);
    outcome.orders = vec![(alone, "closed_no_response"), (waits, "closed_no_response")];
    outcome
}

/// A change of the store is brought so often before it is given up.
pub(super) const RELAYED: u64 = 6;

/// A counter of a feed is wrong, and the audit sets it right.
pub(super) async fn audited(bench: &Bench) -> Outcome {
    let [executor, _] = EXECUTORS;
    bench.recharge(executor, 10, "recharge").await;
    bench.invoice(executor, 10, "sandbox").await;
    let order = bench.post(&ELECTRICIAN, "post").await;
    bench.take(executor, &order).await;
    bench.pass(3_600).await;
    let images = bench.images().await;
    let counter = images.iter().find(|image| image["kind"]["S"] == "FeedCounter");
    let mut counter = counter.expect("a counter").clone();
    counter["count"] = json!({ "N": "7" });
    bench.put(&counter).await;
    // Whoever died in it holds it for a while; the next day is another one.
    for _ in 0..2 {
        bench.pass(86_400).await;
    }
    let mut outcome = Outcome {
        balances: vec![(executor, 1_000)],
        kinds: vec![("Order", 1), ("LedgerEntry", 3)],
        ..Outcome::default()
    };
    outcome.said(CLIENT, &["(1 из 3)", "⏱"]);
    outcome.said(executor, &["↩️"]);
    outcome.orders.push((order, "closed_no_response"));
    outcome
}

/// Everybody looks at something first: they are known from then on, once.
pub(super) async fn first_sight(bench: &Bench) -> Outcome {
    for (id, path) in (501..).zip(READS) {
        bench.again(id, "GET", path, &Value::Null).await;
    }
    Outcome { kinds: vec![("User", READS.len())], ..Outcome::default() }
}

/// What there is to look at.
const READS: [&str; 8] = [
    "/api/users/me",
    "/api/users/me/preferences",
    "/api/users/me/notification-settings",
    "/api/balance",
    "/api/balance/transactions",
    "/api/orders?mine=true",
    "/api/reviews?about_me=true",
    "/api/reviews/check?order_id=nothing",
];
